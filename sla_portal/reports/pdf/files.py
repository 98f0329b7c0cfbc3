"""Write the objects of PDFs that agree in most of them: compressed once, then reused."""

import re
import struct
from collections.abc import Collection, Iterable, Mapping
from hashlib import md5
from io import BytesIO

import pydyf
from fontTools.ttLib import TTFont

HEADER = b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"
ROW = struct.Struct(">BIH")
"""A row of the cross-reference stream: type, offset or number of the object stream, generation or place in it."""


class PreparedFile:
    """The objects that many PDFs share, and the place of those that are each one's own."""

    def __init__(self, pdf: pydyf.PDF, own: Collection[int]) -> None:
        """`own`: the numbers of the objects that `complete` is given; others may be replaced by it too."""
        self.size = len(pdf.objects) + 1
        """The number of the first object that is not in `pdf`."""
        self._catalog, self._info = pdf.catalog.reference, pdf.info.reference
        rows = [ROW.pack(0, 0, 65535)] * self.size
        written, packed = bytearray(HEADER), {}
        for object_ in pdf.objects:
            if object_.free == "f" or object_.number in own:
                continue
            if object_.compressible:
                packed[object_.number] = object_.data
            else:
                rows[object_.number] = ROW.pack(1, len(written), 0)
                written += _indirect(object_.number, object_.data)
        number = self.size - 1
        rows[number] = ROW.pack(1, len(written), 0)
        written += _indirect(number, _object_stream(packed))
        for place, packed_number in enumerate(packed):
            rows[packed_number] = ROW.pack(2, number, place)
        self._written, self._rows = bytes(written), b"".join(rows)
        self._digest = md5(self._written, usedforsecurity=False)

    def complete(self, own: Mapping[int, bytes]) -> bytes:
        """Return the file with `own` objects by number, behind the shared ones. The same objects give the same bytes."""
        written, digest = [self._written], self._digest.copy()
        offset = len(self._written)
        last = max([*own, self.size - 1])
        rows = bytearray(self._rows.ljust((last + 2) * ROW.size, b"\0"))
        for number, data in own.items():
            piece = _indirect(number, data)
            ROW.pack_into(rows, number * ROW.size, 1, offset, 0)
            written.append(piece)
            digest.update(piece)
            offset += len(piece)
        ROW.pack_into(rows, (last + 1) * ROW.size, 1, offset, 0)
        identifier = b"(" + digest.hexdigest().encode() + b")"
        table = pydyf.Stream([bytes(rows)], {
            "Type": "/XRef", "W": pydyf.Array((1, 4, 2)), "Size": last + 2, "Root": self._catalog, "Info": self._info,
            "ID": pydyf.Array((identifier, identifier)),
        }, compress=True)  # fmt: skip
        written += [_indirect(last + 1, table.data), b"startxref\n%d\n%%%%EOF\n" % offset]
        return b"".join(written)


def _indirect(number: int, data: bytes) -> bytes:
    return b"%d 0 obj\n%b\nendobj\n" % (number, data)


def _object_stream(objects: Mapping[int, bytes]) -> bytes:
    places, offset = [], 0
    for number, data in objects.items():
        places.append(f"{number} {offset}")
        offset += len(data) + 1
    head = " ".join(places).encode()
    extra = {"Type": "/ObjStm", "N": len(objects), "First": len(head) + 1}
    return pydyf.Stream([head, *objects.values()], extra, compress=True).data


LONG_FRACTION = re.compile(rb"(?<=\d)(\.\d{3})\d+")


def stream_of(operators: Iterable[bytes]) -> pydyf.Stream:
    """Return drawing operators as a stream; coordinates are cut to a thousandth of a pixel, gaps of no width left out."""
    written = LONG_FRACTION.sub(rb"\1", b"\n".join(operators))
    return pydyf.Stream([written.replace(b">0<", b"").replace(b">0]", b">]")], compress=True)


GLYPHS = {"glyf", "head", "hhea", "hmtx", "loca", "maxp"}
"""The tables of a TrueType font that a PDF needs, which chooses glyphs by number and states their widths itself."""


def drop_tables(pdf: pydyf.PDF) -> None:
    """Leave out of embedded TrueType fonts what no reader of the PDF uses."""
    for file in pdf.objects:
        if isinstance(file, pydyf.Stream) and "Length1" in file.extra:
            with TTFont(BytesIO(b"".join(file.stream)), recalcBBoxes=False, recalcTimestamp=False) as font:
                for table in set(font.reader.keys()) - GLYPHS:
                    del font[table]
                smaller = BytesIO()
                font.save(smaller)
            file.stream, file.extra["Length1"] = [smaller.getvalue()], smaller.tell()


def merge_text_tags(pdf: pydyf.PDF) -> None:
    """Let each piece of text belong to its paragraph, heading or cell itself instead of to a tag of its own in it."""
    pieces = {}
    for element in pdf.objects:
        if not isinstance(element, pydyf.Dictionary) or element.get("S") != "/Span":
            continue
        # A blank that was inserted or deleted at the end of a line has no text of its own.
        if element["K"] and isinstance(element["K"][0], int):
            pieces[element.reference] = element
    for element in pdf.objects:
        if isinstance(element, pydyf.Dictionary) and element.get("Type") == "/StructElem":
            element["K"][:] = [pieces[kid]["K"][0] if kid in pieces else kid for kid in element["K"]]
    tree = next(object_ for object_ in pdf.objects if isinstance(object_, pydyf.Dictionary) and "Nums" in object_)
    for of_page in tree["Nums"][1::2]:
        if isinstance(of_page, list):
            of_page[:] = [pieces[element]["P"] if element in pieces else element for element in of_page]
    for piece in pieces.values():
        piece.free = "f"
