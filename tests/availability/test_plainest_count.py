"""The engine against `plainest_count`, over random histories around a midnight of the SLA time zone."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintenance.rules import Conduct, NoticeGiven
from sla_portal.agreements.rules import Reading, Terms, TermsPeriod, terms_at
from sla_portal.availability.rules import (
    ExcludedTime,
    ScopedOutage,
    Shade,
    Why,
    cells,
    covered_by_notice,
    explain,
    figures,
    for_customer,
    judge,
    minute_runs,
    minute_sums,
    picture,
)
from sla_portal.kernel.intervals import intersection
from sla_portal.kernel.months import ServiceDays, ServiceMonth, day_span, days_span
from tests.support import plainest_count as plainest
from tests.support.plainest_count import Exclusion, History, Notice, Outage, Version

# A month's edge; a midnight inside a month; days of 23, 24½ and 25 hours; a midnight that the clocks skip, and one that
# they show twice.
MIDNIGHTS = [
    ("Asia/Shanghai", date(2026, 9, 1)),
    ("Europe/Berlin", date(2026, 4, 1)),
    ("Europe/Berlin", date(2026, 3, 30)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 6)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("America/Havana", date(2025, 11, 2)),
]

# Many fall on or beside a clock minute, and many lengths on or beside sixty seconds.
offsets = st.one_of(
    st.builds(
        lambda minutes, seconds: minutes * 60 + seconds, st.integers(-12, 12), st.sampled_from([0, 0, 1, -1, 30])
    ),
    st.integers(-800, 800),
)
lengths = st.one_of(st.sampled_from([1, 59, 60, 61, 119, 120, 121, 180]), st.integers(1, 900))


@st.composite
def histories(draw):
    zone_name, day = draw(st.sampled_from(MIDNIGHTS))
    zone = ZoneInfo(zone_name)
    midnight, _ = day_span(day, zone)
    functions, clients = draw(st.sampled_from([(2, 2), (2, 2), (1, 1), (1, 3), (3, 1), (4, 3)]))
    every_pair = [(f, c) for f in range(functions) for c in range(clients)]
    pairs = st.one_of(
        st.just(frozenset(every_pair)),
        st.just(frozenset(every_pair)),
        st.frozensets(st.sampled_from(every_pair), min_size=1),
        st.builds(lambda f: frozenset((f, c) for c in range(clients)), st.integers(0, functions - 1)),
    )
    incidents = st.sampled_from(["A", "B", "C"])

    def span():
        start = midnight + draw(offsets)
        return start, start + draw(lengths)

    def a_notice(sent):
        return Notice(midnight + sent, *(span() if draw(st.integers(0, 4)) else (None, None)))

    def an_exclusion():
        clause = draw(st.sampled_from(["4.1", "4.1", "4.2", "4.10", "4.11"]))
        start, end = draw(st.sampled_from([span(), (midnight - 5000, midnight + 5000)]))
        notices, completed, carried_out = None, None, True
        if clause == "4.1":
            sent = st.lists(st.one_of(st.integers(-4500, -2700), offsets), min_size=1, max_size=4, unique=True)
            notices = [a_notice(at) for at in draw(sent)]
            completed = draw(st.none() | st.builds(lambda offset: midnight + offset, offsets))
            carried_out = draw(st.sampled_from([True, True, True, False]))
        return Exclusion(draw(incidents), clause, start, end, draw(pairs), notices, completed, carried_out)

    def a_version(since):
        return Version(since, draw(st.sampled_from(plainest.READINGS)), draw(st.sampled_from([0, 0, 1])))

    outages = [
        Outage(draw(incidents), *span(), draw(pairs)) for _ in range(draw(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 20])))
    ]
    outages = [replace(outage, end=None) if not draw(st.integers(0, 5)) else outage for outage in outages]
    own = [
        Exclusion(None, draw(st.sampled_from(["4.2", "4.5", "4.9"])), *span(), frozenset())
        for _ in range(draw(st.integers(0, 2)))
    ]
    days_around = [day - timedelta(days=2), day - timedelta(days=1), day, day + timedelta(days=1)]
    return History(
        zone=zone,
        now=midnight + draw(offsets) + 600,
        functions=functions,
        clients=clients,
        versions=[a_version(midnight - 10**6), *[a_version(midnight) for _ in range(draw(st.integers(0, 1)))]],
        outages=outages,
        exclusions=[*[an_exclusion() for _ in range(draw(st.integers(0, 4)))], *own],
        service_days=draw(st.sets(st.sampled_from(days_around), max_size=4)),
        suspended_days=set(draw(st.lists(st.sampled_from(days_around), max_size=1))),
    )


def judged(history):
    """Give the history to the engine, as the portal's queries do."""

    def mask(pairs):
        return sum(cells([f], [c], functions=history.functions, clients=history.clients) for f, c in pairs)

    edges = [None, *[version.since for version in history.versions[1:]], None]
    periods = [
        TermsPeriod(
            start,
            end,
            Terms(
                version=str(number),
                effective_on=date(2024, 1, 1),
                unavailability_reading=Reading(version.reading),
                maintenance_notice_hours=version.notice_hours,
            ),
        )
        for number, (version, (start, end)) in enumerate(zip(history.versions, pairwise(edges), strict=True))
    ]
    outages = [
        ScopedOutage(
            incident=outage.incident,
            start=outage.start,
            end=history.now if outage.end is None else outage.end,
            cells=mask(outage.cells),
            ongoing=outage.end is None,
        )
        for outage in history.outages
    ]
    excluded_times, own = [], []
    for exclusion in history.exclusions:
        spans = [(exclusion.start, exclusion.end)]
        if exclusion.notices is not None:
            notices = [NoticeGiven(notice.sent, notice.start, notice.end) for notice in exclusion.notices]
            spans = intersection(
                spans, covered_by_notice(notices, Conduct(exclusion.completed, exclusion.carried_out), periods)
            )
        for start, end in spans:
            if exclusion.incident is None:
                own.append(ExcludedTime(None, exclusion.clause, start, end))
            else:
                excluded_times.append(
                    ExcludedTime(exclusion.incident, exclusion.clause, start, end, mask(exclusion.cells))
                )
    days = sorted(history.service_days)
    region = judge(
        outages,
        excluded_times,
        periods,
        functions=history.functions,
        clients=history.clients,
        span=days_span(days[0], days[-1], history.zone) if days else (0, 0),
        known_until=history.now,
    )
    suspended = [day_span(day, history.zone) for day in history.suspended_days]
    judgement = for_customer(region, own, suspended) if own or suspended else region
    return judgement, ServiceDays.of(days, history.zone)


