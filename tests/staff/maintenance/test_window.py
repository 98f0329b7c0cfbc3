"""The page of a window and its notices: what was told, what it covers, and who may tell."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from maintenance.models import MaintenanceWindow
from maintenance.rules import NoticeGiven, Stage, lead, stage
from sla_portal.audit.models import Entry
from sla_portal.customers.models import Contact, CoreFunction
from sla_portal.notices.models import Delivery, Notice
from sla_portal.notices.operations import deliver_chunk
from tests.support.builders import a_contract, a_customer, a_region, a_version, a_window, an_outage, at
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-01 08:00")
START, END = "2026-09-06 18:00", "2026-09-06 19:00"
STAGES = ("announce_window", "extend_window", "cancel_window")


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def europe():
    region = a_region("eu", name="Europe", time_zone="Europe/Berlin")
    for name in ("ops", "noc"):
        customer = a_customer(region, f"C-{name}", name=f"House {name}")
        a_contract(customer, "2026-01-01", "2026-12-31")
        Contact.objects.create(customer=customer, email=f"{name}@example.com")
    return region


@pytest.fixture
def noc(clock):
    return signed_in(a_member("NOC"))


def later(client, clock, text: str) -> None:
    """Let the time come, and whoever's session ended meanwhile sign in anew."""
    clock.move_to(at(text))
    client.force_login(User.objects.get())


def door(name: str, window: MaintenanceWindow) -> str:
    return reverse(f"admin:{name}", args=[window.pk])


def typed(starts_at: str, ends_at: str, reason: str = "") -> dict[str, str]:
    """A stretch as it is typed on the SLA clock, which is the reader's by default."""
    form = {"show": "1", "reason": reason}
    for name, text in (("starts_at", starts_at), ("ends_at", ends_at)):
        local = at(text) + timedelta(hours=8)
        form |= {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}
    return form


def to_send(response) -> dict[str, str]:
    """What the button under a preview sends."""
    form = response.content.decode().split('class="send"')[1].split("</form>")[0]
    hidden = dict(re.findall(r'name="(\w+)"(?: value="([^"]*)")?', form))
    return {name: hidden[name] for name in hidden if name != "csrfmiddlewaretoken"} | {"send": "1"}


def drafted(region, start: str = START, end: str = END, **values) -> MaintenanceWindow:
    window = a_window(start, end, reference="MW-7", **values)
    window.regions.set([region])
    return window


def announced(region, *notices, start: str = START, end: str = END, **values) -> MaintenanceWindow:
    window = a_window(start, end, *(notices or [("2026-09-01 07:00", start, end)]), reference="MW-7", **values)
    window.regions.set([region])
    return window


def page(client, window) -> str:
    response = client.get(door("maintenance_window", window))
    assert response.status_code == 200
    return text_of(response)


# The way of a window


