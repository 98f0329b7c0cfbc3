"""The evidence bundles of a claim and of a month: what they contain, who asks for them, and that they verify."""

import csv
import io
import json
from hashlib import sha256
from zipfile import ZipFile

import pytest
from django.core.files.base import ContentFile

from claims.models import Claim, Voucher
from claims.operations import decline_undoing
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Checkpoint, Entry, Occasion
from sla_portal.audit.operations import NotAllowed
from sla_portal.availability.models import Deviation, Evidence, Exclusion
from sla_portal.availability.operations import MonthNotInService, judge_due_months
from sla_portal.customers.models import Region
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.models import Bundle, Report, ReportRun, Status
from sla_portal.reports.operations import (
    MonthNotBegun,
    make_bundle,
    request_claim_bundle,
    request_month_bundle,
)
from tests.support.amendments import legal
from tests.support.builders import a_window, an_exclusion, an_incident, an_outage, at, on
from tests.support.claimants import (
    OPEN,
    SEPTEMBER,
    a_claim,
    a_claimant,
    a_missed_september,
    granted,
    proposed_undoing,
    support,
)
from tests.support.closing import closed_by_two
from tests.support.desk import a_member
from tests.support.verifying import failed

pytestmark = [pytest.mark.django_db, pytest.mark.pdf]


@pytest.fixture(autouse=True)
def files(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def a_report(**of) -> Report:
    """A report of September with a file."""
    run = ReportRun.objects.create(month=on("2026-09-01"), requested_at=OPEN, requested_by_name="Lena")
    content = b"%PDF-1.7 " + str(of).encode()
    report = Report(
        run=run, month=on("2026-09-01"), number=f"SLA-{len(Report.objects.all())}", revision=1, language="en",
        issued_at=OPEN, statement={}, figures_sha256="f" * 64, shared_sha256="s", status=Status.READY,
        file_sha256=sha256(content).hexdigest(), size=len(content), rendered_at=OPEN, **of,
    )  # fmt: skip
    report.file.save("report.pdf", ContentFile(content), save=False)
    report.save()
    return report


@pytest.fixture
def claim() -> Claim:
    """A granted claim for a closed September: 37 minutes down, 7 of them excluded, 30 claimed from 00:58 on."""
    claimant = a_claimant()
    a_missed_september()
    other = an_incident(
        "INC-LAW", detected_at=at("2026-09-10 01:37"), resolved_at=at("2026-09-10 01:44"), attributable=True
    )
    an_outage(claimant.customer.region, "2026-09-10 01:37", "2026-09-10 01:44", incident=other)
    law = an_exclusion(other, "4.10", reason="By order of a court")
    Evidence.objects.create(
        exclusion=law, name="order.pdf", file="order", size=1, sha256="e" * 64, added_at=OPEN, added_by_name="Lena"
    )
    a_window("2026-09-20 01:00", "2026-09-20 02:00", ("2026-09-01 00:00", "2026-09-20 01:00", "2026-09-20 02:00"))
    judge_due_months(now=at("2026-10-08 01:00"))
    closed_by_two(SEPTEMBER, at("2026-10-08 02:00"))
    made = a_claim(claimant, times=[(at("2026-09-10 00:58"), at("2026-09-10 01:28"))])
    granted(made, voucher_minutes=10)
    made.refresh_from_db()
    a_report(customer=claimant.customer)
    a_report(region=claimant.customer.region)
    return made


def made(bundle: Bundle) -> ZipFile:
    assert make_bundle(pk=bundle.pk, clock=lambda: OPEN), Bundle.objects.get().error
    bundle.refresh_from_db()
    with bundle.file.open("rb") as file:
        return ZipFile(io.BytesIO(file.read()))


def table(archive: ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))


def actions(archive: ZipFile) -> set[str]:
    return {json.loads(line)["content"]["action"] for line in archive.read("audit.jsonl").decode().splitlines()}


def published() -> dict[int, str]:
    newest = Checkpoint.objects.latest("number")
    assert newest.occasion == Occasion.BUNDLE
    return {newest.entry: newest.hash}


