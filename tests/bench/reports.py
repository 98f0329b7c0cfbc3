"""A report against bare WeasyPrint on the same HTML, against one paragraph, and on pages that are already laid out.

The reference is given the finished HTML of the whole report (the own parts and the shared ones in one document) and the
parsed stylesheet, and prints it in the same form with the same attachment. All run in turn in one process, and of each
the shortest processor time stands: the one least disturbed. Peak memory is that of processes of their own.
"""

import os
import resource
import subprocess
import sys
import time

ROUNDS = 8
EVENTS = {2: "a calm month", 12: "an eventful month"}
AIM_BARE, AIM_SHARED = 1.15, 0.2


def run() -> None:
    """Measure in a process of its own, with Django set up, and memory in others."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    for part in ("times", "ours", "bare"):
        subprocess.run([sys.executable, "-m", "tests.bench.reports", part], env=environment, check=True)


def whole(statement) -> str:
    """One HTML document that says all that the report says."""
    from django.template.loader import render_to_string

    from sla_portal.reports.pdf import printing
    from sla_portal.reports.rules import shared

    own = render_to_string("reports/own.html", {**printing._own_context(statement, 2), "pages": 4})
    body = render_to_string("reports/shared.html", printing._shared_context(**shared(statement)))
    content = body.partition("<body>")[2].partition("</body>")[0]
    before, _sheet, after = own.partition('<div class="sheet">')
    return f"{before}{content}<div>{after}"


def bare(html: str, statement) -> bytes:
    from datetime import datetime

    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    from sla_portal.reports.pdf import printing

    attached = printing._attached(statement["figures"], datetime.fromisoformat(statement["issue"]["issued_at"]))
    return HTML(string=html).write_pdf(
        font_config=FontConfiguration(), stylesheets=[printing._stylesheet()], attachments=[attached], **printing.FORM
    )


def measure(events: int, title: str) -> None:
    from sla_portal.reports.pdf import printing, render
    from tests.support.statements import customer, eventful_month, issued

    figures = eventful_month(events)
    statement = issued(figures)
    html = whole(statement)
    one_paragraph = '<html lang="en"><title>One</title><p>One paragraph.</p></html>'

    def timed(work) -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    def full() -> None:
        printing._bodies.cache_clear()
        render(statement)

    times: dict[str, list[float]] = {"bare": [], "full": [], "shared": [], "paragraph": []}
    for number in range(ROUNDS):
        times["bare"].append(timed(lambda: bare(html, statement)))
        times["full"].append(timed(full))
        other = issued(customer(figures, code=f"C-{number:03}", name="Hafen Residences"))
        times["shared"].append(timed(lambda: render(other)))  # noqa: B023
        times["paragraph"].append(timed(lambda: bare(one_paragraph, statement)))
    best = {name: min(taken) for name, taken in times.items()}
    print(
        f"  {title}: {best['full'] / best['bare']:.2f} × bare WeasyPrint (aim {AIM_BARE}),"
        f" {best['full'] / best['paragraph']:.1f} × one paragraph;"
        f" shared pages at hand {best['shared'] / best['full']:.2f} of a full one (aim {AIM_SHARED})"
        f"   [{best['full'] * 1000:.0f} ms, {best['shared'] * 1000:.0f} ms]",
        flush=True,
    )


def main(part: str) -> None:
    import django

    django.setup()
    from sla_portal.reports.pdf import render
    from tests.support.statements import eventful_month, issued

    if part == "times":
        for events, title in EVENTS.items():
            measure(events, title)
        return
    statement = issued(eventful_month(300))
    if part == "ours":
        render(statement)
    else:
        bare(whole(statement), statement)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  peak memory, 300 events, {'a report' if part == 'ours' else 'bare WeasyPrint'}: {peak} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
