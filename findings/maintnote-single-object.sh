#!/usr/bin/env bash
# A maintenance notice that states the impact on its one object, and the same notice with a second object.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: circuit-maintenance-parser 2.12.0 with icalendar 5.0.14'
echo 'Document: draft-gunter-calext-maintenance-notifications-00: X-MAINTNOTE-OBJECT-IMPACT on an X-MAINTNOTE-OBJECT-ID is the impact on'
echo "  that object; the package's README says: the circuits with the impact specific to each."
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile circuit-maintenance-parser==2.12.0 icalendar==5.0.14
"$dir/env/bin/python" - <<'PY'
import sys
from circuit_maintenance_parser import NotificationData, init_provider

def read(*objects):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", "BEGIN:VEVENT", "SUMMARY:Fibre work", "UID:42", "SEQUENCE:1",
             "DTSTAMP:20261201T100000Z", "DTSTART:20261210T100000Z", "DTEND:20261210T110000Z",
             'ORGANIZER;CN="NOC":mailto:noc@provider.example', "X-MAINTNOTE-PROVIDER:provider.example", "X-MAINTNOTE-ACCOUNT:137",
             "X-MAINTNOTE-MAINTENANCE-ID:WorkOrder-1", "X-MAINTNOTE-IMPACT:OUTAGE", "X-MAINTNOTE-STATUS:CONFIRMED",
             *objects, "END:VEVENT", "END:VCALENDAR"]
    notice = "".join(line + "\r\n" for line in lines).encode()
    [maintenance] = init_provider().get_maintenances(NotificationData.init_from_raw("ical", notice))
    return [(circuit.circuit_id, circuit.impact.value) for circuit in maintenance.circuits]

first = "X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=NO-IMPACT:circuit-1"
second = "X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=DEGRADED:circuit-2"
alone, both = read(first), read(first, second)
print("Seen, circuit-1 alone:", alone)
print("Seen, with circuit-2: ", both)
if alone != [("circuit-1", "OUTAGE")] or both != [("circuit-1", "NO-IMPACT"), ("circuit-2", "DEGRADED")]:
    sys.exit("CHANGED")
print("Of a single object the stated impact is ignored: NO-IMPACT is reported as OUTAGE.")
PY
