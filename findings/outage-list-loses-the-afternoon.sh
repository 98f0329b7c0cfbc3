#!/usr/bin/env bash
# A list of outages in a workbook, its starts formatted as a spreadsheet shows them (h:mm), read by three packages.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: xlsx2csv 0.8.6, openpyxl 3.1.5, python-calamine 0.9.1'
echo 'Document: ECMA-376 part 1, 18.8.31: h and hh are hours of 24 unless the format holds AM/PM; the value is days since the epoch of dates.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile xlsx2csv==0.8.6 openpyxl==3.1.5 python-calamine==0.9.1
cd "$dir" && "$dir/env/bin/python" - <<'PY'
import io, sys
from datetime import datetime, timedelta
from openpyxl import Workbook, load_workbook
from python_calamine import CalamineWorkbook
from xlsx2csv import Xlsx2csv

DAY = datetime(2026, 11, 30)
SAME, EARLY, HALF = "right", "a second early", "twelve hours off"

def kinds(starts, hours):
    """How many of the starts each package reads right, and what becomes of the rest."""
    book = Workbook()
    for start in starts:
        book.active.append([start])
        book.active.cell(book.active.max_row, 1).number_format = hours
    book.save("outages.xlsx")
    text = io.StringIO()
    Xlsx2csv("outages.xlsx").convert(text)
    read = {
        "xlsx2csv": [datetime.fromisoformat(line) for line in text.getvalue().split("\n") if line],
        "openpyxl": [row[0] for row in load_workbook("outages.xlsx").active.iter_rows(values_only=True)],
        "python-calamine": [datetime.fromisoformat(str(row[0])) for row in CalamineWorkbook.from_path("outages.xlsx").get_sheet_by_index(0).to_python()],
    }
    names = {timedelta(0): SAME, timedelta(seconds=1): EARLY}
    return {package: [names.get(right - got, HALF) for right, got in zip(starts, times, strict=True)] for package, times in read.items()}

hourly = [DAY + timedelta(hours=hour, minutes=5) for hour in range(24)]
minutes = [DAY + timedelta(minutes=minute) for minute in range(1440)]
seen = {
    "24 hours as h:mm:ss": kinds(hourly, "yyyy-mm-dd h:mm:ss"),
    "1440 minutes as hh:mm:ss": kinds(minutes, "yyyy-mm-dd hh:mm:ss"),
}
counted = {(name, package): {kind: found.count(kind) for kind in (SAME, EARLY, HALF) if kind in found}
           for name, by_package in seen.items() for package, found in by_package.items()}
for (name, package), found in counted.items():
    print(f"Seen: {name}: {package}: {found}")
if counted != {
    ("24 hours as h:mm:ss", "xlsx2csv"): {SAME: 8, EARLY: 4, HALF: 12},
    ("24 hours as h:mm:ss", "openpyxl"): {SAME: 24},
    ("24 hours as h:mm:ss", "python-calamine"): {SAME: 24},
    ("1440 minutes as hh:mm:ss", "xlsx2csv"): {SAME: 1312, EARLY: 128},
    ("1440 minutes as hh:mm:ss", "openpyxl"): {SAME: 1440},
    ("1440 minutes as hh:mm:ss", "python-calamine"): {SAME: 1440},
}:
    sys.exit("CHANGED")
print("xlsx2csv writes h as an hour of twelve without saying which half of the day, and cuts the second that a fraction of a day just misses.")
PY
