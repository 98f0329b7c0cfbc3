"""Render a statement as a tagged, archivable PDF (PDF/A-3a) with its figures attached."""

import json
import logging
import logging.handlers
import os
import struct
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from string import ascii_letters, digits
from threading import Lock
from typing import Any, Literal
from urllib.parse import quote

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from PIL.ImageCms import ImageCmsProfile, createProfile

from incidents.rules import mean
from sla_portal.reports.rules import Figures, Recovery, Statement, anonymous, canonical, shared

from . import drawing, words
from .scripts import note, printable

ASSETS = Path(__file__).resolve().parent.parent / "assets"

# Set before WeasyPrint starts fontconfig, so that only the fonts of this folder are used.
os.environ["FONTCONFIG_FILE"] = str(ASSETS / "fonts" / "fonts.conf")
# fontconfig caches in the user's cache folder; a service user may have none.
os.environ.setdefault("XDG_CACHE_HOME", str(settings.VAR_DIR / "cache"))

from weasyprint import CSS, HTML, Attachment, Document, Page  # noqa: E402
from weasyprint.css import ColorProfile  # noqa: E402
from weasyprint.draw.text import draw_text  # noqa: E402
from weasyprint.formatting_structure.boxes import MarginBox, TextBox  # noqa: E402
from weasyprint.pdf.stream import Stream  # noqa: E402
from weasyprint.text.fonts import FontConfiguration  # noqa: E402
from weasyprint.text.line_break import create_layout  # noqa: E402
from weasyprint.urls import URLFetcher  # noqa: E402

from .forms import Form, boxes_of, write  # noqa: E402

FORM = {"pdf_variant": "pdf/a-3a", "output_intent": "--srgb"}
MAX_ROWS = 300
"""Rows printed of a table; longer tables take minutes and gigabytes. The attachment has all rows."""
ATTACHMENT = "figures.json"
HAPPENED = ("events", "exclusions", "suspensions", "windows", "recovery")
"""Lists of figures that are empty where nothing happened in a month."""
NAME_SIZES = ((42, "short"), (140, "long"))
"""Longest name for each font size, so that any name fits into the head."""

ROOM_FOR_THE_PARTIES = 240
"""Pixels below the shared body that the parties, signatures and hash mostly need; a wrong guess costs a second layout."""
LAYOUTS = 4
"""At most so many layouts of one report: a page number that it states may move what it counts."""
LETTERS = f"{ascii_letters}{digits} ff fi fl ft -–_.,:()/&'%\N{NARROW NO-BREAK SPACE}"
"""Texts of these need no other glyphs than the shared pages embed."""

# Layout is not thread-safe: boxes are modified while they are drawn, and font maps shared by threads hang.
_printing_lock = Lock()


def render(statement: Statement, logo: bytes = b"") -> bytes:
    """Render a statement as a PDF, with the operator's logo. It reads nothing from network or disk but the portal's assets.

    Reports that agree in all but `INDIVIDUAL` figures share the body of their pages, and those that differ only in what
    `anonymous` takes out of them are laid out once. Both are cached in this process: render them one after another.
    """
    attached = canonical(statement["figures"])
    with _printing_lock, _errors_raised(), translation.override(statement["figures"]["language"]):
        common = canonical(shared(statement)).decode()
        context = _own_context(statement, sha256(attached).hexdigest(), _bodies(common), logo)
        report = _prepared(common, canonical(anonymous(statement)).decode(), logo)
        pdf = report.form.filled(_own_html(context, report.places), attached)
        if pdf is None:
            # A text that takes more lines, or is worded otherwise.
            report = _laid_out(context, attached, _bodies(common))
            pdf = report.form.filled(_own_html(context, report.places), attached)
        if pdf is None:
            raise PrintingFailed("A report does not fill its own form.")
        return pdf


def print_page(template: str, context: Mapping[str, Any], language: str, stylesheet: str) -> bytes:
    """Render a template as a PDF in `language`; `stylesheet` is an asset added to the stylesheet of reports."""
    with _printing_lock, _errors_raised(), translation.override(language):
        return write(_layout(render_to_string(template, dict(context)), stylesheet), **FORM)


