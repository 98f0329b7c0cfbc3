"""Published versions of the agreement, and their text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import cast

from django.conf import settings
from django.db.models import QuerySet

from sla_portal.agreements.changes import Changes
from sla_portal.agreements.models import AgreementVersion, Clause, Preamble
from sla_portal.agreements.queries import published_changes
from sla_portal.audit.models import Kind
from sla_portal.audit.rules import canonical
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.models import Notice

from ..rules import PublicClause, PublicDocument, PublicPreamble, PublicVersion, VersionStatus
from .documents import issued


@dataclass(frozen=True)
class Agreement:
    """A published version with its clauses, and all published versions, newest first."""

    version: PublicVersion
    clauses: tuple[PublicClause, ...]
    versions: tuple[PublicVersion, ...]
    in_force: str
    """The version in force; empty before the first takes effect."""
    document: PublicDocument | None = None


@dataclass(frozen=True)
class Comparison:
    """Two published versions with their clauses."""

    before: PublicVersion
    after: PublicVersion
    clauses_before: tuple[PublicClause, ...]
    clauses_after: tuple[PublicClause, ...]
    frozen: dict[str, Changes]
    """By language, what the announcement of the second showed; empty where it was not announced as an amendment of the first."""
    frozen_at: datetime | None
    """When that was frozen, where it was after the announcement: an earlier build announced it."""


def agreement(version: str | None, now: datetime) -> Agreement | None:
    """A published version by its name, or the one in force; None where there is none."""
    versions = public_versions()
    standing = [one for one in versions if not one.withdrawn_at]
    today = local_date(epoch(now), settings.SLA_ZONE)
    in_force = next((one.version for one in standing if one.effective_on <= today), "")
    # Before the first takes effect, it is the one to read.
    wanted = version or in_force or (standing[-1].version if standing else "")
    found = next((one for one in versions if one.version == wanted), None)
    if found is None:
        return None
    return Agreement(found, _clauses(found), versions, in_force, issued(Kind.AGREEMENT, found.version))


def comparison(before: str, after: str) -> Comparison | None:
    """Two published versions to be compared; None where one is not published."""
    versions = {one.version: one for one in public_versions()}
    if before not in versions or after not in versions:
        return None
    old, new = versions[before], versions[after]
    rows = published_changes(before, after)
    late = [row.frozen_at for row in rows.values() if row.frozen_at != new.published_at]
    frozen = {language: row.changes for language, row in rows.items()}
    return Comparison(old, new, _clauses(old), _clauses(new), frozen, min(late, default=None))


def announced_versions(versions: Sequence[PublicVersion], now: datetime) -> tuple[PublicVersion, ...]:
    today = local_date(epoch(now), settings.SLA_ZONE)
    return tuple(one for one in reversed(versions) if one.status(today) is VersionStatus.ANNOUNCED)


def hashed_content(version: str) -> bytes | None:
    """Text and terms of a published version, byte for byte as its SHA-256 covers them; None where none was taken."""
    found = _published().filter(version=version).exclude(sha256="").first()
    return canonical(found.content()).encode() if found else None


def _published() -> QuerySet[AgreementVersion]:
    """Every version that was ever published: one that was withdrawn stays to be read."""
    return AgreementVersion.objects.filter(published_at__isnull=False)


def public_versions() -> tuple[PublicVersion, ...]:
    """The newest first."""
    rows = list(
        _published()
        .select_related("notice", "withdrawal_notice", "based_on", "preamble")
        .order_by("effective_on", "published_at")
    )
    standing = [row for row in rows if not row.withdrawn_at]
    until = {row: following.takes_effect_on - timedelta(days=1) for row, following in pairwise(standing)}
    came_after = {following: row for row, following in pairwise(standing)}
    return tuple(_version(row, until.get(row), row.based_on or came_after.get(row)) for row in rows)[::-1]


def _version(row: AgreementVersion, until: date | None, before: AgreementVersion | None) -> PublicVersion:
    return PublicVersion(
        version=row.version,
        effective_on=row.takes_effect_on,
        until=until,
        published_at=cast("datetime", row.published_at),
        withdrawn_at=row.withdrawn_at,
        notice=_public_number(row.notice),
        withdrawal_notice=_public_number(row.withdrawal_notice),
        sha256=row.sha256,
        before=before.version if before and before.published_at else "",
        summary=row.summary_of_changes,
        summary_zh=row.summary_of_changes_zh,
        terms=row.terms,
        preamble=_preamble(row),
    )


def _public_number(notice: Notice | None) -> str:
    return notice.number if notice and notice.public else ""


def _preamble(version: AgreementVersion) -> PublicPreamble | None:
    row: Preamble | None = getattr(version, "preamble", None)
    return PublicPreamble(row.title, row.title_zh, row.text, row.text_zh) if row else None


def _clauses(version: PublicVersion) -> tuple[PublicClause, ...]:
    rows = Clause.objects.filter(agreement_version__version=version.version)
    return tuple(PublicClause(**vars(row.as_printed(version.terms))) for row in rows)
