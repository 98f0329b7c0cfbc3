"""The page of a maintenance window: its notices, what they cover, and who may send them."""

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

from maintenance.models import MaintenanceNotice, MaintenanceWindow
from maintenance.rules import NoticeGiven, Stage, lead, stage
from sla_portal.audit.models import Entry
from sla_portal.availability.models import MonthClosing
from sla_portal.customers.models import Contact, CoreFunction
from sla_portal.notices.models import Delivery, Notice
from sla_portal.notices.operations import deliver_chunk
from tests.support.builders import (
    a_contract,
    a_customer,
    a_region,
    a_version,
    a_window,
    an_exclusion,
    an_incident,
    an_outage,
    at,
    on,
)
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-01 08:00")
START, END = "2026-09-06 18:00", "2026-09-06 19:00"
NOTICES = ("announce_window", "extend_window", "cancel_window")


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


def url_of(name: str, window: MaintenanceWindow) -> str:
    return reverse(f"admin:{name}", args=[window.pk])


def typed(starts_at: str, ends_at: str, reason: str = "") -> dict[str, str]:
    """A stretch as it is typed in the SLA time zone, which is the reader's by default."""
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
    response = client.get(url_of("maintenance_window", window))
    assert response.status_code == 200
    return text_of(response)


# From draft to completion


def test_a_window_is_planned_previewed_announced_started_extended_and_completed(noc, europe, clock):
    planned = typed(START, END) | {"reference": "MW-7", "title": "Upgrade", "kind": "upgrade"}
    planned |= {"regions": [str(europe.pk)], "functions": ["all"], "clients": ["all"]}
    response = noc.post(reverse("admin:maintenance_maintenancewindow_add"), planned, follow=True)
    window = MaintenanceWindow.objects.get()
    assert response.redirect_chain[-1][0] == url_of("maintenance_window", window)
    assert "Draft: downtime counts until the window is announced" in text_of(response)

    assert "excluded under 4.1 0 s ■ counts as downtime 1 h" in text_of(response)
    shown = noc.get(url_of("announce_window", window))
    text = text_of(shown)
    for said in ("2 addresses", "Europe 2", "ops@example.com", "130 h", "SEQUENCE:0", "BEGIN:VCALENDAR"):
        assert said in text
    assert "Scheduled maintenance MW-7, 2026-09-07 02:00 Shanghai: Upgrade" in text
    assert "简体中文" in text
    assert not Notice.objects.exists()

    sent = noc.post(url_of("announce_window", window), to_send(shown), follow=True)
    assert "Notice published. The e-mails are being sent." in text_of(sent)
    assert "Starts in 5 d 10 h, announced 130 h in advance" in text_of(sent)
    deliver_chunk(ids=list(Delivery.objects.values_list("pk", flat=True)), clock=lambda: NOW)
    assert {to for message in mail.outbox for to in message.to} == {"ops@example.com", "noc@example.com"}
    assert "2 sent" in page(noc, window)

    later(noc, clock, "2026-09-06 18:01")
    started = noc.post(url_of("start_work", window), {"key": uuid4()}, follow=True)
    assert "In progress: announced end in 59 min" in text_of(started)

    later(noc, clock, "2026-09-06 18:50")
    shown = noc.get(url_of("extend_window", window) + "?by=30")
    assert "Maintenance MW-7 extended until 2026-09-07 03:30 Shanghai: Upgrade" in text_of(shown)
    noc.post(url_of("extend_window", window), to_send(shown))
    window.refresh_from_db()
    assert window.ends_at == at("2026-09-06 19:30")
    assert Delivery.objects.count() == 4

    later(noc, clock, "2026-09-06 19:42")
    assert "Overrunning by 12 min: downtime after 2026-09-07 03:30 Shanghai counts" in page(noc, window)
    finished = text_of(noc.post(url_of("finish_work", window), {"key": uuid4()}, follow=True))
    assert "Completed after 1 h 41 min, 12 min after the announced end: downtime in that time counts" in finished
    assert "excluded under 4.1 1 h 30 min" in finished
    assert "counts as downtime 12 min" in finished
    assert [entry.action for entry in Entry.objects.filter(action__in=STEPS).order_by("id")] == STEPS


