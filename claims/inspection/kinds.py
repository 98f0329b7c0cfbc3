"""Accepted file types and their extensions."""

from mimetypes import MimeTypes
from pathlib import PurePath

from .reasons import Reason, Unfit

ENDINGS = {
    ".png": "png",
    ".jpg": "jpg",
    ".jpeg": "jpg",
    ".webp": "webp",
    ".pdf": "pdf",
    ".txt": "txt",
    ".eml": "eml",
}
LARGEST = 20 * 1024 * 1024
"""Maximum size of a file in bytes."""

_usual, _standard = MimeTypes().types_map
OTHERS = {*_usual, *_standard, ".cmd", ".hta", ".php", ".ps1", ".vbs", ".wsf"} - ENDINGS.keys()
"""Extensions of types that are not accepted."""


def kind_of_name(name: str) -> str | None:
    """Return the type by file extension; None for an unknown extension, then only the content decides."""
    ending = PurePath(name).suffix.lower()
    if ending in OTHERS:
        raise Unfit(Reason.OTHER_KIND)
    return ENDINGS.get(ending)
