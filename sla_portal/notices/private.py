"""Personal links and codes, known to the recipient of an e-mail only.

A notice's frozen wording contains markers. They are replaced for each delivery while its e-mail is built, so no secret
is in the database, in the notice's hash, on staff pages or on the website. Link and code are HMACs of the delivery with
SECRET_KEY: changing it invalidates the links in earlier e-mails unless the old key is in SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode

from django.conf import settings
from django.utils import translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from .models import Delivery, Status

PRIVATE_CODE = "%%private-code%%"
CODE_DIGITS = 8
TOKEN_BYTES = 24
MARKER = re.compile(r"%%private-(?:code|link:(/(?:[A-Za-z0-9_.~-]+/)*))%%")
LINKED = re.compile(rf'\s+href="{MARKER.pattern}"')
TOKEN = re.compile(r"([1-9][0-9]{0,17})-([A-Za-z0-9_-]{32})")


def private_link(path: str) -> str:
    """A marker that becomes SITE_URL + `path` + the recipient's token + "/"; `path` begins and ends with a slash."""
    marker = f"%%private-link:{path}%%"
    if not MARKER.fullmatch(marker):
        raise ValueError(f"{path!r} is not a path such as /claims/follow/.")
    return marker


def token(delivery: Delivery) -> str:
    """Return the token of a delivery's personal link; see `delivery_of`."""
    return _token(delivery, settings.SECRET_KEY)


def code(delivery: Delivery) -> str:
    """Return the eight-digit code of a delivery. Compare in constant time and limit the attempts: it can be guessed."""
    number = int.from_bytes(_secret("code", delivery, settings.SECRET_KEY)) % 10**CODE_DIGITS
    return f"{number:0{CODE_DIGITS}}"


def delivery_of(token: str) -> Delivery | None:
    """Return the delivery of a token with its notice; None if unknown, or if the address was corrected since."""
    parts = TOKEN.fullmatch(token)
    delivery = Delivery.objects.select_related("notice").filter(pk=parts[1]).first() if parts else None
    if delivery is None or delivery.status == Status.CORRECTED:
        return None
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return delivery if any(constant_time_compare(token, _token(delivery, key)) for key in keys) else None


def completed(text: str, delivery: Delivery) -> str:
    """Return `text` or HTML with the recipient's personal link and code."""
    return MARKER.sub(lambda marker: _value(marker, delivery), text)


def concealed(text: str, language: str | None = None) -> str:
    """Return `text` or HTML without personal links and codes, in `language`, by default the reader's."""
    with translation.override(language or translation.get_language()):
        words = {True: _("(personal link of the recipient)"), False: _("(personal code of the recipient)")}
    return MARKER.sub(lambda marker: words[marker[1] is not None], LINKED.sub("", text))


def _value(marker: re.Match[str], delivery: Delivery) -> str:
    return code(delivery) if marker[1] is None else f"{settings.SITE_URL}{marker[1]}{token(delivery)}/"


def _token(delivery: Delivery, key: str | bytes) -> str:
    return f"{delivery.pk}-{urlsafe_b64encode(_secret('link', delivery, key)).decode()}"


def _secret(of: str, delivery: Delivery, key: str | bytes) -> bytes:
    said = f"{delivery.pk}:{delivery.notice.sha256}"
    return salted_hmac(f"{__name__}.{of}", said, secret=key, algorithm="sha256").digest()[:TOKEN_BYTES]
