"""1.4 to 2.1 and section 4 in examples: those of the rules, and those that the rules imply.

Times are UTC on 10 September 2026 unless a date is given; the SLA time zone is Asia/Shanghai, the reading `all`,
and everything is down, unless said.
"""

from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from maintenance.rules import Conduct, NoticeGiven
from sla_portal.agreements.rules import Reading, Terms, TermsPeriod
from sla_portal.availability.rules import (
    EVERYTHING,
    ExcludedTime,
    ScopedOutage,
    Shade,
    Why,
    availability,
    cells,
    covered_by_notice,
    cut,
    error_budget,
    explain,
    figures,
    for_customer,
    judge,
    picture,
)
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceDays, ServiceMonth, day_span

SHANGHAI = ZoneInfo("Asia/Shanghai")
SEPTEMBER = ServiceMonth(2026, 9)
LOGIN, CALLS, PREVIEW, DOOR = range(4)
APP, DEVICE, WEB = range(3)


def at(clock):
    """`02:00`, `02:00:30` or `2026-09-01 02:00` in UTC."""
    text = clock if "-" in clock else f"2026-09-10 {clock}"
    return epoch(datetime.fromisoformat(text).replace(tzinfo=UTC))


def down(start, end, incident="A", of=EVERYTHING, ongoing=False):
    return ScopedOutage(incident, at(start), at(end), of, ongoing)


def off(clause, start, end, incident="A", of=EVERYTHING):
    return ExcludedTime(incident, clause, at(start), at(end), of)


def off_by_notice(*notices, incident="A"):
    """4.1 for one window whose `notices` are (sent, start, end); a cancellation is (sent, None, None)."""
    given = [NoticeGiven(at(sent), start and at(start), end and at(end)) for sent, start, end in notices]
    return [
        ExcludedTime(incident, "4.1", start, end) for start, end in covered_by_notice(given, Conduct(), terms("all"))
    ]


def functions(*positions):
    return cells(positions, [], functions=4, clients=3)


def terms(*readings, since=(), target="99.99"):
    """Versions with these counting rules, each after the first in force since a day of `since`."""
    edges = [None, *(day_span(day, SHANGHAI)[0] for day in since), None]
    return [
        TermsPeriod(
            start,
            end,
            Terms(str(number), date(2024, 1, 1), Fraction(target) / 100, str(target), Reading(reading)),
        )
        for number, (reading, (start, end)) in enumerate(zip(readings, pairwise(edges), strict=True), 1)
    ]


def month_of(*outages, excluded_times=(), periods=None, month=SEPTEMBER, known_until=None, zone=SHANGHAI):
    return judge(
        outages,
        excluded_times,
        periods or terms("all"),
        functions=4,
        clients=3,
        span=month.span(zone),
        known_until=known_until,
    )


def figures_of(*outages, excluded_times=(), periods=None, month=SEPTEMBER, zone=SHANGHAI):
    judgement = month_of(*outages, excluded_times=excluded_times, periods=periods, month=month, zone=zone)
    return figures(judgement, ServiceDays.of(month.days, zone), judgement.periods[0].terms)


def counted(*outages, excluded_times=(), reading="all"):
    return figures_of(*outages, excluded_times=excluded_times, periods=terms(reading)).unavailable_minutes


# The worked examples of the rules


@pytest.mark.parametrize(
    ("month", "minutes", "shown", "met"),
    [
        ("2026-09", 4, "99.99074", True),
        ("2026-09", 5, "99.98842", False),
        ("2026-02", 4, "99.99007", True),
        ("2026-02", 5, "99.98759", False),
        ("2026-08", 4, "99.99103", True),
        ("2026-08", 5, "99.98879", False),
    ],
)
def test_with_four_minutes_the_sla_is_met_and_with_five_breached_in_every_month(month, minutes, shown, met):
    month = ServiceMonth.parse(month)
    start = month.span(SHANGHAI)[0] + 86400
    found = figures_of(ScopedOutage("A", start, start + minutes * 60), month=month)
    assert found.unavailable_minutes == minutes
    assert cut(found.availability) == shown
    assert found.met is met


def test_a_month_without_an_outage_is_available_all_the_time():
    assert cut(figures_of().availability) == "100.00000"


