#!/usr/bin/env bash
# 1500.755 Iraqi dinars: counted in sub-units, and printed, by the same object.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: py-moneyed 3.0 with Babel 2.19.0, iso4217 1.16.20260101'
echo 'Document: ISO 4217 gives IQD three minor digits and HUF two, and so do sub_unit and get_amount_in_sub_unit of py-moneyed.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile py-moneyed==3.0 Babel==2.19.0 iso4217==1.16.20260101
"$dir/env/bin/python" - <<'PY'
import sys
from decimal import Decimal
from iso4217 import Currency
from moneyed import Money

seen = {}
for code, amount in (("IQD", "1500.755"), ("HUF", "1500.75"), ("KWD", "1500.755")):
    money = Money(Decimal(amount), code)
    seen[code] = (Currency(code).exponent, money.get_amount_in_sub_unit(), str(money).replace("\xa0", " "))
    print(f"Seen: {code} {amount}: ISO digits, sub-units, printed:", seen[code])
if seen != {"IQD": (3, 1500755, "IQD 1501"), "HUF": (2, 150075, "HUF 1501"), "KWD": (3, 1500755, "KWD 1500.755")}:
    sys.exit("CHANGED")
print("str() takes its digits from Babel (CLDR's digits of prices), sub-units from ISO 4217: IQD and HUF are printed rounded to whole units.")
PY
