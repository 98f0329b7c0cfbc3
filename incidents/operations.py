"""Log, acknowledge, update, hand over, resolve, reopen, classify and review incidents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import (
    Period,
    check_unchanged,
    difference,
    record,
    refusing_for_good,
    require,
    snapshot,
)
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.errors import Refused

from .models import Incident, Outage, Review, ReviewAction, ShiftNote, Update
from .queries import may_own, periods_of, times_of
from .rules import (
    OutageObjection,
    Severity,
    TimeObjection,
    check_detection,
    check_end,
    check_order,
    check_scope,
    check_times,
    objections,
)


class OutageRefused(Refused):
    """The outage is not valid; `objections` lists the reasons."""

    def __init__(self, objections: tuple[OutageObjection, ...]) -> None:
        super().__init__(" ".join(_(objection.sentence) for objection in objections))
        self.objections = objections


class TimesRefused(Refused):
    """A time of the incident is not valid, or breaks the order of 2.2; `objections` lists the reasons."""

    def __init__(self, objections: tuple[TimeObjection, ...]) -> None:
        super().__init__(" ".join(_(objection.sentence) for objection in objections))
        self.objections = objections


class IncidentResolved(Refused):
    """The incident is already resolved."""


class IncidentNotResolved(Refused):
    """The incident is not resolved, so it cannot be reopened."""


class IncidentVoided(Refused):
    """The incident was voided or merged into another, so it is not changed any more."""


class ReasonMissing(Refused):
    """This step needs a reason."""


class IncidentWithoutOutage(Refused):
    """An incident needs at least one outage."""

    field = "regions"


class SeverityWithoutReason(Refused):
    """A severity set by a person needs a reason."""


class NotAnOwner(Refused):
    """The user cannot work on incidents."""


class ReviewPublished(Refused):
    """A published review is not changed."""


class ReviewNotReady(Refused):
    """A review is published once it is written and its incident is resolved."""


@dataclass(frozen=True)
class ReviewText:
    """What a person writes in a review, as Markdown, in both languages; only the cause is required."""

    cause: str
    cause_zh: str = ""
    timeline: str = ""
    timeline_zh: str = ""


@dataclass(frozen=True)
class Action:
    """An action of a review."""

    text: str
    text_zh: str = ""
    owner: User | None = None
    due_on: date | None = None
    done_on: date | None = None

    @classmethod
    def of(cls, row: ReviewAction) -> Action:
        return cls(row.text, row.text_zh, row.owner, row.due_on, row.done_on)

    def for_audit_log(self) -> str:
        parts = [self.text, _name(self.owner) if self.owner else "", *map(_day, (self.due_on, self.done_on))]
        return " · ".join(filter(None, parts))


@dataclass(frozen=True)
class OutageFacts:
    """The fields of an outage. None for `functions` or `clients` means all of them."""

    region: Region
    started_at: datetime
    ended_at: datetime | None = None
    functions: Sequence[CoreFunction] | None = None
    clients: Sequence[Client] | None = None

    def period(self, now: datetime) -> Period:
        """The time that it lasted so far."""
        return self.started_at, self.ended_at or now

    def for_audit_log(self) -> dict[str, Any]:
        """The fields as the audit log records them."""
        return {
            "region": self.region.code,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "functions": "all" if self.functions is None else [function.code for function in self.functions],
            "clients": "all" if self.clients is None else [client.code for client in self.clients],
        }


def log_incident(
    *,
    actor: Actor,
    title: str,
    source: str,
    outages: Sequence[OutageFacts],
    now: datetime,
    detected_at: datetime | None = None,
    ticket_number: str = "",
    ticket_url: str = "",
    chat_url: str = "",
    reason: str = "",
) -> Incident:
    """Log an incident with its outages under the next free reference of the year (`INC-2026-0001`).

    `detected_at`, unless given, is `now` or, where all was restored by then, the start of the first outage. Where an
    outage lies in a closed month, `reason` states why its record is changed, as in all operations of this module;
    without it `TouchesClosedMonth` is raised.
    """
    require(actor, "incidents.add_incident")
    at = now.replace(microsecond=0)
    if not outages:
        raise IncidentWithoutOutage(_("No region was chosen. Choose at least one region where the service was down."))
    restored = all(facts.ended_at for facts in outages)
    detected_at = detected_at or (min(facts.started_at for facts in outages) if restored else at)
    for facts in outages:
        check_outage(facts, now)
    check_detected(detected_at, now)
    with transaction.atomic():
        incident = Incident.objects.create(
            reference=_next_reference(now),
            title=title,
            source=source,
            ticket_number=ticket_number,
            ticket_url=ticket_url,
            chat_url=chat_url,
            detected_at=detected_at,
            logged_at=at,
        )
        for facts in outages:
            _create_outage(incident, facts)
        record(
            actor=actor,
            action="logged",
            subject=incident,
            now=now,
            changes={
                "source": [None, source],
                "detected_at": [None, detected_at],
                "outages": [None, [facts.for_audit_log() for facts in outages]],
            },
            touching=[facts.period(now) for facts in outages],
            reason=reason,
        )
    return incident


def add_outage(*, actor: Actor, incident: Incident, facts: OutageFacts, now: datetime, reason: str = "") -> Outage:
    """Add an outage to an incident: another region, scope or period of the same failure."""
    require(actor, "incidents.change_incident")
    check_outage(facts, now)
    with transaction.atomic():
        locked = lock_incident(actor, incident)
        if locked.resolved_at and facts.ended_at is None:
            raise OutageRefused((OutageObjection.ONGOING_THOUGH_RESOLVED,))
        if objections := check_end(facts.ended_at, locked.resolved_at):
            raise OutageRefused(objections)
        outage = _create_outage(incident, facts)
        record(
            actor=actor,
            action="added an outage to",
            subject=incident,
            now=now,
            changes={"outage": [None, facts.for_audit_log()]},
            touching=[facts.period(now)],
            reason=reason,
        )
    return outage


def acknowledge_incident(*, actor: Actor, incident: Incident, now: datetime) -> None:
    """Acknowledge an incident (2.2) before it is resolved. Acknowledging it again changes nothing."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        at = now.replace(microsecond=0)
        locked = lock_unchanged(actor, incident)
        if locked.acknowledged_at is None:
            _check_unresolved(locked)
            if objections := check_order(locked.detected_at, at, None):
                raise TimesRefused(objections)
            locked.acknowledged_at = at
            locked.save(update_fields=["acknowledged_at"])
            record(actor=actor, action="acknowledged", subject=locked, now=now, changes={"acknowledged_at": [None, at]})
    incident.refresh_from_db()