def test_a_window_is_planned_previewed_announced_lengthened_started_and_finished(noc, europe, clock):
    planned = typed(START, END) | {"reference": "MW-7", "title": "Upgrade", "kind": "upgrade"}
    planned |= {"regions": [str(europe.pk)], "functions": ["all"], "clients": ["all"]}
    response = noc.post(reverse("admin:maintenance_maintenancewindow_add"), planned, follow=True)
    window = MaintenanceWindow.objects.get()
    assert response.redirect_chain[-1][0] == door("maintenance_window", window)
    assert "A draft: until it is announced, downtime in it counts" in text_of(response)

    assert "covered (4.1) 0 s ■ not covered 1 h" in text_of(response)
    shown = noc.get(door("announce_window", window))
    text = text_of(shown)
    for said in ("2 addresses", "Europe 2", "ops@example.com", "130 h", "SEQUENCE:0", "BEGIN:VCALENDAR"):
        assert said in text
    assert "Maintenance MW-7 on 2026-09-07 02:00 Shanghai: Upgrade" in text
    assert "简体中文" in text
    assert not Notice.objects.exists()

    sent = noc.post(door("announce_window", window), to_send(shown), follow=True)
    assert "Told. The mails are on their way." in text_of(sent)
    assert "Starts in 5 d 10 h, announced 130 h before" in text_of(sent)
    deliver_chunk(ids=list(Delivery.objects.values_list("pk", flat=True)), clock=lambda: NOW)
    assert {to for letter in mail.outbox for to in letter.to} == {"ops@example.com", "noc@example.com"}
    assert "2 sent" in page(noc, window)

    later(noc, clock, "2026-09-06 18:01")
    started = noc.post(door("start_work", window), {"key": uuid4()}, follow=True)
    assert "Running: ends in 59 min, as announced" in text_of(started)

    later(noc, clock, "2026-09-06 18:50")
    shown = noc.get(door("extend_window", window) + "?by=30")
    assert "Maintenance MW-7 takes longer, until 2026-09-07 03:30 Shanghai: Upgrade" in text_of(shown)
    noc.post(door("extend_window", window), to_send(shown))
    window.refresh_from_db()
    assert window.ends_at == at("2026-09-06 19:30")
    assert Delivery.objects.count() == 4

    later(noc, clock, "2026-09-06 19:42")
    assert "Overrun for 12 min: time after 2026-09-07 03:30 Shanghai counts" in page(noc, window)
    finished = text_of(noc.post(door("finish_work", window), {"key": uuid4()}, follow=True))
    assert "Finished after 1 h 41 min, 12 min past the announced end: that time counts" in finished
    assert "covered (4.1) 1 h 30 min" in finished
    assert "not covered 12 min" in finished
    assert [entry.action for entry in Entry.objects.filter(action__in=STEPS).order_by("id")] == STEPS


STEPS = ["announced", "started", "lengthened", "finished"]


def test_an_overrun_stands_on_the_home_page_until_the_work_is_finished(noc, europe, clock):
    window = announced(europe, started_at=at(START))
    later(noc, clock, "2026-09-08 19:00")
    assert "overrun for 2 d" in text_of(noc.get(reverse("admin:index")))
    noc.post(door("finish_work", window), {"key": uuid4()})
    assert "MW-7" not in text_of(noc.get(reverse("admin:index")))


def test_a_cancellation_is_shown_and_sent_with_its_reason(noc, europe):
    window = announced(europe)
    assert noc.post(door("cancel_window", window), {"show": "1", "reason": " "}).status_code == 422
    shown = noc.post(door("cancel_window", window), {"show": "1", "reason": "The vendor is late."})
    assert "Maintenance MW-7 is cancelled: Database upgrade" in text_of(shown)
    assert "STATUS:CANCELLED" in text_of(shown)
    assert not Notice.objects.exists()
    assert "Cancelled: from then on it covers nothing" in text_of(
        noc.post(door("cancel_window", window), to_send(shown), follow=True)
    )
    assert "The vendor is late." in Notice.objects.get().wording("zh-hans").text
    for step in STAGES:
        assert noc.get(door(step, window)).url == door("maintenance_window", window)


def test_a_move_says_where_from_and_keeps_the_first_notice(noc, europe):
    window = announced(europe)
    shown = noc.post(door("announce_window", window), typed("2026-09-08 18:00", "2026-09-08 19:00", "Snow"))
    assert "Maintenance MW-7 moves to 2026-09-09 02:00 Shanghai" in text_of(shown)
    text = text_of(noc.post(door("announce_window", window), to_send(shown), follow=True))
    assert "announced" in text
    assert "moved" in text
    assert window.notices.count() == 2


# rules.md, 4.1


