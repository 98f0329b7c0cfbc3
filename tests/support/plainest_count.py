"""The plainest possible count of a month: sets of seconds, one look at each, straight from the rules.

It shares no code with the engine that it checks, and is slow on purpose.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

READINGS = ("all", "function", "any")
CLAUSES_IN_ORDER = ("4.1", "4.10", "4.11", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9")


@dataclass
class Outage:
    incident: str
    start: int
    end: int | None
    cells: frozenset[tuple[int, int]]


@dataclass
class Notice:
    sent: int
    start: int | None
    end: int | None


@dataclass
class Exclusion:
    """Of an incident or, where that is None, a customer's own. `notices` are those of the window of a 4.1.

    `completed` and `carried_out` say what became of the work in that window.
    """

    incident: str | None
    clause: str
    start: int
    end: int
    cells: frozenset[tuple[int, int]]
    notices: list[Notice] | None = None
    completed: int | None = None
    carried_out: bool = True


@dataclass
class Version:
    since: int
    reading: str
    notice_hours: int


@dataclass
class History:
    zone: ZoneInfo
    now: int
    functions: int
    clients: int
    versions: list[Version]
    outages: list[Outage]
    exclusions: list[Exclusion]
    service_days: set[date]
    suspended_days: set[date] = field(default_factory=set)

    def version_at(self, t: int) -> Version:
        newest = self.versions[0]
        for version in self.versions[1:]:
            if version.since <= t:
                newest = version
        return newest


@dataclass
class Count:
    """What is found under one reading (or the one in force)."""

    counted: set[int]
    excluded: set[int]
    events: list[tuple[int, int, int, int, tuple[str, ...]]]
    excluded_under: dict[str, int]
    why: dict[int, str]


def count(history: History, reading: str | None, *, with_reasons: bool = True) -> Count:
    """Count under `reading`; None is the one in force at each instant. Without reasons, each minute's `why` is left out."""

    def reading_at(t):
        return reading or history.version_at(t).reading

    # S, and S' from what is left when each exclusion is taken off its incident's own outages.
    down, left, taken_off = seconds_down(history)
    s = {t for t in everything(down) if holds(down, t, reading_at(t), history)}
    s_left = {t for t in s if holds(left, t, reading_at(t), history)}

    # 1.5: stretches of S of more than sixty seconds.
    stretches = connected(s)
    events = [stretch for stretch in stretches if len(stretch) > 60]
    in_event = {t for event in events for t in event}

    # The customer's own exclusions and suspended days come off what counts.
    own = [
        (exclusion.clause, set(range(exclusion.start, exclusion.end)))
        for exclusion in history.exclusions
        if exclusion.incident is None
    ]
    own += [("4.7", {t for t in s if day_of(t, history) in history.suspended_days})]
    counted_seconds = (s_left & in_event) - {t for _, seconds in own for t in seconds}

    minutes = {t - t % 60 for t in s}
    would_count = {m for m in minutes if forms_a_minute(in_event, m, reading_at(m))}
    would_count = {m for m in would_count if day_of(m, history) in history.service_days}
    counted = {m for m in would_count if forms_a_minute(counted_seconds, m, reading_at(m))}
    excluded = would_count - counted

    first_clause = {}
    whose = {}
    for m in excluded:
        covering = [
            (CLAUSES_IN_ORDER.index(clause), number, whose_it_is, clause)
            for number, (whose_it_is, clause, seconds) in enumerate(
                [("excluded", clause, seconds) for clause, seconds in taken_off]
                + [("suspended" if clause == "4.7" else "own_exclusion", clause, seconds) for clause, seconds in own]
            )
            if any(t in seconds and t in in_event for t in range(m, m + 60))
        ]
        _, _, whose[m], first_clause[m] = min(covering)

    why = {}
    asked = range(min(minutes, default=0) - 120, max(minutes, default=0) + 180, 60)
    for m in asked if with_reasons else ():
        of_minute = set(range(m, m + 60))
        if day_of(m, history) not in history.service_days:
            why[m] = "not_in_service"
        elif m in counted:
            why[m] = "counted"
        elif m in excluded:
            why[m] = whose[m]
        elif m + 60 > history.now:
            why[m] = "unknown"
        elif of_minute & in_event:
            why[m] = "not_wholly_down"
        elif of_minute & s:
            why[m] = "not_a_failure_event"
        else:
            why[m] = "up"

    return Count(
        counted=counted,
        excluded=excluded,
        events=list_events(history, events, counted, excluded, counted_seconds),
        excluded_under={
            clause: sum(1 for m in excluded if first_clause[m] == clause) for clause in set(first_clause.values())
        },
        why=why,
    )


