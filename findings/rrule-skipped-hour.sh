#!/usr/bin/env bash
# A weekly maintenance window at 02:30 in Berlin, six times from 1 March 2026. On 29 March the clock goes from 02:00 to 03:00.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: recurring-ical-events 3.8.2, icalendar 7.3.2, ical 14.3.1, icalevents 0.3.1; npm: node-ical 0.26.1, rrule-temporal 2.2.8'
echo 'Document: RFC 5545 section 3.3.10: an instance at a local time that does not exist is left out and not counted by COUNT,'
echo '  so the sixth window is on 12 April. DTEND two hours after DTSTART: each window lasts two hours (section 3.8.5.3).'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile recurring-ical-events==3.8.2 icalendar==7.3.2 ical==14.3.1 icalevents==0.3.1 tzdata==2026.6
npm install --silent --no-audit --no-fund --prefix "$dir" node-ical@0.26.1 rrule-temporal@2.2.8 >"$dir/npm.log" || { cat "$dir/npm.log"; exit 1; }
printf '%s\r\n' BEGIN:VCALENDAR VERSION:2.0 PRODID:-//x//y//EN BEGIN:VEVENT UID:a@example.org DTSTAMP:20260101T000000Z \
  'DTSTART;TZID=Europe/Berlin:20260301T023000' 'DTEND;TZID=Europe/Berlin:20260301T043000' \
  'RRULE:FREQ=WEEKLY;COUNT=6' SUMMARY:Window END:VEVENT END:VCALENDAR >"$dir/window.ics"
cd "$dir"
{
env/bin/python - <<'PY'
import datetime, icalendar, recurring_ical_events
from ical.calendar_stream import IcsCalendarStream

UTC = datetime.timezone.utc
text = open("window.ics", newline="").read()

def show(name, windows):
    windows = sorted((start.astimezone(UTC), end.astimezone(UTC)) for start, end in windows)
    start, end = windows[4]
    print(f"{name}: fifth {start:%m-%d %H:%MZ} for {end - start}, last {windows[-1][0]:%m-%d %H:%MZ}, {len(windows)} windows")

found = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between((2026, 1, 1), (2026, 6, 1))
show("recurring-ical-events", [(e.start, e.end) for e in found])
show("ical", [(e.start, e.end) for e in IcsCalendarStream.calendar_from_ics(text).timeline])
from icalevents.icalevents import events  # last: it changes icalendar (icalevents-switches-icalendar.sh)
found = events(string_content=text.encode(), start=datetime.datetime(2026, 1, 1, tzinfo=UTC), end=datetime.datetime(2026, 6, 1, tzinfo=UTC))
show("icalevents", [(e.start, e.end) for e in found])
PY
TZ=UTC node --input-type=commonjs - <<'JS'
const ical = require('node-ical'), {RRuleTemporal} = require('rrule-temporal');
const z = ms => new Date(ms).toISOString().slice(5, 16).replace('T', ' ') + 'Z';
const show = (name, starts, lasts) => console.log(`${name}: fifth ${z(starts[4])}${lasts}, last ${z(starts.at(-1))}, ${starts.length} windows`);
const event = ical.sync.parseFile('window.ics')['a@example.org'];
const found = ical.expandRecurringEvent(event, {from: new Date('2026-01-01'), to: new Date('2026-06-01')});
show('node-ical', found.map(w => +w.start), ` for ${(found[4].end - found[4].start) / 3600e3} h`);
const rule = new RRuleTemporal({rruleString: 'DTSTART;TZID=Europe/Berlin:20260301T023000\nRRULE:FREQ=WEEKLY;COUNT=6'});
show('rrule-temporal', rule.all().map(t => t.epochMilliseconds), '');
JS
} | tee seen
diff seen - <<'END' || { echo 'CHANGED'; exit 1; }
recurring-ical-events: fifth 03-29 01:30Z for 1:00:00, last 04-05 00:30Z, 6 windows
ical: fifth 03-29 01:30Z for 1:00:00, last 04-05 00:30Z, 6 windows
icalevents: fifth 03-29 00:30Z for 2:00:00, last 04-05 00:30Z, 6 windows
node-ical: fifth 03-29 01:30Z for 2 h, last 04-05 00:30Z, 6 windows
rrule-temporal: fifth 04-05 00:30Z, last 04-12 00:30Z, 6 windows
END
echo 'Four of five announce a window that the rule does not have, in three forms; one follows the RFC.'