def resolve_incident(
    *,
    actor: Actor,
    incident: Incident,
    at: datetime,
    now: datetime,
    restored_at: datetime | None = None,
    reason: str = "",
) -> None:
    """Resolve an incident at `at`; its ongoing outages end at `restored_at`, or at `at` unless it is given."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        locked = lock_unchanged(actor, incident, check=_check_unresolved)
        ended = ended_outages(locked, at, now, restored_at)
        for outage in ended:
            outage.save(update_fields=["ended_at"])
        locked.resolved_at = at
        locked.save(update_fields=["resolved_at"])
        record(
            actor=actor,
            action="resolved",
            subject=locked,
            now=now,
            changes={"resolved_at": [None, at], **({"restored_at": [None, restored_at]} if restored_at else {})},
            # An ongoing outage lasted until now.
            touching=[(restored_at or at, now)] if ended else (),
            reason=reason,
        )
    incident.refresh_from_db()


def reopen_incident(*, actor: Actor, incident: Incident, text: str, reason: str, now: datetime) -> None:
    """Reopen a resolved incident; the public reads `text` as a new update.

    Its outages keep their ends: one that is still going on is corrected or added.
    """
    require(actor, "incidents.change_incident")
    if not reason.strip():
        raise ReasonMissing(_("Enter a reason."))
    with transaction.atomic():
        locked = lock_unchanged(actor, incident, check=_check_resolved)
        before, locked.resolved_at = locked.resolved_at, None
        locked.recorded_as_is = bool(objections(times_of(locked)))
        locked.save(update_fields=["resolved_at", "recorded_as_is"])
        record(
            actor=actor,
            action="reopened",
            subject=locked,
            now=now,
            changes={"resolved_at": [before, None]},
            reason=reason,
        )
        add_update(actor=actor, incident=locked, text=text, public=True, now=now)
    incident.refresh_from_db()


def add_update(
    *, actor: Actor, incident: Incident, text: str, public: bool, now: datetime, text_zh: str = ""
) -> Update:
    """Add a public update or an internal note. Neither can be changed afterwards."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        lock_incident(actor, incident)
        update = _create_update(actor, incident, text, text_zh, public=public, now=now)
        changes: dict[str, Any] = {"public update" if public else "internal update": [None, text]}
        if text_zh:
            changes["text_zh"] = [None, text_zh]
        record(actor=actor, action="updated", subject=incident, now=now, changes=changes)
    return update


