"""Two people at work on one record, each in a browser of their own, and what the public reads meanwhile."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from incidents.models import Incident
from maintenance.models import MaintenanceWindow
from maintenance.operations import announce_window
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import Exclusion, MonthClosing
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Notice
from tests.conftest import forget_what_is_kept
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, at
from tests.support.desk import PASSWORD, a_member, page_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HOUR = timedelta(hours=1)
SYSTEM = Actor.system("test")


@pytest.fixture
def sit_down(desks) -> Callable[[str, str], Page]:
    """Open the browser of a member of staff who is known by name."""

    def open_browser(role: str, name: str) -> Page:
        user = a_member(role, name.lower())
        user.first_name = name
        user.save()
        return desks(user)

    return open_browser


@pytest.fixture
def read(browser, live_server) -> Iterator[Callable[[str], Locator]]:
    """Read a page of the website as somebody does who comes to it now: what is kept for seconds is kept for nobody."""
    contexts = []

    def open_page(address: str) -> Locator:
        forget_what_is_kept()
        # On a new connection: the thread that serves an old one knows where what it read is kept.
        contexts.append(browser.new_context(base_url=live_server.url))
        page = contexts[-1].new_page()
        page.goto(address)
        return page.locator("main")

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def europe():
    region = a_region("eu", name="Europe")
    customer = a_customer(region, "C-1", name="Hafen Residences")
    a_contract(customer, "2020-01-01", "2040-12-31")
    Contact.objects.create(customer=customer, email="ops@example.com")
    return region


def now() -> datetime:
    return timezone.now().replace(microsecond=0)


def down(region, reference: str, title: str, since: datetime, until: datetime | None = None) -> Incident:
    incident = an_incident(reference, title=title, detected_at=since, resolved_at=until)
    incident.outages.create(region=region, started_at=since, ended_at=until)
    return incident


def planned(region, reference: str, title: str, start: datetime, end: datetime) -> MaintenanceWindow:
    window = a_window(f"{start:%Y-%m-%d %H:%M:%S}", f"{end:%Y-%m-%d %H:%M:%S}", reference=reference, title=title)
    window.regions.set([region])
    return window


def page_of_window(window: MaintenanceWindow) -> str:
    return reverse("admin:maintenance_window", args=[window.pk])


def enter(page: Page, field: str, moment: datetime) -> None:
    local = moment.astimezone(settings.SLA_ZONE)
    page.locator(f"[name={field}_0]").fill(f"{local:%Y-%m-%d}")
    page.locator(f"[name={field}_1]").fill(f"{local:%H:%M:%S}")


def press(page: Page | Locator, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_what_was_typed_outlives_a_sign_in_and_meets_what_a_colleague_wrote_meanwhile(sit_down, europe):
    incident = down(europe, "INC-1", "Gateway lost", now() - HOUR)
    anna, ben = sit_down("NOC", "Anna"), sit_down("NOC", "Ben")
    for page, title in ((ben, "Gateway 2 lost"), (anna, "Gateway 1 lost")):
        page.goto(reverse("admin:incidents_incident_change", args=[incident.pk]))
        page.get_by_label("Title").fill(title)
        page.get_by_label("Reason for the change").fill("Which one it was")
    ben.get_by_label("Ticket number").fill("T-2")
    ben.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    anna.get_by_role("button", name="Save").first.click()
    expect(anna.get_by_role("heading", level=1)).to_be_visible()

    ben.get_by_role("button", name="Save").first.click()
    expect(ben.get_by_text("What you typed is kept")).to_be_visible()
    ben.get_by_label("Username").fill("ben")
    ben.get_by_label("Password").fill(PASSWORD)
    press(ben, "Sign in")
    expect(ben.get_by_text("You were signed in again; nothing was sent yet.")).to_be_visible()
    expect(ben.get_by_label("Title")).to_have_value("Gateway 2 lost")
    expect(ben.get_by_label("Ticket number")).to_have_value("T-2")
    incident.refresh_from_db()
    assert (incident.title, incident.ticket_number) == ("Gateway 1 lost", "")

    ben.get_by_role("button", name="Save").first.click()
    changed = ben.locator("#changed")
    expect(changed).to_contain_text("Anna")
    title = changed.get_by_role("row", name="title")
    expect(title).to_contain_text("Gateway 1 lost")
    expect(title).to_contain_text("Gateway 2 lost")
    title.get_by_label("keep theirs").check()
    changed.get_by_role("button", name="Keep mine").click()
    expect(changed).to_have_count(0)
    incident.refresh_from_db()
    assert (incident.title, incident.ticket_number) == ("Gateway 1 lost", "T-2")


def test_incidents_are_put_right_by_one_shown_to_the_other_and_told_to_the_public(sit_down, read, europe):
    drill = down(europe, "INC-1", "A drill", now() - HOUR / 6)
    restored_at = now() - 2 * HOUR
    lost = down(europe, "INC-2", "Gateway lost", restored_at - HOUR, restored_at)
    twice = down(europe, "INC-3", "Gateway lost again", restored_at - HOUR / 2, restored_at)
    nora, lena = sit_down("NOC", "Nora"), sit_down("Legal", "Lena")
    changed = lena.locator("#changed")

    # Void
    lena.goto(page_of(drill))
    expect(read("/")).to_contain_text("Major outage: Europe")
    nora.goto(page_of(drill))
    nora.get_by_role("link", name="Void incident").click()
    expect(nora.get_by_role("table").first).to_contain_text("Afterwards")
    nora.get_by_label("Reason").fill("It was a drill")
    press(nora, "Void incident")
    expect(nora.get_by_text("INC-1 was voided. It does not count.")).to_be_visible()
    lena.get_by_label("Reason").first.fill("Ours")
    press(lena, "Classify as attributable")
    expect(changed).to_contain_text("Nora voided INC-1 A drill")
    expect(changed).to_contain_text("It was a drill")
    expect(read("/")).to_contain_text("All systems operational")
    page = read("/incidents/INC-1/")
    expect(page).to_contain_text("This incident was logged by mistake. It does not count.")
    expect(page).not_to_contain_text("Duration")

    # Merge
    nora.goto(page_of(twice))
    nora.get_by_role("link", name="Merge into another incident").click()
    nora.get_by_label("INC-2").check()
    nora.get_by_label("Reason").fill("Logged twice")
    press(nora, "Preview")
    press(nora, "Merge incident")
    expect(nora.get_by_text("INC-3 was merged into INC-2.")).to_be_visible()
    expect(nora).to_have_url(page_of(lost))
    expect(read("/incidents/INC-3/").get_by_role("link", name="INC-2")).to_be_visible()

    # Withdraw a proposal
    nora.get_by_text("Propose an exclusion (section 4)").click()
    nora.get_by_label("Clause", exact=True).select_option("4.10")
    nora.get_by_label("Why the clause applies").fill("By order of the court")
    press(nora, "Propose")
    lena.goto(page_of(lost))
    expect(lena.get_by_role("table").filter(has_text="If confirmed").first).to_be_visible()
    nora.get_by_label("Reason for the decision").fill("The order was about another day")
    press(nora, "Withdraw proposal")
    press(lena, "Confirm")
    expect(changed).to_contain_text("The order was about another day")
    assert Exclusion.objects.get().status == "withdrawn"

    # Reopen
    reopen = nora.locator("#reopen")
    reopen.get_by_label("Reason").fill("Alarms again")
    reopen.get_by_label("Update").fill("It is down again")
    press(reopen, "Reopen")
    expect(nora.get_by_text("Incident reopened.")).to_be_visible()
    changed.get_by_role("link", name="show the page as it is now").click()
    expect(lena.locator(".incident-head")).to_contain_text("Ongoing")
    expect(lena.locator("#updates")).to_contain_text("It is down again")
    expect(read("/incidents/INC-2/")).to_contain_text("It is down again")


def test_windows_are_put_right_by_one_shown_to_the_other_and_told_to_the_public(sit_down, read, europe):
    draft = planned(europe, "MW-1", "Switch replaced", now() + 48 * HOUR, now() + 50 * HOUR)
    start = (now() - 2 * HOUR).replace(second=0)
    end = start + 3 * HOUR
    window = planned(europe, "MW-2", "Database upgrade", start, end)
    announce_window(actor=SYSTEM, window=window, starts_at=start, ends_at=end, now=now() - 96 * HOUR)
    incident = down(europe, "INC-1", "Gateway lost", start, start + HOUR)
    an_exclusion(incident, "4.1", maintenance=window)
    nora, lena = sit_down("NOC", "Nora"), sit_down("Legal", "Lena")

    # Discard a draft
    for page in (nora, lena):
        page.goto(page_of_window(draft))
    nora.locator("summary").filter(has_text="Discard draft").click()
    nora.get_by_label("Reason").fill("The switch will do")
    press(nora, "Discard draft")
    expect(nora.get_by_text("Discarded. The draft stays on record and is not listed any more.")).to_be_visible()
    lena.reload()
    expect(lena.get_by_role("heading", level=1)).to_contain_text("Discarded")
    lena.goto(reverse("admin:maintenance_maintenancewindow_changelist"))
    expect(lena.get_by_text("Database upgrade")).to_be_visible()
    expect(lena.get_by_text("Switch replaced")).to_have_count(0)
    expect(read("/maintenance/MW-1/")).to_contain_text("Page not found")

    # Mark an announced window as not carried out
    lena.goto(page_of(incident))
    expect(lena.get_by_text(re.compile("^0 unavailable minutes under the counting rule in force"))).to_be_visible()
    expect(read("/maintenance/MW-2/")).not_to_contain_text("not carried out")
    nora.goto(page_of_window(window))
    nora.locator("summary").filter(has_text="Mark as not carried out").click()
    expect(nora.get_by_text("These exclusions rest on this window.")).to_be_visible()
    nora.get_by_label("Reason").fill("The disks did not come")
    press(nora, "Mark as not carried out")
    expect(nora.get_by_text("Marked as not carried out. No notice was sent.")).to_be_visible()
    lena.goto(reverse("admin:index"))
    uncovered = lena.get_by_role("region", name="Exclusions whose window no longer covers them")
    uncovered.get_by_role("link", name="INC-1").click()
    expect(lena.get_by_text(re.compile("^60 unavailable minutes under the counting rule in force"))).to_be_visible()
    page = read("/maintenance/MW-2/")
    expect(page).to_contain_text("Unavailability during the announced time counts as downtime.")
    # The notice that was given stays, and none follows it.
    expect(page.get_by_role("link", name=Notice.objects.get().number)).to_be_visible()
    lena.get_by_label("Reason for the decision").fill("Nothing was done")
    press(lena, "Revoke")
    lena.goto(reverse("admin:index"))
    expect(uncovered).to_have_count(0)


def test_impossible_times_are_refused_and_more_than_24_hours_take_a_second_person(sit_down, read, europe):
    incident = down(europe, "INC-1", "Gateway lost", now() - HOUR)
    nora, otto = sit_down("NOC", "Nora"), sit_down("NOC", "Otto")

    # An outage: its times are checked before anything is asked about it.
    duplicate = nora.get_by_role("alert").filter(has_text="Possible duplicate")
    nora.goto(reverse("admin:log_outage"))
    nora.locator("[name=since][value=typed] + span").click()
    nora.locator("[name=over][value=yes] + span").click()
    enter(nora, "since_at", now() - HOUR / 2)
    enter(nora, "ended_at", now() - HOUR)
    press(nora, "Log outage")
    expect(nora.locator("#ended-errors")).to_contain_text("The outage ends before it starts.")
    expect(duplicate).to_have_count(0)
    enter(nora, "ended_at", now() - HOUR / 4)
    enter(nora, "detected_at", now() + HOUR)
    press(nora, "Log outage")
    expect(nora.locator("#id_detected_at-errors")).to_contain_text("The time of detection is in the future.")
    expect(duplicate).to_have_count(0)
    enter(nora, "detected_at", now() - HOUR / 2)
    press(nora, "Log outage")
    expect(duplicate).to_contain_text("Gateway lost")
    press(duplicate, "Add to INC-1")
    expect(nora.get_by_text("Outage added to INC-1.")).to_be_visible()
    assert incident.outages.count() == 2

    # Resolved before it was detected
    resolve = nora.locator("#resolve")
    resolve.get_by_text("Specify time").click()
    enter(nora, "end_at", now() - 2 * HOUR)
    press(resolve, "Resolve")
    expect(resolve.get_by_role("list")).to_contain_text("The incident was resolved before it was detected.")
    incident.refresh_from_db()
    assert incident.resolved_at is None

    # A window in the past, and one of more than 24 hours
    nora.goto(reverse("admin:maintenance_maintenancewindow_add"))
    nora.get_by_label("Title").fill("The archive is copied")
    for label in ("Regions", "Core functions", "Clients"):
        nora.get_by_role("group", name=label).get_by_label("all", exact=False).first.check()
    enter(nora, "starts_at", now() - 3 * HOUR)
    enter(nora, "ends_at", now() - 2 * HOUR)
    nora.get_by_role("button", name="Save").first.click()
    expect(nora.locator("#id_ends_at_error")).to_contain_text("in the past")
    enter(nora, "starts_at", now() + 100 * HOUR)
    enter(nora, "ends_at", now() + 130 * HOUR)
    nora.get_by_role("button", name="Save").first.click()
    nora.get_by_role("link", name="Announce", exact=True).click()
    expect(nora.get_by_text("a second person must confirm it")).to_be_visible()
    nora.get_by_label("Reason for more than 24 hours").fill("It is copied in one piece")
    press(nora, "Request confirmation")
    expect(nora.get_by_role("heading", name="Announcement pending confirmation")).to_be_visible()
    expect(read("/maintenance/")).not_to_contain_text("The archive is copied")

    otto.goto(reverse("admin:index"))
    waiting = otto.get_by_role("region", name="Maintenance announcements pending confirmation")
    expect(waiting).to_contain_text("pending your confirmation")
    waiting.get_by_role("link").first.click()
    expect(otto.get_by_text("It is copied in one piece")).to_be_visible()
    press(otto, "Confirm and notify 1 address")
    expect(otto.get_by_text("Confirmed. The notice is published")).to_be_visible()
    nora.reload()
    expect(nora.get_by_role("heading", level=1)).to_contain_text("Starts in")
    expect(read("/maintenance/")).to_contain_text("The archive is copied")


def test_a_month_is_closed_by_two_and_says_what_was_written_into_it_afterwards(sit_down, read, europe):
    month = reverse("admin:close_month", args=["2026-09"])
    lena, max_, nora = sit_down("Legal", "Lena"), sit_down("Legal", "Max"), sit_down("NOC", "Nora")
    for page in (lena, max_):
        page.goto(month)
    press(lena, "Request to close September 2026")
    expect(lena.get_by_text("You requested this, so another person who may close months confirms it.")).to_be_visible()
    assert not MonthClosing.objects.exists()
    max_.reload()
    press(max_, "Confirm: close September 2026")
    expect(max_.get_by_text("Its figures are frozen")).to_be_visible()
    expect(max_.get_by_text("Requested by Lena.")).to_be_visible()
    page = read("/availability/eu/2026-09/")
    expect(page).to_contain_text("Final · closed")
    expect(page).to_contain_text("100.00000 %")

    nora.goto(reverse("admin:log_outage"))
    nora.locator("[name=since][value=typed] + span").click()
    nora.locator("[name=over][value=yes] + span").click()
    enter(nora, "since_at", at("2026-09-10 02:00"))
    enter(nora, "ended_at", at("2026-09-10 02:30"))
    press(nora, "Log outage")
    named = nora.get_by_role("region", name="Closed months")
    expect(named).to_contain_text("Nothing is saved yet: this changes the record of September 2026, which is closed.")
    expect(named.get_by_role("row", name="Europe, September 2026")).to_contain_text("99.93055 %")
    assert not Incident.objects.exists()
    named.get_by_label("Reason for changing a closed month").fill("Found in the log of the gateway")
    press(nora, "Log outage")
    expect(nora.get_by_text("Outage logged as INC-")).to_be_visible()

    lena.goto(reverse("admin:index"))
    waiting = lena.get_by_role("region", name="Months to close or correct")
    waiting.get_by_role("link", name="2026-09 figures changed since closing").click()
    closed = lena.get_by_role("region", name="Closed figures").get_by_role("row", name="Europe")
    expect(closed).to_contain_text("100.00000")
    expect(closed).to_contain_text("99.93055 %")
    lena.goto(reverse("admin:month", args=["2026-09", "region", "eu"]))
    expect(lena.locator("main")).to_contain_text("by Max, revision 1. Requested by Lena.")
    figure = lena.locator(".month-figure")
    expect(figure).to_contain_text("100.00000 %")
    expect(figure).to_contain_text("Final")
    expect(figure).not_to_contain_text("Pending classification")
    record = lena.get_by_role("region", name="By the present record")
    expect(record).to_contain_text("99.93055 %")
    expect(record).to_contain_text("Provisional")
    # The public reads the closed figures until they are corrected.
    expect(read("/availability/eu/2026-09/")).to_contain_text("100.00000 %")


def test_work_is_handed_from_one_to_the_other_and_the_audit_log_names_who_did_what(sit_down, read, europe):
    nora, otto = sit_down("NOC", "Nora"), sit_down("NOC", "Otto")
    otto.clock.install()
    otto.goto(reverse("admin:wallboard"))
    expect(otto.get_by_role("heading", name="No ongoing incidents")).to_be_visible()
    nora.goto(reverse("admin:log_outage"))
    nora.get_by_label("Title").fill("Gateway lost")
    press(nora, "Log outage")
    otto.clock.run_for(16_000)
    expect(otto.get_by_role("heading", name="1 ongoing incident · 1 unacknowledged")).to_be_visible()
    otto.get_by_role("link", name="Gateway lost").click()
    press(otto, "Take this incident")
    expect(otto.get_by_text("Owner: Otto")).to_be_visible()

    response = otto.locator("#response")
    response.locator("summary").filter(has_text="Hand over").click()
    response.get_by_label("Hand over to").select_option(label="Nora")
    response.get_by_label("Note").fill("The disks are on their way")
    press(response, "Hand over")
    otto.goto(reverse("admin:hand_over"))
    otto.get_by_label("Note for the next shift").fill("Mind the second gateway")
    press(otto, "Save note")

    nora.goto(reverse("admin:index"))
    expect(nora.get_by_role("region", name="Notes for the next shift")).to_contain_text("Mind the second gateway")
    nora.goto(reverse("admin:hand_over"))
    changed = nora.get_by_role("region", name="What changed since my shift began")
    expect(changed).to_contain_text("Otto handed over")
    changed.get_by_role("link", name="Gateway lost").click()
    expect(nora.get_by_text("Owner: Nora")).to_be_visible()
    expect(nora.locator("#updates")).to_contain_text("The disks are on their way")
    press(nora, "Resolve")
    expect(nora.get_by_text("Incident resolved.")).to_be_visible()

    nora.get_by_role("link", name="Review of the incident").click()
    nora.get_by_label("Cause", exact=True).fill("A **disk** was full")
    press(nora, "Save review")
    reference = Incident.objects.get().reference
    expect(read(f"/incidents/{reference}/")).not_to_contain_text("was full")
    otto.goto(reverse("admin:incident_review", args=[Incident.objects.get().pk]))
    press(otto, "Publish on the website")
    expect(read(f"/incidents/{reference}/")).to_contain_text("A disk was full")

    ada = sit_down("Auditor", "Ada")
    ada.goto(reverse("admin:audit_entry_changelist"))
    ada.locator("summary").filter(has_text="Person").click()
    ada.get_by_role("link", name="Otto", exact=True).click()
    rows = ada.get_by_role("table").get_by_role("row")
    expect(rows.filter(has_text="handed over")).to_have_count(1)
    expect(rows.filter(has_text="published the review of")).to_have_count(1)
    expect(rows.filter(has_text="Nora")).to_have_count(0)