STEPS = ["announced", "started", "lengthened", "finished"]


def test_an_overrunning_window_is_on_the_home_page_until_completed(noc, europe, clock):
    window = announced(europe, started_at=at(START))
    later(noc, clock, "2026-09-08 19:00")
    assert "overrunning by 2 d" in text_of(noc.get(reverse("admin:index")))
    noc.post(url_of("finish_work", window), {"key": uuid4()})
    assert "MW-7" not in text_of(noc.get(reverse("admin:index")))


def test_a_window_that_passed_without_work_is_marked_as_not_carried_out(noc, europe, clock):
    window = announced(europe)
    an_outage(europe, START, "2026-09-06 18:20")
    url = url_of("not_carried_out", window)
    shown = noc.get(url_of("maintenance_window", window))
    assert url not in shown.content.decode()
    assert "From the announced start on it can be marked as not carried out instead." in text_of(shown)

    later(noc, clock, "2026-09-08 19:00")
    assert "Ended 2 d ago, not started" in page(noc, window)
    assert url in noc.get(url_of("maintenance_window", window)).content.decode()
    refused = noc.post(url, {"key": uuid4(), "reason": ""})
    assert refused.status_code == 422
    assert "Enter a reason." in text_of(refused)
    marked = text_of(noc.post(url, {"key": uuid4(), "reason": "The vendor did not come."}, follow=True))
    assert "Not carried out: downtime in this window counts" in marked
    assert "excluded under 4.1 0 s ■ counts as downtime 1 h" in marked
    assert "The vendor did not come." in marked
    assert not Notice.objects.exists()
    again = noc.post(url, {"key": uuid4(), "reason": "Once more"})
    assert again.status_code == 422
    assert "This window is marked as not carried out. Plan a new one." in text_of(again)

    calendar = noc.get(reverse("admin:maintenance_calendar") + "?from=2026-08-31")
    assert "not carried out" in text_of(calendar)
    listed = reverse("admin:maintenance_maintenancewindow_changelist") + "?state=not-carried-out"
    assert "MW-7" in text_of(noc.get(listed))
    assert "MW-7" not in text_of(noc.get(reverse("admin:index")))


def test_exclusions_that_rest_on_a_window_are_listed_before_it_is_marked(noc, europe, clock):
    window = announced(europe)
    incident = an_incident("INC-rests", resolved_at=at(END))
    an_outage(europe, START, "2026-09-06 18:20", incident=incident)
    an_exclusion(incident, "4.1", maintenance=window)
    an_exclusion(an_incident("INC-revoked"), "4.1", "revoked", maintenance=window)
    later(noc, clock, "2026-09-08 19:00")
    shown = page(noc, window)
    assert (
        "They will exclude nothing, and Legal is asked to revoke or reject them: INC-rests Gateway lost · confirmed"
        in shown
    )
    assert "INC-revoked" not in shown


def test_work_that_nobody_recorded_is_recorded_later(noc, europe, clock):
    window = announced(europe)
    url = url_of("record_work", window)
    assert url not in noc.get(url_of("maintenance_window", window)).content.decode()
    later(noc, clock, "2026-09-07 09:00")
    assert url in noc.get(url_of("maintenance_window", window)).content.decode()

    def recorded(start: str, end: str, **given):
        times = {key: value for key, value in typed(start, end).items() if "at" in key}
        times = {key.replace("starts", "started").replace("ends", "completed"): times[key] for key in times}
        return noc.post(url, {"key": uuid4(), **times, **given}, follow=True)

    for start, end, field, said in (
        (END, START, "completed_at", "The work was completed before it started."),
        (START, "2026-09-07 09:01", "completed_at", "The completion is in the future."),
        ("1999-09-06 18:00", END, "started_at", "The work started more than a day before the window."),
        ("2026-09-06 17:00", START, "completed_at", "The work was completed before the announced start."),
    ):
        refused = recorded(start, end)
        assert refused.status_code == 422
        assert said in refused.context["work"].errors[field][0]
        assert ("before_start" in refused.content.decode()) is ("announced start" in said)
    done = text_of(recorded(START, "2026-09-06 18:40"))
    assert "Completed after 40 min, 20 min before the announced end: downtime after the completion counts" in done
    assert "excluded under 4.1 40 min ■ counts as downtime 20 min" in done


