"""Accepted file types, and what other files are, by name and by content."""

from mimetypes import MimeTypes
from pathlib import PurePath

from .reasons import Reason, Unfit

ENDINGS = {
    ".png": "png",
    ".jpg": "jpg",
    ".jpeg": "jpg",
    ".jpe": "jpg",
    ".jfif": "jpg",
    ".webp": "webp",
    ".heic": "heic",
    ".heif": "heic",
    ".avif": "avif",
    ".pdf": "pdf",
    ".txt": "txt",
    ".eml": "eml",
}
LARGEST = 20 * 1024 * 1024
"""Maximum size of a file in bytes."""
SIDE = 2000
"""Pixels of the longer side of a preview."""

_usual, _standard = MimeTypes().types_map
_others = {*_usual, *_standard, ".cmd", ".hta", ".php", ".ps1", ".vbs", ".wsf", ".url", ".lnk", ".reg", ".desktop"}
_media_types = {**_standard, **_usual}

FILMS = (
    ".m4v", ".mkv", ".wmv", ".flv", ".rmvb", ".amr", ".silk", ".ogg", ".oga", ".ogv", ".opus", ".flac", ".caf", ".ts", ".mts",
    ".m2ts", ".vob",
)  # fmt: skip
"""And sound, beside those that Python knows."""
PICTURES = (
    ".tif", ".tiff", ".bmp", ".dib", ".ico", ".jp2", ".j2k", ".jxl", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf",
    ".raf", ".rw2",
)  # fmt: skip
NAMED = {
    **{ending: Reason.RECORDING for ending in _others if _media_types.get(ending, "").startswith(("video/", "audio/"))},
    **dict.fromkeys(FILMS, Reason.RECORDING),
    ".gif": Reason.MOVING,
    **dict.fromkeys(PICTURES, Reason.PICTURE),
    ".msg": Reason.OUTLOOK,
    ".ofd": Reason.OFD,
    **dict.fromkeys((".csv", ".tsv", ".xls", ".xlsx", ".ods", ".et", ".numbers"), Reason.TABLE),
    **dict.fromkeys((".json", ".jsonl", ".har", ".xml", ".plist", ".yaml", ".yml"), Reason.DATA),
    **dict.fromkeys(
        (".doc", ".docx", ".odt", ".rtf", ".wps", ".pages", ".ppt", ".pptx", ".odp", ".key"), Reason.DOCUMENT
    ),
    **dict.fromkeys((".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz"), Reason.ARCHIVE),
}
"""Extensions of types that are not accepted, where there is more to say than that."""
OTHERS = (_others | NAMED.keys()) - ENDINGS.keys()
"""Extensions of types that are not accepted."""

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpg",
    b"%PDF-": "pdf",
}
BOXES = {
    "avif": (b"avif", b"avis"),
    "heic": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
}
"""Brands of pictures in ISO base media files; all others are films and sound."""
REFUSED = {
    b"GIF8": Reason.MOVING,
    b"\x1a\x45\xdf\xa3": Reason.RECORDING,
    b"\x30\x26\xb2\x75": Reason.RECORDING,
    b"FLV\x01": Reason.RECORDING,
    b"ID3": Reason.RECORDING,
    b"OggS": Reason.RECORDING,
    b"fLaC": Reason.RECORDING,
    b"#!AMR": Reason.RECORDING,
    b"II*\0": Reason.PICTURE,
    b"MM\0*": Reason.PICTURE,
    b"8BPS": Reason.PICTURE,
    b"\0\0\0\x0cjP  ": Reason.PICTURE,
    b"\0\0\0\x0cJXL ": Reason.PICTURE,
    b"\xff\x0a": Reason.PICTURE,
    b"Rar!\x1a\x07": Reason.ARCHIVE,
    b"7z\xbc\xaf\x27\x1c": Reason.ARCHIVE,
    b"\x1f\x8b\x08": Reason.ARCHIVE,
    b"{\\rtf": Reason.DOCUMENT,
}
CONTAINERS = {b"AVI ": Reason.RECORDING, b"WAVE": Reason.RECORDING}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OUTLOOK = "__properties_version1.0".encode("utf-16-le")
"""A part that each saved message of Outlook has; other files of this container are documents of older office programs."""
ARCHIVED = {"OFD.xml": Reason.OFD, "word/": Reason.DOCUMENT, "ppt/": Reason.DOCUMENT, "xl/": Reason.TABLE}


def kind_of_name(name: str) -> str | None:
    """Return the type by file extension; None for an unknown extension, then only the content decides."""
    ending = PurePath(name).suffix.lower()
    if ending in OTHERS:
        raise Unfit(NAMED.get(ending, Reason.OTHER_KIND))
    return ENDINGS.get(ending)


def kind_of_content(content: bytes) -> str:
    """Return the type by the first bytes, or nothing for text; raise `Unfit` for what is known and not accepted."""
    for start, kind in SIGNATURES.items():
        if content.startswith(start):
            return kind
    if content[4:8] == b"ftyp":
        return _kind_of_boxes(content)
    if content.startswith(b"RIFF"):
        if content[8:12] == b"WEBP":
            return "webp"
        raise Unfit(CONTAINERS.get(content[8:12], Reason.OTHER_KIND))
    for start, reason in REFUSED.items():
        if content.startswith(start):
            raise Unfit(reason)
    if content.startswith(OLE):
        raise Unfit(Reason.OUTLOOK if OUTLOOK in content else Reason.DOCUMENT)
    return ""


def _kind_of_boxes(content: bytes) -> str:
    """Tell pictures from films by the major brand of the file, and where it is a general one by the compatible ones."""
    length = int.from_bytes(content[:4], "big")
    brands = [content[at : at + 4] for at in (8, *range(16, min(length, 256), 4))]
    if brands[0] in (b"mif1", b"msf1") and b"avif" in brands:
        return "avif"
    for kind, known in BOXES.items():
        if brands[0] in known:
            return kind
    raise Unfit(Reason.RECORDING)


def kind_of_archive(names: list[str]) -> Reason:
    """Return what an archive is by the names in it: documents of office programs are archives, too."""
    return next(
        (reason for start, reason in ARCHIVED.items() if any(name.startswith(start) for name in names)), Reason.ARCHIVE
    )
