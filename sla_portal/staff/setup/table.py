"""Read a table of customers: CSV with commas, semicolons or tabs, or a worksheet; rows of texts by column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from zipfile import BadZipFile

from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.kernel.errors import Refused

COLUMNS = {
    "customer_code": gettext_lazy("customer code"),
    "name": gettext_lazy("name"),
    "region": gettext_lazy("region"),
    "language": gettext_lazy("language"),
    "contact_email": gettext_lazy("contact e-mail"),
    "contact_name": gettext_lazy("contact name"),
    "contract_reference": gettext_lazy("contract reference"),
    "first_service_day": gettext_lazy("first service day"),
    "last_service_day": gettext_lazy("last service day"),
    "monthly_charge": gettext_lazy("monthly charge"),
    "currency": gettext_lazy("currency"),
    "trial_days": gettext_lazy("trial days"),
}
"""The columns, in the order of the sample; a heading is a name or a label in a language of the portal."""
REQUIRED = ("customer_code", "name", "region")
DELIMITERS = ",;\t"
MOST_ROWS = 1000
MOST_CHARACTERS = 400_000
HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class NotATable(Refused):
    """The file or text cannot be read as a table of customers; `str()` of it is a sentence."""

    field = "table"


def text_of_file(name: str, content: bytes) -> str:
    """Return an uploaded file as CSV text; a worksheet's first sheet with commas. Raises `NotATable`."""
    if name.lower().endswith(".xlsx"):
        return _text_of_sheet(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotATable(_("The file is not in UTF-8. Save it as “CSV UTF-8”, or as XLSX.")) from None


def _text_of_sheet(content: bytes) -> str:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
        rows = [[_cell(value) for value in row] for row in sheet.iter_rows(
            max_row=MOST_ROWS + 2, max_col=3 * len(COLUMNS), values_only=True)]  # fmt: skip
    except (BadZipFile, InvalidFileException, KeyError, IndexError, ValueError, OSError, SyntaxError):
        raise NotATable(_("The file cannot be read as XLSX. Save it as “CSV UTF-8”.")) from None
    return written(rows)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def written(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as CSV text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def rows_of(text: str) -> list[tuple[int, dict[str, str]]]:
    """Return each row that is not empty as its line and its texts by column. Raises `NotATable`."""
    if len(text) > MOST_CHARACTERS:
        raise NotATable(_("The table has more than %(most)d characters. Divide it.") % {"most": MOST_CHARACTERS})
    if hidden := HIDDEN.search(text):
        raise NotATable(
            _("The table contains an invisible character (code point %(number)d). Remove it.")
            % {"number": ord(hidden[0])}
        )
    text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").lstrip("\r\n")
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(DELIMITERS, key=first.count), strict=True)
    try:
        columns = _columns(next(reader, []))
        found = list(_rows(reader, columns))
    except csv.Error:
        raise NotATable(_("Line %(line)d: a quotation mark is not closed.") % {"line": reader.line_num}) from None
    if not found:
        raise NotATable(_("The table has no rows below its headings."))
    if len(found) > MOST_ROWS:
        raise NotATable(_("The table has more than %(most)d rows. Divide it.") % {"most": MOST_ROWS})
    return found


def _rows(reader: Any, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    for cells in reader:
        texts = [cell.strip() for cell in cells]
        if not any(texts):
            continue
        if any(texts[len(columns) :]):
            raise NotATable(
                _("Line %(line)d has more cells than the headings. Put a text with a comma in quotation marks.")
                % {"line": reader.line_num}
            )
        yield reader.line_num, dict(zip(columns, texts + [""] * len(columns), strict=False))


def _columns(headings: Sequence[str]) -> list[str]:
    """Return the column of each heading; raises `NotATable` where one is unknown, repeated or missing."""
    names = _names()
    columns: list[str] = []
    # A worksheet is read as wide as its widest row.
    while headings and not headings[-1].strip():
        headings = headings[:-1]
    for heading in headings:
        name = names.get(_plain(heading))
        if name is None:
            raise NotATable(
                _("The heading “%(heading)s” is unknown. The first line names the columns: %(columns)s.")
                % {"heading": heading.strip(), "columns": ", ".join(COLUMNS)}
            )
        if name in columns:
            raise NotATable(_("The heading “%(heading)s” occurs twice.") % {"heading": heading.strip()})
        columns.append(name)
    if missing := [name for name in REQUIRED if name not in columns]:
        raise NotATable(_("The first line names the columns. Missing: %(columns)s.") % {"columns": ", ".join(missing)})
    return columns


def _names() -> dict[str, str]:
    names = {_plain(name): name for name in COLUMNS}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            names |= {_plain(str(label)): name for name, label in COLUMNS.items()}
    return names


def _plain(heading: str) -> str:
    return re.sub(r"[\s_-]+", " ", heading).strip().lower()


def label(column: str) -> str:
    return capfirst(str(COLUMNS[column]))