def minutes_in_turn(in_force, history, version):
    """The minutes counted and excluded while one version was in force."""
    return tuple(
        sum(history.version_at(minute) is version for minute in minutes)
        for minutes in (in_force.counted, in_force.excluded)
    )


@settings(max_examples=300)
@given(histories())
def test_every_figure_and_every_reason_equals_the_brute_force_count(history):
    judgement, days = judged(history)
    terms = terms_at(judgement.periods, judgement.span[0])
    found = figures(judgement, days, terms)
    in_force = plainest.count(history, None)
    under = {reading: plainest.count(history, reading.value) for reading in Reading}

    assert (found.unavailable_minutes, found.excluded_minutes) == (len(in_force.counted), len(in_force.excluded))
    assert {
        reading: (figures.unavailable_minutes, figures.excluded_minutes) for reading, figures in found.under.items()
    } == {reading: (len(count.counted), len(count.excluded)) for reading, count in under.items()}
    assert [(one.unavailable_minutes, one.excluded_minutes) for one in found.in_turn] == [
        minutes_in_turn(in_force, history, version)
        for version in history.versions
        if any(history.version_at(day_span(day, history.zone)[0]) is version for day in history.service_days)
    ]
    assert [
        (event.start, event.end, event.minutes, event.excluded_minutes, event.incidents) for event in found.events
    ] == in_force.events
    assert found.excluded_under == in_force.excluded_under
    assert sum(event.minutes for event in found.events) == found.unavailable_minutes
    assert sum(event.excluded_minutes for event in found.events) == found.excluded_minutes

    for minute, why in in_force.why.items():
        reason = explain(judgement, days, minute)
        assert reason.why == Why(why)
        if reason.why in (Why.EXCLUDED, Why.OWN_EXCLUSION, Why.SUSPENDED):
            assert reason.excluded_times[0].clause in in_force.excluded_under
    for reading, count in under.items():
        assert {m: explain(judgement, days, m).under[reading] for m in count.why} == {
            m: Why(why) for m, why in count.why.items()
        }

    start, end = min(in_force.why), max(in_force.why) + 60
    shades = {Why(shade.value): shade for shade in Shade}
    shades |= dict.fromkeys([Why.OWN_EXCLUSION, Why.SUSPENDED], Shade.EXCLUDED)
    assert {
        m: shade for first, last, shade in picture(judgement, days, (start, end)) for m in range(first, last, 60)
    } == {minute: shades[Why(why)] for minute, why in in_force.why.items() if Why(why) in shades}


