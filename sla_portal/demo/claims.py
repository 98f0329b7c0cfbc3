"""Claims of the demo's customers, from submission to appeal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from io import BytesIO
from uuid import UUID, uuid5

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from claims.emails import draft
from claims.models import Application, Claim, Source
from claims.operations import (
    appeal_refusal,
    ask_customer,
    decide,
    receive_claim,
    recommend,
    redeem_voucher,
)
from claims.operations.applying import (
    FORM,
    ask_for_code,
    confirm_code,
    mail_requested,
    start_application,
    submit_application,
)
from claims.operations.proofs import add_proof
from claims.queries import assess
from claims.queries.applying import CONTRACT, hashed
from sla_portal.availability.operations import propose_own_exclusion
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.notices.models import Delivery, Kind
from sla_portal.notices.private import code

from .story import MINUTES, Story

KEYS = UUID("5c1a0e9e-0d6b-4d0c-9a52-6f3f3b0f6d11")
"""Namespace of the idempotency keys of decisions."""

Proof = Callable[[datetime], SimpleUploadedFile]
"""Creates a proof file about an outage at a given time."""


def claims(story: Story) -> None:
    """Create claims in every status, on any day: the claim periods of three and two months ago are open or closed by now."""
    dns, calls = story.clock(3, 19, "18:04:00"), story.clock(2, 13, "23:30:00")
    granted(story, dns)
    pending_approval(story, dns)
    caused_by_the_customer(story, dns)
    refused_and_appealed(story, calls)
    waiting_on_customer(story, calls)
    by_phone_without_proof(story, calls)
    not_open_yet(story)
    by_form(story, story.clock(1, 12, "19:21:00"))


def granted(story: Story, down_at: datetime) -> None:
    """Grant one claim as extension and voucher, one as a voucher that is then redeemed."""
    clock = story.clock
    take(story, "marina", "K-2003-1", down_at, 9, clock(2, 20, "11:00"), screenshot, source=Source.TICKET)
    review(story, "marina", "grant", "3.2", clock(2, 22, "10:00"), clock(2, 22, "15:00"), voucher_minutes=5)
    take(story, "haiwan", "K-2001-1", down_at, 12, clock(2, 20, "15:30"), email_of_a_tenant)
    review(story, "haiwan", "grant", "3.2", clock(2, 23, "10:00"), clock(2, 23, "11:30"), voucher_minutes=9)

    def redeem(at: datetime) -> None:
        compensation = of(story, "haiwan").compensations.get()
        redeem_voucher(
            actor=story.people["support3"], voucher=compensation.voucher, reference="Invoice R-20417", now=at
        )

    story.then(clock(1, 25, "10:00"), redeem)


def pending_approval(story: Story, down_at: datetime) -> None:
    clock = story.clock
    take(story, "wutongli", "K-2002-1", down_at, 10, clock(1, 21, "09:40"), screenshot)
    review(story, "wutongli", "grant", "3.2", clock(1, 24, "14:00"), None)


def caused_by_the_customer(story: Story, down_at: datetime) -> None:
    """Part of the downtime was caused by the customer's own line; another person must confirm that."""
    clock = story.clock
    take(story, "bachdang", "K-2004-1", down_at, 9, clock(1, 19, "16:00"), probe_log, source=Source.TICKET)

    def propose(at: datetime) -> None:
        claim = of(story, "bachdang")
        propose_own_exclusion(
            actor=story.people["support"],
            customer=claim.contract.customer,
            clause="4.5",
            starts_at=down_at,
            ends_at=down_at + 4 * MINUTES,
            reason="The customer's own internet line was down until 18:08, independently of our outage.",
            evidence="Probe log sent by the customer: no route to its own provider.",
            now=at,
        )

    story.then(clock(1, 23, "09:15"), propose)


def refused_and_appealed(story: Story, down_at: datetime) -> None:
    clock = story.clock
    take(story, "maple", "K-3001-1", down_at, 18, clock(1, 20, "22:10"), screenshot)
    review(story, "maple", "refuse", "2", clock(1, 22, "10:00"), clock(1, 22, "16:00"))
    story.then(
        clock(1, 25, "21:00"),
        lambda at: appeal_refusal(
            actor=story.people["support"],
            claim=of(story, "maple"),
            text="The customer appeals by e-mail: without calls no visitor can be let in, even if the other functions work.",
            now=at,
        ),
    )


def waiting_on_customer(story: Story, down_at: datetime) -> None:
    clock = story.clock
    take(story, "penascal", "K-3003-1", down_at, 18, clock(1, 20, "23:00"), None, source=Source.TICKET)
    story.then(
        clock(1, 26, "11:00"),
        lambda at: ask_customer(
            actor=story.people["support"],
            claim=of(story, "penascal"),
            question="Please send a screenshot or the log of a door panel. On which floors did calls fail?",
            now=at,
        ),
    )


def by_phone_without_proof(story: Story, down_at: datetime) -> None:
    take(story, "saobento", "K-3002-1", down_at, 18, story.clock(1, 24, "23:20"), None)


def not_open_yet(story: Story) -> None:
    """Submit a claim before its claim period opens."""
    start = story.now - timedelta(days=3)
    month = ServiceMonth.of(local_date(epoch(start), settings.SLA_ZONE))
    left = (instant(month.span(settings.SLA_ZONE)[1]) - start).total_seconds() // 60
    take(story, "held", "K-2001-1", start, int(min(12, left + 1)), start + timedelta(days=1), screenshot)