@dataclass(frozen=True)
class _Places:
    """How many pages a report has, and on which its changes and its parties stand."""

    pages: int
    changes: int
    parties: int


@dataclass(frozen=True)
class _LaidOut:
    form: Form
    places: _Places


@lru_cache(maxsize=8)
def _prepared(common: str, own: str, logo: bytes) -> _LaidOut:
    """Lay out the report of no one, for all whose statements agree in `common` and `own`."""
    body, rest = json.loads(common), json.loads(own)
    statement: Statement = {"figures": body["figures"] | rest["figures"], "issue": rest["issue"]}
    attached = canonical(statement["figures"])
    bodies = _bodies(common)
    return _laid_out(_own_context(statement, sha256(attached).hexdigest(), bodies, logo), attached, bodies)


def _laid_out(context: Mapping[str, Any], attached: bytes, bodies: "_Bodies") -> _LaidOut:
    last = len(bodies) + (bodies.room < ROOM_FOR_THE_PARTIES)
    places = _Places(last, last if context["issue"]["revision"] > 1 else 0, last)
    for _attempt in range(LAYOUTS):
        # Computed here, because a page counter makes WeasyPrint lay out each page twice.
        html, told = _own_html(context, places), places
        document = _layout(html)
        places = _places(document)
        if places == told:
            break
    attachment = _attached(attached, datetime.fromisoformat(context["issue"]["issued_at"]))
    return _LaidOut(Form(document, html, _joined(document.pages, bodies), attachments=[attachment], **FORM), told)


def _own_html(context: Mapping[str, Any], places: _Places) -> str:
    return render_to_string("reports/own.html", {**context, "pages": places.pages, "page_of": places})


def _places(document: Document) -> _Places:
    page_of = {anchor: number for number, page in enumerate(document.pages, start=1) for anchor in page.anchors}
    return _Places(len(document.pages), page_of.get("changes", 0), page_of["parties"])


class PrintingFailed(Exception):
    """WeasyPrint logged an error, so the PDF may be incomplete and is not issued."""


@contextmanager
def _errors_raised() -> Iterator[None]:
    errors = logging.handlers.BufferingHandler(capacity=1000)
    errors.setLevel(logging.ERROR)
    logger = logging.getLogger("weasyprint")
    logger.addHandler(errors)
    try:
        yield
    finally:
        logger.removeHandler(errors)
    if errors.buffer:
        raise PrintingFailed("; ".join(record.getMessage() for record in errors.buffer))


