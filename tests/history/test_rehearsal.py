"""What is recorded in a rehearsal is marked, and removed by one command; what was set up stays, and every guard holds again."""

from io import StringIO

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, models, transaction
from time_machine import travel

from claims.models import Proof
from incidents.models import Incident
from sla_portal.agreements.models import AgreementVersion, Contract
from sla_portal.agreements.operations import register_answer
from sla_portal.agreements.rules import AnswerKind
from sla_portal.audit.actors import Actor
from sla_portal.audit.guards import may_lift_guards, unguarded
from sla_portal.audit.models import Document, Entry, Kind, Seal
from sla_portal.audit.operations import NotAllowed
from sla_portal.availability.models import MonthClosing, RegionMonth
from sla_portal.availability.operations import judge_due_months
from sla_portal.customers.models import Customer
from sla_portal.history.emptying import RECORDED, NothingToEmpty, empty_rehearsal, unsorted_tables
from sla_portal.notices.mail.message import MailMessage
from sla_portal.notices.models import Notice, Wording
from sla_portal.operator.models import Opening, Rehearsal
from sla_portal.operator.operations import (
    AlreadyRehearsing,
    PortalIsOpen,
    SomethingIssued,
    StillRehearsing,
    begin_rehearsal,
    open_portal,
)
from sla_portal.operator.queries import present_mark, rehearsal_number
from sla_portal.reports.models import Report
from sla_portal.reports.operations import queue_reports, request_reports
from sla_portal.website.queries.documents import verified_by_code
from tests.support.amendments import a_draft, announced
from tests.support.builders import a_region, at, on
from tests.support.claimants import OPEN, SEPTEMBER, a_claim, a_claimant, a_missed_september, close_september, granted
from tests.support.desk import a_member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("closed_portal")]

BEGUN, EMPTIED = at("2026-05-01 00:00"), at("2026-11-20 00:00")
SYSTEM = Actor.system("test")


def rows(labels) -> dict[str, list]:
    return {label: list(apps.get_model(label)._base_manager.order_by("pk").values()) for label in sorted(labels)}


def set_up() -> dict[str, list]:
    """Every table that a rehearsal leaves alone, without the log and what only says who came when."""
    moving = {"audit", "auth", "operator", "sessions", "axes", "admin", "contenttypes"}
    return rows(
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label not in RECORDED and model._meta.app_label not in moving
    )


