"""The kinds of file that are taken, and what a name says of them."""

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
"""Bytes of a file."""

_usual, _standard = MimeTypes().types_map
OTHERS = {*_usual, *_standard, ".cmd", ".hta", ".php", ".ps1", ".vbs", ".wsf"} - ENDINGS.keys()
"""Endings that promise something else."""


def kind_of_name(name: str) -> str | None:
    """The kind that a name claims by its ending; None where the ending says nothing, and the content alone decides."""
    ending = PurePath(name).suffix.lower()
    if ending in OTHERS:
        raise Unfit(Reason.OTHER_KIND)
    return ENDINGS.get(ending)