def test_sixty_seconds_are_no_failure_event():
    found = figures_of(down("01:00:00", "01:01:00"))
    assert found.events == ()
    assert found.unavailable_minutes == 0


def test_sixty_one_seconds_are_one_event_of_one_minute():
    (event,) = figures_of(down("01:00:00", "01:01:01")).events
    assert (event.start, event.end, event.minutes) == (at("01:00:00"), at("01:01:01"), 1)


@pytest.mark.parametrize(("reading", "minutes"), [("all", 1), ("function", 1), ("any", 3)])
def test_one_available_moment_defeats_a_minute_and_under_any_one_unavailable_moment_suffices(reading, minutes):
    (event,) = figures_of(down("10:00:30", "10:02:10"), periods=terms(reading)).events
    assert event.end - event.start == 100
    assert event.minutes == minutes


def test_an_event_in_which_no_clock_minute_lies_wholly_has_none():
    (event,) = figures_of(down("01:00:10", "01:01:50")).events
    assert event.end - event.start == 100
    assert event.minutes == 0


def test_incidents_that_meet_are_one_event():
    (event,) = figures_of(down("02:00", "02:10", "A"), down("02:10", "02:20", "B")).events
    assert (event.minutes, event.incidents) == (20, ("A", "B"))


@pytest.mark.parametrize(("reading", "minutes"), [("all", 10), ("function", 30), ("any", 30)])
def test_three_functions_down_and_the_fourth_for_a_while(reading, minutes):
    three = down("02:00", "02:30", of=functions(LOGIN, CALLS, PREVIEW))
    door = down("02:10", "02:20", of=functions(DOOR))
    assert counted(three, door, reading=reading) == minutes


@pytest.mark.parametrize(("reading", "minutes"), [("all", (0, 0)), ("function", (0, 0)), ("any", (1, 1))])
def test_an_outage_over_the_months_edge_is_one_event_found_before_the_cut(reading, minutes):
    over_the_edge = down("2026-08-31 15:59:20", "2026-08-31 16:00:50")
    months = [
        figures_of(over_the_edge, periods=terms(reading), month=month) for month in (SEPTEMBER.previous, SEPTEMBER)
    ]
    assert tuple(month.unavailable_minutes for month in months) == minutes
    for month in months:
        (event,) = month.events
        assert event.end - event.start == 90


def test_a_stretch_that_starts_on_the_months_edge_keeps_its_whole_minute():
    assert counted(down("2026-08-31 16:00:00", "2026-08-31 16:01:30")) == 1


def test_overlapping_exclusions_exclude_a_minute_once_under_the_first_clause():
    maintenance = off_by_notice(("2026-09-01 08:00", "02:30", "03:30"))
    found = figures_of(down("02:00", "04:00"), excluded_times=[off("4.11", "03:00", "03:45"), *maintenance])
    assert (found.excluded_minutes, found.unavailable_minutes) == (75, 45)
    assert found.excluded_under == {"4.1": 60, "4.11": 15}


@pytest.mark.parametrize(("lengthened", "minutes"), [("02:50", 10), ("03:10", 20)])
def test_an_extension_covers_the_time_after_its_notice(lengthened, minutes):
    notices = off_by_notice(("2026-09-01 08:00", "02:00", "03:00"), (lengthened, "02:00", "03:30"))
    assert counted(down("02:00", "03:40"), excluded_times=notices) == minutes


def test_a_notice_sent_during_its_window_does_not_cover_the_time_before():
    found = figures_of(down("02:00", "03:00"), excluded_times=off_by_notice(("02:15", "02:00", "03:00")))
    assert (found.unavailable_minutes, found.excluded_minutes) == (15, 45)


def test_the_rest_of_an_event_counts_even_if_it_is_one_minute():
    assert counted(down("02:00", "02:31"), excluded_times=[off("4.10", "02:00", "02:30")]) == 1


def test_time_in_which_another_incident_alone_kept_the_service_down_counts():
    assert (
        counted(
            down("02:00", "02:30", "A"),
            down("02:10", "02:40", "B"),
            excluded_times=[off("4.11", "02:00", "03:00", "B")],
        )
        == 30
    )


