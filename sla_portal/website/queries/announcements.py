"""Announcements."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Case, OuterRef, QuerySet, Subquery, When

from sla_portal.agreements.models import AgreementVersion
from sla_portal.audit.models import Kind as DocumentKind
from sla_portal.notices.models import Kind, Notice
from sla_portal.notices.private import concealed

from ..rules import PublicNotice, Said
from .documents import issued
from .shared import FEW, MANY


def notices(page: int, now: datetime) -> tuple[tuple[PublicNotice, ...], bool]:
    """A page of announcements, newest first, and whether there are more."""
    found = _notices(now)[(page - 1) * MANY : page * MANY + 1]
    return tuple(map(_notice, found))[:MANY], len(found) > MANY


def latest_notices(now: datetime) -> tuple[PublicNotice, ...]:
    return tuple(map(_notice, _notices(now)[:FEW]))


def notice(number: str, now: datetime) -> PublicNotice | None:
    found = _notices(now).filter(number=number).first()
    if not found:
        return None
    versions = AgreementVersion.objects.filter(version=found.about, based_on__published_at__isnull=False)
    before = versions.values_list("based_on__version", flat=True).first() if found.kind == Kind.AMENDMENT else ""
    return replace(_notice(found), before=before or "", document=issued(DocumentKind.ANNOUNCEMENT, number))


def _notices(now: datetime) -> QuerySet[Notice]:
    withdrawn = AgreementVersion.objects.filter(version=OuterRef("about"), withdrawn_at__isnull=False)
    withdrawn = withdrawn.exclude(withdrawal_notice=OuterRef("pk"))
    return (
        Notice.objects.filter(public=True, given_at__lte=now)
        .annotate(
            withdrawn_at=Case(
                When(kind=Kind.AMENDMENT, then=Subquery(withdrawn.values("withdrawn_at")[:1])), default=None
            )
        )
        .only("number", "kind", "about", "given_at", "sha256")
        .prefetch_related("wordings")
        .order_by("-given_at", "-id")
    )


def _notice(row: Any) -> PublicNotice:
    return PublicNotice(
        number=row.number,
        kind=row.kind,
        about=row.about,
        given_at=row.given_at,
        sha256=row.sha256,
        withdrawn_at=row.withdrawn_at,
        said=tuple(
            Said(wording.language, wording.subject, concealed(wording.html, wording.language))
            for wording in row.wordings.all()
        ),
    )
