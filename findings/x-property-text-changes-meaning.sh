#!/usr/bin/env bash
# The same text as SUMMARY and as X-MAINTNOTE-PROVIDER of a maintenance notice, written by one release of icalendar and read by another.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: icalendar 6.3.1 and 7.3.2'
echo 'Document: RFC 5545 section 3.8.8.2: the default type of an X- property is TEXT, whose commas are escaped (section 3.3.11).'
echo '  icalendar 7 (documentation of vUnknown): since 7.2.0 values of unknown properties are kept as they are, after RFC 7265.'
python3 -m venv "$dir/env"
for version in 6.3.1 7.3.2; do
  "$dir/env/bin/pip" install -qq --no-compile --target "$dir/$version" "icalendar==$version"
done
run() { PYTHONPATH="$dir/$1" "$dir/env/bin/python" "$dir/$2"; }
cat >"$dir/write.py" <<'PY'
import sys, icalendar

event = icalendar.Event()
event.add("summary", "Fibre, Ltd")
event.add("x-maintnote-provider", "Fibre, Ltd")
sys.stdout.buffer.write(event.to_ical())
PY
cat >"$dir/read.py" <<'PY'
import sys, icalendar

event = icalendar.Event.from_ical(sys.stdin.buffer.read())
print(f"summary {event['SUMMARY']} | provider {event['X-MAINTNOTE-PROVIDER']}")
PY
for writer in 6.3.1 7.3.2; do
  for reader in 6.3.1 7.3.2; do
    echo "written by $writer, read by $reader: $(run "$writer" write.py | run "$reader" read.py)"
  done
done | tee "$dir/seen"
diff "$dir/seen" - <<'END' || { echo CHANGED; exit 1; }
written by 6.3.1, read by 6.3.1: summary Fibre, Ltd | provider Fibre, Ltd
written by 6.3.1, read by 7.3.2: summary Fibre, Ltd | provider Fibre\, Ltd
written by 7.3.2, read by 6.3.1: summary Fibre, Ltd | provider Fibre, Ltd
written by 7.3.2, read by 7.3.2: summary Fibre, Ltd | provider Fibre, Ltd
END
echo 'A notice of the older release gains a backslash in the newer; that one writes plain text unescaped, which RFC 5545 has as two values.'