def test_but_for_an_excluded_incident_half_the_functions_were_up():
    half = down("02:00", "02:30", "A", of=functions(LOGIN, CALLS))
    other_half = down("02:00", "02:30", "B", of=functions(PREVIEW, DOOR))
    found = figures_of(half, other_half, excluded_times=[off("4.11", "02:00", "02:30", "B")])
    assert (found.unavailable_minutes, found.excluded_minutes) == (0, 30)


def test_daylight_saving_does_not_change_the_minutes_of_a_month():
    found = figures_of(month=ServiceMonth(2026, 10), zone=ZoneInfo("Europe/Berlin"))
    assert found.total_minutes == 44_640


# 1.4, 1.5: counting rules, stretches, events


def test_one_client_that_works_keeps_a_function_up():
    web_works = down("02:00", "02:30", of=cells([LOGIN], [APP, DEVICE], functions=4, clients=3))
    assert [counted(web_works, reading=reading) for reading in ("all", "function", "any")] == [0, 0, 30]


def test_different_functions_down_on_different_clients_are_not_one_function_down_on_every_client():
    crossed = [
        down("02:00", "02:30", of=cells([function], [client], functions=4, clients=3))
        for function, client in [(LOGIN, APP), (CALLS, DEVICE), (PREVIEW, WEB)]
    ]
    assert [counted(*crossed, reading=reading) for reading in ("all", "function", "any")] == [0, 0, 30]


def test_a_function_down_in_overlapping_incidents_is_down_throughout():
    pieces = [
        down("02:00", "02:20", "A", of=functions(LOGIN)),
        down("02:10", "02:30", "B", of=functions(LOGIN, CALLS)),
        down("02:30", "02:40", "C", of=functions(CALLS)),
    ]
    assert counted(*pieces, reading="function") == 40


def test_events_are_found_before_exclusions_are_applied():
    assert counted(down("02:00:00", "02:01:30"), excluded_times=[off("4.11", "02:01:00", "02:01:30")]) == 1


def test_a_minute_that_two_events_touch_belongs_to_the_first():
    first, second = figures_of(down("02:00:00", "02:02:10"), down("02:02:40", "02:05:00"), periods=terms("any")).events
    assert (first.minutes, second.minutes) == (3, 2)


def test_a_minute_that_only_the_second_event_makes_count_belongs_to_it():
    first, second = figures_of(
        down("02:00:00", "02:02:10", "A"),
        down("02:02:40", "02:05:00", "B"),
        excluded_times=[off("4.11", "02:00", "02:03", "A")],
        periods=terms("any"),
    ).events
    assert (first.minutes, first.excluded_minutes) == (0, 2)
    assert (second.minutes, second.excluded_minutes) == (3, 0)


def test_an_exclusion_outside_events_does_not_cover_a_minute_of_an_event():
    found = figures_of(
        down("02:00:00", "02:00:20", "A"),
        down("02:00:40", "02:03:00", "B"),
        excluded_times=[off("4.1", "02:00", "02:01", "A"), off("4.11", "02:00", "03:00", "B")],
        periods=terms("any"),
    )
    assert found.excluded_under == {"4.11": 3}


def test_an_event_names_the_incidents_that_had_an_outage_during_it():
    found = figures_of(
        down("01:30", "02:00", "before", of=functions(LOGIN)),
        down("01:30", "02:01", "into it", of=functions(LOGIN)),
        down("02:00", "02:30", "all of it"),
        down("02:10", "02:11", "a part", of=functions(DOOR)),
        down("02:30", "03:00", "after", of=functions(LOGIN)),
    )
    (event,) = found.events
    assert event.incidents == ("a part", "all of it", "into it")


def test_an_outage_without_length_is_ignored():
    assert figures_of(down("02:00", "02:00")).events == ()


@pytest.mark.parametrize("sizes", [{"functions": 0, "clients": 3}, {"functions": 4, "clients": 0}])
def test_a_service_without_functions_or_clients_cannot_be_judged(sizes):
    with pytest.raises(ValueError, match="At least one core function and one client"):
        judge([], [], terms("all"), span=SEPTEMBER.span(SHANGHAI), **sizes)


# 4: exclusions


