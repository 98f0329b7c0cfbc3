"""From when an amendment can hold: thirty full days in the SLA time zone (5.2), and who governs until then."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.operations import NoticeTooShort, publish_version
from sla_portal.agreements.queries import earliest_day, published_versions, terms_periods, version_in_force
from sla_portal.agreements.rules import terms_at
from sla_portal.kernel.intervals import epoch
from tests.support.amendments import announced, legal, submitted
from tests.support.builders import a_version, at, on

pytestmark = pytest.mark.django_db

CASES = [
    # The examples of the rules: announced on 10 January, and on 1 June at any hour.
    ("Asia/Shanghai", "2026-01-10 00:00", "2026-02-10"),
    ("Asia/Shanghai", "2026-01-09 16:00", "2026-02-10"),
    ("Asia/Shanghai", "2026-01-09 15:59:59", "2026-02-09"),
    ("Asia/Shanghai", "2026-05-31 16:00", "2026-07-02"),
    ("Asia/Shanghai", "2026-06-01 15:59:59", "2026-07-02"),
    ("Asia/Shanghai", "2026-06-01 16:00", "2026-07-03"),
    # Februaries with 28 and with 29 days.
    ("Asia/Shanghai", "2024-01-29 04:00", "2024-02-29"),
    ("Asia/Shanghai", "2024-01-30 04:00", "2024-03-01"),
    ("Asia/Shanghai", "2025-01-28 04:00", "2025-02-28"),
    ("Asia/Shanghai", "2025-01-29 04:00", "2025-03-01"),
    ("Asia/Shanghai", "2028-02-28 04:00", "2028-03-30"),
    ("Asia/Shanghai", "2028-02-29 04:00", "2028-03-31"),
    ("Asia/Shanghai", "2027-02-28 04:00", "2027-03-31"),
    ("Asia/Shanghai", "2100-01-29 04:00", "2100-03-01"),
    # Over the year's end.
    ("Asia/Shanghai", "2026-12-01 04:00", "2027-01-01"),
    ("Asia/Shanghai", "2026-12-31 15:59:59", "2027-01-31"),
    ("Asia/Shanghai", "2026-12-31 16:00", "2027-02-01"),
    # Berlin: on 29 March the day has 23 hours, on 25 October 25.
    ("Europe/Berlin", "2026-03-28 22:59:59", "2026-04-28"),
    ("Europe/Berlin", "2026-03-28 23:00", "2026-04-29"),
    ("Europe/Berlin", "2026-03-29 21:59:59", "2026-04-29"),
    ("Europe/Berlin", "2026-03-29 22:00", "2026-04-30"),
    ("Europe/Berlin", "2026-10-24 22:00", "2026-11-25"),
    ("Europe/Berlin", "2026-10-25 22:59:59", "2026-11-25"),
    ("Europe/Berlin", "2026-10-25 23:00", "2026-11-26"),
    # New York: 8 March and 1 November.
    ("America/New_York", "2026-03-08 04:59:59", "2026-04-07"),
    ("America/New_York", "2026-03-09 03:59:59", "2026-04-08"),
    ("America/New_York", "2026-11-01 03:59:59", "2026-12-01"),
    ("America/New_York", "2026-11-02 04:59:59", "2026-12-02"),
    # Santiago: on 6 September there is no midnight; the day begins at 01:00.
    ("America/Santiago", "2026-09-06 03:59:59", "2026-10-06"),
    ("America/Santiago", "2026-09-06 04:00", "2026-10-07"),
    # Clocks by half and quarter hours, and the first of all.
    ("Australia/Lord_Howe", "2026-04-04 12:59:59", "2026-05-05"),
    ("Australia/Lord_Howe", "2026-04-04 13:00", "2026-05-06"),
    ("Asia/Kathmandu", "2026-06-01 18:14:59", "2026-07-02"),
    ("Asia/Kathmandu", "2026-06-01 18:15", "2026-07-03"),
    ("Pacific/Kiritimati", "2026-01-09 10:00", "2026-02-10"),
]


@pytest.mark.parametrize(("zone", "announced_at", "earliest"), CASES)
def test_an_amendment_takes_effect_thirty_full_days_after_its_notice_at_the_earliest(
    settings, zone, announced_at, earliest
):
    settings.SLA_ZONE = ZoneInfo(zone)
    now = at(announced_at)
    assert earliest_day(now) == on(earliest)
    with pytest.raises(NoticeTooShort, match=f"on {earliest} at the earliest: 30 full days"):
        submitted(effective_on=on(earliest) - timedelta(days=1), now=now)
    version = AgreementVersion.objects.get(version="2.0")
    announced(version, on(earliest), now)
    assert version.stage.value == "published"


def test_days_that_passed_since_publication_was_asked_for_do_not_count():
    version = submitted(effective_on=on("2026-07-02"), now=at("2026-06-01 04:00"))
    with pytest.raises(NoticeTooShort, match="on 2026-07-03 at the earliest"):
        publish_version(actor=legal("bob"), version=version, now=at("2026-06-02 04:00"))
    version.refresh_from_db()
    assert version.published_at is None


def test_the_notice_of_the_version_in_force_at_publication_governs():
    a_version("1.1", "2026-05-01", amendment_notice_days=60)
    assert earliest_day(at("2026-04-30 04:00")) == on("2026-05-31")
    assert earliest_day(at("2026-05-01 04:00")) == on("2026-07-01")


def test_a_version_governs_from_midnight_on_the_sla_clock_and_nothing_runs(settings):
    settings.SLA_ZONE = ZoneInfo("Europe/Berlin")
    announced(effective_on=on("2026-07-02"))
    edge = epoch(at("2026-07-01 22:00"))
    assert [terms_at(terms_periods(), moment).version for moment in (edge - 1, edge)] == ["1.0", "2.0"]
    assert [version_in_force(day).version for day in (on("2026-07-01"), on("2026-07-02"))] == ["1.0", "2.0"]
    assert [version.version for version in published_versions()] == ["1.0", "2.0"]
