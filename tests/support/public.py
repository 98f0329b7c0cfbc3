"""A portal with something of everything that the public may see, and much that it may not."""

import re
from html import unescape

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client

from incidents.models import Incident, Update
from maintenance.models import MaintenanceNotice
from maintenance.operations import announce_window
from sla_portal.agreements.models import AgreementVersion, Clause
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import Evidence
from sla_portal.availability.operations import close_month, merge_incident, void_incident
from sla_portal.customers.models import Contact
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.operations import give_notice
from sla_portal.notices.wording import Words

from .builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, an_outage, at, on

NOW = at("2026-11-22 10:00")
SEPTEMBER, OCTOBER = ServiceMonth(2026, 9), ServiceMonth(2026, 10)
CANARY = "canarybird"
"""Stands in every field that is nobody's business."""


def a_resolved_incident(start: str, end: str, reference: str = "", **values) -> Incident:
    given = {"attributable": True, "detected_at": at(start), "resolved_at": at(end), **values}
    incident = an_incident(reference, **given)
    an_outage(a_region(name="Europe"), start, end, incident=incident)
    return incident


def said(incident: Incident, when: str, text: str, *, public: bool = True, by: User | None = None) -> Update:
    return Update.objects.create(
        incident=incident, at=at(when), text=text, public=public, author=by, author_name=f"{CANARY} author"
    )


def an_announcement(
    subject: str = "A new data centre", *, public: bool = True, when: str = "2026-11-01 08:00", **values
):
    told = {"kind": "announcement", "about": "", **values}
    words = [
        Words("en", subject, f"{subject}.\n\nNothing changes for you."),
        Words("zh-hans", "新的数据中心", "对您没有影响。"),
    ]
    return give_notice(
        actor=Actor.system(f"{CANARY} legal"), wordings=words, audience=Contact.objects.none(), public=public,
        now=at(when), **told,
    )  # fmt: skip


