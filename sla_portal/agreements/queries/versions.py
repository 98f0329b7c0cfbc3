"""Versions in force, pending versions, and the earliest effective date."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise

from django.conf import settings
from django.utils.translation import gettext as _

from sla_portal.audit.models import ClosedMonth
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import day_span, local_date
from sla_portal.kernel.remembering import remembered
from sla_portal.operator.queries import operator_in_force

from ..models import AgreementVersion
from ..rules import TermsPeriod, earliest_effective_on, without_wording

UNKNOWN_DAY = date(2000, 1, 1)
"""The day of version 1.0 until it is set: the printed agreement bears none."""
SHOWN = 5


class NoAgreementInForce(Refused):
    """The day lies before the first published version takes effect."""


@remembered
def published_versions() -> list[AgreementVersion]:
    """Return published versions in the order of their effective dates, without withdrawn ones."""
    return list(AgreementVersion.objects.published().order_by("effective_on"))


def version_in_force(on: date) -> AgreementVersion:
    """Return the version in force on a day in the SLA time zone; raises `NoAgreementInForce`."""
    versions = [version for version in published_versions() if version.takes_effect_on <= on]
    if not versions:
        raise NoAgreementInForce(
            _(
                "No agreement version is in force on %(day)s. Choose a later day, or publish a version that takes effect by then."
            )
            % {"day": on.isoformat()}
        )
    return versions[-1]


def terms_periods() -> list[TermsPeriod]:
    """Return the terms with their periods; the first has no beginning, so that failure events before it can be computed."""
    versions = published_versions()
    edges = [None, *(day_span(version.takes_effect_on, settings.SLA_ZONE)[0] for version in versions[1:]), None]
    return [
        TermsPeriod(start=start, end=end, terms=version.terms)
        for version, (start, end) in zip(versions, pairwise(edges), strict=False)
    ]


def pending_versions(on: date) -> list[AgreementVersion]:
    """Published versions that take effect after a day in the SLA time zone, in their order."""
    return [version for version in published_versions() if version.takes_effect_on > on]


def newest_version() -> AgreementVersion | None:
    """Return the published version that takes effect last: the basis of the next amendment."""
    return AgreementVersion.objects.published().order_by("-effective_on").first()


def first_version() -> AgreementVersion | None:
    """Return the published version that took effect first, which is set at the setup and announced by nobody."""
    return AgreementVersion.objects.published().order_by("effective_on").first()


def stands_still(version: AgreementVersion) -> bool:
    """Whether a published version is kept as it is: a month was closed by it, or an amendment was announced (5.2).

    Triggers keep it, too. A wording that is missing in a language can still be loaded.
    """
    if AgreementVersion.objects.filter(notice__isnull=False).exists():
        return True
    starts = version.takes_effect_on
    later = AgreementVersion.objects.published().filter(effective_on__gt=starts).order_by("effective_on").first()
    closed = ClosedMonth.objects.filter(month__gte=starts.replace(day=1))
    return (closed.filter(month__lt=later.takes_effect_on) if later else closed).exists()


def missing_in_first_version(version: AgreementVersion) -> list[str]:
    """Return in sentences what the first version lacks: a wording is needed in the languages that the operator offers."""
    offered = operator_in_force().offered
    clauses = list(version.clauses.all())
    missing = [] if version.effective_on != UNKNOWN_DAY else [_("The day since which it is in force is not set.")]
    for code, language, field in (("en", "English", "wording"), ("zh-hans", "Chinese", "wording_zh")):
        if code not in offered:
            continue
        if unworded := without_wording([(clause.number, getattr(clause, field)) for clause in clauses]):
            missing.append(
                {
                    "English": _("Clauses without an English wording: %(numbers)s."),
                    "Chinese": _("Clauses without a Chinese wording: %(numbers)s."),
                }[language]
                % {"numbers": _shortened(unworded)}
            )
    return missing


def _shortened(numbers: list[str]) -> str:
    return ", ".join(numbers[:SHOWN]) + (f" … {numbers[-1]}" if len(numbers) > SHOWN else "")


def earliest_day(now: datetime) -> date:
    """The first day on which an amendment published now can take effect (5.2); raises `NoAgreementInForce`."""
    today = local_date(epoch(now), settings.SLA_ZONE)
    return earliest_effective_on(today, version_in_force(today).amendment_notice_days)