def test_completing_before_the_announced_start_is_asked_about(noc, europe, clock):
    window = announced(europe, started_at=at("2026-09-06 17:30"))
    later(noc, clock, "2026-09-06 17:40")
    assert "nothing of this window is excluded under 4.1" in page(noc, window)
    done = text_of(noc.post(url_of("finish_work", window), {"key": uuid4()}, follow=True))
    assert "excluded under 4.1 0 s" in done
    times = {
        "started_at_0": "2026-09-07",
        "started_at_1": "01:00:00",
        "completed_at_0": "2026-09-07",
        "completed_at_1": "01:40:00",
    }
    other = a_window(START, END, ("2026-09-01 07:00", START, END), reference="MW-9")
    later(noc, clock, "2026-09-06 19:40")
    assert noc.post(url_of("record_work", other), {"key": uuid4(), **times}).status_code == 422
    assert noc.post(url_of("record_work", other), {"key": uuid4(), **times, "before_start": "on"}).status_code == 302
    other.refresh_from_db()
    assert other.completed_at == at("2026-09-06 17:40")


# Drafts


@pytest.mark.parametrize(
    ("start", "end", "field", "said"),
    [
        ("2026-09-06 18:00", "2036-09-06 18:00", "ends_at", "The window is longer than 31 days."),
        ("1999-09-06 18:00", "2026-09-06 18:00", "ends_at", "The window is longer than 31 days."),
        ("1999-09-06 18:00", "1999-09-06 19:00", "ends_at", "The window is wholly in the past"),
        ("2206-09-06 18:00", "2206-09-06 19:00", "starts_at", "The window starts more than two years from now."),
    ],
)
def test_windows_of_years_and_of_other_centuries_are_refused_at_the_field(noc, europe, start, end, field, said):
    planned = typed(start, end) | {"reference": "MW-7", "title": "Upgrade", "kind": "upgrade"}
    planned |= {"regions": [str(europe.pk)], "functions": ["all"], "clients": ["all"]}
    form = noc.post(reverse("admin:maintenance_maintenancewindow_add"), planned).context["adminform"].form
    assert said in form.errors[field][0]
    assert not MaintenanceWindow.objects.exists()
    for window in (drafted(europe), a_window(START, END, ("2026-09-01 07:00", START, END))):
        refused = noc.post(url_of("announce_window", window), typed(start, end))
        assert said in refused.context["form"].errors[field][0]
        assert refused.status_code == 422


def test_a_draft_is_discarded_with_a_reason_and_listed_nowhere(noc, europe):
    window = drafted(europe)
    url = url_of("discard_window", window)
    changelist = reverse("admin:maintenance_maintenancewindow_changelist")
    lists = [changelist, reverse("admin:maintenance_calendar"), reverse("admin:search") + "?q=MW-7"]
    assert url in noc.get(url_of("maintenance_window", window)).content.decode()
    assert all(url_of("maintenance_window", window) in noc.get(listed).content.decode() for listed in lists)
    refused = noc.post(url, {"key": uuid4(), "reason": " "})
    assert (refused.status_code, refused.context["discard"].errors) == (422, {"reason": ["Enter a reason."]})
    done = text_of(noc.post(url, {"key": uuid4(), "reason": "Planned twice"}, follow=True))
    assert "Discarded: this draft will not be announced" in done
    assert "Planned twice" in done
    assert "Edit draft" not in done
    assert all(url_of("maintenance_window", window) not in noc.get(listed).content.decode() for listed in lists)
    assert url_of("maintenance_window", window) in noc.get(changelist + "?state=discarded").content.decode()
    for name in ("announce_window", "maintenance_maintenancewindow_change"):
        assert noc.get(url_of(name, window)).url == url_of("maintenance_window", window)
    again = noc.post(url, {"key": uuid4(), "reason": "again"})
    assert "This draft was discarded. Plan a new window." in text_of(again)
    assert noc.post(url_of("start_work", window), {"key": uuid4()}, follow=True).context["messages"]
    window.refresh_from_db()
    assert window.started_at is None