def seconds_down(history):
    """The seconds in which each pair of function and client is down; the same less what is excluded; what was."""
    pairs = [(f, c) for f in range(history.functions) for c in range(history.clients)]
    down = {pair: set() for pair in pairs}
    left = {pair: set() for pair in pairs}
    taken_off = [(exclusion.clause, set()) for exclusion in history.exclusions if exclusion.incident is not None]
    of_incidents = [exclusion for exclusion in history.exclusions if exclusion.incident is not None]
    for outage in history.outages:
        end = history.now if outage.end is None else outage.end
        for pair in outage.cells:
            seconds = set(range(outage.start, end))
            down[pair] |= seconds
            for exclusion, (_, taken) in zip(of_incidents, taken_off, strict=True):
                if exclusion.incident == outage.incident and pair in exclusion.cells:
                    off = set(range(max(outage.start, exclusion.start), min(end, exclusion.end)))
                    if exclusion.notices is not None:
                        off = {
                            t
                            for t in off
                            if was_announced(exclusion.notices, t, history.version_at(t).notice_hours)
                            and was_conducted(t, exclusion.completed, exclusion.carried_out)
                        }
                    taken.update(off)
                    seconds -= off
            left[pair] |= seconds
    return down, left, taken_off


def was_announced(notices, t, notice_hours):
    before = [notice for notice in notices if notice.sent <= t]
    if not before:
        return False
    newest = max(before, key=lambda notice: notice.sent)
    around = [notice for notice in before if notice.start is not None and notice.start <= t < notice.end]
    return newest in around and any(t - notice.sent >= notice_hours * 3600 for notice in around)


def was_conducted(t, completed, carried_out):
    return carried_out and (completed is None or t < completed)


def everything(down):
    return set().union(*down.values())


def holds(down, t, reading, history):
    def is_down(f, c):
        return t in down[f, c]

    functions, clients = range(history.functions), range(history.clients)
    if reading == "all":
        return all(is_down(f, c) for f in functions for c in clients)
    if reading == "function":
        return any(all(is_down(f, c) for c in clients) for f in functions)
    return any(is_down(f, c) for f in functions for c in clients)


def connected(seconds):
    stretches = []
    for t in sorted(seconds):
        if stretches and t == stretches[-1].stop:
            stretches[-1] = range(stretches[-1].start, t + 1)
        else:
            stretches.append(range(t, t + 1))
    return stretches


def forms_a_minute(seconds, minute, reading):
    of_minute = [t in seconds for t in range(minute, minute + 60)]
    return any(of_minute) if reading == "any" else all(of_minute)


def day_of(t, history):
    return datetime.fromtimestamp(t, history.zone).date()


def list_events(history, events, counted, excluded, counted_seconds):
    """Events with a second on a service day. A minute of two events goes to the first that makes it count."""
    minutes_of = [set() for _ in events]
    in_event = {t for event in events for t in event}
    for m in counted | excluded:
        making = counted_seconds if m in counted else in_event
        of_minute = set(range(m, m + 60)) & making
        first = next(number for number, event in enumerate(events) if not of_minute.isdisjoint(event))
        minutes_of[first].add(m)
    listed = []
    for event, minutes in zip(events, minutes_of, strict=True):
        if any(day_of(t, history) in history.service_days for t in event):
            incidents = {
                outage.incident
                for outage in history.outages
                if any(t in event for t in range(outage.start, history.now if outage.end is None else outage.end))
            }
            listed.append(
                (event.start, event.stop, len(minutes & counted), len(minutes & excluded), tuple(sorted(incidents)))
            )
    return listed
