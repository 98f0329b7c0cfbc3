#!/usr/bin/env bash
# A failed delivery reported twice: as RFC 3464 has it, and as a server that speaks SMTPUTF8 reports the same plain ASCII address.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: flufl.bounce 6.0.0, bounced 0.3.0'
echo 'Document: RFC 6533 section 4: message/global-delivery-status stands for message/delivery-status, with the fields of RFC 3464.'
echo '  flufl.bounce documents itself as detectors of bounces, bounced as telling which messages bounced.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile flufl.bounce==6.0.0 bounced==0.3.0
"$dir/env/bin/python" - <<'PY'
import email, sys
from bounced import get_bounces
from flufl.bounce import scan_message

def report(kind):
    return email.message_from_string("\n".join([
        "From: mailer-daemon@mx.example", "To: sender@example.org", "Subject: Undelivered", "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"', "", "--b", "Content-Type: text/plain", "", "See below.", "",
        "--b", f"Content-Type: message/{kind}", "", "Reporting-MTA: dns; mx.example", "",
        "Final-Recipient: rfc822; ops@customer.example", "Action: failed", "Status: 5.1.1", "", "--b--", ""]))

seen = {}
for kind in ("delivery-status", "global-delivery-status"):
    seen[kind] = (sorted(scan_message(report(kind))), sorted(bounce.recipient[1] for bounce in get_bounces(report(kind)) or ()))
    print(f"Seen: {kind}: flufl.bounce {seen[kind][0]}, bounced {seen[kind][1]}")
if seen != {"delivery-status": ([b"ops@customer.example"], ["ops@customer.example"]), "global-delivery-status": ([], [])}:
    sys.exit("CHANGED")
print("Both find the failure only under the older media type; the newer report counts as no bounce at all.")
PY
