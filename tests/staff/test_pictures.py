"""The geometry of timelines and month charts."""

from datetime import date
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from sla_portal.agreements.rules import Terms, TermsPeriod
from sla_portal.availability.rules import ScopedOutage, figures, judge
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceDays, ServiceMonth, day_span
from sla_portal.pictures import bars
from sla_portal.staff.pictures import CellRow, cell_rows, day_runs, hour_rows, month_rows, range_of, ticks
from tests.support.builders import at

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
TERMS = [TermsPeriod(None, None, Terms("1.0", date(2020, 1, 1)))]


def test_bars_are_clipped_and_measured_in_percent():
    (bar,) = bars([(0, 50, "counted"), (200, 300, "up")], (25, 125))
    assert (bar.x, bar.width, bar.start, bar.end) == ("0.000%", "25.000%", 25, 50)


def test_axis_labels_are_round_times_in_the_zone_shown():
    hour = epoch(at("2026-09-10 01:07")), epoch(at("2026-09-10 02:07"))
    assert [tick.label for tick in ticks(hour, SHANGHAI)] == ["09:15", "09:30", "09:45", "10:00"]
    assert [tick.label for tick in ticks(hour, ZoneInfo("Asia/Kolkata"))] == ["06:45", "07:00", "07:15", "07:30"]


def test_a_strip_of_years_has_axis_labels():
    assert 1 <= len(ticks((0, 10**9), SHANGHAI)) <= 4


def test_a_timeline_with_an_ongoing_outage_ends_now():
    assert range_of([(1000, 1600)], 1600) == (940, 1600)
    assert range_of([(1000, 1600)], None) == (940, 1660)


def test_equal_rows_are_merged():
    everything = [(0, 60, -1)]
    assert cell_rows(everything, 4, 3) == [CellRow(None, None, [(0, 60)])]
    login_everywhere = [(0, 60, 0b111)]
    assert cell_rows(login_everywhere, 2, 3) == [CellRow(0, None, [(0, 60)]), CellRow(1, None, [])]
    login_on_app = [(0, 60, 0b001)]
    assert cell_rows(login_on_app, 1, 2) == [CellRow(0, 0, [(0, 60)]), CellRow(0, 1, [])]


@given(
    st.lists(st.tuples(st.integers(0, 31 * 86400), st.integers(1, 7200)), max_size=12),
    st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("Australia/Lord_Howe")]),
    st.sampled_from([ServiceMonth(2026, 3), ServiceMonth(2026, 10), ServiceMonth(2026, 4)]),
)
def test_the_days_of_a_month_chart_add_up_to_the_month(outages, zone, month):
    first, last = month.span(zone)
    outages = [ScopedOutage("INC-1", first + start, min(first + start + long, last)) for start, long in outages]
    judgement = judge(outages, [], TERMS, functions=4, clients=3, span=(first, last))
    days = ServiceDays.of(month.days, zone)
    rows = month_rows(judgement, days, month, zone)
    assert sum(row.counted for row in rows) == figures(judgement, days, TERMS[0].terms).unavailable_minutes
    for row in rows[::7]:
        span = day_span(row.day, zone)
        runs = day_runs(judgement, days, span)
        assert [runs[0].start, *(run.end for run in runs)] == [*(run.start for run in runs), span[1]]
        assert sum(run.minutes for run in runs if run.kind == "counted") == row.counted
        drawn = [
            kind
            for hour in hour_rows(runs, span)
            for kind in ([kind for _, kind in hour.minutes] or [hour.kind] * ((hour.end - hour.start) // 60))
        ]
        assert len(drawn) == (span[1] - span[0]) // 60
        assert drawn.count("counted") == row.counted


def test_days_out_of_service_and_future_days_are_different():
    month = ServiceMonth(2026, 9)
    span = month.span(SHANGHAI)
    judgement = judge([], [], TERMS, functions=4, clients=3, span=span, known_until=span[0] + 86400 * 20)
    rows = month_rows(judgement, ServiceDays.of(month.days[9:], SHANGHAI), month, SHANGHAI)
    assert [[bar.kind for bar in row.bars] for row in (rows[0], rows[9], rows[20], rows[29])] == [
        ["outside"],
        [],
        ["unknown"],
        ["unknown"],
    ]
    assert rows[20].today
    assert not rows[0].in_service
