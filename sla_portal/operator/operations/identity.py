"""Save the operator's identity."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal import environment
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, difference, lock_chain, record, require, snapshot
from sla_portal.kernel.errors import Refused

from ..models import CODES, STATED, Identity, Logo
from ..queries import identities
from ..rules import (
    COLOUR,
    DARK,
    ENDINGS,
    LARGEST_LOGO,
    LIGHT,
    LOGO_SIDE,
    TEXT_CONTRAST,
    TooFaint,
    offers,
    readable,
    too_faint,
)


@dataclass(frozen=True)
class Objection:
    """Why a field of an identity cannot be saved."""

    field: str
    sentence: str


class IdentityRefused(Refused):
    """Some fields of the identity are not acceptable; `objections` name them."""

    def __init__(self, objections: list[Objection]) -> None:
        super().__init__(" ".join(one.sentence for one in objections))
        self.objections = objections


@dataclass(frozen=True)
class LogoFile:
    """A logo that was inspected and re-encoded; pixels."""

    content: bytes
    media_type: str
    width: int
    height: int


def save_identity(
    *,
    actor: Actor,
    texts: Mapping[str, str],
    now: datetime,
    logo: LogoFile | None = None,
    without_logo: bool = False,
) -> Identity:
    """Add a row that is valid from now on; `texts` are those of `models.STATED`. The logo stays if none is given.

    A dark accent that is left empty follows from the light one. Raises `IdentityRefused`, and `ChangedMeanwhile` where
    another person saved since the page was made. Saving what is in force adds nothing.
    """
    require(actor, "operator.change_identity")
    stated = {name: texts[name] for name in STATED}
    if objections := [*objections_to(stated), *_objections_to_logo(logo)]:
        raise IdentityRefused(objections)
    stated["accent_dark"] = dark_accent(stated)
    with transaction.atomic():
        lock_chain()
        before = identities().first()
        if before:
            check_unchanged(actor, before)
        kept = before.logo if before and not without_logo else None
        identity = Identity(
            **stated,
            logo=_stored(logo) if logo else kept,
            valid_from=now,
            saved_by=actor.user,
            saved_by_name=actor.name[:200],
        )
        changes = difference(_said(before) if before else {}, _said(identity))
        if before and not changes:
            return before
        identity.save(force_insert=True)
        record(actor=actor, action="changed" if before else "added", subject=identity, now=now, changes=changes)
    return identity


def dark_accent(texts: Mapping[str, str]) -> str:
    """Return the accent of the dark theme: the one given, or else the one that follows from that of the light theme."""
    light, dark = texts["accent_light"], texts["accent_dark"]
    return dark or (readable(light, DARK) if light else "")


def _said(identity: Identity) -> dict[str, object]:
    return {name: value for name, value in snapshot(identity, [*STATED, "logo"]).items() if value}


def _stored(file: LogoFile) -> Logo:
    """Return the row of a logo; the same file has one."""
    logo, _created = Logo.objects.get_or_create(
        sha256=hashlib.sha256(file.content).hexdigest(),
        defaults={
            "media_type": file.media_type,
            "width": file.width,
            "height": file.height,
            "content": file.content,
        },
    )
    return logo


def objections_to(stated: Mapping[str, str]) -> Iterator[Objection]:
    """Return why texts of an identity cannot be saved."""
    if not stated["name"]:
        yield Objection("name", _("Enter the operator's name."))
    for field in ("contact_email", "sender", "reply_to"):
        if stated[field] and not environment.is_email(stated[field]):
            yield Objection(field, _("Enter an e-mail address such as sla@example.com, without a name before it."))
    for field in ("imprint_url", "privacy_url"):
        if stated[field] and not _is_https(stated[field]):
            yield Objection(field, _("Enter an HTTPS address such as https://example.com/imprint."))
    yield from _objections_to_colours(stated)
    yield from _objections_to_languages(stated)


def _objections_to_languages(stated: Mapping[str, str]) -> Iterator[Objection]:
    if stated["languages"] not in offers(CODES):
        yield Objection("languages", _("Offer at least one language."))
        return
    for field in ("default_language", "customer_language"):
        if stated[field] not in stated["languages"].split(","):
            yield Objection(field, _("Choose one of the languages that are offered."))


def _is_https(url: str) -> bool:
    try:
        URLValidator(schemes=["https"])(url)
    except ValidationError:
        return False
    return "@" not in urlsplit(url).netloc


def _objections_to_colours(stated: Mapping[str, str]) -> Iterator[Objection]:
    if stated["accent_dark"] and not stated["accent_light"]:
        yield Objection("accent_light", _("Enter the colour for the light theme too."))
    for field, theme in (("accent_light", LIGHT), ("accent_dark", DARK)):
        colour = stated[field]
        if colour and not COLOUR.fullmatch(colour):
            yield Objection(field, _("Enter a colour as # and six hexadecimal digits, such as #12405c."))
        elif colour and (found := too_faint(colour, theme)):
            yield Objection(field, _faint(found, theme))


def _faint(found: TooFaint, theme: str) -> str:
    said = {
        "contrast": f"{int(found.contrast * 100) / 100:.2f}",  # cut: 4.499 must not read as enough
        "needed": TEXT_CONTRAST,
        "ground": found.ground,
        "instead": found.instead,
    }
    if theme == LIGHT:
        return (
            _(
                "Too light: its contrast with %(ground)s is %(contrast)s : 1, and text needs %(needed)s : 1. "
                "%(instead)s is dark enough."
            )
            % said
        )
    return (
        _(
            "Too dark for the dark theme: its contrast with %(ground)s is %(contrast)s : 1, and text needs %(needed)s : 1. "
            "%(instead)s is light enough."
        )
        % said
    )


def _objections_to_logo(logo: LogoFile | None) -> Iterator[Objection]:
    if logo is None:
        return
    if logo.media_type not in ENDINGS or not 0 < max(logo.width, logo.height) <= LOGO_SIDE:
        yield Objection("logo", _("Upload a picture: PNG, JPEG or WebP."))
    elif len(logo.content) > LARGEST_LOGO:
        yield Objection(
            "logo",
            _(
                "Scaled down, this picture still takes %(size)s kB; a logo may take 100 kB. Upload one with fewer details."
            )
            % {"size": -(-len(logo.content) // 1000)},
        )
