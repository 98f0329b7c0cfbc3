"""The tabs of the claims queue, and claims with their age and claim period, for the queue and the home page of Support."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from claims.models import Claim, Status
from claims.models.applying import OPEN
from claims.queries import windows_of
from claims.rules import ClaimWindow
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import ServiceMonth, day_span, local_date

from ..words import CLAIM_MARKS

MOST_COUNTED = 1000
SOON = timedelta(days=7)
SOON_DUE = 2
"""Days before a date at which it is marked."""


@dataclass(frozen=True)
class Tab:
    """A tab of the queue."""

    key: str
    name: Any
    of: Callable[[User, datetime], QuerySet[Claim]]
    empty_text: Any
    newest_first: bool = False
    first_by: str = "due_on"
    """What the claims are sorted by, then by age; of those not `newest_first`."""

    def name_for(self, user: User) -> Any:
        """Return the label of the tab for `user`; “My queue” only for reviewers."""
        mine = self.key != "review" or user.has_perm("claims.review_claim")
        return self.name if mine else _("Under review")

    def claims(self, user: User, now: datetime) -> QuerySet[Claim]:
        """Return the claims of the tab, the first due first, or newest first."""
        order = ("-received_at", "id") if self.newest_first else (self.first_by, "received_at", "id")
        return self.of(user, now).order_by(*order)


def _in(*statuses: Status) -> Callable[[User, datetime], QuerySet[Claim]]:
    return lambda _user, _now: Claim.objects.filter(status__in=statuses)


def _of_today(_user: User, now: datetime) -> QuerySet[Claim]:
    start, end = (instant(edge) for edge in day_span(local_date(epoch(now), settings.SLA_ZONE), settings.SLA_ZONE))
    return Claim.objects.filter(received_at__gte=start, received_at__lt=end)


REVIEW = Tab(
    "review",
    gettext_lazy("My queue"),
    _in(Status.SUBMITTED),
    gettext_lazy(
        "No claims to review. Claims appear here once they are received and the claim period of their month is open."
    ),
)
ASSIGNED = Tab(
    "assigned",
    gettext_lazy("Assigned to me"),
    # What is decided is not due any more.
    lambda user, _now: Claim.objects.filter(assigned_to=user.pk, due_on__isnull=False),
    gettext_lazy("No open claim is assigned to you. Take one in the queue."),
)
CUSTOMER = Tab(
    "customer",
    gettext_lazy("Waiting on customer"),
    _in(Status.WAITING),
    gettext_lazy("No claims are waiting on the customer. A claim appears here from the question to the answer."),
)
SECOND = Tab(
    "second",
    gettext_lazy("Pending approval"),
    lambda user, _now: Claim.objects.filter(status=Status.RECOMMENDED).exclude(recommended_by=user.pk),
    gettext_lazy(
        "No recommendations by colleagues are pending approval. They appear here until another person decides."
    ),
)
OWN = Tab(
    "own",
    gettext_lazy("Recommended by me"),
    lambda user, _now: Claim.objects.filter(recommended_by=user.pk),
    gettext_lazy("None of your recommendations is pending approval."),
)
HELD = Tab(
    "held",
    gettext_lazy("Not open yet"),
    _in(Status.HELD),
    gettext_lazy(
        "No early claims. A claim received before the claim period of its month appears here "
        "and is submitted automatically when the period opens."
    ),
    first_by="month",
)
TODAY = Tab(
    "today",
    gettext_lazy("Received today"),
    _of_today,
    gettext_lazy("No claims were received today (SLA time zone)."),
    newest_first=True,
)
CLOSED = Tab(
    "decided",
    gettext_lazy("Decided"),
    # Excluding the open statuses lets the database use the index of the newest claims without sorting.
    lambda _user, _now: Claim.objects.exclude(status__in=OPEN),
    gettext_lazy("No claims are decided yet. Granted, refused and withdrawn claims appear here, newest first."),
    newest_first=True,
)
TABS = (REVIEW, ASSIGNED, CUSTOMER, SECOND, OWN, HELD, TODAY, CLOSED)


@dataclass(frozen=True)
class Part:
    """A tab of the queue on the home page: its count, and the claims that are due first."""

    tab: Tab
    count: str
    waiting: list[Waiting]


def at_home(user: User, now: datetime, shown: int) -> list[Part]:
    """Return the tabs for the home page of `user`, in the order of the page."""
    parts = [(tab, tab.claims(user, now)) for tab in (ASSIGNED, REVIEW, SECOND, CUSTOMER, TODAY)]
    rows = [list(claims.select_related("contract__customer")[:shown]) for _tab, claims in parts]
    by_claim = {one.claim.pk: one for one in waiting([claim for part in rows for claim in part], now)}
    return [
        Part(tab, how_many(claims), [by_claim[claim.pk] for claim in part])
        for (tab, claims), part in zip(parts, rows, strict=True)
    ]


def how_many(claims: QuerySet[Claim]) -> str:
    """Count claims, up to `MOST_COUNTED`."""
    count = claims.order_by()[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


def page_after(claims: QuerySet[Claim], last: Claim | None, tab: Tab) -> QuerySet[Claim]:
    """Return the claims after `last` in the order of a tab; from the first where `last` is not due any more."""
    edge = getattr(last, tab.first_by, None)
    if last is None or (edge is None and not tab.newest_first):
        return claims
    if tab.newest_first:
        at = last.received_at
        return claims.filter(received_at__lte=at).filter(Q(received_at__lt=at) | Q(id__gt=last.pk))
    by, same = tab.first_by, Q(**{tab.first_by: edge})
    later = same & Q(received_at__gt=last.received_at) | same & Q(received_at=last.received_at, id__gt=last.pk)
    return claims.filter(**{f"{by}__gte": edge}).filter(Q(**{f"{by}__gt": edge}) | later)


@dataclass(frozen=True)
class Due:
    """What the customer was told to expect next: its day, what it is, and the badge of the time left."""

    words: str
    state: str
    left: str


def due(claim: Claim, now: datetime) -> Due | None:
    """Say what is due next; None where nothing is, or where the claim period of an early claim is not open yet."""
    if claim.due_on is None or claim.status == Status.HELD:
        return None
    words = (_("Decision by %(day)s") if claim.first_answered_at else _("First answer by %(day)s")) % {
        "day": claim.due_on.isoformat()
    }
    if claim.status == Status.WAITING:
        return Due(words, "plain", _("paused until the customer answers"))
    days = (claim.due_on - local_date(epoch(now), settings.SLA_ZONE)).days
    if days < 0:
        return Due(words, "open", ngettext("%(count)s day overdue", "%(count)s days overdue", -days) % {"count": -days})
    if days == 0:
        return Due(words, "waiting", _("due today"))
    left = ngettext("%(count)s day left", "%(count)s days left", days) % {"count": days}
    return Due(words, "waiting" if days <= SOON_DUE else "plain", left)


@dataclass(frozen=True)
class Waiting:
    """A claim in a list, with its age and what is due next."""

    claim: Claim
    month: ServiceMonth
    age: str
    due: Due | None
    opens: tuple[str, str] | None
    """Badge and words of a claim period that is not open yet."""
    status: str


def waiting(claims: Sequence[Claim], now: datetime) -> list[Waiting]:
    """Return claims with their age and what is due next."""
    windows = windows_of({claim.service_month for claim in claims if claim.status == Status.HELD})
    return [_waiting(claim, windows.get(claim.service_month), now) for claim in claims]


def _waiting(claim: Claim, window: ClaimWindow | None, now: datetime) -> Waiting:
    return Waiting(
        claim=claim,
        month=claim.service_month,
        age=age(claim.received_at, now),
        due=due(claim, now),
        opens=time_left(window, now) if window and claim.status == Status.HELD else None,
        status=CLAIM_MARKS[Status(claim.status)],
    )


def last_day(window: ClaimWindow) -> date:
    """Return the last day of a claim period, in the SLA time zone."""
    return local_date(epoch(window.closes_at) - 1, settings.SLA_ZONE)


def age(since: datetime, now: datetime) -> str:
    """Format an age in days in the SLA time zone."""
    days = (local_date(epoch(now), settings.SLA_ZONE) - local_date(epoch(since), settings.SLA_ZONE)).days
    return ngettext("%(count)s day ago", "%(count)s days ago", days) % {"count": days} if days > 0 else _("today")


def time_left(window: ClaimWindow, now: datetime) -> tuple[str, str]:
    """Return badge and label for the status of a claim period."""
    if now < window.opens_at:
        days = _whole_days(window.opens_at - now)
        return "unknown", ngettext("opens in %(count)s day", "opens in %(count)s days", days) % {"count": days}
    if now >= window.closes_at:
        # Not a warning: the claim was received while the period was open.
        return "plain", _("closed %(ago)s") % {"ago": age(window.closes_at, now)}
    days = _whole_days(window.closes_at - now)
    return (
        "waiting" if window.closes_at - now <= SOON else "plain",
        ngettext("%(count)s day left", "%(count)s days left", days) % {"count": days},
    )


def _whole_days(length: timedelta) -> int:
    """Return the length in days, rounded up."""
    return -(-length // timedelta(days=1))