def guards() -> set[tuple[str, str]]:
    """The triggers of the database that stand."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal")
        else:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        return set(cursor.fetchall())


def everything_typed(claimant) -> None:
    """A year of the portal in a day: an outage, a closed month, a claim granted, reports, an amendment with a termination."""
    a_missed_september()
    close_september()
    claim = a_claim(claimant)
    file = ContentFile(b"a proof", name="screen.png")
    Proof.objects.create(
        claim=claim, name="screen.png", kind="png", size=7, sha256="1" * 64, scan="not scanned", added_at=OPEN,
        added_by_name="Ada", file=Proof._meta.get_field("file").storage.save("proof-of-a-rehearsal", file),
    )  # fmt: skip
    granted(claim)
    run = request_reports(actor=SYSTEM, month=SEPTEMBER, now=OPEN)
    queue_reports(run_id=run.pk, now=OPEN)
    version = announced(
        a_draft(now=at("2026-11-15 00:00"), first_is_worded=False), on("2027-01-10"), at("2026-11-15 00:00")
    )
    register_answer(
        actor=SYSTEM, version=version, customer=claimant.customer, kind=AnswerKind.TERMINATION, by_name="Ada",
        received_at=at("2026-11-16 00:00"), now=at("2026-11-16 01:00"),
    )  # fmt: skip


def test_what_was_rehearsed_is_removed_and_the_portal_is_as_it_was_set_up(settings):
    settings.SEAL_KEY = "/a/key/that/is/set"
    claimant = a_claimant(ends_on="2027-12-31")
    before, stood = set_up(), guards()
    rehearsal = begin_rehearsal(actor=Actor.staff(a_member("Administrator")), now=BEGUN)
    assert (present_mark(), rehearsal_number()) == ("rehearsal", rehearsal.pk)
    with pytest.raises(AlreadyRehearsing):
        begin_rehearsal(actor=SYSTEM, now=BEGUN)
    with pytest.raises(StillRehearsing):
        open_portal(actor=SYSTEM, now=BEGUN)
    with pytest.raises(IntegrityError, match="a_portal_is_opened_after_the_rehearsal"), transaction.atomic():
        Opening.objects.create(pk=Opening.ONLY, opened_at=BEGUN)

    everything_typed(claimant)
    contract = Contract.objects.get()
    assert contract.extended_minutes
    assert contract.terminated_on
    assert not Document.objects.exclude(kind=Kind.CHECKPOINT).exclude(rehearsal=rehearsal.pk).exists()
    assert not Seal.objects.exclude(document__kind=Kind.CHECKPOINT).exists()
    assert {report.statement["issue"]["mark"] for report in Report.objects.all()} == {"rehearsal"}
    assert '"rehearsal":true' in MonthClosing.objects.get().statement
    worded = Wording.objects.filter(language="en").first()
    assert worded.subject.startswith("[Rehearsal] ")
    assert worded.text.startswith("Rehearsal: ")
    assert "<strong>Rehearsal:</strong>" in MailMessage(worded.notice, worded, []).html
    paper = Document.objects.filter(kind=Kind.ANNOUNCEMENT).first()
    stored = Proof.objects.get(sha256="1" * 64).file
    storage, name = stored.storage, stored.name
    entries, last = Entry.objects.count(), Incident.objects.get().pk

    said = StringIO()
    with pytest.raises(IntegrityError), transaction.atomic():
        MonthClosing.objects.all()._raw_delete(connection.alias)
    with travel(EMPTIED, tick=False):
        call_command("emptyrehearsal", "--yes", stdout=said)
    assert "incidents: 1" in said.getvalue()
    assert {label: found for label, found in rows(RECORDED).items() if found} == {}
    assert set_up() == before
    assert guards() == stood
    assert not storage.exists(name)
    entry = Entry.objects.first()
    assert (Entry.objects.count(), entry.action) == (entries + 1, "emptied")
    assert entry.changes["ledger entries"] == [1, 0]
    assert verified_by_code(paper.number, paper.check_code).document.rehearsed
    rehearsal.refresh_from_db()
    assert rehearsal.ended_at == EMPTIED
    for changed in ({"ended_at": None, "ended_by_name": ""}, {"begun_at": EMPTIED}):
        with pytest.raises(IntegrityError, match="only_added"), transaction.atomic():
            Rehearsal.objects.update(**changed)

    # The same again, for real: the numbers start anew, the keys of rows go on.
    with pytest.raises(CommandError, match="No rehearsal is running"):
        call_command("emptyrehearsal", "--yes")
    with pytest.raises(NothingToEmpty):
        empty_rehearsal(actor=SYSTEM, customers=False, now=EMPTIED)
    assert present_mark() == ""
    assert judge_due_months(now=EMPTIED)
    assert RegionMonth.objects.exists()
    everything_typed(claimant)
    assert Incident.objects.get().pk > last
    assert Notice.objects.order_by("pk").first().number.endswith("-0001")
    assert Document.objects.filter(kind=Kind.CLOSING).order_by("pk").values_list("rehearsal", flat=True).last() == 0
    assert "rehearsal" not in MonthClosing.objects.get().statement
    with pytest.raises(SomethingIssued):
        begin_rehearsal(actor=SYSTEM, now=EMPTIED)
    open_portal(actor=SYSTEM, now=EMPTIED)
    with pytest.raises(PortalIsOpen):
        begin_rehearsal(actor=SYSTEM, now=EMPTIED)
    with pytest.raises(IntegrityError, match="a_rehearsal_begins_before_the_opening"), transaction.atomic():
        Rehearsal.objects.create(begun_at=EMPTIED, begun_by_name="Mallory")
    said = StringIO()
    call_command("checkaudit", stdout=said)
    assert "The audit log is intact" in said.getvalue()


def test_customers_go_where_that_is_asked_for():
    a_claimant()
    begin_rehearsal(actor=SYSTEM, now=BEGUN)
    emptied = empty_rehearsal(actor=SYSTEM, customers=True, now=EMPTIED)
    assert emptied.counts == {"customers": 1}
    assert not Customer.objects.exists()
    assert not Contract.objects.exists()
    assert AgreementVersion.objects.get().version == "1.0"
    assert a_region().pk


def test_a_rehearsal_is_begun_by_an_administrator_before_anything_was_issued():
    with pytest.raises(NotAllowed):
        begin_rehearsal(actor=Actor.staff(a_member("Legal")), now=BEGUN)
    Document.objects.create(
        kind=Kind.REPORT,
        about="2026-04 region 1",
        number="SLA-2026-04-EU",
        issued_at=BEGUN,
        sha256="0" * 64,
        check_code="1",
    )
    with pytest.raises(SomethingIssued, match="SLA-2026-04-EU"):
        begin_rehearsal(actor=SYSTEM, now=BEGUN)
    assert not Rehearsal.objects.exists()


def test_the_database_refuses_a_rehearsal_of_an_open_portal():
    Opening.objects.create(pk=Opening.ONLY, opened_at=BEGUN)
    with pytest.raises(IntegrityError, match="a_rehearsal_begins_before_the_opening"), transaction.atomic():
        Rehearsal.objects.create(begun_at=EMPTIED, begun_by_name="bob")


def test_guards_are_lifted_in_a_transaction_alone_and_come_back_where_it_fails():
    closing = MonthClosing.objects.create(month=SEPTEMBER.first_day, closed_at=OPEN, closed_by_name="legal")
    stood, table = guards(), MonthClosing._meta.db_table
    assert may_lift_guards(connection, [table])
    with pytest.raises(ZeroDivisionError), transaction.atomic(), unguarded(connection, [table]) as cursor:
        cursor.execute(f"DELETE FROM {table}")
        raise ZeroDivisionError
    assert guards() == stood
    assert MonthClosing.objects.get() == closing


def test_every_table_is_emptied_or_stays():
    """Whoever adds a table says in `history/emptying.py` which: what is recorded, or what is set up."""
    assert unsorted_tables(apps.get_models(include_auto_created=True)) == []

    class Forgotten(models.Model):
        class Meta:
            app_label = "claims"
            managed = False

    try:
        assert unsorted_tables([Forgotten]) == ["claims.Forgotten"]
    finally:
        del apps.all_models["claims"]["forgotten"]
        apps.clear_cache()
