"""A staging copy: nothing of the original is good on it, no e-mail leaves it, and neither is served as the other."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings as portal
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from claims.models import Application, ClaimLink
from claims.operations.applying import hashed
from sla_portal import environment
from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import register
from sla_portal.audit.models import Entry, Kind
from sla_portal.customers.models import Contact, Customer
from sla_portal.history.copying import NotStaging, make_staging_copy
from sla_portal.notices.models import Delivery, Notice
from sla_portal.notices.operations import deliver_chunk, due, give_notice
from sla_portal.notices.private import delivery_of, private_link, token
from sla_portal.notices.wording import Words
from sla_portal.operator import middleware
from sla_portal.operator.checks import check_site_role
from sla_portal.operator.models import StagingCopy
from sla_portal.operator.queries import present_mark
from sla_portal.website.queries.documents import verified_by_code
from tests.support.builders import at
from tests.support.claimants import a_claim, a_claimant, a_missed_september
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW, LATER = at("2026-11-01 00:00"), at("2026-11-02 00:00")
SYSTEM = Actor.system("test")


def told(now=NOW) -> Notice:
    words = [
        Words(language, "News", private_link("/claims/follow/"), f"<p>{private_link('/claims/follow/')}</p>")
        for language, _name in portal.LANGUAGES
    ]
    return give_notice(
        actor=SYSTEM,
        kind="announcement",
        about="",
        wordings=words,
        audience=Contact.objects.all(),
        public=False,
        now=now,
    )


def staging(settings, **more) -> None:
    """The settings of a staging copy with the original's key."""
    settings.SITE_ROLE, settings.IS_STAGING = "staging", True
    settings.SECRET_KEY = environment.key_of_role(settings.SECRET_KEY, "staging")
    for name, value in more.items():
        setattr(settings, name, value)


def test_what_the_original_handed_out_is_dead_in_the_copy(settings, monkeypatch):
    monkeypatch.setattr(middleware, "known_right", set())
    claimant = a_claimant()
    a_missed_september()
    claim = a_claim(claimant)
    ClaimLink.objects.create(claim=claim, token_hash=hashed("the original's"), created_at=NOW, expires_at=LATER)
    Application.objects.create(key_hash=hashed("a form"), language="en", started_at=NOW, expires_at=LATER)
    paper = register(kind=Kind.REPORT, number="SLA-2026-09-EU", sha256="0" * 64, issued_at=NOW)
    delivery = told().deliveries.get()
    link, desk = token(delivery), signed_in(a_member("Legal"))
    assert delivery_of(link) == delivery
    with pytest.raises(NotStaging):
        make_staging_copy(actor=SYSTEM, mask=False, now=LATER)

    staging(settings)
    sentence = "was not made a staging copy"
    refused = Client().get("/")
    assert (refused.status_code, sentence in refused.content.decode()) == (503, True)
    assert [sentence in one.msg for one in check_site_role(databases=["default"])] == [True]
    assert Client().get("/healthz").status_code in {200, 503}
    call_command("stagecopy", "--yes", stdout=StringIO())
    assert (Client().get("/").status_code, check_site_role(databases=["default"])) == (200, [])
    assert "Staging copy" in text_of(Client().get("/"))
    assert present_mark() == "staging"
    assert delivery_of(link) is None
    assert not ClaimLink.objects.filter(revoked_at__isnull=True).exists()
    assert not Application.objects.filter(key_hash=hashed("a form")).exists()
    assert desk.get("/admin/").status_code == 302
    assert verified_by_code(paper.number, paper.check_code) is None
    entry = Entry.objects.first()
    assert (entry.action, entry.changes["links revoked"]) == ("made a staging copy", [None, 2])
    assert entry.changes["masked"] == [None, False]
    # Of its own, a copy knows the links and papers.
    own = told(LATER).deliveries.get()
    assert delivery_of(token(own)) == own
    later = register(kind=Kind.REPORT, number="S-1", sha256="1" * 64, issued_at=at("2036-01-01 00:00"))
    assert verified_by_code("S-1", later.check_code)

    with pytest.raises(IntegrityError, match="only_added"), transaction.atomic():
        StagingCopy.objects.all()._raw_delete(connection.alias)
    settings.SITE_ROLE, settings.IS_STAGING = "production", False
    assert Client().get("/").status_code == 503
    assert "SITE_ROLE is production" in check_site_role(databases=["default"])[0].msg


