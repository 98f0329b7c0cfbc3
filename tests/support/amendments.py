"""Amendments on their way, for tests: drafted by one member of Legal, published by another."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import Group, User

from sla_portal.agreements.markers import MARKERS
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


def in_words(number: str, language: str = "en", more: Iterable[str] = ()) -> str:
    """A wording of a clause that states each of its terms, and `more`, by their markers."""
    stated = [name for name, marker in MARKERS.items() if marker.clause == number or name in more]
    said = "第条款的约定。" if language == "zh-hans" else "What is agreed here."
    return " ".join([said, *(f"{{{{{name}}}}}" for name in stated)])


def worded(version: AgreementVersion | None = None) -> None:
    """Give each clause of a version, by default the first, a wording in both languages where it has none."""
    version = version or AgreementVersion.objects.get(version="1.0")
    clauses = list(version.clauses.all())
    homeless = {name for name, marker in MARKERS.items() if marker.clause not in {one.number for one in clauses}}
    target = "{{availability_target}}"
    for clause in clauses:
        if clause.wording or clause.wording_zh:
            continue
        more = homeless if clause is clauses[0] else ()
        clause.wording, clause.wording_zh = (in_words(clause.number, one, more) for one in ("en", "zh-hans"))
        if clause.number == "2":
            clause.summary, clause.summary_zh = f"At least {target}.", f"不低于 {target}。"
        clause.save()


def a_draft(
    version: str = "2.0", *, now: datetime = ANNOUNCED, first_is_worded: bool = True, **terms
) -> AgreementVersion:
    """A draft from the newest version that says what it changes, and has a wording; without `terms` it promises 99.995 %."""
    if first_is_worded:
        worded()
    draft = draft_version(actor=legal("ann"), version=version, now=now)
    worded(draft)
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
