"""What the public pages say, to whom, and at what cost."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from incidents.models import Incident
from sla_portal.agreements.models import AgreementVersion
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import RegionMonth
from sla_portal.availability.operations import close_month, correct_month, merge_incident, void_incident
from sla_portal.customers.models import Region
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.operations import queue_reports, request_reports
from tests.conftest import forget_what_is_kept
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
)
from tests.support.desk import text_of
from tests.support.public import (
    NOW,
    OCTOBER,
    SEPTEMBER,
    a_resolved_incident,
    addresses,
    an_announcement,
    everything,
    said,
)

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def read(client, address: str, **more) -> str:
    response = client.get(address, **more)
    assert response.status_code == 200, address
    return text_of(response)


# Home


def test_a_quiet_portal_says_so_in_one_sentence(client):
    a_region(name="Europe")
    words = read(client, "/")
    assert "All systems operational" in words
    assert "No maintenance is scheduled." in words
    assert "No incidents in the last 30 days." in words
    assert "No month has been closed yet." in words
    assert "No announcements yet." in words


def test_an_empty_portal_says_what_will_be_here(client):
    Region.objects.all().delete()
    AgreementVersion.objects.all().delete()
    for address in ("/", "/incidents/", "/maintenance/", "/availability/", "/notices/", "/agreement/"):
        assert re.search(r"yet|No incidents this month so far|No maintenance is scheduled", read(client, address)), (
            address
        )


def test_home_tells_what_is_down_planned_and_past(client):
    everything()
    words = read(client, "/")
    assert "Partial outage: Login unavailable on app and web in Asia" in words
    assert "Login : partial outage (app and web)" in words
    assert "Logins fail on app and web." in words
    assert "for 11 min 30 s so far" in words
    assert "SLA breached in 1 of 2 closed months: September 2026" in words
    assert "Database upgrade" in words
    assert "A new data centre" in words


def test_the_sentence_names_what_does_not_work(client):
    europe, asia = a_region(name="Europe"), a_region("asia", name="Asia")
    an_outage(europe, "2026-11-22 09:00", None)
    assert "Major outage: Europe" in read(client, "/")
    an_outage(asia, "2026-11-22 09:00", None, functions=("login", "calls"))
    forget_what_is_kept()
    assert "Major outage: Europe Partial outage: Login and audio and video calls unavailable in Asia" in read(
        client, "/"
    )
    an_outage(asia, "2026-11-22 09:00", None)
    forget_what_is_kept()
    assert "Major outage: all regions" in read(client, "/")


def test_maintenance_under_way_is_no_outage(client):
    europe = a_region(name="Europe")
    a_region("asia", name="Asia")
    notice = ("2026-11-20 08:00", "2026-11-22 09:30", "2026-11-22 11:00")
    a_window("2026-11-22 09:30", "2026-11-22 11:00", notice).regions.add(europe)
    assert "No outage known. Maintenance in progress: Europe" in read(client, "/")


# Incidents


def test_an_incident_is_told_by_what_was_down_and_what_was_said_in_public(client):
    everything()
    words = read(client, "/incidents/INC-1/")
    for expected in ("Major outage in Europe", "Resolved", "We are looking for the cause.", "37 min", "Counting rule"):
        assert expected in words


def test_a_resolution_before_the_last_outage_ended_is_not_stated(client):
    resolved_at = at("2026-09-10 01:30")
    a_resolved_incident("2026-09-10 01:00", "2026-09-10 01:37", "INC-9", resolved_at=resolved_at, recorded_as_is=True)
    words = read(client, "/incidents/INC-9/")
    assert "Duration 37 min Resolved not stated" in words


def test_a_voided_incident_says_one_sentence_and_a_merged_one_leads_to_the_other(client):
    everything()
    words = read(client, "/incidents/INC-4/")
    assert "□ Voided This incident was logged by mistake. It does not count." in words
    assert "30 min" not in words
    assert "Outages" not in words
    merged = client.get("/incidents/INC-5/")
    assert "□ Merged This incident is a duplicate and was merged into INC-3. It does not count." in text_of(merged)
    assert 'href="/incidents/INC-3/"' in merged.content.decode()
    front = read(client, "/")
    assert front.count("It does not count.") == 2
    listed = read(client, "/incidents/?month=2026-11")
    assert listed.count("It does not count.") == 2


def test_a_voided_outage_is_no_outage_of_the_present(client):
    europe = a_region(name="Europe")
    slip = an_outage(europe, "2026-11-22 09:00", None).incident
    assert "Major outage: Europe" in read(client, "/")
    void_incident(actor=SYSTEM, incident=slip, reason="A drill", now=NOW)
    forget_what_is_kept()
    assert "All systems operational" in read(client, "/")


def test_an_incident_without_an_outage_is_public_once_another_was_merged_into_it(client):
    target, duplicate = an_incident("INC-TARGET"), an_outage(a_region(), "2026-11-22 09:00", None).incident
    assert client.get("/incidents/INC-TARGET/").status_code == 404
    merge_incident(
        actor=SYSTEM, incident=duplicate, into=target, take_over=(), propose_anew=(), reason="Twice", now=NOW
    )
    forget_what_is_kept()
    assert client.get("/incidents/INC-TARGET/").status_code == 200


def test_incidents_are_listed_by_month_with_the_way_to_the_next_that_has_some(client):
    a_resolved_incident("2026-03-10 01:00", "2026-03-10 01:37", "INC-OLD")
    a_resolved_incident("2026-09-10 01:00", "2026-09-10 01:37", "INC-NEW")
    page = client.get("/incidents/")
    assert "No incidents this month so far." in text_of(page)
    assert 'href="?month=2026-09"' in page.content.decode()
    page = client.get("/incidents/?month=2026-09")
    assert "INC-NEW" in text_of(page)
    assert "INC-OLD" not in text_of(page)
    assert 'href="?month=2026-03"' in page.content.decode()


def test_an_incident_stands_in_the_months_that_it_touches_whenever_it_was_detected(client):
    late = an_incident("INC-LATE", detected_at=at("2026-11-02 01:00"), resolved_at=at("2026-11-02 01:00"))
    an_outage(a_region(), "2026-05-31 01:00", "2026-07-01 01:00", incident=late)
    ways = {}
    for month in ("2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-11"):
        page = client.get(f"/incidents/?month={month}")
        turns = re.findall(r'href="\?month=([0-9-]+)', page.content.decode())
        ways[month] = ("INC-LATE" in text_of(page), turns)
    assert ways == {
        "2026-04": (False, ["2026-05"]),
        "2026-05": (True, ["2026-06"]),
        "2026-06": (True, ["2026-05", "2026-07"]),
        "2026-07": (True, ["2026-06"]),
        "2026-08": (False, ["2026-07"]),
        "2026-11": (False, ["2026-07"]),
    }


def test_a_month_begins_on_the_sla_clock(client):
    a_resolved_incident("2026-09-30 16:30", "2026-09-30 16:40", "INC-OCTOBER")
    assert "INC-OCTOBER" in read(client, "/incidents/?month=2026-10")


# Maintenance


def test_a_window_is_shown_as_its_newest_notice_announced_it_never_as_its_row_says(client):
    a_window(
        "2026-12-24 01:00", "2026-12-24 02:00",
        ("2026-11-01 08:00", "2026-12-01 01:00", "2026-12-01 02:00"),
        ("2026-11-02 08:00", "2026-12-03 01:00", "2026-12-03 02:30"),
        reference="MW-7",
    )  # fmt: skip
    words = read(client, "/maintenance/MW-7/")
    assert "2026-12-03 09:00 Shanghai" in words
    assert "1 h 30 min" in words
    assert "2026-12-01 09:00 Shanghai" in words  # as first announced
    assert "2026-12-24" not in words


def test_a_cancelled_window_says_so(client):
    everything()
    assert "This maintenance was cancelled" in read(client, "/maintenance/MW-4/")
    words = read(client, "/maintenance/?month=2026-12")
    assert "Cancelled" in words
    assert "Database upgrade" in words


def test_an_overrun_shows_as_it_happens_and_ends_with_the_work(client, today):
    window = a_window(
        "2026-11-22 08:00", "2026-11-22 09:00", ("2026-11-20 08:00", "2026-11-22 08:00", "2026-11-22 09:00"),
        reference="MW-8", started_at=at("2026-11-22 08:00"),
    )  # fmt: skip
    a_region()
    assert "In progress, overrunning" in read(client, "/")
    window.completed_at = at("2026-11-22 10:00")
    window.save()
    today.shift(timedelta(minutes=1))
    assert "In progress, overrunning" not in read(client, "/")
    assert "Completed" in read(client, "/maintenance/MW-8/")


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ({"not_carried_out_at": at("2026-11-22 08:10")}, "This maintenance was not carried out."),
        ({"completed_at": at("2026-11-22 08:10")}, "Unavailability after its completion counts as downtime."),
    ],
)
def test_a_window_without_work_or_completed_early_says_what_counts(client, today, work, said):
    a_window(
        "2026-11-22 08:00", "2026-11-22 09:00", ("2026-11-20 08:00", "2026-11-22 08:00", "2026-11-22 09:00"),
        reference="MW-8", **work,
    )  # fmt: skip
    a_region()
    words = read(client, "/maintenance/MW-8/")
    assert said in words
    assert ("Not carried out" in words) is ("not_carried_out_at" in work)
    assert "In progress" not in read(client, "/")


# Availability


def test_only_closed_months_are_shown_and_as_they_were_closed(client):
    everything()
    a_resolved_incident("2026-10-10 01:00", "2026-10-10 02:00", "INC-LATE")
    words = read(client, "/availability/")
    assert "Month Asia Europe" in words
    assert "September 2026 100.00000 % ✓ SLA met 0 minutes 99.91435 % ■ SLA breached 37 minutes" in words
    assert "October 2026 100.00000 % ✓ SLA met 0 minutes 100.00000 % ✓ SLA met 0 minutes" in words
    assert "November" not in words


def test_a_closed_month_is_explained_by_day_hour_and_event(client):
    everything()
    words = read(client, "/availability/eu/2026-09/")
    assert "1 − 37 ÷ 43200 = 99.91435 % · target: 99.99 % · downtime allowance: 4 minutes" in words
    assert "10 37" in words  # of the 10th, 37 unavailable minutes
    assert "12 (30)" in words  # of the 12th, 30 excluded
    assert "INC-1" in words


def test_the_map_of_a_month_is_the_issued_report_s_whatever_the_record_says_by_now(client):
    incident = a_resolved_incident("2026-09-10 01:00", "2026-09-10 01:37", "INC-1")
    close_month(actor=SYSTEM, month=SEPTEMBER, now=NOW)
    run = request_reports(actor=SYSTEM, month=SEPTEMBER, now=NOW)
    queue_reports(run_id=run.pk, now=NOW)
    Incident.objects.update(resolved_at=at("2026-09-20 03:00"))
    incident.outages.update(started_at=at("2026-09-20 01:00"), ended_at=at("2026-09-20 03:00"))
    words = read(client, "/availability/eu/2026-09/")
    assert "10 37" in words
    assert "20 120" not in words


def test_a_corrected_month_says_its_revision(client, today):
    a_resolved_incident("2026-09-10 01:00", "2026-09-10 01:37", "INC-1")
    close_month(actor=SYSTEM, month=SEPTEMBER, now=NOW)
    assert "37 unavailable minutes" in read(client, "/availability/eu/")
    an_exclusion(Incident.objects.get(), "4.10")
    correct_month(actor=SYSTEM, month=SEPTEMBER, reason="A law was found", now=NOW)
    today.shift(timedelta(seconds=10))
    words = read(client, "/availability/eu/")
    assert "0 unavailable minutes, 37 excluded · corrected, revision 2" in words
    assert "A law was found" not in words


def test_twelve_months_are_shown_of_thirteen(client):
    a_region(name="Europe")
    for number in range(13):
        close_month(actor=SYSTEM, month=OCTOBER + -number, now=NOW)
    words = read(client, "/availability/eu/")
    assert "November 2025" in words
    assert "October 2025" not in words
    assert client.get("/availability/eu/2025-10/").status_code == 404


# Announcements and the agreement


def test_an_announcement_stays_at_its_address_with_time_and_hash(client):
    notice = an_announcement()
    assert notice.address == f"{settings.SITE_URL}/notices/{notice.number}/"
    words = read(client, f"/notices/{notice.number}/")
    assert notice.sha256 in words
    assert "2026-11-01 16:00 Shanghai" in words
    assert "Nothing changes for you." in words
    assert "对您没有影响。" in read(client, f"/notices/{notice.number}/?lang=zh-hans")


def test_the_agreement_in_force_and_those_before_and_after_it_are_read_clause_by_clause(client):
    everything()
    page = client.get("/agreement/")
    words = text_of(page)
    assert "Version 1.0" in words
    assert "99.99 %" in words
    assert "All functions on all clients (all)" in words
    assert 'id="clause-4.11"' in page.content.decode()
    coming = read(client, "/agreement/2.0/")
    assert "takes effect on 1 January 2027, at 00:00 in the SLA time zone" in coming
    assert "It is so." in coming
    assert "计入不可用时间" in read(client, "/agreement/?lang=zh-hans")


def test_a_version_that_was_in_force_says_until_when(client):
    a_version("1.1", "2026-06-01")
    assert "to 31 May 2026" in read(client, "/agreement/1.0/")


# The reader: language and clock


def test_the_address_the_cookie_and_the_browser_say_the_language_in_this_order(client):
    a_region(name="Europe")
    chinese, english = "所有系统运行正常", "All systems operational"
    assert chinese in read(client, "/", headers={"accept-language": "zh-CN"})
    assert english in read(client, "/?lang=en", headers={"accept-language": "zh-CN"})
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    assert chinese in read(client, "/", headers={"accept-language": "en"})
    assert english in read(client, "/?lang=en")
    assert chinese in read(client, "/?lang=klingon")


def test_a_page_names_itself_in_each_language(client):
    page = client.get("/incidents/?month=2026-09&lang=zh-hans").content.decode()
    assert '<html lang="zh-hans">' in page
    here = f"{settings.SITE_URL}/incidents/?month=2026-09"
    assert f'<link rel="canonical" href="{here}">' in page
    assert f'<link rel="alternate" hreflang="zh-hans" href="{here}&amp;lang=zh-hans">' in page
    assert f'<link rel="alternate" hreflang="x-default" href="{here}">' in page


def test_choosing_keeps_the_page_and_takes_one_cookie(client):
    everything()
    chosen = client.post("/choose/", {"language": "zh-hans", "next": "/incidents/?month=2026-09"})
    assert chosen["Location"] == "/incidents/?month=2026-09"
    assert set(client.cookies) == {settings.LANGUAGE_COOKIE_NAME}
    client.post("/choose/", {"zone": "Europe/Berlin", "next": "/"})
    client.post("/choose/", {"language": "en"})
    words = read(client, "/incidents/INC-1/")
    assert "2026-09-10 03:00 Berlin SLA 2026-09-10 09:00 Shanghai" in words
    assert Session.objects.count() == 0


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil", ""])
def test_a_choice_leads_nowhere_else(client, target):
    assert client.post("/choose/", {"zone": "UTC", "next": target})["Location"] == "/"


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "Etc/GMT+3", "x" * 5000, "\0"])
def test_a_clock_that_is_none_is_not_kept(client, zone):
    client.post("/choose/", {"zone": zone})
    assert not client.cookies
    client.cookies["time_zone"] = zone.replace("\0", "%00")
    assert client.get("/").status_code == 200


def test_the_clock_page_leads_back_to_where_it_was_asked_for(client):
    a_region(name="Europe", time_zone="Europe/Berlin")
    page = client.get("/clock/?next=/incidents/").content.decode()
    assert page.count('<input type="hidden" name="next" value="/incidents/">') == 4
    assert "Europe/Berlin" in page
    assert "clock/?next=%2Fclock" not in page
    assert 'value="/"' in client.get("/clock/?next=https://evil.example").content.decode()


# What is not there


@pytest.mark.parametrize(
    "address",
    [
        "/incidents/?month=2026-13", "/incidents/?month=x", "/incidents/?month=9999-01", "/incidents/?month=1969-01",
        "/incidents/?page=0", "/incidents/?page=-1", "/incidents/?page=999999999999", "/incidents/?page=2",
        "/incidents/?page=%C2%B2", "/incidents/INC-77/", "/incidents/%00/", "/incidents/a/b/c/", "/maintenance/MW-77/",
        "/maintenance/?month=%00", "/maintenance/%00/", "/availability/xx/", "/availability/eu/2026-09/", "/availability/%00/",
        "/availability/eu/garbage/", "/notices/N-1/", "/notices/%00/", "/notices/?page=7", "/agreement/9.9/",
        "/agreement/%00/", "/maintenance/%00.ics", "/wp-login.php", "/%E2%80%AE/", "/notices/" + "x" * 3000 + "/",
    ],
)  # fmt: skip
def test_garbage_is_told_that_there_is_no_such_page(client, address):
    a_region()
    response = client.get(address)
    assert response.status_code == 404
    assert "Page not found" in text_of(response)
    assert not client.cookies


@pytest.mark.parametrize(
    "address", ["/?x=%00&lang=%00", "/?lang=a&lang=b", "/?page=x", "/incidents/INC-1/?page=1&month=x"]
)
def test_what_no_page_asks_for_changes_nothing(client, address):
    a_resolved_incident("2026-09-10 01:00", "2026-09-10 01:37", "INC-1")
    assert client.get(address).status_code == 200


def test_pages_are_only_read(client):
    assert client.post("/").status_code in {403, 405}
    assert client.get("/choose/").status_code == 405


def test_at_the_desk_a_missing_page_still_leads_to_the_desk(admin_client):
    assert "Home" in text_of(admin_client.get("/admin/nothing/"))


def test_robots_and_a_mark(client):
    assert "Disallow: /admin/" in client.get("/robots.txt").content.decode()
    assert client.get("/favicon.ico")["Location"].endswith(".svg")


# Headers


def test_a_page_is_asked_for_again_and_answered_that_nothing_changed(client):
    everything()
    first = client.get("/")
    assert first["Cache-Control"] == "public, no-cache"
    assert {"Accept-Language", "Cookie"} <= set(re.split(r",\s*", first["Vary"]))
    again = client.get("/", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/", headers={"if-modified-since": first["Last-Modified"]}).status_code == 304
    assert client.get("/?lang=zh-hans", headers={"if-none-match": first["ETag"]}).status_code == 200
    packed = client.get("/", headers={"accept-encoding": "gzip"})
    assert len(packed.content) < len(first.content) / 2
    assert client.get("/", headers={"accept-encoding": "gzip", "if-none-match": packed["ETag"]}).status_code == 304


def test_a_page_changes_with_the_facts(client, today):
    everything()
    first = client.get("/")
    said(Incident.objects.get(reference="INC-3"), "2026-11-22 10:00", "It was the certificate.")
    assert "certificate" not in read(client, "/")  # as kept
    today.shift(timedelta(seconds=6))
    changed = client.get("/", headers={"if-none-match": first["ETag"], "if-modified-since": first["Last-Modified"]})
    assert changed.status_code == 200
    assert "It was the certificate." in text_of(changed)


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(client):
    everything()
    for address, body in addresses(client).items():
        text = body.decode()
        if not text.startswith("<!DOCTYPE"):
            continue
        assert not re.search(r'(?:src|srcset|action)="(?!/)', text), address
        assert not re.search(r"<style|style=|<script>|\son\w+=", text), address
        for link in re.findall(r'<link rel="(?:stylesheet|icon|preload)[^>]*href="([^"]*)', text):
            assert link.startswith("/static/"), address


# Cost


STYLE_AND_SCRIPT = settings.BASE_DIR / "sla_portal" / "website" / "static" / "website"


@pytest.mark.sqlite
def test_no_page_weighs_more_than_sixty_kilobytes_unpacked_with_style_and_script(client):
    everything()
    for number in range(300):
        start = at("2026-11-02 00:00") + timedelta(hours=number)
        incident = an_incident(f"INC-M{number}", detected_at=start, resolved_at=start + timedelta(minutes=20))
        incident.outages.create(region=a_region(), started_at=start, ended_at=start + timedelta(minutes=10))
        said(incident, f"{start:%Y-%m-%d %H:%M}", "We are looking for the cause, and tell you when we know it. " * 8)
        said(Incident.objects.get(reference="INC-1"), f"{start:%Y-%m-%d %H:%M}", "We still look for the cause. " * 10)
    for number in range(8):
        close_month(actor=SYSTEM, month=ServiceMonth(2026, 8) + -number, now=NOW)
    for number in range(60):
        an_announcement(f"Announcement {number}")
    beside = sum(file.stat().st_size for file in STYLE_AND_SCRIPT.iterdir())
    weights = {
        address: len(client.get(address).content) + beside
        for address in (
            *ADDRESSES[:2], "/incidents/INC-1/", "/maintenance/?month=2026-12", "/maintenance/MW-1/", "/availability/",
            "/availability/eu/", "/availability/eu/2026-09/", "/notices/", "/notices/N-2026-0001/", "/agreement/",
            "/agreement/?lang=zh-hans", "/clock/", "/data/", "/nothing/",
        )
    }  # fmt: skip
    assert {address: weight for address, weight in weights.items() if weight > 60_000} == {}


def grown(numbers: range) -> None:
    """So many more of everything, in one month."""
    for number in numbers:
        region = a_region(f"r{number}", name=f"Region {number}")
        start = at("2026-11-02 00:00") + timedelta(hours=number)
        incident = an_incident(f"INC-{number}", detected_at=start, resolved_at=NOW, attributable=True)
        for _ in range(2):
            an_outage(
                region, f"{start:%Y-%m-%d %H:%M}", f"{start + timedelta(minutes=5):%Y-%m-%d %H:%M}",
                incident=incident, functions=("login",), clients=("app",),
            )  # fmt: skip
        said(incident, f"{start:%Y-%m-%d %H:%M}", f"Update {number}")
        starts, ends = (f"{start + timedelta(days=30, hours=hours):%Y-%m-%d %H:%M}" for hours in (0, 1))
        a_window(starts, ends, ("2026-11-01 00:00", starts, ends), reference=f"MW-{number}").regions.add(region)
        an_announcement(f"Announcement {number}")


def agreed(numbers: range) -> None:
    """So many more versions of the agreement, in force one after the other."""
    for number in numbers:
        version = a_version(f"9.{number}", f"20{30 + number // 28}-01-{number % 28 + 1:02}")
        version.clauses.create(number="1.1", heading="Service", summary="What it is")


ADDRESSES = (
    "/", "/incidents/?month=2026-11", "/incidents/INC-0/", "/maintenance/?month=2026-12", "/maintenance/MW-0/",
    "/availability/", "/availability/r0/", "/availability/r0/2026-10/", "/notices/", "/notices/N-2026-0001/",
    "/agreement/9.0/", "/clock/", "/feeds/incidents.atom", "/feeds/maintenance.atom", "/feeds/announcements.atom",
    "/api/v2/summary.json", "/api/v2/incidents.json", "/api/v2/scheduled-maintenances.json",
)  # fmt: skip


def queries_taken(client) -> dict[str, int]:
    taken = {}
    for address in ADDRESSES:
        forget_what_is_kept()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200, address
        taken[address] = len(queries)
    return taken


@pytest.mark.sqlite
def test_a_page_takes_as_many_queries_for_three_hundred_rows_as_for_three(client):
    grown(range(3))
    agreed(range(3))
    a_contract(a_customer(a_region("r0")), "2026-10-01", "2027-09-30")  # in service since
    close_month(actor=SYSTEM, month=OCTOBER, now=NOW)
    with_three = queries_taken(client)
    grown(range(3, 300))
    agreed(range(3, 300))
    # A closed month takes up no region; as if it had been closed with all of them
    closed = RegionMonth.objects.filter(month=OCTOBER.first_day)
    stated = closed.values().get(region__code="r0") | {"id": None}
    others = Region.objects.exclude(pk__in=closed.values("region"))
    RegionMonth.objects.bulk_create([RegionMonth(**stated | {"region_id": region.pk}) for region in others])
    assert queries_taken(client) == with_three
    assert max(with_three.values()) <= 40


def test_a_kept_page_takes_no_query(client, django_assert_num_queries):
    everything()
    kept = [*ADDRESSES[:2], "/incidents/INC-1/", "/availability/eu/2026-09/", "/api/v2/summary.json"]
    for address in kept:
        client.get(address)
    with django_assert_num_queries(0):
        for address in kept:
            assert client.get(address).status_code == 200


# Chinese


def test_every_sentence_of_the_website_is_told_in_chinese(client, monkeypatch):
    everything()
    missing: set[str] = set()
    for name in ("gettext", "pgettext", "ngettext", "npgettext"):
        original = getattr(translation._trans, name)

        def watched(*said, original=original, name=name):
            told = original(*said)
            if translation.get_language() == "zh-hans" and told == said[name.startswith(("p", "np"))] and told.strip():
                missing.add(str(told))
            return told

        monkeypatch.setattr(translation._trans, name, watched)
    addresses_in_chinese = [address for address in addresses(client) if "lang=zh-hans" in address]
    assert len(addresses_in_chinese) > 20
    # Names that are the same in both.
    assert {one for one in missing if re.search(r"[A-Za-z]{3}", one)} - {"SLA", "Europe", "Asia"} == set()


def test_the_colours_are_the_desk_s():
    def tokens(name: str) -> dict[str, str]:
        text = (settings.BASE_DIR / "sla_portal" / name).read_text()
        return dict(re.findall(r"(--[\w-]+): (light-dark\(.*?\));", text))

    public, desk = tokens("website/static/website/website.css"), tokens("staff/static/staff/portal.css")
    assert len(public) > 15
    assert public == {name: desk[name] for name in public}