def test_a_draft_that_an_exclusion_names_and_an_announced_window_are_not_discarded(noc, europe):
    named, sent = drafted(europe), a_window(START, END, ("2026-09-01 07:00", START, END))
    an_exclusion(an_incident(), "4.1", "rejected", maintenance=named)
    for window, said in ((named, "An exclusion under 4.1 names this window"), (sent, "This window was announced.")):
        refused = noc.post(url_of("discard_window", window), {"key": uuid4(), "reason": "Planned twice"})
        assert said in text_of(refused)
        assert refused.status_code == 422
    assert not MaintenanceWindow.objects.filter(discarded_at__isnull=False).exists()


def test_the_page_and_the_list_show_the_service_months_and_which_are_closed(noc, europe, clock):
    # 16:00 UTC is 00:00 of the next day in the SLA time zone.
    edge = drafted(europe, "2026-09-30 15:00", "2026-09-30 17:00")
    a_window("2026-09-30 15:00", "2026-09-30 16:00", reference="MW-8")
    long_ago = a_window("2001-01-01 00:00", "2020-01-01 00:00", reference="MW-9")
    MonthClosing.objects.create(month=on("2026-09-01"), closed_at=NOW, closed_by_name="legal")
    assert re.search(r"Service months 2026-09 \S+ closed ?, 2026-10", page(noc, edge))
    listed = noc.get(reverse("admin:maintenance_maintenancewindow_changelist")).content.decode()
    cells = re.findall(r'class="field-months">(.*?)</td>', listed)
    texts = [re.sub(r"<[^>]+>", "", cell) for cell in cells]
    assert [(text.count("2026-09"), text.count("closed"), text.count("2026-10")) for text in texts] == [
        (1, 1, 0), (1, 1, 1), (0, 0, 0),
    ]  # fmt: skip
    assert "2001-12, …" in page(noc, long_ago)


def test_completing_early_ends_what_is_excluded(noc, europe, clock):
    window = announced(europe, started_at=at(START))
    later(noc, clock, "2026-09-06 18:20")
    done = text_of(noc.post(url_of("finish_work", window), {"key": uuid4()}, follow=True))
    assert "Completed after 20 min, 40 min before the announced end: downtime after the completion counts" in done
    assert "excluded under 4.1 20 min ■ counts as downtime 40 min" in done


def test_a_window_wholly_in_the_past_is_refused_at_the_field(noc, europe, clock):
    window = drafted(europe)
    later(noc, clock, "2026-09-06 19:00")
    assert "If sent now" not in text_of(noc.get(url_of("announce_window", window)))
    past = noc.post(url_of("announce_window", window), typed(START, END))
    assert past.context["form"].errors["ends_at"] == [
        "The window is wholly in the past and cannot be announced. Enter an end in the future."
    ]
    shown = noc.post(url_of("announce_window", window), typed(START, "2026-09-06 19:01"))
    later(noc, clock, "2026-09-06 19:01")
    late = noc.post(url_of("announce_window", window), to_send(shown))
    assert late.status_code == 422
    assert "The window is wholly in the past" in text_of(late)

    a_notice = {"sent_at": at("2026-09-01 07:00"), "starts_at": at(START), "ends_at": at(END)}
    MaintenanceNotice.objects.create(window=window, **a_notice)
    later(noc, clock, "2026-09-07 12:00")
    extended = noc.get(url_of("extend_window", window) + "?by=30")
    assert list(extended.context["form"].errors) == ["by"]
    assert not Notice.objects.exists()