def test_an_exclusion_does_not_apply_to_another_incident():
    assert counted(down("02:00", "02:30", "A"), excluded_times=[off("4.11", "02:00", "02:30", "B")]) == 30


def test_an_exclusion_applies_only_to_its_cells():
    exclusion = off("4.11", "02:00", "02:30", of=functions(LOGIN))
    assert counted(down("02:00", "02:30"), excluded_times=[exclusion], reading="function") == 30
    assert counted(down("02:00", "02:30"), excluded_times=[exclusion], reading="all") == 0


def test_an_exclusion_of_cells_that_were_not_down_is_not_named():
    exclusions = [off("4.1", "02:00", "02:10", of=functions(CALLS)), off("4.11", "02:00", "02:10")]
    login = down("02:00", "02:10", of=functions(LOGIN))
    assert figures_of(login, excluded_times=exclusions, periods=terms("any")).excluded_under == {"4.11": 10}


@pytest.mark.parametrize(
    ("clauses", "shown"),
    [
        (["4.2", "4.11"], "4.11"),
        (["4.11", "4.10"], "4.10"),
        (["4.10", "4.1"], "4.1"),
        (["4.9", "4.3"], "4.3"),
        (["4.3", "4.2"], "4.2"),
    ],
)
def test_a_minute_is_shown_under_the_first_clause_that_covers_it(clauses, shown):
    exclusions = [off(clause, "02:00", "02:10") for clause in clauses]
    assert figures_of(down("02:00", "02:10"), excluded_times=exclusions).excluded_under == {shown: 10}


def test_notice_hours_are_those_of_the_version_in_force_at_the_instant():
    midnight = day_span(date(2026, 9, 11), SHANGHAI)[0]
    strict = Terms("2", date(2026, 9, 11), maintenance_notice_hours=24)
    periods = [
        TermsPeriod(None, midnight, Terms("1", date(2024, 1, 1))),
        TermsPeriod(midnight, None, strict),
    ]
    notice = NoticeGiven(sent=midnight - 7200, start=midnight - 3600, end=midnight + 3600)
    assert covered_by_notice([notice], Conduct(), periods) == [(midnight - 3600, midnight)]


# 2, 2.1: the figures


def test_availability_is_cut_and_never_rounded_up():
    assert cut(Fraction(9998999, 10**7)) == "99.98999"
    assert cut(Fraction(99989999, 10**8)) == "99.98999"
    assert cut(1 - Fraction(1, 10**12)) == "99.99999"
    assert cut(Fraction(0)) == "0.00000"
    assert cut(Fraction(-1, 24)) == "-4.16667"


@pytest.mark.parametrize(("days", "budget"), [(28, 4), (30, 4), (31, 4), (7, 1), (6, 0), (0, 0)])
def test_the_error_budget_is_the_largest_number_of_minutes_that_meets_the_target(days, budget):
    target = Fraction("0.9999")
    assert error_budget(target, days * 1440) == budget
    if days:
        assert availability(budget, days * 1440) >= target > availability(budget + 1, days * 1440)


def test_the_remaining_budget_can_be_negative():
    assert figures_of(down("02:00", "02:06")).left_minutes == -2


def test_without_a_service_day_there_is_no_availability():
    found = figures(month_of(down("02:00", "02:30")), ServiceDays.of([], SHANGHAI), terms("all")[0].terms)
    assert (found.availability, found.met, found.reading_sensitive, found.events) == (None, None, False, ())
    assert (found.total_minutes, found.unavailable_minutes) == (0, 0)


def test_a_target_met_exactly_is_met():
    three_minutes = Fraction(43_200 - 3, 43_200) * 100
    assert figures_of(down("02:00", "02:03"), periods=terms("all", target=three_minutes)).met is True
    assert figures_of(down("02:00", "02:04"), periods=terms("all", target=three_minutes)).met is False


def test_an_outcome_that_another_counting_rule_would_change_is_marked():
    login = down("02:00", "02:30", of=functions(LOGIN))
    found = figures_of(login)
    assert found.met
    assert {reading.value: figures.met for reading, figures in found.under.items()} == {
        "all": True,
        "function": False,
        "any": False,
    }
    assert found.reading_sensitive
    assert not figures_of(down("02:00", "02:30")).reading_sensitive


