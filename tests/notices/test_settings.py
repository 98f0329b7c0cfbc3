"""Settings of mail: providers, limits and what came back; a wrong one is a sentence and never a secret."""

from datetime import timedelta

import pytest

from sla_portal import environment
from sla_portal.notices.models import FailureReason, Status

from .test_delivery import NOW, deliver, told

PROVIDER = "anymail://postmark?SERVER_TOKEN=a-token"


def mail(monkeypatch, url: str, secret: str = "") -> dict:
    monkeypatch.setenv("EMAIL_URL", url)
    return environment.mail("EMAIL_URL", default="inbox://", webhook_secret=secret)


def test_a_provider_is_named_with_its_own_settings(monkeypatch):
    assert mail(monkeypatch, PROVIDER, "name:a-secret-of-some-length") == {
        "EMAIL_BACKEND": "anymail.backends.postmark.EmailBackend",
        "ANYMAIL_PROVIDER": "postmark",
        "ANYMAIL": {
            "POSTMARK_SERVER_TOKEN": "a-token",
            "WEBHOOK_SECRET": "name:a-secret-of-some-length",
            "IGNORE_UNSUPPORTED_FEATURES": True,
        },
    }
    assert "WEBHOOK_SECRET" not in mail(monkeypatch, PROVIDER)["ANYMAIL"]


@pytest.mark.parametrize(
    "url",
    [
        "anymail://",
        "anymail://nobody?KEY=s3cret",
        "anymail://../x?K=s3cret",
        "anymail://postmark?s3cret",
        "anymail://[?s3cret",
    ],
)
def test_a_provider_that_nobody_knows_is_refused_without_its_secret(monkeypatch, url):
    with pytest.raises(SystemExit, match="EMAIL_URL must be") as refused:
        mail(monkeypatch, url)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("read", "good", "wrong"),
    [
        (
            environment.webhook_secret,
            "name:a-secret-of-some-length",
            ["short:secret", "a-secret-of-some-length", "a b:" + "x" * 20],
        ),
        (
            environment.bounce_address,
            "bounces+*@example.com",
            ["bounces", "@example.com", "a*b*@example.com", "a@b@c", "a b@c"],
        ),
        (
            environment.mailbox,
            "imaps://me%40example.com:pass@mail.example.com/INBOX",
            ["http://me:s3cret@host", "imaps://host", "imaps://me:s3cret@host:x", "nonsense"],
        ),
    ],
)
def test_what_came_back_is_fetched_where_the_settings_say(monkeypatch, read, good, wrong):
    monkeypatch.delenv("SOME", raising=False)
    assert read("SOME") == ""
    monkeypatch.setenv("SOME", good)
    assert read("SOME") == good
    for value in wrong:
        monkeypatch.setenv("SOME", value)
        with pytest.raises(SystemExit, match="SOME must be") as refused:
            read("SOME")
        assert "s3cret" not in str(refused.value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "status"), [("422", Status.PENDING), ("429", Status.PENDING), ("500", Status.UNKNOWN)]
)
def test_a_mail_that_a_provider_refused_is_tried_again_and_one_that_it_may_have_is_not(settings, answer, status):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "tests.support.mail_server.RefusingProvider", answer
    (delivery,) = told("a@example.com")
    deliver()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (status, 1)
    assert f"The provider says {answer}" in delivery.last_error
    if status == Status.PENDING:
        assert (delivery.trouble, delivery.next_attempt_at) == (FailureReason.POSTPONED, NOW + timedelta(minutes=1))