@pytest.mark.parametrize(
    ("notices", "down_until", "covered", "counted"),
    [
        ([("2026-09-01 08:00", "02:00", "03:00"), ("2026-09-10 02:50", "02:00", "03:30")], "03:40", "1 h 30 min", "10 min"),
        ([("2026-09-01 08:00", "02:00", "03:00"), ("2026-09-10 03:10", "02:00", "03:30")], "03:40", "1 h 20 min", "20 min"),
        ([("2026-09-10 02:15", "02:00", "03:00")], "03:00", "45 min", "15 min"),
    ],
    ids=["lengthened at 02:50", "lengthened at 03:10", "notice at 02:15"],
)  # fmt: skip
def test_the_page_shows_what_the_notices_cover_and_what_counts(
    noc, europe, clock, notices, down_until, covered, counted
):
    day = "2026-09-10"
    told = [(sent, f"{day} {start}", f"{day} {end}") for sent, start, end in notices]
    window = announced(europe, *told, start=told[-1][1], end=told[-1][2])
    an_outage(europe, f"{day} 02:00", f"{day} {down_until}")
    later(noc, clock, f"{day} 12:00")
    text = page(noc, window)
    assert f"▨ covered (4.1) {covered} ■ not covered {counted}" in text
    assert f"down in Europe: {covered} of it covered, {counted} not." in text
    assert f"Covered (4.1) {covered}" in text
    assert f"Not covered {counted}" in text


def test_an_outage_elsewhere_or_of_another_function_does_not_stand_on_the_page(noc, europe, clock):
    window = announced(europe)
    window.functions.set(CoreFunction.objects.filter(code="login"))
    an_outage(a_region("us", name="America"), START, END)
    an_outage(europe, START, END, functions=("door",))
    later(noc, clock, "2026-09-07 12:00")
    assert "down in" not in page(noc, window)


def test_lead_counts_from_the_first_notice_of_the_present_start():
    first, longer, moved = NoticeGiven(0, 7200, 9000), NoticeGiven(7100, 7200, 9900), NoticeGiven(7150, 20000, 21000)
    assert lead([first, longer]) == 7200
    assert lead([first, longer, moved]) == 12850
    assert lead([first, NoticeGiven(100, None, None)]) == 7200
    assert lead([NoticeGiven(7300, 7200, 9000)]) == -100
    assert lead([]) is None


@pytest.mark.parametrize(
    ("now", "given", "expected"),
    [
        (10, {"window": None}, Stage.DRAFT),
        (10, {}, Stage.SCHEDULED),
        (100, {}, Stage.DUE),
        (100, {"begun": True}, Stage.IN_PROGRESS),
        (90, {"begun": True}, Stage.IN_PROGRESS),
        (200, {"begun": True}, Stage.OVERRUNNING),
        (200, {}, Stage.NOT_CARRIED_OUT),
        (200, {"begun": True, "finished": True}, Stage.COMPLETED),
        (10, {"cancelled": True}, Stage.CANCELLED),
    ],
)
def test_how_a_window_stands(now, given, expected):
    assert (
        stage(**({"window": (100, 200), "begun": False, "finished": False, "cancelled": False} | given), now=now)
        is expected
    )


# Warnings warn


def test_short_notice_warns_says_what_it_means_and_is_sent_all_the_same(noc, europe):
    window = drafted(europe, "2026-09-02 18:00", "2026-09-02 19:00")
    shown = noc.get(door("announce_window", window))
    assert "Less than the recommended 72 h of notice. The agreement allows it." in text_of(shown)
    assert "Version 1.0 asks for no length of notice" in text_of(shown)
    noc.post(door("announce_window", window), to_send(shown))
    assert window.notices.count() == 1
    assert "34 h of 72 h recommended by version 1.0" in page(noc, window)


def test_a_version_that_asks_for_notice_says_what_is_not_covered(noc, europe):
    a_version("2.0", "2026-08-01", maintenance_notice_hours=48)
    window = drafted(europe, "2026-09-03 07:30", "2026-09-03 08:30")
    text = text_of(noc.get(door("announce_window", window)))
    assert "Version 2.0 takes off only what was announced at least 48 hours before" in text
    assert "nothing before 2026-09-03 16:00 Shanghai is covered" in text
    assert "Covered (4.1) 30 min" in text
    assert "Not covered 30 min" in text


