#!/usr/bin/env bash
# The same calendar read by icalendar, before and after another package is imported; then eight weeks are added to the start.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: icalendar 7.3.2, icalevents 0.3.1, pytz 2026.6'
echo 'Document: the icalendar documentation: time zones are zoneinfo from 6.0 on, and pytz only where use_pytz() is called.'
echo '  The README of icalevents does not say that it calls it. 02:30 on 26 April in Berlin is 00:30 UTC.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile icalendar==7.3.2 icalevents==0.3.1 pytz==2026.6 tzdata==2026.6
cat >"$dir/read.py" <<'PY'
import datetime, sys, icalendar

if sys.argv[1:]:
    import icalevents.icalevents  # imported, and nothing of it called
lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", "BEGIN:VEVENT", "UID:a@example.org", "DTSTAMP:20260101T000000Z",
         "DTSTART;TZID=Europe/Berlin:20260301T023000", "SUMMARY:Window", "END:VEVENT", "END:VCALENDAR"]
start = icalendar.Calendar.from_ical("".join(line + "\r\n" for line in lines)).events[0].start
later = start + datetime.timedelta(weeks=8)
print(type(start.tzinfo).__module__.split(".")[0], f"{later.astimezone(datetime.UTC):%d %b %H:%M} UTC")
PY
alone=$("$dir/env/bin/python" "$dir/read.py")
beside=$("$dir/env/bin/python" "$dir/read.py" icalevents)
echo "Seen, icalendar alone:     $alone"
echo "Seen, icalevents imported: $beside"
[ "$alone" = "zoneinfo 26 Apr 00:30 UTC" ] && [ "$beside" = "pytz 26 Apr 01:30 UTC" ] || { echo CHANGED; exit 1; }
echo 'Importing icalevents switches icalendar to pytz in the whole process: sums of local times in other code are an hour off.'