class _Bodies:
    """The bodies of the pages that reports share: laid out and painted once, then reused."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.boxes = [[box for box in page._page_box.children if not isinstance(box, MarginBox)] for page in pages]
        self._pages = [
            Page(page._page_box.copy_with_children(boxes)) for page, boxes in zip(pages, self.boxes, strict=True)
        ]
        last, (root, *_) = pages[-1]._page_box, self.boxes[-1]
        self.taken = round(root.position_y + root.margin_height() - last.content_box_y(), 2)
        """The height, in pixels, that the last body takes."""
        self.room = last.height - self.taken
        self._painted: list[Stream] = []
        # Shared by all pages, because each font holds the whole of its file.
        self._fonts: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def paint(self, number: int, sheet: Stream, scale: float) -> None:
        """Paint on an empty sheet, so that the tags of the body keep the numbers of the first painting."""
        if not self._painted:
            for page in self._pages:
                painted = sheet.clone(fonts=self._fonts, tags={}, resources={**sheet._resources, "ExtGState": {}})
                page.paint(painted, scale)
                self._painted.append(painted)
            self._embed_letters(sheet)
        painted = self._painted[number]
        sheet.stream += painted.stream
        sheet._tags.update(painted._tags)
        # A body uses no resources but opacities: the charts have no patterns, images or groups.
        sheet._resources["ExtGState"].update(painted._resources["ExtGState"])
        if number == 0:
            for key, font in self._fonts.items():
                # Each document embeds its own subset of a font.
                mine = sheet._fonts[key] = copy(font)
                mine.widths, mine.to_unicode, mine.missing = (
                    dict(font.widths),
                    dict(font.to_unicode),
                    dict(font.missing),
                )

    def _embed_letters(self, sheet: Stream) -> None:
        """Embed what most names and numbers are written with, whatever the body says."""
        texts = [box for boxes in self.boxes for root in boxes for box in boxes_of(root) if isinstance(box, TextBox)]
        for box in {text.style["font_weight"]: text for text in texts}.values():
            letters = box.copy_with_text(LETTERS)
            letters.pango_layout = create_layout(LETTERS, box.style, None, None, 0)
            draw_text(
                sheet.clone(fonts=self._fonts, tags=None, resources={"ExtGState": {}}), letters, 0, "clip", "none"
            )


class _Sheet(Page):
    """A page of one report: a shared body, and around it the parts specific to the report."""

    def __init__(self, own: Page, bodies: _Bodies, number: int) -> None:
        self._own, self._bodies, self._number = own, bodies, number
        boxes, body = own._page_box.children, bodies.boxes[number]
        # Reading order: the head before the body, and the parties behind it.
        super().__init__(own._page_box.copy_with_children([*boxes, *body] if number == 0 else [*body, *boxes]))

    def paint(self, stream: Stream, scale: float = 1) -> None:
        self._bodies.paint(self._number, stream, scale)
        self.shared_operators = len(stream.stream)
        self._own.paint(stream, scale)


def _joined(own: Sequence[Page], bodies: _Bodies) -> list[Page]:
    """Place the bodies on the first pages, the first of them below the head of the report."""
    pages = [
        *(_Sheet(page, bodies, number) for number, page in enumerate(own[: len(bodies)])),
        *own[len(bodies) :],
    ]
    for page in pages:
        page.anchors.clear()  # Nothing links to them.
    return pages


@lru_cache(maxsize=4)
def _bodies(common: str) -> _Bodies:
    html = render_to_string("reports/shared.html", _shared_context(**json.loads(common)))
    return _Bodies(_layout(html).pages)


def _layout(html: str, *stylesheets: str) -> Document:
    return HTML(
        string=html,
        url_fetcher=URLFetcher(allowed_protocols={"data"}, allow_redirects=False),
    ).render(
        font_config=FontConfiguration(),
        color_profiles={FORM["output_intent"]: _Colours()},
        stylesheets=[_stylesheet(name) for name in ("report.css", *stylesheets)],
        **FORM,
    )


@cache
def _stylesheet(name: str) -> CSS:
    return CSS(string=(ASSETS / name).read_text(encoding="utf-8"))


class _Colours(ColorProfile):
    """The sRGB profile of LittleCMS: with formulas instead of tables, it takes a fifth of WeasyPrint's."""

    def __init__(self) -> None:
        super().__init__(BytesIO(_srgb()), "sRGB", "relative-colorimetric", ("r", "g", "b"))

    @property
    def content(self) -> bytes:
        # Written once more by LittleCMS, it would have the version and time of that.
        return _srgb()


@cache
def _srgb() -> bytes:
    profile = bytearray(ImageCmsProfile(createProfile("sRGB")).tobytes())
    profile[8:12] = bytes((4, 0x20, 0, 0))  # PDF 1.7 knows profiles up to version 4.2, and this one uses nothing later.
    profile[24:36] = struct.pack(">6H", 2014, 1, 1, 0, 0, 0)  # The same profile at any time.
    return bytes(profile)


def _attached(figures: bytes, at: datetime) -> Attachment:
    return Attachment(
        string=figures,
        name=ATTACHMENT,
        description=words.attachment(),
        created=at,
        modified=at,
        relationship="Data",
    )