def test_planning_at_the_same_time_in_the_same_place_warns_and_plans(noc, europe):
    announced(europe)
    planned = typed("2026-09-06 18:30", "2026-09-06 20:00") | {"reference": "MW-8", "title": "Drill", "kind": "drill"}
    planned |= {"regions": ["all"], "functions": ["all"], "clients": ["all"]}
    response = noc.post(reverse("admin:maintenance_maintenancewindow_add"), planned, follow=True)
    said = "At the same time in the same place: MW-7 Database upgrade, 2026-09-07 02:00 Shanghai to 2026-09-07 03:00"
    assert said in text_of(response)
    window = MaintenanceWindow.objects.get(reference="MW-8")
    assert said in text_of(noc.get(door("announce_window", window)))
    assert "overlaps MW-8" in text_of(noc.get(reverse("admin:maintenance_calendar") + "?from=2026-09-01"))


# Once, and only as shown


def test_a_double_click_tells_once(noc, europe):
    window = drafted(europe)
    form = to_send(noc.get(door("announce_window", window)))
    first, second = (noc.post(door("announce_window", window), form) for _ in range(2))
    assert first.url == second.url == door("maintenance_window", window)
    assert Notice.objects.count() == 1
    key = {"key": uuid4()}
    for _ in range(2):
        assert "has begun already" not in text_of(noc.post(door("start_work", window), key, follow=True))
    assert Entry.objects.filter(action="started").count() == 1


def test_what_somebody_announced_meanwhile_stops_what_was_shown_before(noc, europe):
    window = announced(europe)
    mine, theirs = (noc.get(door("extend_window", window) + f"?by={by}") for by in (15, 60))
    noc.post(door("extend_window", window), to_send(theirs))
    refused = noc.post(door("extend_window", window), to_send(mine))
    assert refused.status_code == 422
    assert "Somebody announced something else meanwhile" in text_of(refused)
    assert window.notices.count() == 2


def test_the_form_of_a_draft_is_gone_once_it_is_announced(noc, europe):
    window = drafted(europe)
    form = reverse("admin:maintenance_maintenancewindow_change", args=[window.pk])
    assert noc.get(form).status_code == 200
    noc.post(door("announce_window", window), to_send(noc.get(door("announce_window", window))))
    assert noc.get(form).url == door("maintenance_window", window)
    assert noc.post(form, {"title": "Another"}).status_code == 302
    window.refresh_from_db()
    assert window.title == "Database upgrade"


# Who may


@pytest.mark.parametrize("role", ["Support", "Legal", "Auditor", "Administrator"])
def test_who_may_only_see_is_offered_nothing_and_refused_everything(europe, clock, role):
    window = announced(europe, start="2026-09-01 09:00", end="2026-09-01 10:00")
    client = signed_in(a_member(role))
    response = client.get(door("maintenance_window", window))
    assert response.status_code == 200
    for step in (*STAGES, "start_work", "finish_work"):
        assert door(step, window) not in response.content.decode()
        assert client.post(door(step, window), {"send": "1", "key": uuid4()}).status_code == 403
    assert client.get(reverse("admin:maintenance_calendar")).status_code == 200
    assert not Notice.objects.exists()