def test_each_minute_is_judged_by_the_rule_in_force_and_stretches_join_over_the_change():
    # 11 September begins at 16:00 UTC. The version that starts there has the counting rule `function`.
    login = down("15:50:00", "16:10:00", of=functions(LOGIN))
    found = figures_of(login, periods=terms("all", "function", since=[date(2026, 9, 11)]))
    (event,) = found.events
    assert (event.start, event.end, event.minutes) == (at("16:00"), at("16:10"), 10)

    everything = down("15:59:20", "16:00:30")
    found = figures_of(everything, periods=terms("all", "any", since=[date(2026, 9, 11)]))
    (event,) = found.events
    assert (event.end - event.start, event.minutes) == (70, 1)


def test_an_ongoing_outage_makes_the_days_it_reaches_provisional():
    ongoing = down("02:00", "2026-10-02 02:00", ongoing=True)
    days = ServiceDays.of(SEPTEMBER.days, SHANGHAI)
    before = ServiceDays.of(SEPTEMBER.days[:5], SHANGHAI)
    judgement = month_of(ongoing)
    assert figures(judgement, days, terms("all")[0].terms).provisional
    assert not figures(judgement, before, terms("all")[0].terms).provisional
    assert not figures(month_of(down("02:00", "2026-10-02 02:00")), days, terms("all")[0].terms).provisional


def test_days_that_were_not_judged_are_refused():
    days = ServiceDays.of(SEPTEMBER.next.days, SHANGHAI)
    with pytest.raises(ValueError, match="not judged"):
        figures(month_of(), days, terms("all")[0].terms)


# Customers


def of_customer(judgement, contracts, own=(), suspended=()):
    in_service = [day for first, last in contracts for day in SEPTEMBER.days if first <= day <= last]
    own_judgement = for_customer(judgement, own, [day_span(day, SHANGHAI) for day in suspended])
    return figures(own_judgement, ServiceDays.of(in_service, SHANGHAI), judgement.periods[0].terms)


def test_a_customer_is_judged_on_its_service_days():
    judgement = month_of(down("15:30", "16:30"))
    until_the_tenth = of_customer(judgement, [(date(2026, 1, 1), date(2026, 9, 10))])
    assert (until_the_tenth.service_days, until_the_tenth.total_minutes) == (10, 14_400)
    assert until_the_tenth.unavailable_minutes == 30
    (event,) = until_the_tenth.events
    assert (event.start, event.end, event.minutes) == (at("15:30"), at("16:30"), 30)
    assert of_customer(judgement, [(date(2026, 9, 12), date(2026, 12, 31))]).events == ()


def test_two_contracts_in_a_month_make_days_with_a_gap():
    judgement = month_of(down("2026-09-05 02:00", "2026-09-05 02:10"), down("2026-09-15 02:00", "2026-09-15 02:20"))
    found = of_customer(judgement, [(date(2026, 8, 1), date(2026, 9, 10)), (date(2026, 9, 20), date(2026, 12, 31))])
    assert (found.service_days, found.unavailable_minutes) == (21, 10)


def test_a_suspended_day_counts_no_minute_and_stays_in_the_total():
    whole_month = [(date(2026, 1, 1), date(2026, 12, 31))]
    found = of_customer(month_of(down("15:30", "16:30")), whole_month, suspended=[date(2026, 9, 10)])
    assert (found.unavailable_minutes, found.excluded_minutes, found.total_minutes) == (30, 30, 43_200)
    assert found.excluded_under == {"4.7": 30}


def test_a_customers_own_exclusion_leaves_the_region_as_it_was():
    region = month_of(down("02:00", "02:30"))
    found = of_customer(region, [(date(2026, 1, 1), date(2026, 12, 31))], own=[off("4.5", "02:00", "02:10", None)])
    assert (found.unavailable_minutes, found.excluded_minutes) == (20, 10)
    assert of_customer(region, [(date(2026, 1, 1), date(2026, 12, 31))]).unavailable_minutes == 30


# Why a minute counts