def test_a_cancellation_is_previewed_and_sent_with_its_reason(noc, europe):
    window = announced(europe)
    assert noc.post(url_of("cancel_window", window), {"show": "1", "reason": " "}).status_code == 422
    shown = noc.post(url_of("cancel_window", window), {"show": "1", "reason": "The vendor is late."})
    assert "Maintenance MW-7 cancelled: Database upgrade" in text_of(shown)
    assert "STATUS:CANCELLED" in text_of(shown)
    assert not Notice.objects.exists()
    assert "Cancelled: downtime after the cancellation counts" in text_of(
        noc.post(url_of("cancel_window", window), to_send(shown), follow=True)
    )
    assert "The vendor is late." in Notice.objects.get().wording("zh-hans").text
    for step in NOTICES:
        assert noc.get(url_of(step, window)).url == url_of("maintenance_window", window)


def test_rescheduling_keeps_the_first_notice(noc, europe):
    window = announced(europe)
    shown = noc.post(url_of("announce_window", window), typed("2026-09-08 18:00", "2026-09-08 19:00", "Snow"))
    assert "Maintenance MW-7 rescheduled to 2026-09-09 02:00 Shanghai" in text_of(shown)
    text = text_of(noc.post(url_of("announce_window", window), to_send(shown), follow=True))
    assert "announced" in text
    assert "rescheduled" in text
    assert window.notices.count() == 2


# Clause 4.1


@pytest.mark.parametrize(
    ("notices", "down_until", "covered", "counted"),
    [
        ([("2026-09-01 08:00", "02:00", "03:00"), ("2026-09-10 02:50", "02:00", "03:30")], "03:40", "1 h 30 min", "10 min"),
        ([("2026-09-01 08:00", "02:00", "03:00"), ("2026-09-10 03:10", "02:00", "03:30")], "03:40", "1 h 20 min", "20 min"),
        ([("2026-09-10 02:15", "02:00", "03:00")], "03:00", "45 min", "15 min"),
    ],
    ids=["extended at 02:50", "extended at 03:10", "notice at 02:15"],
)  # fmt: skip
def test_the_page_shows_what_the_notices_cover_and_what_counts(
    noc, europe, clock, notices, down_until, covered, counted
):
    day = "2026-09-10"
    sent_notices = [(sent, f"{day} {start}", f"{day} {end}") for sent, start, end in notices]
    window = announced(europe, *sent_notices, start=sent_notices[-1][1], end=sent_notices[-1][2])
    an_outage(europe, f"{day} 02:00", f"{day} {down_until}")
    later(noc, clock, f"{day} 12:00")
    text = page(noc, window)
    assert f"▨ excluded under 4.1 {covered} ■ counts as downtime {counted}" in text
    assert f"downtime in Europe: {covered} can be excluded, {counted} counts." in text
    assert f"Excluded under 4.1 {covered}" in text
    assert f"Counts as downtime {counted}" in text


def test_an_outage_in_another_region_or_of_another_function_is_not_shown(noc, europe, clock):
    window = announced(europe)
    window.functions.set(CoreFunction.objects.filter(code="login"))
    an_outage(a_region("us", name="America"), START, END)
    an_outage(europe, START, END, functions=("door",))
    later(noc, clock, "2026-09-07 12:00")
    assert "downtime in" not in page(noc, window)


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
        (200, {}, Stage.ENDED),
        (100, {"carried_out": False}, Stage.NOT_CARRIED_OUT),
        (200, {"carried_out": False}, Stage.NOT_CARRIED_OUT),
        (200, {"carried_out": False, "cancelled": True}, Stage.CANCELLED),
        (200, {"begun": True, "finished": True}, Stage.COMPLETED),
        (10, {"cancelled": True}, Stage.CANCELLED),
    ],
)
def test_the_stage_of_a_window(now, given, expected):
    assert (
        stage(**({"window": (100, 200), "begun": False, "finished": False, "cancelled": False} | given), now=now)
        is expected
    )


