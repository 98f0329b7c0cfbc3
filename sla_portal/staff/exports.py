"""Export tables as CSV or XLSX, row by row, with formulas disarmed and nothing that turns a line round."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from tempfile import TemporaryFile
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from sla_portal.kernel.characters import with_turning_shown

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Prefixes that make a spreadsheet read a text as a formula."""
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Control characters that no worksheet can hold (XML 1.0, 2.2)."""
MOST_IN_A_SHEET = 100_000
"""Row limit of a worksheet, which is built before it is sent; CSV is streamed and has none."""
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Spreadsheets need it to recognise UTF-8."""
FORMS = ("csv", "xlsx")
READ_AT_ONCE = 2000
"""Rows of a list that are read together, with what belongs to them, in a fixed number of queries."""

M = TypeVar("M", bound=Model)


def safe(value: Any) -> Any:
    """Prefix a text that a spreadsheet would read as a formula with an apostrophe; numbers are unchanged."""
    if not isinstance(value, str):
        return value
    text = with_turning_shown(NOT_IN_XML.sub("", value))
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
