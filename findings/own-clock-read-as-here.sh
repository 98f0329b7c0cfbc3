#!/usr/bin/env bash
# A window at 02:00 by a clock that the calendar defines itself (VTIMEZONE, +08:00), read on a machine in Berlin.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: icalendar 7.3.2, vobject 0.9.9, ics 0.7.3; npm: ical.js 2.2.1, ts-ics 2.4.6, node-ical 0.26.1, ical-expander 3.2.0, cal-parser 1.0.2'
echo 'Document: RFC 5545 section 3.2.19: a TZID without a leading solidus names the VTIMEZONE in the same object: 02:00 is 18:00 UTC of the day before.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile icalendar==7.3.2 vobject==0.9.9 ics==0.7.3
npm install --silent --no-audit --no-fund --prefix "$dir" ical.js@2.2.1 ts-ics@2.4.6 node-ical@0.26.1 ical-expander@3.2.0 cal-parser@1.0.2 \
  >"$dir/npm.log" || { cat "$dir/npm.log"; exit 1; }
cd "$dir"
for tzid in 'Platform clock' 'Customized Time Zone'; do
  printf '%s\r\n' BEGIN:VCALENDAR VERSION:2.0 PRODID:-//x//y//EN \
    BEGIN:VTIMEZONE "TZID:$tzid" BEGIN:STANDARD DTSTART:19700101T000000 TZOFFSETFROM:+0800 TZOFFSETTO:+0800 END:STANDARD END:VTIMEZONE \
    BEGIN:VEVENT UID:a@example.org DTSTAMP:20261101T000000Z "DTSTART;TZID=$tzid:20261205T020000" "DTEND;TZID=$tzid:20261205T040000" \
    SUMMARY:Window END:VEVENT END:VCALENDAR >"${tzid%% *}.ics"
done
cat >read.mjs <<'JS'
import fs from 'node:fs'
import nodeIcal from 'node-ical'
import ICAL from 'ical.js'
import IcalExpander from 'ical-expander'
import { convertIcsCalendar } from 'ts-ics'
import * as calParser from 'cal-parser'
for (const file of ['Platform', 'Customized']) {
  const text = fs.readFileSync(`${file}.ics`, 'utf8')
  const start = {
    'ical.js': new ICAL.Event(new ICAL.Component(ICAL.parse(text)).getFirstSubcomponent('vevent')).startDate.toJSDate(),
    'ts-ics': convertIcsCalendar(undefined, text).events[0].start.date,
    'node-ical': nodeIcal.sync.parseICS(text)['a@example.org'].start,
    'ical-expander': new IcalExpander({ ics: text }).all().events[0].startDate.toJSDate(),
    'cal-parser': calParser.parseString(text).events[0].dtstart.value,
  }
  for (const name in start) console.log(`${file}: ${name} ${new Date(start[name]).toISOString().slice(5, 16)}`)
}
JS
{
TZ=Europe/Berlin env/bin/python - <<'PY'
from datetime import timezone
import ics, icalendar, vobject

for file in ("Platform", "Customized"):
    text = open(f"{file}.ics", newline="").read()
    for name, start in (
        ("icalendar", icalendar.Calendar.from_ical(text).events[0].start),
        ("vobject", vobject.readOne(text).vevent.dtstart.value),
        ("ics", next(iter(ics.Calendar(text).events)).begin.datetime),
    ):
        print(f"{file}: {name} {start.astimezone(timezone.utc):%m-%dT%H:%M}")
PY
TZ=Europe/Berlin node read.mjs
} >seen.txt
sed 's/^/Seen: /' seen.txt
diff - seen.txt <<'TXT' || { echo CHANGED; exit 1; }
Platform: icalendar 12-04T18:00
Platform: vobject 12-04T18:00
Platform: ics 12-05T02:00
Customized: icalendar 12-04T18:00
Customized: vobject 12-04T18:00
Customized: ics 12-05T02:00
Platform: ical.js 12-04T18:00
Platform: ts-ics 12-04T18:00
Platform: node-ical 12-05T01:00
Platform: ical-expander 12-05T01:00
Platform: cal-parser 12-05T02:00
Customized: ical.js 12-04T18:00
Customized: ts-ics 12-04T18:00
Customized: node-ical 12-04T18:00
Customized: ical-expander 12-05T01:00
Customized: cal-parser 12-05T02:00
TXT
echo 'Four of eight read the definition. ics and cal-parser take the time for UTC, ical-expander for that of the machine; node-ical does so too unless the clock has a name that Outlook gives.'
