"""Amendments on their way, for tests: drafted by one member of Legal, published by another."""

from datetime import datetime

from django.contrib.auth.models import Group, User

from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.operations import (
    change_draft,
    confirm_withdrawal,
    draft_version,
    publish_version,
    request_withdrawal,
    submit_draft,
)
from sla_portal.audit.actors import Actor
from sla_portal.notices.models import Notice

from .builders import at, on

ANNOUNCED = at("2026-06-01 04:00")
EFFECTIVE = on("2026-07-02")


def legal(name: str) -> Actor:
    """A member of Legal."""
    user, created = User.objects.get_or_create(username=name, defaults={"is_staff": True, "first_name": name.title()})
    if created:
        user.groups.add(Group.objects.get(name="Legal"))
    return Actor.staff(user)


def a_draft(version: str = "2.0", *, now: datetime = ANNOUNCED, **terms) -> AgreementVersion:
    """A draft from the newest version that says what it changes; without `terms` it promises 99.995 %."""
    draft = draft_version(actor=legal("ann"), version=version, now=now)
    change_draft(
        actor=legal("ann"),
        draft=draft,
        terms=terms or {"availability_target": "99.995"},
        summary_of_changes="The target rises.",
        summary_of_changes_zh="目标提高。",
        now=now,
    )
    return draft


def submitted(
    draft: AgreementVersion | None = None, effective_on=EFFECTIVE, now: datetime = ANNOUNCED
) -> AgreementVersion:
    draft = draft or a_draft(now=now)
    submit_draft(actor=legal("ann"), draft=draft, effective_on=effective_on, now=now)
    return draft


def announced(
    draft: AgreementVersion | None = None, effective_on=EFFECTIVE, now: datetime = ANNOUNCED
) -> AgreementVersion:
    """A version as it stands after its announcement."""
    version = submitted(draft, effective_on, now)
    publish_version(actor=legal("bob"), version=version, now=now)
    return version


def withdraw_version(*, actor: Actor, version: AgreementVersion, reason: str, now: datetime) -> Notice:
    """Withdraw a version as another member of Legal requested it; the reason in Chinese is always the same."""
    requested = request_withdrawal(actor=legal("cleo"), version=version, reason=reason, reason_zh="有误。", now=now)
    notice = confirm_withdrawal(actor=actor, withdrawal=requested, now=now)
    version.refresh_from_db()
    return notice
