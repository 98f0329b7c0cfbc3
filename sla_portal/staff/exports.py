"""Export tables as CSV or XLSX, row by row, with formulas disarmed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Prefixes that make a spreadsheet read a text as a formula."""
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Control characters that no worksheet can hold (XML 1.0, 2.2)."""
MOST_IN_A_SHEET = 100_000
"""Row limit of a worksheet, which is built before it is sent; CSV is streamed and has none."""
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Spreadsheets need it to recognise UTF-8."""
FORMS = ("csv", "xlsx")


def safe(value: Any) -> Any:
    """Prefix a text that a spreadsheet would read as a formula with an apostrophe; numbers are unchanged."""
    if not isinstance(value, str):
        return value
    text = NOT_IN_XML.sub("", value)
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """Stream the rows as CSV."""
    response = StreamingHttpResponse(_lines(columns, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def xlsx_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> FileResponse:
    """Write the rows to a temporary XLSX file, deleted when the response is closed."""
    # With it come NumPy, Pillow and lxml where they are installed, and few exports are worksheets.
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(name)
    sheet.append(columns)
    for row in rows:
        sheet.append([_cell(sheet, safe(value)) for value in row])
    file = TemporaryFile()  # noqa: SIM115  # the response closes it
    book.save(file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx")


def export_response(form: str, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponseBase:
    return csv_response(name, columns, rows) if form == "csv" else xlsx_response(name, columns, rows)


def _lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow(columns)
    for row in rows:
        yield writer.writerow([safe(value) for value in row])


class _Echo:
    """A file-like object that returns each line instead of storing it."""

    def write(self, line: str) -> str:
        return line


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value)
    places = -int(value.as_tuple().exponent)
    cell.number_format = f"0.{'0' * places}" if places > 0 else "0"
    return cell
