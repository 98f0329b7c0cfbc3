#!/usr/bin/env bash
# One instant, given in two zones, as the time of a signed webhook.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: standardwebhooks 1.1.0, svix 2.9.1 (Python)'
echo 'Document: Standard Webhooks specification: what is signed holds the timestamp of the header, in seconds since the epoch.'
echo '  sign() takes that timestamp as a datetime; an aware one names an instant in any zone.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile standardwebhooks==1.1.0
"$dir/env/bin/pip" install -qq --no-compile svix==2.9.1
"$dir/env/bin/python" - <<'PY'
import sys
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import standardwebhooks, svix

SECRET = "whsec_" + "c21hbGwgZXhhbXBsZSBrZXkgb2YgMzIgYnl0ZXMhISE="
BODY = '{"type":"month.closed"}'
seen = {}
for package, made in (("standardwebhooks", standardwebhooks.Webhook), ("svix", svix.Webhook)):
    for zone in ("UTC", "Asia/Shanghai", "America/New_York"):
        now = datetime.now(timezone.utc).astimezone(ZoneInfo(zone))
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())),
                   "webhook-signature": made(SECRET).sign("msg_1", now, BODY)}
        try:
            made(SECRET).verify(BODY, headers)
            seen[package, zone] = "verified"
        except Exception as refused:
            seen[package, zone] = str(refused)
        print(f"Seen: {package}, signed with the time in {zone}: {seen[package, zone]}")
if {answer for (_, zone), answer in seen.items() if zone == "UTC"} != {"verified"} or {
    answer for (_, zone), answer in seen.items() if zone != "UTC"
} != {"No matching signature found"}:
    sys.exit("CHANGED")
print("sign() takes the wall clock of any aware datetime for UTC: the same instant, given in another zone, is signed as another time.")
PY
