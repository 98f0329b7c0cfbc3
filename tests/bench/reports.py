"""A report against bare WeasyPrint on the same HTML, against one paragraph, and on pages that are already laid out.

The reference is given the finished HTML of the whole report (the own parts and the shared ones in one document) and the
parsed stylesheet, and prints it in the same form with the same attachment. All run in turn in one process, and of each
the shortest processor time stands: the one least disturbed. Peak memory is that of processes of their own.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.parts import Figure
from tests.support.servers import peak_megabytes

NEEDS = ("pdf",)


@dataclass(frozen=True)
class Size:
    rounds: int
    events_of_the_heaviest: int


FULL = Size(8, events_of_the_heaviest=300)
SMALL = Size(1, events_of_the_heaviest=2)
MONTHS = {2: "calm month", 12: "eventful month"}
"""By the number of failure events."""
AIM_BARE, AIM_SHARED = 1.15, 0.2


def run(size: Size) -> Iterator[Figure]:
    import django

    django.setup()
    for events, title in MONTHS.items():
        yield from measure(events, title, size.rounds)
    for what, title in (("ours", "a report"), ("bare", "bare WeasyPrint")):
        command = [sys.executable, "-m", "tests.bench.reports", what, str(size.events_of_the_heaviest)]
        megabytes = float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        yield Figure(f"peak memory, {size.events_of_the_heaviest} events, {title}", megabytes, "MB")


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
    stylesheets = [printing._stylesheet("report.css")]
    return HTML(string=html).write_pdf(
        font_config=FontConfiguration(), stylesheets=stylesheets, attachments=[attached], **printing.FORM
    )


def measure(events: int, title: str, rounds: int) -> Iterator[Figure]:
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
    for number in range(rounds):
        times["bare"].append(timed(lambda: bare(html, statement)))
        times["full"].append(timed(full))
        other = issued(customer(figures, code=f"C-{number:03}", name="Hafen Residences"))
        times["shared"].append(timed(lambda: render(other)))  # noqa: B023
        times["paragraph"].append(timed(lambda: bare(one_paragraph, statement)))
    best = {name: min(taken) for name, taken in times.items()}
    yield Figure(f"{title}, a report", best["full"] / best["bare"], "× bare WeasyPrint", most=AIM_BARE)
    yield Figure(f"{title}, a report", best["full"] / best["paragraph"], "× one paragraph")
    yield Figure(f"{title}, shared pages at hand", best["shared"] / best["full"], "of a full one", most=AIM_SHARED)
    yield Figure(f"{title}, a report", best["full"] * 1000, "ms")
    yield Figure(f"{title}, shared pages at hand", best["shared"] * 1000, "ms")


def print_peak_memory(what: str, events: int) -> None:
    """Print the report of a month with so many events, or its reference, and say in megabytes what it took."""
    import django

    django.setup()
    from sla_portal.reports.pdf import render
    from tests.support.statements import eventful_month, issued

    statement = issued(eventful_month(events))
    if what == "ours":
        render(statement)
    else:
        bare(whole(statement), statement)
    print(peak_megabytes())


if __name__ == "__main__":
    print_peak_memory(sys.argv[1], int(sys.argv[2]))
