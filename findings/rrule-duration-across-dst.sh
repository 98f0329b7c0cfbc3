#!/usr/bin/env bash
# A weekly window from 23:00 in Berlin, whose second instance spans the start of summer time, written with a length instead of an end.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: recurring-ical-events 3.8.2, icalendar 7.3.2, ical 14.3.1, icalevents 0.3.1'
echo 'Document: RFC 5545 sections 3.3.6 and 3.8.5.3: days are nominal (local time), hours are exact; so on the night of 28 March 2026'
echo '  DURATION:PT7H takes 7:00 and DURATION:P1D takes 23:00.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile recurring-ical-events==3.8.2 icalendar==7.3.2 ical==14.3.1 icalevents==0.3.1 tzdata==2026.6
"$dir/env/bin/python" - <<'PY'
import datetime, sys, icalendar, recurring_ical_events
from ical.calendar_stream import IcsCalendarStream

UTC = datetime.timezone.utc

def window(length):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", "BEGIN:VEVENT", "UID:a@example.org",
             "DTSTAMP:20260101T000000Z", "DTSTART;TZID=Europe/Berlin:20260321T230000", "DURATION:" + length,
             "RRULE:FREQ=WEEKLY;COUNT=2", "SUMMARY:Window", "END:VEVENT", "END:VCALENDAR"]
    return "".join(line + "\r\n" for line in lines)

def icalevents(text):
    from icalevents.icalevents import events  # imported last: it changes icalendar (icalevents-switches-icalendar.sh)
    return events(string_content=text.encode(), start=datetime.datetime(2026, 1, 1, tzinfo=UTC), end=datetime.datetime(2026, 6, 1, tzinfo=UTC))

READERS = {
    "recurring-ical-events": lambda text: recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between((2026, 1, 1), (2026, 6, 1)),
    "ical": lambda text: IcsCalendarStream.calendar_from_ics(text).timeline,
    "icalevents": icalevents,
}
seen = {}
for name, read in READERS.items():
    for length in ("PT7H", "P1D"):
        last = max(read(window(length)), key=lambda event: event.start)
        seen[name, length] = (last.end.astimezone(UTC) - last.start.astimezone(UTC)) / datetime.timedelta(hours=1)
        print(f"Seen: {name} takes {length} for {seen[name, length]:g} h")
if seen != {("recurring-ical-events", "PT7H"): 6, ("recurring-ical-events", "P1D"): 23,
            ("ical", "PT7H"): 6, ("ical", "P1D"): 23, ("icalevents", "PT7H"): 6, ("icalevents", "P1D"): 23}:
    sys.exit("CHANGED")
print("All three take hours as local time, as they take days: the window of seven hours closes after six.")
PY
