"""What only the recipient may read: in his mail, and nowhere else."""

from email import message_from_bytes
from email.policy import default

import pytest
from django.core import mail as outbox
from django.urls import reverse
from django.utils import translation
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from sla_portal.notices.mail.message import MailMessage
from sla_portal.notices.models import Delivery, Notice
from sla_portal.notices.operations import deliver_chunk
from sla_portal.notices.private import PRIVATE_CODE, code, completed, concealed, delivery_of, private_link, token
from sla_portal.notices.wording import Words
from tests.support.desk import a_member, signed_in, text_of

from .test_giving import NOW, a_contact
from .test_giving import given as told

pytestmark = pytest.mark.django_db

LINK = private_link("/amendment/object/")
WORDS = [
    Words(
        language,
        "Your say",
        f"Object here: {LINK}\nYour code is {PRIVATE_CODE}.",
        f'<p>You may <a href="{LINK}">object</a> until then. Your code is <b>{PRIVATE_CODE}</b>.</p>',
    )
    for language in ("en", "zh-hans")
]


def two_deliveries(**values) -> list[Delivery]:
    notice = told(a_contact("a@example.com"), a_contact("b@example.com", "zh-hans"), wordings=WORDS, **values)
    return list(notice.deliveries.order_by("id"))


def bodies(content: bytes) -> list[str]:
    """Text and HTML, as the receiver's server takes them from the wire."""
    mail = message_from_bytes(content.replace(b"\r\n..", b"\r\n."), policy=default)
    return [mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html")]


def letter_of(delivery: Delivery) -> MailMessage:
    return MailMessage(delivery.notice, delivery.notice.wording(delivery.language), [])


def test_each_mail_holds_its_own_link_and_code_as_text_and_as_html(settings):
    settings.SITE_URL = "https://sla.example.com"
    first, second = two_deliveries()
    for delivery, other in ((first, second), (second, first)):
        text, html = bodies(letter_of(delivery).completed(delivery))
        address = f"https://sla.example.com/amendment/object/{token(delivery)}/"
        assert f"Object here: {address}\nYour code is {code(delivery)}." in text
        assert f'<a href="{address}"' in html
        assert f"{code(delivery)}</b>" in html
        for body in (text, html):
            assert "%%" not in body
            assert token(other) not in body
            assert code(other) not in body


def test_a_mail_backend_of_djangos_is_given_the_same_words():
    delivery, _second = two_deliveries()
    deliver_chunk(ids=[delivery.pk], clock=lambda: NOW)
    (mail,) = outbox.outbox
    handed_over, spliced = bodies(mail.message().as_bytes()), bodies(letter_of(delivery).completed(delivery))
    assert [body.strip() for body in handed_over] == [body.strip() for body in spliced]


@examples(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.text(st.sampled_from("aä. =\n王"), max_size=160), after=st.text(st.sampled_from("aä. =\n"), max_size=90)
)
def test_wherever_a_line_would_have_been_broken_the_mail_says_what_was_written(before, after):
    said = f"x{before}{LINK}{after}{PRIVATE_CODE}{after}x"
    notice = Notice(number="N-1", kind="claim", given_at=NOW, sha256="ab" * 32)
    wording = notice.wordings.model(language="en", subject="S", text=said, html=f"<pre>{said}</pre>")
    delivery = Delivery(pk=7, notice=notice, email="a@example.com", name="Ada", language="en")
    sent = MailMessage(notice, wording, []).completed(delivery)
    assert max(map(len, sent.split(b"\r\n"))) <= 76
    text, html = bodies(sent)
    assert completed(said, delivery) in text
    assert completed(said, delivery) in html


def test_a_name_that_looks_like_a_marker_stays_a_name():
    notice = told(a_contact("a@example.com", name=PRIVATE_CODE), wordings=WORDS)
    delivery = notice.deliveries.get()
    text, _html = bodies(letter_of(delivery).completed(delivery))
    assert f"Dear {PRIVATE_CODE}," in text
    assert f"Dear {PRIVATE_CODE}," in letter_of(delivery).message(delivery).body


def test_the_hash_of_a_notice_is_that_of_its_words_with_markers():
    notice = Notice.objects.get(pk=two_deliveries()[0].notice_id)
    assert LINK in notice.wording("en").text
    assert notice.sha256 == notice.expected_sha256()


def test_a_token_leads_to_its_delivery_and_nothing_else_does(django_assert_num_queries):
    first, second = two_deliveries()
    with django_assert_num_queries(1):
        found = delivery_of(token(first))
        assert (found, found.notice.number) == (first, "N-2026-0001")
    forged = token(first).replace(f"{first.pk}-", f"{second.pk}-")
    for wrong in ("", "x", "\0", forged, token(first)[:-1], token(first) + "\n", f"0{token(first)}", "9" * 30 + "-x"):
        assert delivery_of(wrong) is None
    two_others = two_deliveries()
    assert len({token(delivery) for delivery in (first, second, *two_others)}) == 4


def test_a_link_lives_as_long_as_its_key(settings):
    delivery, _second = two_deliveries()
    old, old_key = token(delivery), settings.SECRET_KEY
    settings.SECRET_KEY = "another key, which guards nothing"
    assert token(delivery) != old
    assert delivery_of(old) is None
    settings.SECRET_KEY_FALLBACKS = [old_key]
    assert delivery_of(old) == delivery


def test_a_code_has_eight_digits_and_is_the_deliverys_own():
    codes = {code(delivery) for _ in range(5) for delivery in two_deliveries()}
    assert len(codes) == 10
    assert all(len(one) == 8 and one.isdecimal() for one in codes)


@pytest.mark.parametrize("path", ["claims/", "/claims", "//", "/a b/", '/"/', "https://example.com/"])
def test_a_private_link_leads_to_a_path_of_ours(path):
    with pytest.raises(ValueError, match="is not a path"):
        private_link(path)


def test_neither_desk_nor_website_shows_what_is_the_recipients_own():
    delivery, _second = two_deliveries(kind="amendment")
    desk = signed_in(a_member("Auditor"))
    seen = text_of(desk.get(reverse("admin:notices_notice_change", args=[delivery.notice_id])))
    assert "Object here: (personal link of the recipient) Your code is (personal code of the recipient)." in seen
    public = desk.get(f"/notices/{delivery.notice.number}/").content.decode()
    for secret in ("%%", token(delivery), code(delivery), "amendment/object"):
        assert secret not in seen
        assert secret not in public
    assert "You may <a>object</a> until then." in public


def test_what_is_concealed_is_said_in_the_language_of_the_words():
    with translation.override("zh-hans"):
        assert concealed(PRIVATE_CODE, "en") == "(personal code of the recipient)"