def test_the_bundle_of_a_claim(claim, tmp_path):
    declined = proposed_undoing(*claim.compensations.get().entries.all(), reason="Typed twice")
    decline_undoing(actor=Actor.staff(support("cora")), undoing=declined, reason="It is owed", now=OPEN)
    archive = made(request_claim_bundle(actor=legal("ann"), claim=claim, language="en", now=OPEN))
    application = json.loads(archive.read("application.json"))
    assert (application["number"], application["times"]) == (
        claim.number, [["2026-09-10T00:58:00Z", "2026-09-10T01:28:00Z"]]
    )  # fmt: skip
    assert [row["sha256"] for row in table(archive, "proofs.csv")] == [proof.sha256 for proof in claim.proofs.all()]
    assert {row["result"] for row in table(archive, "checks.csv")} == {"pass"}
    minutes = table(archive, "minutes.csv")
    assert len(minutes) == 46
    kinds = [(row["from_utc"][11:16], row["claimed"], row["result"], row["excluded_under"]) for row in minutes]
    assert kinds[0] == ("00:58", "yes", "up", "")
    assert kinds[2] == ("01:00", "yes", "counted", "")
    assert kinds[30] == ("01:28", "no", "counted", "")
    assert kinds[-1] == ("01:43", "no", "excluded", "4.10")
    (law,) = table(archive, "exclusions.csv")
    assert (law["reason"], law["evidence_sha256"]) == ("By order of a court", "e" * 64)
    (decision,) = table(archive, "decisions.csv")
    assert (decision["outcome"], decision["approved"], decision["voucher_minutes"]) == ("grant", "yes", "10")
    assert "We looked at it." in archive.read(f"recommendations/{decision['recommendation']}.txt").decode()
    assert {row["type"] for row in table(archive, "ledger.csv")} == {"issued", "extended"}
    (reversal,) = table(archive, "reversals.csv")
    assert [reversal[name] for name in ("ledger_numbers", "reason", "outcome", "closed_by", "answer")] == [
        "1, 2", "Typed twice", "declined", "cora", "It is owed"
    ]  # fmt: skip
    assert [row["email"] for row in table(archive, "deliveries.csv")] == [claim.email] * 2
    assert [name for name in archive.namelist() if name.startswith("reports/")] == ["reports/SLA-0-r1.pdf"]
    assert actions(archive) >= {"received", "recommended to grant", "granted", "gave", "issued a voucher"}
    code = Voucher.objects.get().code.encode()
    assert not [name for name in archive.namelist() if code in archive.read(name)]
    decided = Checkpoint.objects.get(occasion=Occasion.DECISION)
    assert [one["number"] for one in json.loads(archive.read("checkpoints.json"))] == [decided.number]
    assert failed(archive, tmp_path / "claim", published()) == 0
    readme = archive.read("README.txt").decode()
    assert not [name for name in archive.namelist() if name.partition("/")[0] not in f"{readme} README.txt"]
    entry = Entry.objects.get(action="requested a bundle of proof")
    assert entry.changes == {"about": [None, claim.number], "language": [None, "en"]}


def test_the_bundle_of_a_month(claim, tmp_path):
    Deviation.objects.create(month=SEPTEMBER.first_day, noticed_at=OPEN)
    archive = made(request_month_bundle(actor=legal("ann"), month=SEPTEMBER, language="en", now=OPEN))
    assert {row["incident"] for row in table(archive, "outages.csv")} == {
        row["incident"] for row in table(archive, "incidents.csv")
    }
    assert len(table(archive, "outages.csv")) == 2
    assert [row["exclusion"] for row in table(archive, "evidence.csv")] == [str(Exclusion.objects.get().pk)]
    (notice,) = table(archive, "window_notices.csv")
    assert (notice["sent_at"], notice["announced_from"]) == ("2026-09-01T00:00:00Z", "2026-09-20T01:00:00Z")
    region = Region.objects.get()
    judged = json.loads(archive.read(f"judgement/{region.code}.json"))
    (frozen,) = table(archive, "regions.csv")
    assert str(judged["unavailable_minutes"]) == frozen["unavailable_minutes"] == "37"
    assert [row["code"] for row in table(archive, "customers.csv")] == [claim.contract.customer.code]
    (closing,) = table(archive, "closings.csv")
    assert (closing["revision"], closing["by_one_person"]) == ("1", "False")
    assert [row["status"] for row in table(archive, "closing_requests.csv")] == ["confirmed"]
    assert [row["noticed_at"] for row in table(archive, "deviations.csv")] == ["2026-10-20T08:00:00Z"]
    assert [row["file"] for row in table(archive, "reports.csv")] == ["", "reports/SLA-1-r1.pdf"]
    assert [name for name in archive.namelist() if name.startswith("reports/")] == ["reports/SLA-1-r1.pdf"]
    assert "closed" in actions(archive)
    closed = Checkpoint.objects.get(occasion=Occasion.CLOSING)
    assert [one["number"] for one in json.loads(archive.read("checkpoints.json"))] == [closed.number]
    assert failed(archive, tmp_path / "month", published()) == 0
    readme = archive.read("README.txt").decode()
    assert "no longer agree with the record" in readme
    assert not [name for name in archive.namelist() if name.partition("/")[0] not in f"{readme} README.txt"]


def test_who_may_not_asks_in_vain_and_a_month_without_service_has_no_evidence(claim):
    for role in ("NOC", "Support", "Auditor", "Administrator"):
        actor = Actor.staff(a_member(role))
        with pytest.raises(NotAllowed):
            request_claim_bundle(actor=actor, claim=claim, language="en", now=OPEN)
        with pytest.raises(NotAllowed):
            request_month_bundle(actor=actor, month=SEPTEMBER, language="en", now=OPEN)
    for month, refusal in ((ServiceMonth(2026, 11), MonthNotBegun), (ServiceMonth(2020, 1), MonthNotInService)):
        with pytest.raises(refusal):
            request_month_bundle(actor=legal("ann"), month=month, language="en", now=OPEN)
    assert not Bundle.objects.exists()
