"""A receiver's program, run by the Python of .venv-maintnote: says what calendar files announce.

A line on stdin is a file in base64; the line that answers it on stdout is a list of maintenances as JSON.
"""

import base64
import json
import sys
import warnings

warnings.simplefilter("ignore")
from circuit_maintenance_parser import GenericProvider, NotificationData  # noqa: E402

for line in sys.stdin:
    announced = GenericProvider().get_maintenances(NotificationData.init_from_raw("ical", base64.b64decode(line)))
    print(json.dumps([json.loads(maintenance.to_json()) for maintenance in announced]), flush=True)