@settings(max_examples=40)
@given(histories())
def test_the_runs_of_minutes_say_of_each_minute_what_the_brute_force_count_says(history):
    judgement, days = judged(history)
    in_service = {minute for start, end in days.spans for minute in range(start, end, 60)}
    not_over = {minute for minute in in_service if minute + 60 > history.now}
    for reading in [None, *Reading]:
        count = plainest.count(history, reading and reading.value)
        runs = minute_runs(judgement, judgement.under[reading] if reading else judgement.in_force, days)
        run_at = {minute: run for run in runs for minute in range(run.start, run.end, 60)}
        for minute, why in count.why.items():
            if judgement.span[0] <= minute < judgement.span[1]:
                reason, run = explain(judgement, days, minute), run_at.get(minute)
                assert (run is not None) == bool(reason.incidents)
                if run:
                    assert run.why == Why(why)
                    assert {outage.incident for outage in run.outages} == set(reason.incidents)
                    if reading is None:
                        assert (run.stretches, run.excluded_times) == (reason.stretches, reason.excluded_times)
        assert not any(after.continues(before) for before, after in pairwise(runs))
        sums = minute_sums(judgement, days, runs)
        assert sums.all == len(in_service)
        assert sums.with_outage.get(Why.COUNTED, 0) == len(count.counted)
        excluded = (Why.EXCLUDED, Why.OWN_EXCLUSION, Why.SUSPENDED)
        assert sum(sums.with_outage.get(why, 0) for why in excluded) == len(count.excluded)
        undecided = not_over - set(count.counted) - set(count.excluded)
        assert sums.with_outage.get(Why.UNKNOWN, 0) + sums.not_over == len(undecided)


@settings(max_examples=100)
@given(histories())
def test_an_event_over_the_edge_of_two_months_has_its_minutes_in_both(history):
    everyday = replace(
        history, service_days=set(ServiceMonth.of(max(history.service_days, default=date(2026, 1, 1))).days)
    )
    judgement, days = judged(everyday)
    halves = [
        ServiceDays.of([day for day in everyday.service_days if (day.day > 1) is late], history.zone)
        for late in (False, True)
    ]
    counted = judgement.in_force.counted
    assert sum(counted.within(half.spans) for half in halves) == counted.within(days.spans)


SHANGHAI = ZoneInfo("Asia/Shanghai")
FUNCTIONS, CLIENTS = 2, 2
EVERYTHING = frozenset((f, c) for f in range(FUNCTIONS) for c in range(CLIENTS))
ONE_FUNCTION, ONE_CELL = frozenset({(0, 0), (0, 1)}), frozenset({(1, 0)})


def a_month(month, change_on, before, after):
    """Outages of each scope early and late in the month, and over the change of the counting rule at `change_on`."""
    first, last = (day_span(day, SHANGHAI)[0] for day in (month.first_day, month.last_day))
    change = day_span(change_on, SHANGHAI)[0]
    stretches = [
        (first - 40, 100, EVERYTHING),
        (first + 86400 + 30, 200, ONE_FUNCTION),
        (change - 90, 130, ONE_FUNCTION),
        (change - 20, 50, ONE_CELL),
        (last + 3600, 120, EVERYTHING),
        (last + 7200, 180, ONE_FUNCTION),
        (last + 9000, 70, ONE_CELL),
    ]
    return History(
        zone=SHANGHAI,
        now=last + 10**6,
        functions=FUNCTIONS,
        clients=CLIENTS,
        versions=[Version(first - 10**7, before.value, 0), Version(change, after.value, 0)],
        outages=[
            Outage(f"INC-{n}", start, start + length, cells) for n, (start, length, cells) in enumerate(stretches)
        ],
        exclusions=[Exclusion("INC-4", "4.10", last + 3600, last + 3660, EVERYTHING)],
        service_days=set(month.days),
    )


@pytest.mark.parametrize("before", Reading)
@pytest.mark.parametrize("after", Reading)
@pytest.mark.parametrize(
    ("month", "days"), [("2026-12", range(1, 32)), ("2026-02", (1, 2, 15, 28)), ("2026-04", (1, 2, 16, 30))]
)
def test_in_a_month_whose_counting_rule_changes_every_row_is_the_plain_count(month, days, before, after):
    month = ServiceMonth.parse(month)
    for day in days:
        history = a_month(month, month.first_day.replace(day=day), before, after)
        judgement, measured = judged(history)
        found = figures(judgement, measured, terms_at(judgement.periods, judgement.span[0]))
        in_force = plainest.count(history, None, with_reasons=False)
        assert (found.unavailable_minutes, found.excluded_minutes) == (len(in_force.counted), len(in_force.excluded))
        # A version that takes effect on the first is in force all month.
        assert [(one.terms.version, one.unavailable_minutes, one.excluded_minutes) for one in found.in_turn] == [
            (str(number), *minutes_in_turn(in_force, history, version))
            for number, version in enumerate(history.versions)
            if day > 1 or number == 1
        ]
        throughout = {reading: plainest.count(history, reading.value, with_reasons=False) for reading in Reading}
        rows = dict(found.compared)
        assert {reading: rows[reading].unavailable_minutes for reading in Reading} == {
            reading: len(count.counted) for reading, count in throughout.items()
        }
        # The row that is marked as in force has the figures of the headline.
        assert rows[found.rule] == found.in_force
        assert found.in_force.unavailable_minutes == len(in_force.counted)
        if day > 1:
            assert found.rule is (before if before is after else None)
        assert found.left_minutes == found.budget_minutes - len(in_force.counted)
        assert found.reading_sensitive == any(row.met != found.met for row in rows.values())