# Whatever is sent


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"send": "1"},
        {"send": "1", "key": "x", "after": "x", "starts": "-1", "ends": "9" * 40, "reason": "\0"},
        {"send": "1", "key": str(uuid4()), "starts": "5", "ends": "5"},
        {"send": "1", "key": str(uuid4()), "starts": "253370764800", "ends": "1", "after": "9" * 18},
        {"show": "1"},
        {"show": "1", "starts_at_0": "0000-00-00", "starts_at_1": "99:99", "ends_at_0": "9999-12-31", "ends_at_1": "23:59"},
        {"show": "1", "starts_at_0": "2026-09-09", "starts_at_1": "10:00:00.5", "ends_at_0": "2026-09-09", "ends_at_1": "11:00"},
        {"show": "1", "by": "999999999999999999999", "reason": "x" * 3000},
        {"show": "1", "by": "typed", "ends_at_0": "1999-01-01", "ends_at_1": "00:00"},
        {"show": "1", "by": "typed", "ends_at_0": "\0", "ends_at_1": ""},
    ],
)  # fmt: skip
def test_nothing_that_is_sent_breaks_a_page_or_tells_anyone(noc, europe, sent):
    for window in (announced(europe), a_window(START, END)):
        for step in (*STAGES, "start_work", "finish_work"):
            assert noc.post(door(step, window), sent).status_code in (200, 302, 422)
    assert not Notice.objects.exists()


@pytest.mark.parametrize("asked", ["by=x", "by=", "by=%00", "by=typed", "by=15&reason=%00"])
def test_no_address_of_lengthening_breaks(noc, europe, asked):
    assert noc.get(f"{door('extend_window', announced(europe))}?{asked}").status_code in (200, 422)


@pytest.mark.parametrize("asked", ["x", "%00", "0001-01-01", "9999-12-31", "2026-W01", "99999-01-01", "-1", ""])
def test_no_address_of_the_calendar_breaks(noc, asked):
    assert noc.get(f"{reverse('admin:maintenance_calendar')}?from={asked}").status_code == 200


def test_a_window_that_is_not_there_is_answered(noc):
    for number in (0, 999999, 2**63 - 1, 10**30):
        assert noc.get(f"/admin/maintenance/maintenancewindow/{number}/announce/").status_code == 404


# The calendar, and what it costs


def test_the_calendar_shows_each_day_with_state_regions_and_lead(noc, europe):
    announced(europe)
    a_window("2026-09-10 15:00", "2026-09-10 17:00", reference="MW-9", title="Drill")
    text = text_of(noc.get(reverse("admin:maintenance_calendar")))
    assert "Mon 7 Sep 02:00 – 03:00 MW-7 Database upgrade upgrade · Europe ✓ announced 131 h" in text
    # Across a midnight it stands on both days.
    assert "Thu 10 Sep 23:00 – … MW-9 Drill upgrade · all regions ◔ draft" in text
    assert "Fri 11 Sep … – 01:00 MW-9 Drill" in text
    assert "MW-7" not in text_of(noc.get(reverse("admin:maintenance_calendar") + "?from=2027-01-01"))


def queries(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_pages_ask_as_often_of_many_rows_as_of_few(noc, europe, clock):
    window = announced(europe)
    urls = [
        door("maintenance_window", window),
        door("extend_window", window) + "?by=15",
        reverse("admin:maintenance_calendar"),
    ]

    def more(count: int) -> None:
        for number in range(count):
            form = to_send(noc.get(urls[1]))
            assert noc.post(door("extend_window", window), form).status_code == 302
            clock.shift(60)
            a_window(START, END, ("2026-09-01 08:00", START, END)).regions.set([europe])
            customer = a_customer(europe)
            a_contract(customer, "2026-01-01", "2026-12-31")
            Contact.objects.create(customer=customer, email=f"c{customer.pk}@example.com")
            an_outage(europe, f"2026-09-01 07:{number:02}", "2026-09-01 07:59")

    more(2)
    few = [queries(noc, url) for url in urls]
    more(6)
    assert [queries(noc, url) for url in urls] == few


def test_a_reference_is_offered_that_no_window_of_the_year_has(noc):
    a_window("2026-09-06 18:00", "2026-09-06 19:00", reference=f"MW-{timezone.now():%Y}-07")
    a_window("2026-09-06 18:00", "2026-09-06 19:00", reference=f"MW-{timezone.now():%Y}-x²")
    form = noc.get(reverse("admin:maintenance_maintenancewindow_add"))
    assert f'value="MW-{timezone.now():%Y}-08"' in form.content.decode()