def everything() -> None:
    """Two regions, incidents over and going on, windows of every phase, closed months, announcements, two versions."""
    person = User.objects.create_user(
        f"{CANARY}-user", f"{CANARY}@example.com", first_name=f"{CANARY} first", last_name=f"{CANARY} last"
    )
    europe, asia = a_region(name="Europe"), a_region("asia", name="Asia")
    customer = a_customer(europe, code=f"{CANARY}-C1", name=f"{CANARY} Residences")
    Contact.objects.create(customer=customer, email=f"{CANARY}-contact@example.com", name=f"{CANARY} contact")
    a_contract(customer, "2026-01-01", "2026-12-31", reference=f"{CANARY}-K1")

    over = a_resolved_incident(
        "2026-09-10 01:00", "2026-09-10 01:37", "INC-1", title=f"{CANARY} title", ticket_number=f"{CANARY}-T1"
    )
    said(over, "2026-09-10 01:05", "We are looking for the cause.")
    said(over, "2026-09-10 01:06", f"{CANARY} internal", public=False, by=person)
    excluded = a_resolved_incident(
        "2026-09-12 01:00", "2026-09-12 01:30", "INC-2", title=f"{CANARY} title", attributable=False
    )
    exclusion = an_exclusion(
        excluded, "4.11", reason=f"{CANARY} reason", evidence=f"{CANARY} evidence", third_party=f"{CANARY} Cloud",
        third_party_incident=f"{CANARY}-TP", decision_reason=f"{CANARY} decision", proposed_by=person,
    )  # fmt: skip
    Evidence.objects.create(
        exclusion=exclusion, name=f"{CANARY}.pdf", size=4, sha256="0" * 64, added_at=NOW, added_by_name=f"{CANARY} adder",
        file=ContentFile(b"%PDF", name=f"{CANARY}.pdf"),
    )  # fmt: skip
    ongoing = an_incident("INC-3", title=f"{CANARY} title", detected_at=at("2026-11-22 09:50"))
    an_outage(asia, "2026-11-22 09:48:30", None, incident=ongoing, functions=("login",), clients=("app", "web"))
    said(ongoing, "2026-11-22 09:55", "Logins fail on app and web.")
    slip = a_resolved_incident("2026-11-20 01:00", "2026-11-20 01:30", "INC-4", title=f"{CANARY} title")
    void_incident(
        actor=Actor.system(f"{CANARY} noc"), incident=slip, reason=f"{CANARY} slip", now=at("2026-11-20 02:00")
    )
    twice = an_incident("INC-5", title=f"{CANARY} title", detected_at=at("2026-11-22 09:49:30"))
    an_outage(asia, "2026-11-22 09:49", None, incident=twice, functions=("login",), clients=("app",))
    merge_incident(
        actor=Actor.system(f"{CANARY} noc"), incident=twice, into=ongoing, take_over=(), propose_anew=(),
        reason=f"{CANARY} twice", now=at("2026-11-22 09:58"),
    )  # fmt: skip
    # Nothing was down and nothing said: not public.
    an_incident("INC-9", title=f"{CANARY} title", detected_at=at("2026-11-20 09:00"))
    said(an_incident(f"INC-{CANARY}", detected_at=at("2026-11-21 09:00")), "2026-11-21 09:10", CANARY, public=False)

    planned = a_window("2026-12-01 01:00", "2026-12-01 02:00", reference="MW-1", title="Database upgrade")
    announce_window(
        actor=Actor.system(f"{CANARY} noc"), window=planned, starts_at=at("2026-12-01 01:00"),
        ends_at=at("2026-12-01 02:00"), now=at("2026-11-20 08:00"),
    )  # fmt: skip
    under_way = ("2026-11-20 08:00", "2026-11-22 09:30", "2026-11-22 11:00")
    a_window("2026-11-22 09:30", "2026-11-22 11:00", under_way, reference="MW-2", title="Cutover")
    was = ("2026-10-01 08:00", "2026-10-05 01:00", "2026-10-05 02:00")
    a_window("2026-10-05 01:00", "2026-10-05 02:00", was, reference="MW-3", title="Repair", kind="repair")
    a_window(
        "2026-12-05 01:00", "2026-12-05 02:00", ("2026-11-20 08:00", "2026-12-05 01:00", "2026-12-05 02:00"),
        ("2026-11-21 08:00", None, None), reference="MW-4", title="Drill", cancelled_at=at("2026-11-21 08:00"),
    )  # fmt: skip
    a_window("2026-12-07 01:00", "2026-12-07 02:00", reference=f"MW-{CANARY}", title=f"{CANARY} draft")
    assert MaintenanceNotice.objects.count() == 5

    an_announcement()
    an_announcement(f"{CANARY} only for some", public=False)

    AgreementVersion.objects.create(version=f"{CANARY}-draft", effective_on=on("2027-03-01"))
    amended = AgreementVersion.objects.create(
        version="2.0", effective_on=on("2027-01-01"), published_at=at("2026-11-20 08:00")
    )
    Clause.objects.create(
        agreement_version=amended, number="1.4", heading="Minutes", summary="As before.", wording="It is so."
    )
    for month in (SEPTEMBER, OCTOBER):
        close_month(actor=Actor.system(f"{CANARY} closer"), month=month, now=NOW)


def addresses(client: Client) -> dict[str, bytes]:
    """Every public address that can be reached from the front page, the feeds and the API, with what it answers."""
    found: dict[str, bytes] = {}
    waiting = ["/", "/robots.txt", "/api/v2/nothing.json", "/nothing/"]
    while waiting:
        address = waiting.pop()
        if address in found or address.startswith(("/admin/", "/static/")):
            continue
        response = client.get(address)
        found[address] = response.content
        if response["Content-Type"].startswith("text/html"):
            links = [unescape(link) for link in re.findall(r'href="([^"#]+)', response.content.decode())]
            for link in links:
                path = link.removeprefix(settings.SITE_URL) or "/"
                waiting.append(address.partition("?")[0] + path if path.startswith("?") else path)
    return found