def explained(minute, *outages, excluded_times=(), periods=None, days=None, known_until=None, own=(), suspended=()):
    judgement = month_of(
        *outages, excluded_times=excluded_times, periods=periods, known_until=known_until and at(known_until)
    )
    judgement = for_customer(judgement, own, [day_span(day, SHANGHAI) for day in suspended])
    return explain(judgement, ServiceDays.of(days or SEPTEMBER.days, SHANGHAI), at(minute))


def test_a_minute_that_counts_names_its_incidents_and_its_event():
    reason = explained("02:05", down("02:00", "02:10"), down("02:00", "02:05", "B"))
    assert reason.why is Why.COUNTED
    assert reason.incidents == ("A",)
    assert reason.stretches == ((at("02:00"), at("02:10")),)
    assert reason.available == ()


def test_an_operational_minute_names_what_was_available():
    reason = explained("02:05", down("02:00", "02:10", of=functions(LOGIN, CALLS, PREVIEW)))
    assert reason.why is Why.UP
    assert reason.available == ((DOOR, APP), (DOOR, DEVICE), (DOOR, WEB))
    assert reason.under == {Reading.ALL: Why.UP, Reading.FUNCTION: Why.COUNTED, Reading.ANY: Why.COUNTED}


def test_a_minute_partly_down_says_from_when_to_when():
    reason = explained("10:00", down("10:00:30", "10:02:10"))
    assert reason.why is Why.NOT_WHOLLY_DOWN
    assert reason.stretches == ((at("10:00:30"), at("10:02:10")),)


def test_a_minute_of_a_short_stretch_is_in_no_failure_event():
    reason = explained("10:00", down("10:00:00", "10:01:00"))
    assert reason.why is Why.NOT_A_FAILURE_EVENT
    assert reason.stretches == ((at("10:00"), at("10:01")),)


def test_an_excluded_minute_names_every_exclusion_the_first_clause_first():
    reason = explained(
        "02:05", down("02:00", "02:10"), excluded_times=[off("4.11", "02:00", "02:10"), off("4.1", "02:00", "02:10")]
    )
    assert reason.why is Why.EXCLUDED
    assert [taken.clause for taken in reason.excluded_times] == ["4.1", "4.11"]


def test_a_minute_of_a_suspended_day_and_one_caused_by_the_customer_are_explained():
    outage = down("02:00", "02:10")
    assert explained("02:05", outage, suspended=[date(2026, 9, 10)]).why is Why.SUSPENDED
    assert explained("02:05", outage, own=[off("4.5", "02:00", "02:10", None)]).why is Why.OWN_EXCLUSION


def test_a_minute_outside_the_service_days_is_not_in_service():
    assert explained("02:05", down("02:00", "02:10"), days=[date(2026, 9, 11)]).why is Why.NOT_IN_SERVICE


def test_a_minute_that_is_not_over_is_unknown():
    assert explained("02:05", known_until="02:05:59").why is Why.UNKNOWN
    assert explained("02:05", known_until="02:06").why is Why.UP


def test_a_minute_is_explained_by_the_counting_rule_in_force_then():
    periods = terms("all", "any", since=[date(2026, 9, 11)])
    login = down("15:50", "16:10", of=functions(LOGIN))
    assert (explained("15:55", login, periods=periods).why, explained("15:55", login, periods=periods).reading) == (
        Why.UP,
        Reading.ALL,
    )
    assert (explained("16:05", login, periods=periods).why, explained("16:05", login, periods=periods).reading) == (
        Why.COUNTED,
        Reading.ANY,
    )


def test_the_chart_of_a_day_shows_what_was_not_operational():
    judgement = month_of(
        down("02:00", "02:30"), excluded_times=[off("4.11", "02:10", "02:20")], known_until=at("12:00:30")
    )
    days = ServiceDays.of([date(2026, 9, 10)], SHANGHAI)
    start, end = day_span(date(2026, 9, 10), SHANGHAI)
    assert picture(judgement, days, (start - 3600, end)) == [
        (start - 3600, start, Shade.NOT_IN_SERVICE),
        (at("02:00"), at("02:10"), Shade.COUNTED),
        (at("02:10"), at("02:20"), Shade.EXCLUDED),
        (at("02:20"), at("02:30"), Shade.COUNTED),
        (at("12:00"), end, Shade.UNKNOWN),
    ]