# Warnings


def test_a_lead_time_below_the_recommendation_warns_and_is_allowed(noc, europe):
    window = drafted(europe, "2026-09-02 18:00", "2026-09-02 19:00")
    shown = noc.get(url_of("announce_window", window))
    assert "Lead time below the recommended 72 h. The agreement allows this." in text_of(shown)
    assert "Version 1.0 requires no minimum lead time" in text_of(shown)
    noc.post(url_of("announce_window", window), to_send(shown))
    assert window.notices.count() == 1
    assert "34 h (recommended: 72 h, version 1.0)" in page(noc, window)


def test_a_version_with_a_minimum_lead_time_shows_what_counts(noc, europe):
    a_version("2.0", "2026-08-01", maintenance_notice_hours=48)
    window = drafted(europe, "2026-09-03 07:30", "2026-09-03 08:30")
    text = text_of(noc.get(url_of("announce_window", window)))
    assert "Version 2.0 requires a lead time of 48 hours" in text
    assert "downtime before 2026-09-03 16:00 Shanghai counts" in text
    assert "Excluded under 4.1 30 min" in text
    assert "Counts as downtime 30 min" in text


def test_planning_an_overlapping_window_warns_and_is_allowed(noc, europe):
    announced(europe)
    planned = typed("2026-09-06 18:30", "2026-09-06 20:00") | {"reference": "MW-8", "title": "Drill", "kind": "drill"}
    planned |= {"regions": ["all"], "functions": ["all"], "clients": ["all"]}
    response = noc.post(reverse("admin:maintenance_maintenancewindow_add"), planned, follow=True)
    said = "Overlaps another window in the same region: MW-7 Database upgrade, 2026-09-07 02:00 Shanghai to 2026-09-07 03:00"
    assert said in text_of(response)
    window = MaintenanceWindow.objects.get(reference="MW-8")
    assert said in text_of(noc.get(url_of("announce_window", window)))
    assert "overlaps MW-8" in text_of(noc.get(reverse("admin:maintenance_calendar") + "?from=2026-09-01"))


# Once, and only as previewed


def test_a_double_click_sends_one_notice(noc, europe):
    window = drafted(europe)
    form = to_send(noc.get(url_of("announce_window", window)))
    first, second = (noc.post(url_of("announce_window", window), form) for _ in range(2))
    assert first.url == second.url == url_of("maintenance_window", window)
    assert Notice.objects.count() == 1
    key = {"key": uuid4()}
    for _ in range(2):
        assert "has already started" not in text_of(noc.post(url_of("start_work", window), key, follow=True))
    assert Entry.objects.filter(action="started").count() == 1


def test_a_preview_older_than_the_newest_notice_is_refused(noc, europe):
    window = announced(europe)
    mine, theirs = (noc.get(url_of("extend_window", window) + f"?by={by}") for by in (15, 60))
    noc.post(url_of("extend_window", window), to_send(theirs))
    refused = noc.post(url_of("extend_window", window), to_send(mine))
    assert refused.status_code == 422
    assert "Another notice was sent after this preview" in text_of(refused)
    assert window.notices.count() == 2


def test_an_announced_window_has_no_draft_form(noc, europe):
    window = drafted(europe)
    form = reverse("admin:maintenance_maintenancewindow_change", args=[window.pk])
    assert noc.get(form).status_code == 200
    noc.post(url_of("announce_window", window), to_send(noc.get(url_of("announce_window", window))))
    assert noc.get(form).url == url_of("maintenance_window", window)
    assert noc.post(form, {"title": "Another"}).status_code == 302
    window.refresh_from_db()
    assert window.title == "Database upgrade"


