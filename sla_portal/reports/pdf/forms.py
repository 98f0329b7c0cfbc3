"""Lay out a report once, and set other texts in it where they stay on their lines.

Reports of one month differ in a name, a contract and a hash. Where such a text stands alone in the only line of its
paragraph or cell and the new one fits, just that line is laid out again; the rest is written as it was drawn first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from hashlib import md5
from html import unescape
from types import SimpleNamespace
from typing import Any
from xml.sax.saxutils import escape

import pydyf
from weasyprint import DEFAULT_OPTIONS, Document, Page
from weasyprint.draw.text import draw_text
from weasyprint.formatting_structure.boxes import LineBox, ParentBox, TextBox
from weasyprint.layout.absolute import AbsolutePlaceholder
from weasyprint.layout.inline import iter_line_boxes
from weasyprint.pdf import VARIANTS, generate_pdf
from weasyprint.pdf.fonts import Font, build_fonts_dictionary

from .files import PreparedFile, drop_tables, merge_text_tags, stream_of

TAG = re.compile(r"<[^>]*>")
HEADING = re.compile(r"<h[1-6]")
BLANKS = re.compile(r"[ \t\r\n\f]+")
BEGIN_TEXT = b"BT"
SAME_HEIGHT = 1
"""Pixels by which a line may grow or shrink through the fonts of other characters, while the lines below it stay."""


def texts_of(html: str) -> list[str]:
    """Return the texts before, between and after the tags, white space collapsed."""
    return [BLANKS.sub(" ", unescape(text)).strip(" ") for text in TAG.split(html)]


def complete(options: Mapping[str, Any]) -> dict[str, Any]:
    """Complete options of WeasyPrint as it does itself."""
    return DEFAULT_OPTIONS | VARIANTS[options["pdf_variant"]][1] | options


def drawn(document: Document, options: Mapping[str, Any]) -> pydyf.PDF:
    """Draw a document as the objects of a PDF."""
    pdf = generate_pdf(document, None, 1, **options)
    merge_text_tags(pdf)
    drop_tables(pdf)
    pdf.add_object(pdf.info)
    return pdf


def write(document: Document, **options: Any) -> bytes:
    """Write a document as a PDF."""
    pdf = drawn(document, complete(options))
    for number in pdf.pages["Kids"][::3]:
        stream = _object(pdf, pdf.objects[number]["Contents"])
        stream.stream = stream_of(_operators(stream)).stream
    return PreparedFile(pdf, ()).complete({})


@dataclass(eq=False)
class Line:
    """The only line of a paragraph, heading or cell of one report: its page, its block and its pieces of text."""

    page: int
    block: ParentBox
    box: LineBox
    pieces: Sequence[TextBox]

    def with_texts(self, texts: Mapping[TextBox, str]) -> Sequence[TextBox] | None:
        """Lay the line out with other texts; return its pieces, or None where it is no longer one line as tall."""
        context = SimpleNamespace(excluded_shapes=[], dictionaries={})
        line = _with_texts(self.box, texts)
        lines = iter_line_boxes(context, line, self.box.position_y, 0, None, self.block, [], [], None, None)
        found, rest = next(lines, (None, None))
        if found is None or rest is not None or abs(found.height - self.box.height) >= SAME_HEIGHT:
            return None
        pieces = _pieces(found)
        return pieces if len(pieces) == len(self.pieces) else None


class Form:
    """A report laid out from `html` as `document`; its pages may hold a part before it that many reports share."""

    def __init__(self, document: Document, html: str, pages: Sequence[Page], **options: Any) -> None:
        """`options`: of WeasyPrint, with one attachment."""
        self._tags, self._texts = TAG.findall(html), texts_of(html)
        self._title = self._tags.index("<title>") + 1
        self._lines = _lines_by_text(document, self._texts)
        self._document, self._options = document.copy(pages), complete(options)
        pdf = drawn(self._document, self._options)
        self._glyphs = {key: frozenset(font.to_unicode) for key, font in self._document.fonts.items()}
        self._canvas = _object(pdf, pdf.objects[pdf.pages["Kids"][0]]["Contents"])
        self._contents: list[int] = []
        self._operators: list[list[bytes]] = []
        for page, number in zip(pages, pdf.pages["Kids"][::3], strict=True):
            split = getattr(page, "shared_operators", 0)
            stream, own = _object(pdf, pdf.objects[number]["Contents"]), pydyf.Stream()
            pdf.add_object(own)
            self._contents.append(own.number)
            self._operators.append(_operators(stream)[split:])
            stream.stream = stream_of(_operators(stream)[:split]).stream
            pdf.objects[number]["Contents"] = pydyf.Array([stream.reference, own.reference])
        self._metadata = _object(pdf, pdf.catalog["Metadata"])
        self._attachment = next(one for one in pdf.objects if getattr(one, "extra", {}).get("Type") == "/EmbeddedFile")
        self._headings = {
            text: number for number, text in enumerate(self._texts) if number and HEADING.match(self._tags[number - 1])
        }
        self._outline = [
            one for one in pdf.objects if isinstance(one, pydyf.Dictionary) and {"Title", "Dest"} <= one.keys()
        ]
        self._info, self._font_names = pdf.info, _object(pdf, self._canvas._resources["Font"])
        own_objects = {pdf.info.number, self._metadata.number, self._attachment.number, *self._contents}
        self._file = PreparedFile(pdf, own_objects)
        self._drawn: dict[Line, list[slice] | None] = {}

    def filled(self, html: str, attached: bytes) -> bytes | None:
        """Write the report with the texts of `html` and its attachment; None where it must be laid out for itself."""
        replaced = self._replaced(html)
        if replaced is None:
            return None
        fonts = {key: _without_glyphs(font) for key, font in self._document.fonts.items()}
        pieces = [(page, place, self._draw(piece, fonts)) for page, place, piece in replaced]
        own, names = self._fonts_besides(fonts)
        operators = [list(of_page) for of_page in self._operators]
        # From the end, so that the places before keep their numbers.
        for page, place, piece in sorted(pieces, key=lambda one: one[1].start, reverse=True):
            operators[page][place] = _renamed(piece, names)
        for number, of_page in zip(self._contents, operators, strict=True):
            own[number] = stream_of(of_page).data
        texts = texts_of(html)
        title = texts[self._title]
        metadata = b"".join(self._metadata.stream)
        own[self._metadata.number] = pydyf.Stream(
            [metadata.replace(escape(self._texts[self._title]).encode(), escape(title).encode())],
            self._metadata.extra, compress=True,
        ).data  # fmt: skip
        for entry in self._outline:
            number = self._headings.get(entry["Title"].string, self._title)
            if texts[number] != self._texts[number] and number != self._title:
                own[entry.number] = pydyf.Dictionary({**entry, "Title": pydyf.String(texts[number])}).data
        own[self._info.number] = pydyf.Dictionary({**self._info, "Title": pydyf.String(title)}).data
        extra, hashed = self._attachment.extra, md5(attached, usedforsecurity=False).hexdigest()
        stated = pydyf.Dictionary({**extra["Params"], "CheckSum": f"<{hashed}>", "Size": len(attached)})
        own[self._attachment.number] = pydyf.Stream([attached], {**extra, "Params": stated}, compress=True).data
        return self._file.complete(own)

    def _replaced(self, html: str) -> list[tuple[int, slice, TextBox]] | None:
        """Return the pieces of text to draw instead of others: the page, the operators to replace, and the new piece."""
        if TAG.findall(html) != self._tags:
            return None
        changed: dict[Line, dict[TextBox, str]] = {}
        for number, (old, new) in enumerate(zip(self._texts, texts_of(html), strict=True)):
            if old == new or number == self._title:
                continue
            if not new or number not in self._lines:
                return None
            for line, piece in self._lines[number]:
                changed.setdefault(line, {})[piece] = piece.text.replace(old, new)
        replaced = []
        for line, texts in changed.items():
            pieces, places = line.with_texts(texts), self._places(line)
            if pieces is None or places is None:
                return None
            replaced += [(line.page, place, piece) for place, piece in zip(places, pieces, strict=True)]
        return replaced

    def _places(self, line: Line) -> list[slice] | None:
        """Find the operators that draw each piece of a line; None where they are not found exactly once."""
        if line not in self._drawn:
            found = [self._place(line.page, piece) for piece in line.pieces]
            self._drawn[line] = None if None in found else found
        return self._drawn[line]

    def _place(self, page: int, piece: TextBox) -> slice | None:
        operators, sought = self._operators[page], self._draw(piece, dict(self._document.fonts))
        places = [
            slice(start, start + len(sought))
            for start in range(len(operators))
            if operators[start] == BEGIN_TEXT and operators[start : start + len(sought)] == sought
        ]
        return places[0] if len(places) == 1 else None

    def _draw(self, piece: TextBox, fonts: dict[int, Font]) -> list[bytes]:
        canvas = self._canvas.clone(fonts=fonts, tags=None, resources={"ExtGState": {}})
        draw_text(canvas, piece, 0, "clip", "none")
        operators = _operators(canvas)
        return operators[operators.index(BEGIN_TEXT) :]

    def _fonts_besides(self, fonts: Mapping[int, Font]) -> tuple[dict[int, bytes], dict[bytes, bytes]]:
        """Embed the fonts with glyphs that the form lacks; return the objects by number, and the new names of the fonts."""
        besides = {
            key: font for key, font in fonts.items() if not self._glyphs.get(key, set()) >= font.to_unicode.keys()
        }
        if not besides:
            return {}, {}
        renamed = {}
        for font in besides.values():
            name, font.hash = font.hash, font.hash[::-1]
            font.name = font.name.replace(name.encode(), font.hash.encode())
            renamed[f"/{name}".encode()] = f"/{font.hash}".encode()
        pdf = pydyf.PDF()
        pdf.objects = [None] * self._file.size
        names = build_fonts_dictionary(pdf, besides, True, True, self._options)
        drop_tables(pdf)
        objects = {font.number: font.data for font in pdf.objects[self._file.size :]}
        objects[self._font_names.number] = pydyf.Dictionary({**self._font_names, **names}).data
        return objects, renamed


def _object(pdf: pydyf.PDF, reference: bytes) -> Any:
    return pdf.objects[int(reference.split()[0])]


def _operators(stream: pydyf.Stream) -> list[bytes]:
    return [
        one if isinstance(one, bytes) else one.data if isinstance(one, pydyf.Object) else one.encode()
        for one in stream.stream
    ]


def _renamed(operators: Iterable[bytes], fonts: Mapping[bytes, bytes]) -> Iterator[bytes]:
    for operator in operators:
        name, space, rest = operator.partition(b" ")
        yield fonts[name] + space + rest if name in fonts else operator


def _without_glyphs(font: Font) -> Font:
    empty = copy(font)
    empty.widths, empty.to_unicode, empty.missing = {}, {}, {}
    return empty


def boxes_of(box: Any) -> Iterator[Any]:
    """Return a box of a layout and all boxes in it."""
    box = box._box if isinstance(box, AbsolutePlaceholder) else box
    yield box
    for child in getattr(box, "children", ()):
        yield from boxes_of(child)


def _pieces(line: LineBox) -> list[TextBox]:
    return [box for box in boxes_of(line) if isinstance(box, TextBox)]


def _with_texts(box: Any, texts: Mapping[TextBox, str]) -> Any:
    """Copy a line with other texts in it."""
    if isinstance(box, TextBox):
        return box.copy_with_text(texts.get(box, box.text))
    return box.copy_with_children([_with_texts(child, texts) for child in box.children])


def _lines_by_text(document: Document, texts: Sequence[str]) -> dict[int, list[tuple[Line, TextBox]]]:
    """Find the lines that show each text, by its place in `texts`, where it stands in lines that are alone in their block."""
    lines: list[Line] = []
    elsewhere: set[int] = set()
    for number, page in enumerate(document.pages):
        for block in boxes_of(page._page_box):
            inside = [child for child in getattr(block, "children", ()) if isinstance(child, LineBox)]
            if len(inside) == 1:
                lines.append(Line(number, block, inside[0], _pieces(inside[0])))
            else:
                elsewhere.update(id(piece.element) for line in inside for piece in _pieces(line))
    nodes = [(number, text) for number, text in enumerate(texts) if text]
    elements = [element for element, text in _nodes(document._html.etree_element) if BLANKS.sub(" ", text).strip(" ")]
    of_element: dict[tuple[int, str], list[int]] = defaultdict(list)
    for (number, text), element in zip(nodes, elements, strict=True):
        of_element[id(element), text].append(number)
    found = defaultdict(list)
    for line in lines:
        for piece in line.pieces:
            numbers = of_element[id(piece.element), piece.text.strip(" ")]
            if len(numbers) == 1 and id(piece.element) not in elsewhere:
                found[numbers[0]].append((line, piece))
    return dict(found)


def _nodes(element: Any) -> Iterator[tuple[Any, str]]:
    """Return the texts of a document in their order, each with the element that it stands in."""
    yield element, element.text or ""
    for child in element:
        yield from _nodes(child)
        yield element, child.tail or ""
