"""A report against bare WeasyPrint, on pages that are laid out already, and against the build of an earlier commit.

Bare WeasyPrint is given the finished HTML of the whole report (the own parts and the shared ones in one document) and the
parsed stylesheet, and prints it in the same form with the same attachment. Where the variable EARLIER_BUILD names a work
tree of an earlier commit, it renders the same statements in a process of its own, in turns with this one's. Of each the
shortest processor time stands: the one least disturbed. Peak memory is that of processes of their own.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.parts import Figure
from tests.support.servers import peak_megabytes

NEEDS = ("pdf",)


@dataclass(frozen=True)
class Size:
    rounds: int
    events_of_the_heaviest: int


FULL = Size(8, events_of_the_heaviest=300)
SMALL = Size(1, events_of_the_heaviest=2)
MONTHS = {0: "quiet month", 2: "calm month", 12: "eventful month"}
"""By the number of failure events."""
AIM_BARE, AIM_SHARED, AIM_EARLIER = 1.15, 0.2, 0.35
EARLIER = "EARLIER_BUILD"
RENDERER = """
import json, sys, time, django
django.setup()
try:
    from sla_portal.reports.pdf import render
except ImportError:  # before the package had this name
    from sla_portal.reports.paper import render
for line in sys.stdin:
    statement, begun = json.loads(line), time.process_time()
    size = len(render(statement))
    print(time.process_time() - begun, size, flush=True)
"""


def run(size: Size) -> Iterator[Figure]:
    import django

    django.setup()
    for events, title in MONTHS.items():
        yield from measure(events, title, size.rounds)
    earlier = os.environ.get(EARLIER)
    if earlier:
        for events, title in MONTHS.items():
            yield from against(Path(earlier), events, title, size.rounds)
    for what, title in (("ours", "a report"), ("bare", "bare WeasyPrint")):
        command = [sys.executable, "-m", "tests.bench.reports", what, str(size.events_of_the_heaviest)]
        megabytes = float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        yield Figure(f"peak memory, {size.events_of_the_heaviest} events, {title}", megabytes, "MB")


def whole(statement) -> str:
    """One HTML document that says all that the report says."""
    from django.template.loader import render_to_string

    from sla_portal.reports.pdf import printing
    from sla_portal.reports.rules import canonical, digest, shared

    bodies = printing._bodies(canonical(shared(statement)).decode())
    context = printing._own_context(statement, digest(statement["figures"]), bodies)
    own = printing._own_html({**context, "taken": 0}, printing._Places(pages=4, changes=0, parties=4))
    body = render_to_string("reports/shared.html", printing._shared_context(**shared(statement)))
    content = body.partition("<body>")[2].partition("</body>")[0]
    before, _sheet, after = own.partition('<div class="sheet">')
    return f"{before}{content}<div>{after}"


def bare(html: str, statement) -> bytes:
    from datetime import datetime

    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    from sla_portal.reports.pdf import printing
    from sla_portal.reports.rules import canonical

    issued_at = datetime.fromisoformat(statement["issue"]["issued_at"])
    attached = printing._attached(canonical(statement["figures"]), issued_at)
    stylesheets = [printing._stylesheet("report.css")]
    return HTML(string=html).write_pdf(
        font_config=FontConfiguration(), stylesheets=stylesheets, attachments=[attached], **printing.FORM
    )


def measure(events: int, title: str, rounds: int) -> Iterator[Figure]:
    from sla_portal.reports.pdf import printing, render
    from tests.support.statements import customer, issued

    figures = month(events)
    statement = issued(figures)
    html = whole(statement)
    one_paragraph = '<html lang="en"><title>One</title><p>One paragraph.</p></html>'

    def timed(work) -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    def full() -> None:
        printing._bodies.cache_clear()
        printing._prepared.cache_clear()
        render(statement)

    render(issued(customer(figures)))
    times: dict[str, list[float]] = {"bare": [], "full": [], "shared": [], "paragraph": []}
    for number in range(rounds):
        times["bare"].append(timed(lambda: bare(html, statement)))
        times["full"].append(timed(full))
        render(issued(customer(figures)))
        other = issued(customer(figures, code=f"C-{number:03}", name="Hafen Residences"))
        times["shared"].append(timed(lambda: render(other)))  # noqa: B023
        times["paragraph"].append(timed(lambda: bare(one_paragraph, statement)))
    best = {name: min(taken) for name, taken in times.items()}
    yield Figure(f"{title}, a report", best["full"] / best["bare"], "× bare WeasyPrint", most=AIM_BARE)
    yield Figure(f"{title}, a report", best["full"] / best["paragraph"], "× one paragraph")
    yield Figure(f"{title}, shared pages at hand", best["shared"] / best["full"], "of a full one", most=AIM_SHARED)
    yield Figure(f"{title}, a report", best["full"] * 1000, "ms")
    yield Figure(f"{title}, shared pages at hand", best["shared"] * 1000, "ms")


def month(events: int):
    from tests.support.statements import eventful_month, quiet_month

    return eventful_month(events) if events else quiet_month()


@contextmanager
def renderer(tree: Path) -> Iterator[Callable[[dict], tuple[float, int]]]:
    """Render statements in a process of a work tree; returns the seconds of processor and the bytes of each."""
    with subprocess.Popen(
        [sys.executable, "-c", RENDERER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tree,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "sla_portal.settings", "PYTHONPATH": str(tree)},
    ) as process:  # fmt: skip

        def render(statement: dict) -> tuple[float, int]:
            process.stdin.write(json.dumps(statement) + "\n")
            process.stdin.flush()
            seconds, size = process.stdout.readline().split()
            return float(seconds), int(size)

        yield render
        process.stdin.close()


def against(earlier: Path, events: int, title: str, rounds: int) -> Iterator[Figure]:
    from tests.support.statements import customer, issued

    figures = month(events)
    statements = [issued(customer(figures, code=f"C-{number:03}")) for number in range(rounds + 1)]
    with renderer(Path.cwd()) as ours, renderer(earlier) as theirs:
        ours(statements[0]), theirs(statements[0])
        pairs = [(ours(statement), theirs(statement)) for statement in statements[1:]]
    new, old = (min(seconds for seconds, _size in side) for side in zip(*pairs, strict=True))
    (_, size), (_, size_before) = pairs[0]
    yield Figure(f"{title}, shared pages at hand", new / old, "× the earlier build", most=AIM_EARLIER)
    yield Figure(
        f"{title}, bytes ({size} now, {size_before} before)", size / size_before, "× the earlier build", most=1
    )


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
