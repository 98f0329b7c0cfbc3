#!/usr/bin/env bash
# One working minute from Friday 16:59:30, open 9 to 17 on weekdays, by two packages.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: npm: dayjs-business-time 1.0.4 with dayjs 1.11.23, moment-business-time 2.0.0 with moment 2.30.1'
echo "Document: the package's README: business times are all minutes between start and end of a segment. 30 seconds are left on Friday, 30 are"
echo '  due on Monday: 09:00:30.'
npm install --silent --no-audit --no-fund --prefix "$dir" dayjs@1.11.23 dayjs-business-time@1.0.4 moment@2.30.1 moment-business-time@2.0.0 \
  >"$dir/log" || { cat "$dir/log"; exit 1; }
cd "$dir"
TZ=UTC node --input-type=commonjs - <<'JS' | tee seen
const dayjs = require('dayjs'), moment = require('moment-business-time');
dayjs.extend(require('dayjs-business-time'));
const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'];
const hours = weekdays.map(day => [day, [{start: '09:00:00', end: '17:00:00'}]]);
dayjs.setBusinessTime({sunday: null, saturday: null, ...Object.fromEntries(hours)});
moment.updateLocale('en', {workinghours: {0: null, 6: null, ...Object.fromEntries([1, 2, 3, 4, 5].map(day => [day, ['09:00:00', '17:00:00']]))}});
for (const start of ['2026-11-27T16:59:30', '2026-11-27T16:59:59', '2026-11-27T16:58:30']) {
  const a = dayjs(start).addBusinessMinutes(1).format('ddd HH:mm:ss');
  const b = moment(start).addWorkingTime(1, 'minutes').format('ddd HH:mm:ss');
  console.log(`Friday ${start.slice(11)} and a minute: dayjs ${a}, moment ${b}`);
}
JS
diff seen - <<'END' || { echo CHANGED; exit 1; }
Friday 16:59:30 and a minute: dayjs Mon 09:01:00, moment Mon 09:00:30
Friday 16:59:59 and a minute: dayjs Mon 09:01:00, moment Mon 09:00:59
Friday 16:58:30 and a minute: dayjs Fri 16:59:30, moment Fri 16:59:30
END
echo 'dayjs-business-time drops the begun minute at closing time: a deadline is up to 59 seconds late, and only across a night.'