def _own_context(statement: Statement, digest: str, bodies: _Bodies, logo: bytes = b"") -> dict[str, Any]:
    """Return the context of the parts specific to a report: name, status, contract, changes of a revision, parties, hash."""
    printed: Statement = printable(statement)
    figures, issue = printed["figures"], printed["issue"]
    return {
        "sheets": range(len(bodies) - 1),
        "taken": bodies.taken,
        "figures": figures,
        "issue": issue,
        "region": region_address(issue["address"], figures),
        "name_size": next((size for most, size in NAME_SIZES if len(figures["name"]) <= most), "longest"),
        "status": words.status(figures, issue),
        "facts": list(words.facts(figures, issue)),
        "changes": words.changes(issue["changes"]),
        "compensation": words.ledger_entries(figures.get("compensation", ())),
        "digest": digest,
        "seal": words.seal(issue),
        "mark": words.mark(issue.get("mark", "")),
        "note": "" if printed == statement else note(),
        "attachment": ATTACHMENT,
        "logo": _data_address(logo) if logo else "",
    }


def _data_address(logo: bytes) -> str:
    media_type = "image/png" if logo.startswith(b"\x89PNG") else "image/jpeg"
    return f"data:{media_type};base64,{b64encode(logo).decode()}"


def region_address(address: str, figures: Figures) -> str:
    """Return the address of the region's closed months, from which each leads to its minutes."""
    return f"{address}/availability/{quote(figures['region']['code'])}/"


def _shared_context(address: str, figures: Figures) -> dict[str, Any]:
    """Return the context of the shared pages: all reports of one region with the same service days."""
    figures = printable(figures)
    region = region_address(address, figures)
    flags = words.flags(figures)
    total, used, budget = figures["total_minutes"], figures["unavailable_minutes"], figures["budget_minutes"]
    return {
        "address": address,
        "region": region,
        "region_minutes": f"{region}{figures['month']}/minutes/",
        "own_minutes": f"{address}/reports/minutes/",
        "figures": figures,
        "target": figures["agreements"][0]["target"],
        "other_zone": figures["reader_zone"] if figures["reader_zone"] != figures["sla_zone"] else "",
        "left": budget - used,
        "over": used - budget,
        "bar": drawing.budget_bar(used, budget),
        "flags": flags,
        "quiet": not (flags or figures.get("proposed") or any(dict(figures)[part] for part in HAPPENED)),
        "picture": drawing.month_picture(figures["month"], figures["sla_zone"], figures["map"]),
        "picture_words": words.picture(figures),
        "bars": drawing.month_bars(figures["months"], budget),
        "bars_words": words.bars(figures),
        "events": _first(figures["events"]),
        "exclusions": _first(figures["exclusions"]),
        "proposed": _first(figures.get("proposed", ())),
        "windows": _first([{**window, "word": words.maintenance(window["kind"])} for window in figures["windows"]]),
        "recovery": _first([_recovery(entry) for entry in figures["recovery"]]),
        "mean_time_to_acknowledge": _mean("seconds_to_acknowledge", figures["recovery"]),
        "mean_time_to_restore": _mean("seconds_to_restore", figures["recovery"]),
        "recommended": words.recommended_hours(figures["agreements"]),
        "rules": words.rules_in_turn(figures),
        "readings": words.compared(figures),
        "versions": [
            {**version, "notice_words": words.notice(version["notice_hours"])} for version in figures["agreements"]
        ],
        # 2.1 as printed gives 1/T for a month without an outage.
        "printed": f"{10**7 // total / 10**5:.5f}" if total else "",
    }


def _recovery(entry: Recovery) -> dict[str, Any]:
    return {
        **entry,
        "word": words.source(entry["source"]),
        "time_to_acknowledge": words.time_to_acknowledge(entry),
        "time_to_restore": words.time_to_restore(entry),
    }


def _mean(key: Literal["seconds_to_acknowledge", "seconds_to_restore"], recovery: Sequence[Recovery]) -> int | None:
    return mean(seconds for entry in recovery if (seconds := entry[key]) is not None and seconds >= 0)


def _first(rows: Sequence[Any]) -> dict[str, Any]:
    return {"rows": rows[:MAX_ROWS], "all": len(rows), "left_off": len(rows) > MAX_ROWS}
