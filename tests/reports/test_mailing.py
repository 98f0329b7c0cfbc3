"""Who wants it is told when the reports of a closed month are issued: an installer of those of all its sites, once."""

from hashlib import sha256
from io import BytesIO
from zipfile import ZipFile

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from sla_portal.audit.actors import Actor
from sla_portal.availability.operations import close_month
from sla_portal.customers.models import Customer
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Notice
from sla_portal.notices.private import token
from sla_portal.reports.models import MailedReport, Report, Status
from sla_portal.reports.operations import mail_due_reports, queue_reports, request_reports
from tests.support.builders import a_contract, a_customer, a_region, at
from tests.support.claimants import a_missed_september
from tests.support.desk import text_of

pytestmark = pytest.mark.django_db

SEPTEMBER = ServiceMonth(2026, 9)
CLOSED = at("2026-10-08 02:00")
NOW = at("2026-10-08 03:00")
SYSTEM = Actor.system("test")


@pytest.fixture
def installer(settings, tmp_path) -> Customer:
    """Wants reports by mail for its two sites, of which one has a contact of its own; a third customer wants none."""
    settings.MEDIA_ROOT = tmp_path
    installer = a_customer(a_region(), "I-1", reports_by_mail=True)
    installer.contacts.create(email="wall@example.com")
    sites = [a_customer(a_region(), code, name=f"House {code}", installer=installer) for code in ("S-1", "S-2")]
    sites[1].contacts.create(email="porter@example.com")
    for customer in (*sites, a_customer(a_region(), "C-9")):
        a_contract(customer, "2026-01-01", "2026-12-31")
    return installer


def issue() -> None:
    """Request the reports of September and store a file for each, as the worker does when it has rendered them."""
    run = request_reports(actor=SYSTEM, month=SEPTEMBER, now=CLOSED)
    queue_reports(run_id=run.pk, now=CLOSED)


def render_all() -> None:
    for report in Report.objects.filter(status=Status.QUEUED):
        content = report.number.encode()
        report.file.save("", ContentFile(content), save=False)
        report.status, report.rendered_at, report.size = Status.READY, NOW, len(content)
        report.file_sha256 = sha256(content).hexdigest()
        report.save()


def told() -> list[tuple[str, list[str]]]:
    rows = Delivery.objects.filter(notice__kind="report")
    return sorted((one.email, sorted(one.customers.values_list("customer__code", flat=True))) for one in rows)


def test_an_installer_is_told_once_of_the_reports_of_all_its_sites(installer, client):
    a_missed_september()
    issue()
    render_all()
    assert mail_due_reports(now=NOW) == 0, "provisional figures are not told of"
    close_month(actor=SYSTEM, month=SEPTEMBER, now=CLOSED)
    issue()
    assert mail_due_reports(now=NOW) == 0, "not before all are rendered"
    render_all()
    assert mail_due_reports(now=at("2026-11-30 03:00")) == 0, "nor long afterwards"
    assert (mail_due_reports(now=NOW), mail_due_reports(now=NOW)) == (1, 0)
    assert told() == [("wall@example.com", ["S-1", "S-2"])]
    assert MailedReport.objects.count() == 2
    with pytest.raises(IntegrityError, match="is_only_added_to"), transaction.atomic():
        MailedReport.objects.update(notice=Notice.objects.latest("pk"))
    Customer.objects.filter(code="S-2").update(reports_by_mail=True)
    assert mail_due_reports(now=NOW) == 0, "each report is told of once"

    with time_machine.travel(NOW, tick=False):
        link = f"/reports/mailed/{token(Delivery.objects.get(notice__kind='report'))}/"
        page = client.get(link)
        words = text_of(page)
        assert "House S-1 (S-1): 99.91435 %" in words and "House S-2 (S-2)" in words and "C-9" not in words
        assert "compensation can be claimed until 30 November 2026" in words
        assert (page["Cache-Control"], page["Referrer-Policy"]) == ("no-store", "no-referrer")
        files = ZipFile(BytesIO(b"".join(client.get(f"{link}all.zip"))))
        assert sorted(files.namelist()) == sorted(one.file_name for one in Report.objects.filter(mailed__isnull=False))
        first, other = (
            Report.objects.get(mailed__isnull=False, customer__code="S-1"),
            Report.objects.get(customer__code="C-9", status=Status.READY, superseded_by=None),
        )
        assert client.get(f"{link}{first.pk}.pdf").content == first.number.encode()
        assert client.get(f"{link}{other.pk}.pdf").status_code == 404
        # A site that left it is its own.
        Customer.objects.filter(code="S-1").update(installer=None)
        assert "S-1" not in text_of(client.get(link))
        assert client.get(f"{link}{first.pk}.pdf").status_code == 404
        assert client.get("/reports/mailed/1-x/").status_code == 404
    with time_machine.travel(at("2027-06-01 00:00"), tick=False):
        assert client.get(link).status_code == 410


def test_by_choice_each_site_by_itself_and_a_sites_own_contact(installer):
    Customer.objects.filter(pk=installer.pk).update(bundled=False)
    Customer.objects.filter(code="S-2").update(reports_by_mail=True)
    close_month(actor=SYSTEM, month=SEPTEMBER, now=CLOSED)
    issue()
    render_all()
    assert mail_due_reports(now=NOW) == 1
    assert told() == [("porter@example.com", []), ("wall@example.com", ["S-1"]), ("wall@example.com", ["S-2"])]
