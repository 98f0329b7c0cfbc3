"""Mail checkpoints of the audit log to addresses outside, and notify staff of what an integrity check found."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Check, Checkpoint
from sla_portal.audit.operations import lock_chain
from sla_portal.audit.words import sentence
from sla_portal.customers.models import Contact

from ..models import Kind, Notice
from ..wording import Words, worded
from .giving import Address, give_notice

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
MOST_CHECKPOINTS = 50
"""In one e-mail; the newest covers all entries, so older ones may be left out."""


def mail_checkpoints(*, now: datetime) -> Notice | None:
    """Mail the checkpoints made since the last such e-mail to `CHECKPOINT_ADDRESSES`; None: nothing to mail."""
    if not settings.CHECKPOINT_ADDRESSES:
        return None
    with transaction.atomic():
        lock_chain()
        last = _last_about("checkpoint")
        made = Checkpoint.objects.filter(number__gt=last).order_by("-number")[:MOST_CHECKPOINTS]
        if not made:
            return None
        words = worded("notices/emails/checkpoints", {"checkpoints": made, "newest": made[0]})
        addresses = [Address(email) for email in settings.CHECKPOINT_ADDRESSES]
        return _give(f"checkpoint {made[0].number}", words, addresses, now)


def notify_of_findings(*, check: Check, now: datetime) -> Notice | None:
    """Mail what a check found to everyone who is to hear of it, once; None: nothing new, or nobody has an address."""
    with transaction.atomic():
        lock_chain()
        addresses = [
            Address(user.email, user.get_full_name())
            for user in User.objects.with_perm("audit.view_faults", backend=MODEL_BACKEND).exclude(email="")
        ]
        what = "check" if check.documents is None else "documents"
        if not addresses or not check.found or _is_told(what, check):
            return None
        # Called when a template is rendered, in its language.
        words = worded(
            "notices/emails/findings", {"sentences": lambda: list(map(sentence, check.findings)), "check": check}
        )
        return _give(f"{what} {check.pk}", words, addresses, now)


def _is_told(what: str, check: Check) -> bool:
    """Whether the last e-mail named all of it, and no check of the same kind has passed since."""
    told = Check.objects.filter(pk=_last_about(what)).first()
    if told is None:
        return False
    alike = Check.objects.filter(whole=check.whole, documents__isnull=check.documents is None)
    passed = alike.filter(pk__gt=told.pk, pk__lt=check.pk, found=[]).exists()
    return not passed and set(check.findings) <= set(told.findings)


def _last_about(what: str) -> int:
    """Return the number of the last checkpoint or check that was mailed; 0: none was."""
    last = Notice.objects.filter(kind=Kind.AUDIT, about__startswith=f"{what} ").order_by("-id").first()
    return int(last.about.removeprefix(f"{what} ")) if last else 0


def _give(about: str, words: list[Words], addresses: list[Address], now: datetime) -> Notice:
    return give_notice(
        actor=Actor.system("schedule"),
        kind=Kind.AUDIT,
        about=about,
        wordings=words,
        audience=Contact.objects.none(),
        addresses=addresses,
        public=False,
        now=now,
    )
