#!/usr/bin/env bash
# Two working hours from 16:00 on Christmas Eve 2026 (a Thursday), open 9 to 17, weekends and German holidays left out.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: simpleslacalc 0.0.63 with holidays 0.109, pendulum 3.3.0'
echo "Document: the package's README and docstrings: without skip_business_hours weekends, holidays and excluded dates do not count."
echo '  25 and 26 December are holidays, 26 and 27 a weekend: one hour is left for Monday 28 December, until 10:00.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile simpleslacalc==0.0.63 holidays==0.109 pendulum==3.3.0 python-dateutil==2.9.0.post0
"$dir/env/bin/python" -W ignore - <<'PY'
import sys
from SimpleSLACalc import SLACalculator

def due(**options):
    item = SLACalculator().calculate(start_time="2026-12-24T16:00:00", open_hour=9, close_hour=17, time_zone="Europe/Berlin",
                                     skip_business_hours=False, sla_hours=2, **options)
    return item.sla_expiration_time.format("dddd YYYY-MM-DD HH:mm")

by_country = due(holiday_country="DE")
by_list = due(excluded_dates=["2026-12-25", "2026-12-26"])
print("Seen, holiday_country:", by_country)
print("Seen, excluded_dates: ", by_list)
if (by_country, by_list) != ("Sunday 2026-12-27 10:00", "Saturday 2026-12-26 10:00"):
    sys.exit("CHANGED")
print("Weekends are passed over before holidays and not again after them: a Sunday. Of two excluded dates in a row the second counts.")
PY