# Permissions


@pytest.mark.parametrize("role", ["Support", "Legal", "Auditor", "Administrator"])
def test_other_roles_see_no_actions_and_are_refused(europe, clock, role):
    window = announced(europe, start="2026-09-01 09:00", end="2026-09-01 10:00")
    client = signed_in(a_member(role))
    response = client.get(url_of("maintenance_window", window))
    assert response.status_code == 200
    for step in (*NOTICES, "start_work", "finish_work", "not_carried_out"):
        assert url_of(step, window) not in response.content.decode()
        assert client.post(url_of(step, window), {"send": "1", "key": uuid4()}).status_code == 403
    assert client.get(reverse("admin:maintenance_calendar")).status_code == 200
    assert not Notice.objects.exists()


# Arbitrary input


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
def test_arbitrary_input_breaks_no_page_and_sends_nothing(noc, europe, sent):
    for window in (announced(europe), a_window(START, END)):
        for step in (*NOTICES, "start_work", "finish_work", "not_carried_out", "discard_window", "record_work"):
            assert noc.post(url_of(step, window), sent).status_code in (200, 302, 422)
    assert not Notice.objects.exists()


@pytest.mark.parametrize("asked", ["by=x", "by=", "by=%00", "by=typed", "by=15&reason=%00"])
def test_arbitrary_parameters_do_not_break_the_extension(noc, europe, asked):
    assert noc.get(f"{url_of('extend_window', announced(europe))}?{asked}").status_code in (200, 422)


@pytest.mark.parametrize("asked", ["x", "%00", "0001-01-01", "9999-12-31", "2026-W01", "99999-01-01", "-1", ""])
def test_arbitrary_parameters_do_not_break_the_calendar(noc, asked):
    assert noc.get(f"{reverse('admin:maintenance_calendar')}?from={asked}").status_code == 200


def test_a_missing_window_is_not_found(noc):
    for number in (0, 999999, 2**63 - 1, 10**30):
        assert noc.get(f"/admin/maintenance/maintenancewindow/{number}/announce/").status_code == 404


# The calendar, and the number of queries


def test_the_calendar_shows_each_day_with_status_regions_and_lead_time(noc, europe):
    announced(europe)
    a_window("2026-09-10 15:00", "2026-09-10 17:00", reference="MW-9", title="Drill")
    text = text_of(noc.get(reverse("admin:maintenance_calendar")))
    assert "Mon 7 Sep 02:00 – 03:00 MW-7 Database upgrade upgrade · Europe ✓ scheduled 131 h" in text
    # Across a midnight it stands on both days.
    assert "Thu 10 Sep 23:00 – … MW-9 Drill upgrade · all regions ◔ draft" in text
    assert "Fri 11 Sep … – 01:00 MW-9 Drill" in text
    assert "MW-7" not in text_of(noc.get(reverse("admin:maintenance_calendar") + "?from=2027-01-01"))


def queries(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_number_of_queries_does_not_grow_with_the_rows(noc, europe, clock):
    window = announced(europe)
    urls = [
        url_of("maintenance_window", window),
        url_of("extend_window", window) + "?by=15",
        reverse("admin:maintenance_calendar"),
        reverse("admin:maintenance_maintenancewindow_changelist"),
    ]

    def more(count: int) -> None:
        for number in range(count):
            form = to_send(noc.get(urls[1]))
            assert noc.post(url_of("extend_window", window), form).status_code == 302
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


def test_the_suggested_reference_is_free(noc):
    a_window("2026-09-06 18:00", "2026-09-06 19:00", reference=f"MW-{timezone.now():%Y}-07")
    a_window("2026-09-06 18:00", "2026-09-06 19:00", reference=f"MW-{timezone.now():%Y}-x²")
    form = noc.get(reverse("admin:maintenance_maintenancewindow_add"))
    assert f'value="MW-{timezone.now():%Y}-08"' in form.content.decode()