def by_form(story: Story, down_at: datetime) -> None:
    """Submit a claim on the website, confirmed with the code sent by e-mail."""

    def step(at: datetime) -> None:
        contract = story.contracts["K-1004-1"]
        contact = contract.customer.contacts.order_by("id")[0]
        month = ServiceMonth.of(local_date(epoch(down_at), settings.SLA_ZONE))
        named = {"reference": [contract.reference], "email": [contact.email], "month": [str(month)]}
        key = start_application(language=contract.customer.language, answers={CONTRACT: named}, now=at)

        def application() -> Application:
            return Application.objects.get(key_hash=hashed(key))

        add_proof(actor=FORM, to=application(), upload=screenshot(down_at), now=at)
        ask_for_code(application=application(), now=at)
        mail_requested(now=at)
        mailed = Delivery.objects.filter(contact=contact, notice__kind=Kind.CODE).latest("id")
        confirm_code(application=application(), typed=code(mailed), now=at)
        submit_application(
            application=application(),
            month=month,
            times=[(down_at, down_at + 7 * MINUTES)],
            time_zone="Europe/Berlin",
            functions=(),
            clients=(),
            description="No user could log in, and no door panel responded.",
            now=at,
        )

    story.then(story.now - timedelta(hours=20), step)


# Steps


def take(
    story: Story,
    name: str,
    contract: str,
    down_at: datetime,
    minutes: int,
    received_at: datetime,
    proof: Proof | None,
    source: Source = Source.PHONE,
) -> None:
    """Enter a claim received by phone or ticket, with proof if there is any."""

    def step(at: datetime) -> None:
        month = ServiceMonth.of(local_date(epoch(down_at), settings.SLA_ZONE))
        end = min(down_at + minutes * MINUTES, instant(month.span(settings.SLA_ZONE)[1]))
        found = story.contracts[contract]
        contact = found.customer.contacts.order_by("id")[0]
        support = story.people["support"]
        claim = receive_claim(
            actor=support,
            contract=found,
            month=month,
            contact=contact,
            times=[(down_at, end)],
            functions=(),
            clients=(),
            description="Neither the app nor the door panels responded.",
            time_zone=found.customer.region.time_zone or settings.SLA_TIME_ZONE,
            source=source,
            ticket_number=f"T-{20000 + len(story.claims) * 37}" if source == Source.TICKET else "",
            now=at,
        )
        story.claims[name] = claim.pk
        if proof:
            add_proof(actor=support, to=claim, upload=proof(down_at), now=at)

    story.then(received_at, step)


def review(
    story: Story,
    name: str,
    outcome: str,
    clause: str,
    recommended_at: datetime,
    decided_at: datetime | None,
    *,
    voucher_minutes: int = 0,
) -> None:
    """Recommend a decision on a claim and, with `decided_at`, have another person decide it."""
    recommended: dict[str, int] = {}

    def recommend_it(at: datetime) -> None:
        claim = of(story, name)
        subject, text = draft(assess(claim, at), outcome, clause)
        recommended[name] = recommend(
            actor=story.people["support"],
            claim=claim,
            outcome=outcome,
            clause=clause,
            reason="Times and proof agree with the record." if outcome == "grant" else "The SLA was met.",
            voucher_minutes=voucher_minutes,
            letter_subject=subject,
            letter_text=text,
            now=at,
        ).pk

    story.then(recommended_at, recommend_it)
    if decided_at:
        story.then(
            decided_at,
            lambda at: decide(
                actor=story.people["support2"],
                claim=of(story, name),
                recommendation=recommended[name],
                key=uuid5(KEYS, name),
                now=at,
            ),
        )


def of(story: Story, name: str) -> Claim:
    """Return a claim of the demo."""
    return Claim.objects.get(pk=story.claims[name])


# Proof files


def screenshot(down_at: datetime) -> SimpleUploadedFile:
    """Draw the screen of an app without connection."""
    picture = Image.new("RGB", (480, 320), "#f3f4f6")
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((0, 0, 480, 44), fill="#1f4e79")
    drawing.text((16, 16), f"{down_at:%Y-%m-%d %H:%M} UTC", fill="white")
    drawing.rectangle((90, 120, 390, 220), fill="white", outline="#9ca3af")
    drawing.text((150, 150), "No connection", fill="#111827")
    drawing.text((150, 175), "Could not reach the service.", fill="#4b5563")
    file = BytesIO()
    picture.save(file, "PNG")
    return SimpleUploadedFile("screenshot.png", file.getvalue())


def email_of_a_tenant(down_at: datetime) -> SimpleUploadedFile:
    """Write an e-mail of a tenant."""
    mail = EmailMessage()
    mail["From"] = "tenant@example.com"
    mail["To"] = "office@example.com"
    mail["Date"] = down_at + 20 * MINUTES
    mail["Subject"] = "Door does not open"
    mail.set_content(f"Hello,\n\nsince {down_at:%H:%M} (UTC) neither the app nor the panel opens the door.\n")
    return SimpleUploadedFile("door.eml", mail.as_bytes())


def probe_log(down_at: datetime) -> SimpleUploadedFile:
    """Write a log of failed probes."""
    lines = [f"{down_at + n * MINUTES:%Y-%m-%dT%H:%M:%SZ} probe {n + 1}: no answer" for n in range(9)]
    return SimpleUploadedFile("probe.txt", "\n".join(lines).encode())
