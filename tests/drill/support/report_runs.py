"""Render the reports that are due, as a process of its own: `python -m tests.drill.support.report_runs`.

Prints after each the megabytes that it holds.
"""

import re
from pathlib import Path

import django


def held_megabytes() -> float:
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024


def main() -> None:
    from django.utils import timezone

    from sla_portal.reports.operations import due_chunks, render_chunk

    while chunks := due_chunks():
        for ids in chunks:
            for pk in ids:
                if render_chunk(ids=[pk], clock=timezone.now):
                    print(held_megabytes(), flush=True)


if __name__ == "__main__":
    django.setup()
    main()
