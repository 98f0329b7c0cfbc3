"""Refusals and input checks shared by these operations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged
from sla_portal.kernel.errors import Refused

from ..models import AgreementVersion
from ..rules import plain_text

HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class ReasonMissing(Refused):
    """A reason is required."""

    field = "reason"


class SecondPersonNeeded(Refused):
    """The same person cannot request and approve."""


class DraftLocked(Refused):
    """The version is published or submitted: its text and terms are locked."""


class NotAcceptable(Refused):
    """The input is invalid. `errors` has the sentences by field."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(" ".join(sentence for sentences in errors.values() for sentence in sentences))
        self.errors = dict(errors)


def check_reason(reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing(_("Enter a reason."))


def check_second_person(actor: Actor, first: Any, sentence: str) -> None:
    """Raise `SecondPersonNeeded` if the actor is the person who requested it."""
    if actor.user is not None and first is not None and actor.user == first:
        raise SecondPersonNeeded(sentence)


def locked_version(actor: Actor, version: AgreementVersion) -> AgreementVersion:
    """Return the version with a row lock, unchanged since `actor` saw it."""
    # Not its key: who holds the audit log, and refers to the version, would wait for who waits for the audit log.
    locked = AgreementVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    check_unchanged(actor, locked)
    return locked


def locked_draft(actor: Actor, draft: AgreementVersion) -> AgreementVersion:
    """Return the draft with a row lock; raises `DraftLocked` if it cannot be changed."""
    locked = locked_version(actor, draft)
    if locked.published_at:
        raise DraftLocked(
            _("Version %(version)s is published and cannot be edited. Correct a mistake by another amendment (5.2).")
            % {"version": locked}
        )
    if locked.submitted_at:
        raise DraftLocked(
            _("Version %(version)s is submitted for approval. Have it sent back before you change it.")
            % {"version": locked}
        )
    return locked


def cleaned(
    row: models.Model, values: Mapping[str, Any], errors: dict[str, list[str]], prefix: str = ""
) -> dict[str, Any]:
    """Return the values cleaned by the fields of `row`; collect `errors` by `prefix` and name."""
    taken = {}
    for name, value in values.items():
        try:
            field: Any = row._meta.get_field(name)
            taken[name] = field.clean(_text(field, value) if isinstance(value, str) else value, row)
        except ValidationError as error:
            errors[prefix + name] = list(error.messages)
    return taken


def _text(field: Any, value: str) -> str:
    """Return the text with normalized line ends; raises ValidationError if it is invalid."""
    text = plain_text(value)
    if hidden := HIDDEN.search(text):
        raise ValidationError(
            _("The text contains an invisible character (code point %(number)d). Remove it.")
            % {"number": ord(hidden[0])}
        )
    if field.max_length and len(text) > field.max_length:
        raise ValidationError(
            _("The text has %(length)d characters. At most %(most)d are allowed.")
            % {"length": len(text), "most": field.max_length}
        )
    return text
