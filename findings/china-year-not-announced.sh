#!/usr/bin/env bash
# Working days of China in years whose make-up working days a package does not have (the State Council announces them late in the year before).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: holidays 0.109, chinesecalendar 1.11.0, workalendar 17.0.0; npm: chinese-days 1.5.7'
echo 'Document: 1 January is a holiday by article 2 of the regulation on public holidays; Sunday 4 February 2024 was a working day (notice of'
echo '  the General Office of the State Council of October 2023). workalendar warns that it knows 2018 to 2023, chinese-days to 2026.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile holidays==0.109 chinesecalendar==1.11.0 workalendar==17.0.0
npm install --silent --no-audit --no-fund --prefix "$dir" chinese-days@1.5.7 >"$dir/log" || { cat "$dir/log"; exit 1; }
cd "$dir"
{
env/bin/python -W ignore - <<'PY'
import datetime, chinese_calendar, holidays
from workalendar.asia import China

DAYS = [datetime.date(2027, 1, 1), datetime.date(2027, 2, 5), datetime.date(2024, 2, 4), datetime.date(2024, 2, 5)]
for name, works in {"holidays": holidays.China().is_working_day, "chinesecalendar": chinese_calendar.is_workday,
                    "workalendar": China().is_working_day}.items():
    answers = []
    for day in DAYS:
        try:
            answers.append("works" if works(day) else "free")
        except Exception as refusal:
            answers.append(type(refusal).__name__)
    print(f"{name}:", ", ".join(f"{day:%Y-%m-%d} {answer}" for day, answer in zip(DAYS, answers)))
PY
node --input-type=commonjs - <<'JS'
const {isWorkday} = require('chinese-days');
const days = ['2027-01-01', '2027-02-05', '2024-02-04', '2024-02-05'];
console.log('chinese-days: ' + days.map(day => `${day} ${isWorkday(day) ? 'works' : 'free'}`).join(', '));
JS
} | tee seen
diff seen - <<'END' || { echo CHANGED; exit 1; }
holidays: 2027-01-01 free, 2027-02-05 free, 2024-02-04 works, 2024-02-05 works
chinesecalendar: 2027-01-01 NotImplementedError, 2027-02-05 NotImplementedError, 2024-02-04 works, 2024-02-05 works
workalendar: 2027-01-01 CalendarError, 2027-02-05 CalendarError, 2024-02-04 free, 2024-02-05 CalendarError
chinese-days: 2027-01-01 works, 2027-02-05 works, 2024-02-04 works, 2024-02-05 works
END
echo 'chinese-days makes New Year a working day, holidays guesses without saying so, and workalendar refuses weekdays but answers for'
echo 'weekends, where the make-up days are; only chinesecalendar refuses the year.'
