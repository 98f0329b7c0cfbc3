"""All versions: the one in force, the amendment under way, drafts, what was and what was withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from sla_portal.agreements.models import AgreementVersion, RegisterEntry
from sla_portal.agreements.queries import deliveries_of, newest_version, pending_versions, untold
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.queries import Progress

from ...amendment_forms import StartForm
from ..common import page, require_right

SHOWN = 50


@dataclass(frozen=True)
class UnderWay:
    """A published version whose day has not come: how far off it is, and whom its mails have reached."""

    version: AgreementVersion
    days_to_go: int
    mails: Progress
    untold: int
    """Customers with no address that could be told."""

    @property
    def to_work_through(self) -> int:
        """Addresses that a person has to look at."""
        return self.mails.failed + self.mails.unknown

    @property
    def reached_percent(self) -> int | None:
        """Of all mails, those that were taken, cut; None where there were none to send."""
        return 100 * self.mails.sent // self.mails.total if self.mails.total else None


def today(now: datetime) -> date:
    return local_date(epoch(now), settings.SLA_ZONE)


def under_way(now: datetime) -> list[UnderWay]:
    """The amendments that were published and are not in force yet, in the order in which they will be."""
    return [
        UnderWay(
            version=version,
            days_to_go=(version.effective_on - today(now)).days,  # type: ignore[operator]  # published with its day
            mails=mails(version),
            untold=untold(version).count(),
        )
        for version in pending_versions(today(now))
    ]


def mails(version: AgreementVersion) -> Progress:
    """What became of all mails about a version."""
    counted = deliveries_of(version).order_by().values_list("status").annotate(Count("pk"))
    return Progress(dict(counted))


@require_safe
def amendments(request: HttpRequest) -> HttpResponse:
    """Every version by how far it is."""
    require_right(request, "agreements.view_agreementversion")
    return listing(request, timezone.now())


def listing(request: HttpRequest, now: datetime, *, start: StartForm | None = None) -> HttpResponse:
    """The page; `start` is the form of a new draft that was sent and refused."""
    published = AgreementVersion.objects.published().filter(effective_on__lte=today(now)).order_by("-effective_on")
    in_force, *past = [*published[: SHOWN + 1]] or [None]
    drafts = AgreementVersion.objects.drafts().select_related("drafted_by", "submitted_by", "based_on")
    context: dict[str, Any] = {
        "title": _("Agreement"),
        "now": now,
        "in_force": in_force,
        "past": past,
        "under_way": under_way(now),
        "drafts": drafts.order_by("-changed_at", "-id")[:SHOWN],
        "withdrawn": AgreementVersion.objects.filter(withdrawn_at__isnull=False).order_by("-withdrawn_at")[:SHOWN],
        "newest": newest_version(),
        "may_draft": request.user.has_perm("agreements.draft_version"),
        "start": start or StartForm(),
        "open_questions": RegisterEntry.objects.filter(approved_at__isnull=True).count(),
    }
    return page(request, "staff/amendments.html", context, status=422 if start and start.errors else 200)
