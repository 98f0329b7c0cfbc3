"""PDF: checked object by object for actions and attached files, and rendered page by page."""

from __future__ import annotations

import io
import re
import zlib

import pikepdf
import pypdfium2
from PIL import Image

from .pictures import written
from .reasons import Reason, Remark, Unfit

WHITESPACE = b"\x00\t\n\x0c\r "
MOST_OBJECTS = 50_000
MOST_PAGES = 500
DEEPEST = 100
PAGES_SHOWN = 10
WIDTH, HEIGHT, GAP = 1100, 2200, 12
"""Pixels: maximum of a page in the preview, and gap between two pages."""

ACTS = {
    "/JavaScript",
    "/Launch",
    "/SubmitForm",
    "/ImportData",
    "/GoToE",
    "/Rendition",
    "/Movie",
    "/Sound",
    "/RichMediaExecute",
}
"""Refused actions (`/S`); going to a page or a URI is harmless."""
ACTIVE_KEYS = {"/AA", "/JS", "/JavaScript", "/XFA"}
ACTIVE_PARTS = {"/RichMedia", "/Screen", "/Movie", "/Sound", "/3D"}
CARRIES = {"/EmbeddedFile", "/FileAttachment"}
ELSEWHERE = ("file:", "javascript:", "vbscript:", "data:", "smb:", "\\\\")
"""Links to files and scripts; those to pages and addresses are harmless."""
MOST_UNPACKED, PIECE = 512 * 1024 * 1024, 1024 * 1024
"""Bytes of all streams of a file together, and of what is unpacked at once."""
STREAM = re.compile(rb"stream\r?\n(?=[\x08-\x78][\x01\x5e\x9c\xda])")
"""Where a deflated stream begins, by the two bytes that it begins with."""


def read(content: bytes, *, ours: bool) -> tuple[int, bytes, list[Remark]]:
    """Return the number of pages, a JPEG of the first ten, one below the other, and remarks.

    One that the portal issued may carry files and link to what it likes.
    """
    if not content.rstrip(WHITESPACE).endswith(b"%%EOF"):
        raise Unfit(Reason.TWO_IN_ONE if b"%%EOF" in content else Reason.DAMAGED)
    _unpack(content)
    pages, links = _walk(content, ours=ours)
    return pages, _draw(content), [Remark.LINKS] if links and not ours else []


def _unpack(content: bytes) -> None:
    """Refuse a file whose streams unpack to more than any paper needs, before a library unpacks them."""
    left, whole = MOST_UNPACKED, memoryview(content)
    for start in STREAM.finditer(content):
        unpacker = zlib.decompressobj()
        packed: memoryview | bytes
        for at in range(start.end(), len(whole), PIECE):
            packed = whole[at : at + PIECE]
            while packed and not unpacker.eof and left >= 0:
                try:
                    left -= len(unpacker.decompress(packed, PIECE))
                except zlib.error:  # no stream after all, or a damaged one
                    break
                packed = unpacker.unconsumed_tail
            if packed or unpacker.eof:
                break
        if left < 0:
            raise Unfit(Reason.TOO_LARGE_INSIDE)


def _walk(content: bytes, *, ours: bool) -> tuple[int, bool]:
    try:
        # No recovery: viewers display repaired files differently.
        pdf = pikepdf.open(io.BytesIO(content), attempt_recovery=False, suppress_warnings=True)
    except (pikepdf.PdfError, pikepdf.PasswordError, RuntimeError):
        # For an encrypted file qpdf needs a password, or random numbers from a file that the sandbox denies.
        raise Unfit(Reason.ENCRYPTED if b"/Encrypt" in content else Reason.DAMAGED) from None
    with pdf:
        if pdf.is_encrypted:
            raise Unfit(Reason.ENCRYPTED)
        if len(pdf.objects) > MOST_OBJECTS or len(pdf.pages) > MOST_PAGES:
            raise Unfit(Reason.TOO_LARGE_INSIDE)
        links = [] if ours else [_links_elsewhere(thing, 0) for thing in (pdf.trailer, *pdf.objects)]
        if not pdf.pages:
            raise Unfit(Reason.DAMAGED)
        return len(pdf.pages), any(links)


def _links_elsewhere(thing: pikepdf.Object, depth: int) -> bool:
    """Refuse an object if it or a direct child contains an action or an attached file; return whether one is such a link."""
    if depth > DEEPEST:
        raise Unfit(Reason.TOO_LARGE_INSIDE)
    if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
        found = _entries_link_elsewhere(thing)
        inside = [value for _key, value in thing.items()]
    elif isinstance(thing, pikepdf.Array):
        found, inside = False, list(thing)
    else:
        return False
    for value in inside:
        if isinstance(value, (pikepdf.Dictionary, pikepdf.Array)) and not value.is_indirect:
            found |= _links_elsewhere(value, depth + 1)
    return found


def _entries_link_elsewhere(thing: pikepdf.Dictionary | pikepdf.Stream) -> bool:
    keys = set(thing.keys())
    says = {str(thing.get(key)) for key in ("/Type", "/Subtype") if isinstance(thing.get(key), pikepdf.Name)}
    if "/EF" in keys or "/EmbeddedFiles" in keys or says & CARRIES:
        raise Unfit(Reason.ATTACHED)
    action = thing.get("/S")
    if keys & ACTIVE_KEYS or says & ACTIVE_PARTS or _acts(action) or _acts_at_once(thing.get("/OpenAction")):
        raise Unfit(Reason.ACTIVE)
    address = str(thing.get("/URI", "")).strip().lower()
    return action == pikepdf.Name.GoToR or address.startswith(ELSEWHERE)


def _acts(name: object) -> bool:
    return isinstance(name, pikepdf.Name) and str(name) in ACTS


def _acts_at_once(action: object) -> bool:
    """Whether opening the document does more than go to one of its pages."""
    return isinstance(action, pikepdf.Dictionary) and action.get("/S") != pikepdf.Name.GoTo


def _draw(content: bytes) -> bytes:
    with pypdfium2.PdfDocument(content) as document:
        drawn = [_page(document[number]) for number in range(min(len(document), PAGES_SHOWN))]
    sheet = Image.new(
        "RGB", (max(page.width for page in drawn), sum(page.height + GAP for page in drawn) - GAP), "#808080"
    )
    top = 0
    for page in drawn:
        sheet.paste(page, (0, top))
        top += page.height + GAP
    return written(sheet, as_png=False)[1]


def _page(page: pypdfium2.PdfPage) -> Image.Image:
    width, height = page.get_size()
    if width < 1 or height < 1:
        raise Unfit(Reason.DAMAGED)
    drawn = page.render(scale=min(WIDTH / width, HEIGHT / height)).to_pil()
    page.close()
    return drawn.convert("RGB")
