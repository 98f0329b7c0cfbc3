"""An uploaded logo: inspected where proofs are, and re-encoded."""

from __future__ import annotations

import tempfile
from io import BytesIO
from typing import Any

from django.utils.translation import gettext as _

from claims.inspection import Reason, Unfit, inspect
from claims.operations.proofs import SENTENCES
from sla_portal.kernel.errors import Refused
from sla_portal.operator.operations import LogoFile
from sla_portal.operator.rules import LOGO_SIDE

PICTURES = {"png", "jpg", "webp"}
OF_PICTURES = {
    Reason.EMPTY,
    Reason.TOO_LARGE,
    Reason.FORGED,
    Reason.DAMAGED,
    Reason.TWO_IN_ONE,
    Reason.TOO_MANY_PIXELS,
    Reason.TOO_LONG,
    Reason.OVERRAN,
    Reason.BUSY,
}
"""Reasons why a picture is refused; all others are of other files."""


class LogoRefused(Refused):
    """The file is no picture that can be shown."""

    field = "logo"


def inspected_logo(upload: Any) -> LogoFile:
    """Return the picture of an uploaded file, scaled down, with nothing but its pixels. Raises `LogoRefused`."""
    # Loaded where it is needed: most processes never look at a picture.
    from PIL import Image

    with tempfile.TemporaryFile() as file:
        for chunk in upload.chunks():
            file.write(chunk)
        file.flush()
        try:
            found = inspect(file, upload.name or "", side=LOGO_SIDE)
            if found.kind not in PICTURES:
                raise Unfit(Reason.OTHER_KIND)
        except Unfit as unfit:
            raise LogoRefused(_sentence(unfit.reason)) from None
    # The preview is the sandbox's own file; of it, only the head is read here.
    with Image.open(BytesIO(found.preview), formats=("PNG", "JPEG")) as picture:
        return LogoFile(found.preview, found.preview_kind, picture.width, picture.height)


def _sentence(reason: Reason) -> str:
    return str(SENTENCES[reason]) if reason in OF_PICTURES else _("Upload a picture: PNG, JPEG or WebP.")
