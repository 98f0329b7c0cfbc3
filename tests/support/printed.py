"""Read a PDF back: what a page says, in which fonts, and how it is tagged."""

import re
from collections.abc import Iterator
from io import BytesIO

import pikepdf
import pypdfium2

GAP = "\N{NO-BREAK SPACE}"


def sound(content: bytes) -> pikepdf.Pdf:
    """Open a PDF in which qpdf finds no fault, and of which PDFium reads every page."""
    pdf = pikepdf.open(BytesIO(content))
    assert pdf.check_pdf_syntax() == []
    with pypdfium2.PdfDocument(content) as document:
        assert [bool(page.get_textpage().get_text_bounded()) for page in document] == [True] * len(pdf.pages)
    return pdf


def texts(pdf: pikepdf.Pdf) -> list[str]:
    """The text of each page in the order in which it was painted, a line for each piece."""
    return ["\n".join(_pieces(page)) for page in pdf.pages]


def _pieces(page: pikepdf.Page) -> Iterator[str]:
    letters = {name: _to_unicode(font) for name, font in page.Resources.Font.items()}
    font = None
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            font = letters[str(operands[0])]
        elif str(operator) == "TJ":
            shown = b"".join(bytes(part) for part in operands[0] if isinstance(part, pikepdf.String))
            codes = [int.from_bytes(shown[i : i + 2]) for i in range(0, len(shown), 2)]
            yield "".join(font.get(code, "\N{REPLACEMENT CHARACTER}") for code in codes).replace(GAP, " ")


def _to_unicode(font: pikepdf.Object) -> dict[int, str]:
    pairs = re.findall(rb"<([0-9a-fA-F]{4})> <([0-9a-fA-F]*)>\n", font.ToUnicode.read_bytes())
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def fonts(pdf: pikepdf.Pdf) -> dict[str, pikepdf.Object]:
    """Every font of the document by its name without the subset's mark, with the descriptor."""
    found = {}
    for page in pdf.pages:
        for font in page.Resources.Font.values():
            descriptor = font.DescendantFonts[0].FontDescriptor
            found[str(font.BaseFont).partition("+")[2]] = descriptor
    return found


def structure(pdf: pikepdf.Pdf) -> list[str]:
    """The structure types of the tags, in reading order."""

    def walk(element: pikepdf.Object) -> Iterator[str]:
        if isinstance(element, pikepdf.Dictionary) and "/S" in element:
            yield str(element.S)
            kids = element.get("/K", [])
            for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
                if isinstance(kid, pikepdf.Dictionary):
                    yield from walk(kid)

    return list(walk(pdf.Root.StructTreeRoot.K[0]))
