"""Versions in force, pending versions, and the earliest effective date."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise

from django.conf import settings
from django.utils.translation import gettext as _

from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import day_span, local_date

from ..models import AgreementVersion
from ..rules import TermsPeriod, earliest_effective_on


class NoAgreementInForce(Refused):
    """The day lies before the first published version takes effect."""


def published_versions() -> list[AgreementVersion]:
    """Return published versions in the order of their effective dates, without withdrawn ones."""
    return list(AgreementVersion.objects.published().order_by("effective_on"))


def version_in_force(on: date) -> AgreementVersion:
    """Return the version in force on a day in the SLA time zone; raises `NoAgreementInForce`."""
    version = AgreementVersion.objects.published().filter(effective_on__lte=on).order_by("-effective_on").first()
    if version is None:
        raise NoAgreementInForce(
            _(
                "No agreement version is in force on %(day)s. Choose a later day, or publish a version that takes effect by then."
            )
            % {"day": on.isoformat()}
        )
    return version


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
    return list(AgreementVersion.objects.published().filter(effective_on__gt=on).order_by("effective_on"))


def newest_version() -> AgreementVersion | None:
    """Return the published version that takes effect last: the basis of the next amendment."""
    return AgreementVersion.objects.published().order_by("-effective_on").first()


def earliest_day(now: datetime) -> date:
    """The first day on which an amendment published now can take effect (5.2); raises `NoAgreementInForce`."""
    today = local_date(epoch(now), settings.SLA_ZONE)
    return earliest_effective_on(today, version_in_force(today).amendment_notice_days)