def test_no_e_mail_leaves_a_copy_and_copies_go_where_they_are_asked_for(settings, django_capture_on_commit_callbacks):
    a_claimant()
    before = told().deliveries.get()
    staging(settings)
    make_staging_copy(actor=SYSTEM, mask=False, now=LATER)
    told(LATER)
    assert due(now=LATER).workers == 1
    assert deliver_chunk(clock=lambda: LATER) is None
    assert due(now=LATER).workers == 0
    assert {(one.status, one.trouble, one.sent_at) for one in Delivery.objects.all()} == {("pending", "held", None)}
    assert mail.outbox == []
    desk = signed_in(a_member("Legal"))
    assert "Held: customers get no e-mail from a staging copy." in text_of(
        desk.get(f"/admin/notices/delivery/{before.pk}/change/")
    )

    settings.STAGING_MAIL_TO = ["tester@example.com"]
    told(LATER)
    deliver_chunk(clock=lambda: LATER)
    deliver_chunk(clock=lambda: LATER)
    (copy,) = mail.outbox
    assert (copy.to, copy.cc, copy.bcc) == (["tester@example.com"], [], [])
    assert copy.subject == "[Staging copy] News"
    assert {one.status for one in Delivery.objects.all()} == {"pending"}


def test_names_and_addresses_are_masked_where_that_is_asked_for(settings):
    claimant = a_claimant()
    a_missed_september()
    claim = a_claim(claimant)
    address, name = claimant.contact.email, claimant.customer.name
    delivery = told().deliveries.get()
    staging(settings)
    make_staging_copy(actor=SYSTEM, mask=True, now=LATER)
    for row in (claimant.customer, claimant.contact, claim, delivery):
        row.refresh_from_db()
    assert claimant.contact.email == claim.email == delivery.email
    assert claimant.contact.email.endswith("@example.invalid")
    assert claimant.contact.name == delivery.name != "Ada Hafen"
    assert claimant.customer.name != name
    assert not Contact.objects.filter(email=address).exists()
    assert Customer.objects.get().code == claimant.customer.code
    with pytest.raises(IntegrityError, match="only_added"), transaction.atomic():
        Delivery.objects.update(email=address)


def test_the_command_asks_and_the_key_of_a_copy_is_another(monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _question: "no")
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("stagecopy")
    assert environment.key_of_role("a key", "production") == "a key"
    assert environment.key_of_role("a key", "staging") not in {"a key", environment.key_of_role("another", "staging")}


@pytest.mark.sqlite
def test_the_settings_of_a_copy_seal_nothing_read_no_mailbox_and_share_no_queue(tmp_path):
    code = (
        "from sla_portal import settings as s; print(s.IS_STAGING, repr(s.SEAL_KEY), repr(s.BOUNCES_URL), "
        "s.CELERY_TASK_DEFAULT_QUEUE, s.SECRET_KEY != 'key', s.SECRET_KEY_FALLBACKS != ['old'], s.STAGING_MAIL_TO)"
    )
    given = {
        "SITE_ROLE": "staging", "SEAL_KEY": "/key.pem", "BOUNCES_URL": "imaps://a:b@c/INBOX", "SECRET_KEY": "key",
        "SECRET_KEY_FALLBACKS": "old", "STAGING_MAIL_TO": "a@example.com, b@example.com", "VAR_DIR": str(tmp_path),
        "ENV_FILE": os.devnull, "PATH": os.environ["PATH"],
    }  # fmt: skip
    said = subprocess.run([sys.executable, "-c", code], env=given, cwd=portal.BASE_DIR, capture_output=True, text=True)
    assert said.stdout.strip() == "True '' '' sla-portal-staging True True ['a@example.com', 'b@example.com']", (
        said.stderr
    )
