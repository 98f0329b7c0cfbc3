"""PDF: checked object by object for actions and attached files, and rendered page by page."""

from __future__ import annotations

import io

import pikepdf
import pypdfium2
from PIL import Image

from .pictures import written
from .reasons import Reason, Unfit

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


def read(content: bytes) -> tuple[int, bytes]:
    """Return the number of pages, and a JPEG of the first ten, one below the other."""
    if not content.rstrip(WHITESPACE).endswith(b"%%EOF"):
        raise Unfit(Reason.TWO_IN_ONE if b"%%EOF" in content else Reason.DAMAGED)
    pages = _walk(content)
    return pages, _draw(content)


def _walk(content: bytes) -> int:
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
        for thing in (pdf.trailer, *pdf.objects):
            _check(thing, 0)
        if not pdf.pages:
            raise Unfit(Reason.DAMAGED)
        return len(pdf.pages)


def _check(thing: pikepdf.Object, depth: int) -> None:
    """Refuse an object if it or a direct child contains an action or an attached file."""
    if depth > DEEPEST:
        raise Unfit(Reason.TOO_LARGE_INSIDE)
    if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
        _check_entries(thing)
        inside = [value for _key, value in thing.items()]
    elif isinstance(thing, pikepdf.Array):
        inside = list(thing)
    else:
        return
    for value in inside:
        if isinstance(value, (pikepdf.Dictionary, pikepdf.Array)) and not value.is_indirect:
            _check(value, depth + 1)


def _check_entries(thing: pikepdf.Dictionary | pikepdf.Stream) -> None:
    keys = set(thing.keys())
    says = {str(thing.get(key)) for key in ("/Type", "/Subtype") if isinstance(thing.get(key), pikepdf.Name)}
    if "/EF" in keys or "/EmbeddedFiles" in keys or says & CARRIES:
        raise Unfit(Reason.ATTACHED)
    if keys & ACTIVE_KEYS or says & ACTIVE_PARTS or _acts(thing.get("/S")) or _acts_at_once(thing.get("/OpenAction")):
        raise Unfit(Reason.ACTIVE)


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
