#!/usr/bin/env bash
# 268 bad seconds of a month of 31 days miss 99.99 %: what a report says of a few seconds more.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: slo-generator 2.6.0'
echo 'Document: its README: an SLI is the ratio of good events to valid ones, the gap is the SLI less the goal, and the report says whether the goal was met.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile slo-generator==2.6.0
cat > "$dir/counted.py" <<'PY'
class CountedBackend:
    """Hands over counts, as the backends for monitoring services do."""

    def __init__(self, client=None, **config):
        self.bad = config["bad"]

    def good_bad(self, timestamp, window, config):
        return window - self.bad, self.bad
PY
cd "$dir" && PYTHONPATH="$dir" "$dir/env/bin/python" - <<'PY'
import sys
from fractions import Fraction
from slo_generator.report import SLOReport

MONTH = 31 * 86400
seen = {}
for bad in (267, 269, 279, 281):
    report = SLOReport(
        config={"metadata": {"name": "login"}, "spec": {
            "goal": 0.9999, "method": "good_bad", "service_level_indicator": {}, "description": "", "backend": "counted"}},
        backend={"class": "counted.CountedBackend", "bad": bad},
        step={"name": "month", "window": MONTH, "burn_rate_threshold": 2, "alert": True,
              "message_alert": "missed", "message_ok": "met"},
        timestamp=1793491200,
    )
    exact = "met" if 1 - Fraction(bad, MONTH) >= Fraction("0.9999") else "missed"
    seen[bad] = (exact, report.sli_measurement, report.bad_events_count, report.consequence_message)
    print(f"Seen: {bad} bad seconds of {MONTH}: counted exactly {exact}; sli_measurement, bad events, message:", seen[bad][1:])
if seen != {
    267: ("met", 0.9999, 267, "met"),
    269: ("missed", 0.9999, 269, "met"),
    279: ("missed", 0.999896, 279, "met"),
    281: ("missed", 0.999895, 281, "Missed for this measurement window, but not enough to alert"),
}:
    sys.exit("CHANGED")
print("The ratio is rounded to six decimals, and the spent share of the budget to one: up to 4 % over the budget reads as met.")
PY
