#!/usr/bin/env bash
# A page of the Statuspage API v2 during an announced window: one component under maintenance, no incident, indicator "maintenance".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
echo 'Versions: statuspage-prometheus-exporter 2.6.0'
echo "Document: the package's README: statuspage_service_status is 0 for an incident or degraded, statuspage_component_status for degraded"
echo '  or outage, and maintenance is a metric of its own. Statuspage API v2: under_maintenance is a status beside those of an outage.'
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -qq --no-compile statuspage-prometheus-exporter==2.6.0
cd "$dir"; echo '{}' >services.json
env/bin/python - <<'PY' 2>log || { cat log; exit 1; }
import http.server, json, sys, threading

page = {
    "page": {"id": "p1", "name": "Example", "url": "https://status.example.org", "time_zone": "Etc/UTC", "updated_at": "2026-11-30T01:00:00Z"},
    "status": {"indicator": "maintenance", "description": "Service Under Maintenance"},
    "components": [{"id": "c1", "name": "API", "status": "under_maintenance", "group": False, "group_id": None}],
    "incidents": [],
    "scheduled_maintenances": [{"id": "m1", "name": "Upgrade", "status": "in_progress", "impact": "maintenance",
                                "scheduled_for": "2026-11-30T00:00:00Z", "scheduled_until": "2026-11-30T02:00:00Z", "resolved_at": None}],
}

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(page).encode())

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()

from statuspage_prometheus_exporter.service_checker import check_service_status
from statuspage_prometheus_exporter.uptime_tracker import append_status_sample, compute_uptime_percentages

url = f"http://127.0.0.1:{server.server_port}/api/v2/summary.json"
seen = check_service_status("example", {"name": "Example", "url": url})
append_status_sample("example", 1)
append_status_sample("example", seen["status"])
uptime = compute_uptime_percentages("example")["24h"]
print("Seen:", seen["status"], seen["raw_status"], "|", seen["status_text"], "|", seen["details"], "| uptime of two samples:", uptime)
if (seen["status"], seen["raw_status"], seen["status_text"], uptime) != (0, "minor", "Minor Outage", 50):
    sys.exit("CHANGED")
print("The page's indicator is replaced: an announced window becomes a minor outage and lowers the uptime.")
PY
