"""The signature within a PDF, as an incremental update: what was there before stays, byte for byte, in front of it.

For PDFs of this portal's own printing: one stream has the cross-references of all objects, and no form is in them. pyHanko's writer
reads any PDF, takes longer than the signature, and marks the file as PDF 2.0, which PDF/A-3 is not (docs/choices.md).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

STREAM = re.compile(rb"(\d+) 0 obj\n<<(.*?)>>\nstream\n", re.DOTALL)
FIELD = "Seal"
PRINTED_LOCKED = 132
"""Flags of the annotation: an archivable PDF has no hidden ones; this one has no area."""


class NotOurPdf(ValueError):
    """The PDF is not built as this portal builds them."""


@dataclass(frozen=True)
class Prepared:
    """An update that lacks the signature alone."""

    before: bytes
    after: bytes
    reserved: int
    digest: bytes

    def with_signature(self, cms: bytes) -> bytes:
        """Return the update; the signature is padded to the reserved length."""
        if len(cms) > self.reserved:
            raise NotOurPdf(f"The signature takes {len(cms)} bytes, and {self.reserved} were reserved.")
        return b"".join([self.before, b"<", cms.ljust(self.reserved, b"\0").hex().encode(), b">", self.after])


@dataclass(frozen=True)
class ValidationData:
    """Certificates, revocation lists and OCSP responses (DER) by which a signature can be validated later."""

    certificates: Sequence[bytes] = ()
    crls: Sequence[bytes] = ()
    ocsps: Sequence[bytes] = ()


def prepare(pdf: bytes, *, name: str, at: datetime, reserved: int, data: ValidationData | None = None) -> Prepared:
    """Lay out the update that holds a signature of `reserved` bytes. Raises `NotOurPdf`."""
    document = _Document(pdf)
    update = _Update(document)
    page, page_text = document.first_page()
    field, signature = update.new(), update.new()
    catalog = document.catalog() + b"/AcroForm <</Fields [%d 0 R]/SigFlags 3>>" % field
    if data:
        catalog += b"/DSS %d 0 R" % update.add_validation_data(data)
    update.add(document.root, b"<<" + catalog + b">>")
    update.add(page, b"<<" + _with_annotation(page_text, field) + b">>")
    update.add(
        field,
        b"<</Type /Annot/Subtype /Widget/FT /Sig/T %s/F %d/Rect [0 0 0 0]/P %d 0 R/V %d 0 R>>"
        % (_text(FIELD), PRINTED_LOCKED, page, signature),
    )
    return update.around_signature(signature, name, at, reserved)


def _with_annotation(page: bytes, field: int) -> bytes:
    if b"/Annots" not in page:
        return page + b"/Annots [%d 0 R]" % field
    changed, found = re.subn(rb"/Annots ?\[", b"/Annots [%d 0 R " % field, page)
    if found != 1:
        raise NotOurPdf("The annotations of the first page are not a list in it.")
    return changed


def _text(text: str) -> bytes:
    return b"<" + (b"\xfe\xff" + text.encode("utf-16-be")).hex().encode() + b">"


class _Document:
    """The objects that an update replaces, and the trailer."""

    def __init__(self, pdf: bytes) -> None:
        self.pdf = pdf
        self.xref_at = self._number(rb"startxref\n(\d+)\n%%EOF\n\Z", pdf[-64:])
        trailer, self._table = self._stream(self.xref_at)
        if b"/Prev" in trailer or b"/Type /XRef" not in trailer:
            raise NotOurPdf("The PDF has another update in it, or no stream of cross-references.")
        self.size = self._number(rb"/Size (\d+)", trailer)
        self.root = self._number(rb"/Root (\d+) 0 R", trailer)
        self.info = re.findall(rb"/Info \d+ 0 R", trailer)
        self.identifier = re.findall(rb"/ID \[(\([^)]*\)|<[^>]*>)", trailer)
        widths = re.search(rb"/W \[(\d) (\d) (\d)\]", trailer)
        if not widths or len(self._table) != self.size * sum(map(int, widths.groups())):
            raise NotOurPdf("The cross-references are not of all objects.")
        self._widths = [int(width) for width in widths.groups()]
        self._packed: dict[int, dict[int, bytes]] = {}

    @staticmethod
    def _number(pattern: bytes, text: bytes) -> int:
        if found := re.search(pattern, text):
            return int(found[1])
        raise NotOurPdf(f"The PDF lacks {pattern.decode()}.")

    def _stream(self, at: int) -> tuple[bytes, bytes]:
        found = STREAM.match(self.pdf, at)
        if not found or b"/Filter /FlateDecode" not in found[2]:
            raise NotOurPdf(f"There is no compressed stream at {at}.")
        return found[2], zlib.decompress(self.pdf[found.end() :][: self._number(rb"/Length (\d+)", found[2])])

    def _entry(self, number: int) -> tuple[int, int]:
        """Return the kind of an object, 1 by itself or 2 in a stream, and its place or the number of the stream."""
        kind, place, _rest = self._widths
        row = self._table[number * sum(self._widths) :]
        return int.from_bytes(row[:kind]), int.from_bytes(row[kind : kind + place])

    def _object(self, number: int) -> bytes:
        kind, place = self._entry(number)
        if kind == 2:
            if place not in self._packed:
                self._packed[place] = self._objects(place)
            return self._packed[place].get(number, b"")
        found = re.compile(rb"%d 0 obj\n(.*?)\nendobj\n" % number, re.DOTALL).match(self.pdf, place)
        return found[1] if found and kind == 1 else b""

    def _objects(self, number: int) -> dict[int, bytes]:
        """Return the objects of an object stream."""
        header, content = self._stream(self._entry(number)[1])
        first = self._number(rb"/First (\d+)", header)
        places = list(map(int, content[:first].split()))
        ends = [*places[3::2], len(content) - first]
        return {
            one: content[first + start : first + end]
            for one, start, end in zip(places[::2], places[1::2], ends, strict=True)
        }

    def _dictionary(self, number: int) -> bytes:
        """Return what stands between the brackets of a dictionary."""
        text = self._object(number).strip()
        if not (text.startswith(b"<<") and text.endswith(b">>")):
            raise NotOurPdf(f"Object {number} is no dictionary.")
        return text[2:-2]

    def catalog(self) -> bytes:
        catalog = self._dictionary(self.root)
        if b"/AcroForm" in catalog or b"/DSS" in catalog:
            raise NotOurPdf("The PDF has a form in it.")
        return catalog

    def first_page(self) -> tuple[int, bytes]:
        pages = self._number(rb"/Pages (\d+) 0 R", self.catalog())
        page = self._number(rb"/Kids \[(\d+) 0 R", self._dictionary(pages))
        return page, self._dictionary(page)


class _Update:
    """Objects to be added or replaced, in their order."""

    def __init__(self, document: _Document) -> None:
        self._document, self._next = document, document.size
        self._objects: list[tuple[int, bytes]] = []

    def new(self) -> int:
        self._next += 1
        return self._next - 1

    def add(self, number: int, content: bytes) -> None:
        self._objects.append((number, content))

    def add_validation_data(self, data: ValidationData) -> int:
        lists = b""
        for name, values in (("Certs", data.certificates), ("CRLs", data.crls), ("OCSPs", data.ocsps)):
            numbers = []
            for value in values:
                numbers.append(self.new())
                self.add(numbers[-1], b"<</Length %d>>\nstream\n%s\nendstream" % (len(value), value))
            if numbers:
                lists += f"/{name} [{' '.join(f'{number} 0 R' for number in numbers)}]".encode()
        number = self.new()
        self.add(number, b"<<" + lists + b">>")
        return number

    def around_signature(self, number: int, name: str, at: datetime, reserved: int) -> Prepared:
        """Write the objects, the signature last, then the cross-references."""
        start = len(self._document.pdf)
        written, places = bytearray(), {}
        for other, content in self._objects:
            places[other] = start + len(written)
            written += b"%d 0 obj\n%s\nendobj\n" % (other, content)
        places[number] = start + len(written)
        written += b"%d 0 obj\n<</Type /Sig/Filter /Adobe.PPKLite/SubFilter /ETSI.CAdES.detached" % number
        written += b"/M (D:%s)/Name %s" % (at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode(), _text(name))
        table_at = start + len(written) + len(self._range(0, 0, 0)) + len(b"/Contents ") + 2 * reserved + 2
        table_at += len(b">>\nendobj\n")
        after = b">>\nendobj\n" + self._table(places | {self._next: table_at}, table_at)
        signed_from = start + len(written) + len(self._range(0, 0, 0)) + len(b"/Contents ")
        goes_on = signed_from + 2 * reserved + 2
        written += self._range(signed_from, goes_on, len(after)) + b"/Contents "
        digest = sha256(self._document.pdf)
        digest.update(written)
        digest.update(after)
        return Prepared(bytes(written), after, reserved, digest.digest())

    @staticmethod
    def _range(signed_from: int, goes_on: int, rest: int) -> bytes:
        return b"/ByteRange [0 %10d %10d %10d]" % (signed_from, goes_on, rest)

    def _table(self, places: dict[int, int], at: int) -> bytes:
        rows = b"".join(b"\x01" + places[number].to_bytes(4) + b"\0" for number in sorted(places))
        index = " ".join(f"{number} 1" for number in sorted(places))
        document = self._document
        changed = sha256(document.pdf).hexdigest()[:32].encode()
        identifier = b"/ID [%s <%s>]" % (document.identifier[0], changed) if document.identifier else b""
        return (
            b"%d 0 obj\n<</Type /XRef/Size %d/Root %d 0 R%s%s/Prev %d/W [1 4 1]/Index [%s]/Length %d>>\nstream\n%s\nendstream\n"
            b"endobj\nstartxref\n%d\n%%%%EOF\n"
        ) % (
            self._next, self._next + 1, document.root, b"".join(document.info), identifier, document.xref_at,
            index.encode(), len(rows), rows, at,
        )  # fmt: skip
