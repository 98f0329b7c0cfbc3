"""Export tables as CSV or XLSX, row by row, with formulas disarmed and nothing that turns a line round."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.kernel.characters import with_turning_shown

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Prefixes that make a spreadsheet read a text as a formula."""
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Control characters that no worksheet can hold (XML 1.0, 2.2)."""
MOST_IN_A_SHEET = 100_000
"""Row limit of a worksheet, which is built before it is sent; CSV is streamed and has none."""
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Spreadsheets need it to recognise UTF-8."""
FORMS = ("csv", "csv-comma", "xlsx")
"""The forms of an export; `csv-comma` is CSV with decimal commas and semicolons, as spreadsheets of many countries read it."""
BUTTONS = (
    ("csv", gettext_lazy("Export CSV")),
    ("csv-comma", gettext_lazy("Export CSV (1,50; semicolons)")),
    ("xlsx", gettext_lazy("Export XLSX")),
)
INSTANT, DAY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), re.compile(r"\d{4}-\d\d-\d\d")
DATES = ("_at", "_on", "_day")
"""How the columns of instants, in UTC, and of days end."""
MEASURED = 200
"""Rows from which the widths of a worksheet's columns are taken."""
WIDEST = 60
READ_AT_ONCE = 2000
"""Rows of a list that are read together, with what belongs to them, in a fixed number of queries."""

M = TypeVar("M", bound=Model)


def safe(value: Any) -> Any:
    """Prefix a text that a spreadsheet would read as a formula with an apostrophe; numbers are unchanged."""
    if not isinstance(value, str):
        return value
    text = with_turning_shown(NOT_IN_XML.sub("", value))
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def csv_response(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, decimal: str = "."
) -> StreamingHttpResponse:
    """Stream the rows as CSV; with `decimal=","` the separator is a semicolon."""
    response = StreamingHttpResponse(_lines(columns, rows, decimal), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def xlsx_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> FileResponse:
    """Write the rows to a temporary XLSX file, deleted when the response is closed."""
    # With it come NumPy, Pillow and lxml where they are installed, and few exports are worksheets.
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(name)
    rows = iter(rows)
    first = [tuple(map(safe, row)) for row in islice(rows, MEASURED)]
    # Both stand before the first row in the file.
    sheet.freeze_panes = "A2"
    for letter, column in _measured(columns, first):
        sheet.column_dimensions[letter].width = column
    sheet.append([_cell(sheet, "", column, bold=True) for column in columns])
    for row in chain(first, (tuple(map(safe, row)) for row in rows)):
        sheet.append([_cell(sheet, column, value) for column, value in zip(columns, row, strict=True)])
    file = TemporaryFile()  # noqa: SIM115  # the response closes it
    book.save(file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx")


def export_response(form: str, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponseBase:
    if form == "xlsx":
        return xlsx_response(name, columns, rows)
    return csv_response(name, columns, rows, decimal="," if form == "csv-comma" else ".")


def _lines(columns: Sequence[str], rows: Iterable[Sequence[Any]], decimal: str) -> Iterator[str]:
    writer = csv.writer(_Echo(), delimiter=";" if decimal == "," else ",")
    yield BOM + writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_in_csv(value, decimal) for value in row])


def _in_csv(value: Any, decimal: str) -> Any:
    return str(value).replace(".", decimal) if isinstance(value, (Decimal, float)) else safe(value)


class _Echo:
    """A file-like object that returns each line instead of storing it."""

    def write(self, line: str) -> str:
        return line


def _cell(sheet: Any, column: str, value: Any, *, bold: bool = False) -> Any:
    shown, as_number = value, ""
    if isinstance(value, Decimal):
        places = -int(value.as_tuple().exponent)
        as_number = f"0.{'0' * places}" if places > 0 else "0"
    elif isinstance(value, str) and column.endswith(DATES):
        if INSTANT.fullmatch(value):
            shown, as_number = datetime.fromisoformat(value.removesuffix("Z")), "yyyy-mm-dd hh:mm:ss"
        elif DAY.fullmatch(value):
            shown, as_number = date.fromisoformat(value), "yyyy-mm-dd"
    if not as_number and not bold:
        return value
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, shown)
    if as_number:
        cell.number_format = as_number
    if bold:
        cell.font = Font(bold=True)
    return cell


def _measured(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, int]]:
    """Yield the letters of each column and the width that its head and first rows need."""
    from openpyxl.utils import get_column_letter

    for number, column in enumerate(columns):
        longest = max([len(column), *(len(str(row[number])) for row in rows)])
        yield get_column_letter(number + 1), min(longest + 2, WIDEST)


def export_list(
    request: HttpRequest,
    form: str,
    model: type[M],
    columns: Sequence[str],
    rows: Callable[[Sequence[M]], Iterable[Sequence[Any]]],
) -> HttpResponseBase:
    """Export the rows of a model's list, filtered and ordered as in the address; `rows` makes lines of some of them."""
    list_page = admin.site.get_model_admin(model)
    if form not in FORMS:
        raise Http404
    try:
        found: QuerySet[M] = list_page.get_changelist_instance(request).queryset
    except IncorrectLookupParameters:
        raise Http404 from None
    if form == "xlsx" and found.order_by()[: MOST_IN_A_SHEET + 1].count() > MOST_IN_A_SHEET:
        messages.error(
            request,
            _("A worksheet can hold at most %(most)d rows. Choose a month, or export CSV.") % {"most": MOST_IN_A_SHEET},
        )
        changelist = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        return redirect(f"{changelist}?{request.GET.urlencode()}")
    lines = (line for some in _in_parts(found) for line in rows(some))
    return export_response(form, f"{model._meta.model_name}s", columns, lines)


def _in_parts(found: QuerySet[M]) -> Iterator[list[M]]:
    read = found.iterator(chunk_size=READ_AT_ONCE)
    while some := list(islice(read, READ_AT_ONCE)):
        yield some
