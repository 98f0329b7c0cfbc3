"""Name what a write would change in closed months, and ask for its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from sla_portal.audit.operations import TouchesClosedMonth
from sla_portal.availability.operations import ChangedMonth, preview_change
from sla_portal.availability.rules import availability, cut
from sla_portal.clocks import month_name
from sla_portal.customers.models import Customer

from ..forms import CorrectionForm
from ..words import verdict


@contextmanager
def asking_why(form: CorrectionForm, write: Callable[[str], object], now: datetime) -> Iterator[None]:
    """Where `write` changes closed months and the form gives no reason, show on the form what it would change.

    `write` takes the reason. It is tried once more and undone, to see its effect.
    """
    try:
        yield
    except TouchesClosedMonth as touched:
        changed = preview_change(write=partial(write, str(touched)), months=touched.months, now=now)
        form.ask([month_name(month) for month in touched.months], format_changes(changed))


def format_changes(changed: Iterable[ChangedMonth]) -> list[dict[str, Any]]:
    """The lines of `staff/_closed_figures.html`."""
    return [_line(one) for one in changed]


def _line(one: ChangedMonth) -> dict[str, Any]:
    closed = one.closed
    ratio = availability(closed.unavailable_minutes, closed.total_minutes) if closed else None
    return {
        "month": one.month,
        "name": month_name(one.month),
        "region": one.region,
        "scope": "customer" if isinstance(one.region, Customer) else "region",
        "closed": closed
        and {
            "availability": ratio is not None and cut(ratio),
            "minutes": closed.unavailable_minutes,
            "days": closed.service_days,
            "verdict": verdict(closed.met, over=True),
        },
        "then": {
            "availability": one.figures.availability is not None and cut(one.figures.availability),
            "minutes": one.figures.unavailable_minutes,
            "days": one.figures.service_days,
            "verdict": verdict(one.figures.met, over=True),
        },
        "outcomes": one.outcomes,
    }