def set_severity(*, actor: Actor, incident: Incident, severity: Severity | None, reason: str, now: datetime) -> None:
    """Set the severity of an incident for a reason; None derives it from the scope again."""
    require(actor, "incidents.change_incident")
    if severity and not reason:
        raise SeverityWithoutReason(_("Enter the reason for this severity."))
    value = severity.value if severity else None
    with transaction.atomic():
        locked = lock_incident(actor, incident)
        before = locked.severity, locked.severity_reason
        after = value, reason if severity else ""
        if before != after:
            locked.severity, locked.severity_reason = after
            locked.save(update_fields=["severity", "severity_reason"])
            record(
                actor=actor,
                action="set the severity of",
                subject=locked,
                now=now,
                changes={"severity": [before[0], value]},
                reason=reason,
            )
    incident.severity, incident.severity_reason = after


def take_incident(*, actor: Actor, incident: Incident, now: datetime) -> None:
    """Make the actor the owner of an incident, and acknowledge it. Taking it again changes nothing."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        locked = lock_incident(actor, incident)
        if locked.owner != actor.user:
            _change_owner(actor, locked, actor.user, action="took", note="", now=now)
        acknowledge_incident(actor=actor, incident=locked, now=now)
    incident.refresh_from_db()


def hand_over_incident(*, actor: Actor, incident: Incident, to: User, note: str, now: datetime) -> None:
    """Make `to` the owner of an incident; the note is kept as an internal note."""
    require(actor, "incidents.change_incident")
    if not may_own(to):
        raise NotAnOwner(_("%(name)s cannot work on incidents. Choose someone else.") % {"name": _name(to)})
    with transaction.atomic():
        locked = lock_incident(actor, incident)
        _change_owner(actor, locked, to, action="handed over", note=note, now=now)
        if note:
            _create_update(actor, locked, note, "", public=False, now=now)
    incident.refresh_from_db()


def add_shift_note(*, actor: Actor, text: str, now: datetime) -> ShiftNote:
    """Add a note for the next shift; it cannot be changed afterwards."""
    require(actor, "incidents.add_shiftnote")
    with transaction.atomic():
        note = ShiftNote.objects.create(at=now, text=text, author=actor.user, author_name=actor.name)
        record(actor=actor, action="left a note", subject=note, now=now, changes={"text": [None, text]})
    return note


def link_incident(
    *, actor: Actor, incident: Incident, ticket_number: str, ticket_url: str, chat_url: str, now: datetime
) -> None:
    """Set the ticket number and the links of an incident."""
    require(actor, "incidents.change_incident")
    after = {"ticket_number": ticket_number, "ticket_url": ticket_url, "chat_url": chat_url}
    with transaction.atomic():
        locked = lock_incident(actor, incident)
        changes = difference({name: getattr(locked, name) for name in after}, after)
        if changes:
            Incident.objects.filter(pk=locked.pk).update(**after)
            record(actor=actor, action="linked", subject=locked, now=now, changes=changes)
    incident.refresh_from_db()


def classify_incident(
    *, actor: Actor, incident: Incident, attributable: bool | None, reason: str, now: datetime
) -> None:
    """Classify an incident as attributable (True), excluded under section 4 (False) or pending (None)."""
    require(actor, "incidents.classify_incident")
    with transaction.atomic():
        locked = lock_unchanged(actor, incident)
        before, locked.attributable = locked.attributable, attributable
        if before != attributable:
            locked.save(update_fields=["attributable"])
            record(
                actor=actor,
                action="classified",
                subject=locked,
                now=now,
                changes={"attributable": [before, attributable]},
                reason=reason,
                touching=periods_of(locked, now),
            )
    incident.attributable = attributable


def write_review(
    *, actor: Actor, incident: Incident, text: ReviewText, actions: Sequence[Action], now: datetime
) -> Review:
    """Write the review of an incident, or replace what is written; a published one is not changed."""
    require(actor, "incidents.write_review")
    with transaction.atomic():
        lock_unchanged(actor, incident)
        review = Review.objects.filter(incident=incident).first() or Review(incident=incident)
        if review.published_at:
            raise ReviewPublished(_("The review is published. Withdraw it from the website to change it."))
        before = _review_for_audit_log(review)
        for name, value in vars(text).items():
            setattr(review, name, value)
        review.written_at = now
        review.save()
        review.actions.all().delete()
        ReviewAction.objects.bulk_create(ReviewAction(review=review, **vars(action)) for action in actions)
        after = {**vars(text), "actions": [action.for_audit_log() for action in actions]}
        changes = difference(before, after)
        if changes:
            pair = [{name: values[side] for name, values in changes.items()} for side in (0, 1)]
            record(actor=actor, action="wrote the review of", subject=incident, now=now, changes={"review": pair})
    return review


def publish_review(*, actor: Actor, incident: Incident, now: datetime) -> None:
    """Publish the review of a resolved incident on the website, as `actor` saw it."""
    require(actor, "incidents.publish_review")
    with transaction.atomic():
        locked = lock_unchanged(actor, incident)
        review = Review.objects.filter(incident=locked).first()
        if review is None or locked.resolved_at is None:
            raise ReviewNotReady(_("Resolve the incident and write the review before it is published."))
        if review.published_at is None:
            review.published_at = now
            review.save(update_fields=["published_at"])
            record(
                actor=actor,
                action="published the review of",
                subject=locked,
                now=now,
                changes={"review": [None, _review_for_audit_log(review)]},
            )


def withdraw_review(*, actor: Actor, incident: Incident, reason: str, now: datetime) -> None:
    """Withdraw a published review from the website, for a reason. Withdrawing it again changes nothing."""
    require(actor, "incidents.publish_review")
    with transaction.atomic():
        Incident.objects.select_for_update().get(pk=incident.pk)
        if Review.objects.filter(incident=incident, published_at__isnull=False).update(published_at=None):
            record(actor=actor, action="withdrew the review of", subject=incident, now=now, reason=reason)


def complete_action(*, actor: Actor, action: ReviewAction, on: date, now: datetime) -> None:
    """Mark an action of a review as done, published or not. Marking it again changes nothing."""
    require(actor, "incidents.write_review")
    with transaction.atomic():
        if ReviewAction.objects.filter(pk=action.pk, done_on__isnull=True).update(done_on=on):
            changes = {"action": [None, action.text], "done_on": [None, on]}
            record(
                actor=actor, action="completed an action of", subject=action.review.incident, now=now, changes=changes
            )


def _review_for_audit_log(review: Review) -> dict[str, Any]:
    rows = review.actions.select_related("owner") if review.pk else ()
    actions = [Action.of(row).for_audit_log() for row in rows]
    return {**snapshot(review, ["cause", "cause_zh", "timeline", "timeline_zh"]), "actions": actions}


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _check_resolved(incident: Incident) -> None:
    if incident.resolved_at is None:
        raise IncidentNotResolved(_("%(incident)s is not resolved.") % {"incident": incident.reference})


def _check_unresolved(incident: Incident) -> None:
    if incident.resolved_at:
        raise IncidentResolved(_("%(incident)s is already resolved.") % {"incident": incident.reference})


def lock_unchanged(
    actor: Actor, incident: Incident, *rests_on: Model, check: Callable[[Incident], None] | None = None
) -> Incident:
    """Lock an incident that has not changed since `actor` saw it, nor anything else that the step `rests_on`.

    `check` raises a refusal where its present status does not allow the step.
    """
    locked = lock_incident(actor, incident)
    if check:
        with refusing_for_good(actor, locked):
            check(locked)
    check_unchanged(actor, locked, *rests_on)
    return locked


def lock_incident(actor: Actor, incident: Incident) -> Incident:
    """Lock an incident until the end of the caller's transaction.

    Raises `IncidentVoided`, or `ChangedMeanwhile` where `actor` saw it before it was voided.
    """
    locked = _locked(incident)
    with refusing_for_good(actor, locked):
        _check_counts(locked)
    return locked


def _locked(incident: Incident) -> Incident:
    rows = Incident.objects.select_for_update(of=("self",), no_key=True).select_related("merged_into")
    return rows.get(pk=incident.pk)


def _check_counts(locked: Incident) -> None:
    if sentence := why_not_changed(locked):
        raise IncidentVoided(sentence)


def why_not_changed(incident: Incident) -> str:
    """Say why an incident that does not count is not changed any more; nothing of one that counts."""
    if incident.merged_into:
        return _("%(incident)s was merged into %(other)s and cannot be changed. Open %(other)s instead.") % {
            "incident": incident.reference,
            "other": incident.merged_into.reference,
        }
    if incident.voided_at:
        return _("%(incident)s was voided and cannot be changed. Log the outage again if it did happen.") % {
            "incident": incident.reference
        }
    return ""


def ended_outages(incident: Incident, at: datetime, now: datetime, restored_at: datetime | None = None) -> list[Outage]:
    """Return the ongoing outages of an incident as they are once it is resolved at `at` (`resolve_incident`).

    Raises `OutageRefused`, and `TimesRefused` where the times were out of order (2.2).
    """
    ended_at = restored_at or at
    if at > now:
        raise OutageRefused((OutageObjection.END_IN_THE_FUTURE,))
    if out_of_order := check_order(incident.detected_at, incident.acknowledged_at, at):
        raise TimesRefused(out_of_order)
    if late := check_end(ended_at, at):
        raise OutageRefused(late)
    if incident.outages.filter(ended_at__gt=at).exists():
        raise TimesRefused((TimeObjection.RESOLVED_BEFORE_AN_END,))
    outages = list(incident.outages.filter(ended_at__isnull=True).select_related("region"))
    for outage in outages:
        check_outage(OutageFacts(region=outage.region, started_at=outage.started_at, ended_at=ended_at), now)
        outage.ended_at = ended_at
    return outages


def check_outage(facts: OutageFacts, now: datetime) -> None:
    """Raise `OutageRefused` unless the times and the scope of an outage are valid."""
    everything = ("all",)
    objections = check_times(facts.started_at, facts.ended_at, now) + check_scope(
        [facts.region],
        everything if facts.functions is None else facts.functions,
        everything if facts.clients is None else facts.clients,
    )
    if objections:
        raise OutageRefused(objections)


def check_detected(detected_at: datetime, now: datetime) -> None:
    """Raise `TimesRefused` unless the time of detection of a new incident is valid."""
    if objections := check_detection(detected_at, now):
        raise TimesRefused(objections)


def _create_outage(incident: Incident, facts: OutageFacts) -> Outage:
    outage = incident.outages.create(region=facts.region, started_at=facts.started_at, ended_at=facts.ended_at)
    outage.functions.set(facts.functions or ())
    outage.clients.set(facts.clients or ())
    return outage


def _create_update(actor: Actor, incident: Incident, text: str, text_zh: str, *, public: bool, now: datetime) -> Update:
    return Update.objects.create(
        incident=incident,
        at=now,
        text=text,
        text_zh=text_zh,
        public=public,
        author=actor.user,
        author_name=actor.name,
    )


def _change_owner(
    actor: Actor, incident: Incident, owner: User | None, *, action: str, note: str, now: datetime
) -> None:
    before, incident.owner = incident.owner, owner
    incident.save(update_fields=["owner"])
    names = [_name(user) if user else None for user in (before, owner)]
    record(actor=actor, action=action, subject=incident, now=now, changes={"owner": names}, reason=note)


def _name(user: User) -> str:
    return user.get_full_name() or user.get_username()


def _next_reference(now: datetime) -> str:
    """The next reference of the year; of two at the same moment the unique constraint refuses the second."""
    prefix = f"INC-{now:%Y}-"
    taken = Incident.objects.filter(reference__startswith=prefix).values_list("reference", flat=True)
    numbers = [int(reference[len(prefix) :]) for reference in taken if reference[len(prefix) :].isdigit()]
    return f"{prefix}{max(numbers, default=0) + 1:04}"
