"""The kinds of file that are taken, and what a name says of them."""

from mimetypes import MimeTypes
from pathlib import PurePath

from .reasons import Reason, Unfit

TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "eml": "message/rfc822",
}
ENDINGS = tuple(TYPES)
LARGEST = 20 * 1024 * 1024
"""Bytes of a file."""

_usual, _standard = MimeTypes().types_map
_KNOWN = {**_usual, **_standard, ".webp": "image/webp"}


def kind_of_name(name: str) -> str | None:
    """The kind that a name claims by its ending; None where the ending says nothing, and the content alone decides."""
    claimed = _KNOWN.get(PurePath(name).suffix.lower())
    if claimed is None:
        return None
    for kind, media_type in TYPES.items():
        if claimed == media_type:
            return kind
    raise Unfit(Reason.OTHER_KIND)
