"""Months in which the version of the agreement changes, at random: one figure on every page, paper and answer.

Each history is a region in a month. Expected is the plainest count (`tests.support.plainest_count`), which shares no code
with the portal; compared with it are `availability --json`, the stored row, the desk's page, the public page of the closed
month, the figures attached to the PDF, and what the PDF prints. The twin counts by the first version alone.
"""

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.support.parts import Figure
from tests.support.plainest_count import Exclusion, History, Outage, Version, count
from tests.support.servers import set_up

NEEDS = ("postgresql", "pdf")


@dataclass(frozen=True)
class Size:
    histories: int
    months: int


FULL, SMALL = Size(200, months=10), Size(1, months=1)
FUNCTIONS, CLIENTS = ("login", "calls", "preview", "door"), ("app", "device", "web")
READINGS, TARGETS = ("all", "function", "any"), ("99.99", "99.95", "99.5")
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 4, tzinfo=ZoneInfo("UTC"))


def run(size: Size) -> Iterator[Figure]:
    set_up()
    from tests.support.histories import loaded

    dice = random.Random(4)
    months = [date(2025, 1 + number, 1) for number in range(size.months)]
    versions = [a_version("1.0", date(2024, 1, 1), dice) | {"unavailability_reading": "all"}]
    versions += [a_version(f"{month:%Y.%m}", month.replace(day=dice.randint(2, 28)), dice) for month in months]
    regions = [f"r{number}" for number in range(size.histories // size.months)]
    incidents, histories = [], {}
    for code in regions:
        for month in months:
            found, history = a_month(code, month, versions, dice)
            incidents += found
            histories[code, f"{month:%Y-%m}"] = history
    loaded(Path(os.environ["VAR_DIR"]), {
        "format": "sla-portal-history/1", "agreements": versions, "customers": [], "maintenance": [],
        "regions": [{"code": code, "name": code.upper()} for code in regions], "incidents": incidents,
    })  # fmt: skip
    expected = {key: counted(history) for key, history in histories.items()}
    yield Figure("unavailable minutes in all", sum(expected.values()))
    for place, said in everywhere(regions, [f"{month:%Y-%m}" for month in months]):
        differing = sum(said.get(key) != minutes for key, minutes in expected.items())
        yield Figure(f"months that differ from the plainest count, {place}", differing, most=0, required=True)
    by_the_first = {key: counted(replace(history, versions=history.versions[:1])) for key, history in histories.items()}
    differing = sum(by_the_first[key] != minutes for key, minutes in expected.items())
    yield Figure("its twin: months that differ, by the first version alone", differing, least=1, required=True)


def counted(history: History) -> int:
    return len(count(history, None, with_reasons=False).counted)


def a_version(version: str, first_day: date, dice: random.Random) -> dict:
    return {
        "version": version, "effective_on": str(first_day), "availability_target": dice.choice(TARGETS),
        "unavailability_reading": dice.choice(READINGS), "maintenance_notice_hours": 0,
    }  # fmt: skip


def a_month(code: str, month: date, versions: list[dict], dice: random.Random) -> tuple[list[dict], History]:
    """Return the incidents of a region's month for a file, and the same for the plainest count."""
    from tests.support.histories import exclusion, incident, outage

    first = datetime(month.year, month.month, 1, tzinfo=ZONE)
    days = [month + timedelta(days=number) for number in range(31)]
    history = History(
        zone=ZONE, now=int(NOW.timestamp()), functions=len(FUNCTIONS), clients=len(CLIENTS),
        versions=[since(version) for version in versions], outages=[], exclusions=[],
        service_days={day for day in days if day.month == month.month},
    )  # fmt: skip
    incidents = []
    for number in range(dice.randint(2, 5)):
        start = int(first.timestamp()) + dice.randrange(28 * 86400)
        end = start + dice.randint(30, 5400)
        functions = dice.sample(FUNCTIONS, dice.choice((1, 4, 4)))
        clients = dice.sample(CLIENTS, dice.choice((1, 3, 3)))
        cells = frozenset((FUNCTIONS.index(f), CLIENTS.index(c)) for f in functions for c in clients)
        reference = f"{code}-{month:%Y-%m}-{number}"
        history.outages.append(Outage(reference, start, end, cells))
        exclusions = ()
        if dice.random() < 0.4:
            middle = dice.randint(start + 1, end)
            exclusions = (exclusion("4.10", starts_at=text(start), ends_at=text(middle)),)
            history.exclusions.append(Exclusion(reference, "4.10", start, middle, cells))
        down = outage(text(start), text(end), region=code, functions=functions, clients=clients)
        incidents.append(incident(reference, down, exclusions=exclusions))
    return incidents, history


def since(version: dict) -> Version:
    midnight = datetime.fromisoformat(version["effective_on"]).replace(tzinfo=ZONE)
    return Version(int(midnight.timestamp()), version["unavailability_reading"], 0)


def text(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"


def everywhere(regions: list[str], months: list[str]) -> Iterator[tuple[str, dict[tuple[str, str], int | None]]]:
    """Yield each place with the unavailable minutes that it tells, by region and month; None where it tells two figures."""
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from sla_portal.audit.actors import Actor
    from sla_portal.availability.models import RegionMonth
    from sla_portal.availability.operations import close_month, judge_due_months
    from sla_portal.customers.models import Region
    from sla_portal.kernel.months import ServiceMonth
    from sla_portal.reports.queries import RegionRecord
    from tests.support.desk import a_member, signed_in, text_of

    answers: dict[tuple[str, str], dict] = {}
    for month in months:
        output = StringIO()
        call_command("availability", month, "--json", stdout=output)
        answers |= {(one["code"], month): one for one in json.loads(output.getvalue())}
    yield "availability --json", {key: one["unavailable_minutes"] for key, one in answers.items()}

    judge_due_months(now=NOW)
    rows = RegionMonth.objects.select_related("region")
    yield "stored rows", {(row.region.code, f"{row.month:%Y-%m}"): row.unavailable_minutes for row in rows}

    def on_pages(address, client) -> dict[tuple[str, str], int | None]:
        """The minutes of the one formula of a page, where its availability and verdict are those of the answer."""
        told = {}
        for (code, month), one in answers.items():
            page = text_of(client.get(address(code, month)))
            formula = f"1 − {one['unavailable_minutes']} ÷ {one['total_minutes']} = {one['availability']} %"
            verdict = "SLA met" if one["met"] else "SLA breached"
            told[code, month] = one["unavailable_minutes"] if formula in page and verdict in page else None
        return told

    public, desk = Client(), signed_in(a_member("Auditor"))
    for client in (public, desk):
        client.defaults["SERVER_NAME"] = settings.ALLOWED_HOSTS[0]
    yield "page of the desk", on_pages(lambda code, month: reverse("admin:month", args=[month, "region", code]), desk)

    attached, printed = {}, {}
    for region in Region.objects.filter(code__in=regions):
        for month in months:
            figures = RegionRecord(region, ServiceMonth.parse(month), NOW).of_region()
            attached[region.code, month], printed[region.code, month] = on_paper(figures, answers[region.code, month])
    yield "figures attached to the PDF", attached
    yield "pages of the PDF", printed

    for month in months:
        close_month(actor=Actor.system("drill"), month=ServiceMonth.parse(month), now=NOW)
    yield "public page", on_pages(lambda code, month: f"/availability/{code}/{month}/", public)


def on_paper(figures, one: dict) -> tuple[int, int | None]:
    """Return the minutes of the figures attached to a PDF, and those of its formula where that is the answer's."""
    import pikepdf

    from sla_portal.reports.pdf import render
    from tests.support.printed import texts
    from tests.support.statements import issued

    with pikepdf.open(BytesIO(render(issued(figures)))) as pdf:
        attached = json.loads(pdf.attachments["figures.json"].get_file().read_bytes())
        said = "".join("".join(texts(pdf)).split())
    formula = f"1 − {one['unavailable_minutes']} ÷ {one['total_minutes']} = {one['availability']} %"
    printed = one["unavailable_minutes"] if formula.replace(" ", "") in said else None
    return attached["unavailable_minutes"], printed
