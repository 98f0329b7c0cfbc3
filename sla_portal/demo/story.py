"""Thirteen months of demo data, created by the operations that pages use, each at its own time and by its own person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from claims.operations.calendar import check_year
from incidents.models import Incident, Source
from incidents.operations import (
    OutageFacts,
    acknowledge_incident,
    add_update,
    log_incident,
    reopen_incident,
    resolve_incident,
)
from maintenance.models import Kind, MaintenanceWindow
from maintenance.operations import announce_window, finish_work, plan_window, request_announcement, start_work
from sla_portal.agreements.models import Contract
from sla_portal.agreements.operations import (
    change_charge,
    record_payment,
    renew_contract,
    set_first_version,
    sign_contract,
    suspend_contract,
    terminate_contract,
)
from sla_portal.agreements.rules import shortest_period_ends_on
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import (
    attribute_incident,
    confirm_exclusion,
    confirm_request,
    merge_incident,
    propose_exclusion,
    reject_exclusion,
    request_closing,
    void_incident,
)
from sla_portal.availability.queries import pending_request, record_of
from sla_portal.customers.models import Client, CoreFunction, Customer, Region
from sla_portal.customers.operations import enrol_customer, open_region
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.operator.operations import open_portal, save_identity
from sla_portal.operator.queries import is_opened

from .agreement import wording_of
from .customers import PARTIES, REGIONS, Party, Period
from .operator import CALENDAR, OPERATOR
from .people import hire

MINUTES = timedelta(minutes=1)
DAYS = timedelta(days=1)

Step = Callable[[datetime], Any]


class Story:
    """Timed steps. Steps after `now` are skipped."""

    def __init__(self, now: datetime) -> None:
        self.now = now.replace(microsecond=0)
        self.present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
        self.steps: list[tuple[datetime, Step]] = []
        self.people: dict[str, Actor] = {}
        self.regions: dict[str, Region] = {}
        self.customers: dict[str, Customer] = {}
        self.contracts: dict[str, Contract] = {}
        self.incidents: dict[str, Incident] = {}
        self.windows: dict[str, MaintenanceWindow] = {}
        self.exclusions: dict[str, Exclusion] = {}
        self.claims: dict[str, int] = {}

    def play(self) -> None:
        with transaction.atomic():
            self.people = hire(self.clock(14, 1, "09:00"))
            for at, step in sorted(self.steps, key=lambda timed: timed[0]):
                if at <= self.now:
                    step(at)

    def then(self, at: datetime, step: Step) -> None:
        self.steps.append((at, step))

    def clock(self, months_ago: int, day: int, at: str) -> datetime:
        """Return a time of day in the SLA time zone, in UTC."""
        on = date((self.present + -months_ago).year, (self.present + -months_ago).month, day)
        return datetime.combine(on, time.fromisoformat(at), tzinfo=settings.SLA_ZONE).astimezone(UTC)

    # Customers and contracts

    def region(self, code: str, name: str, name_zh: str, zone: str) -> None:
        def step(at: datetime) -> None:
            self.regions[code] = open_region(
                actor=self.people["admin"],
                code=code,
                name=name,
                name_zh=name_zh,
                time_zone=zone,
                # The first contracts start on this day, too.
                first_service_day=(self.present + -13).first_day,
                now=at,
            )

        self.then(self.clock(14, 1, "10:00"), step)

    def setup(self) -> None:
        """Name the operator, set the day and the wording of the first version, and check the calendar of this year."""

        def operator(at: datetime) -> None:
            save_identity(actor=self.people["admin"], texts=OPERATOR, now=at)

        def first_version(at: datetime) -> None:
            set_first_version(
                actor=self.people["admin"],
                effective_on=(self.present + -14).first_day,
                texts={language: wording_of(language) for language, _name in settings.LANGUAGES},
                now=at,
            )

        def calendar(at: datetime) -> None:
            check_year(actor=self.people["admin"], year=self.present.year, source=CALENDAR, now=at)

        self.then(self.clock(14, 1, "09:30"), operator)
        self.then(self.clock(14, 1, "09:40"), first_version)
        self.then(self.clock(1, 2, "09:00"), calendar)

    def opening(self) -> None:
        def step(at: datetime) -> None:
            if not is_opened():
                open_portal(actor=self.people["admin"], now=at)

        self.then(self.clock(14, 1, "12:00"), step)

    def party(self, party: Party) -> None:
        # An installer comes before its sites.
        months_ago, day = (party.periods[0].months_ago, party.periods[0].day) if party.periods else (13, 1)
        first = self.clock(months_ago, day, "10:00") - 12 * DAYS

        def step(at: datetime) -> None:
            self.customers[party.code] = enrol_customer(
                actor=self.people["admin"],
                code=party.code,
                name=party.name,
                region=self.regions[party.region],
                contacts=party.contacts,
                language=party.language,
                installer=self.customers[party.installer] if party.installer else None,
                now=at,
            )

        self.then(first, step)
        for number, period in enumerate(party.periods, 1):
            self.contract(party, f"K-{party.code[2:]}-{number}", period, earlier=f"K-{party.code[2:]}-{number - 1}")

    def contract(self, party: Party, reference: str, period: Period, earlier: str) -> None:
        starts_on = (self.present + -period.months_ago).first_day + (period.day - 1) * DAYS
        months = [ServiceMonth.of(starts_on) + n for n in range(period.months)]

        def sign(at: datetime) -> None:
            terms: dict[str, Any] = {
                "actor": self.people["admin"],
                "reference": reference,
                "ends_on": shortest_period_ends_on(months[-1].first_day + (period.day - 1) * DAYS),
                "monthly_charge": party.charge,
                "currency": party.currency,
                "now": at,
            }
            if before := self.contracts.get(earlier):
                self.contracts[reference] = renew_contract(contract=before, **terms)
            else:
                self.contracts[reference] = sign_contract(
                    customer=self.customers[party.code], starts_on=starts_on, trial_days=period.trial_days, **terms
                )

        self.then(self.clock(period.months_ago, period.day, "11:00") - 10 * DAYS, sign)
        for month in months[1 if period.trial_days else 0 :]:
            self.payment(party, reference, month)

    def payment(self, party: Party, reference: str, month: ServiceMonth) -> None:
        paid_on = month.first_day + 19 * DAYS

        def step(at: datetime) -> None:
            contract = self.contracts[reference]
            contract.refresh_from_db()
            if contract.last_day >= month.first_day:
                record_payment(
                    actor=self.people["admin"],
                    contract=contract,
                    reference=f"P-{month}",
                    paid_on=paid_on,
                    amount=party.charge,
                    now=at,
                )

        self.then(datetime.combine(paid_on, time(8), tzinfo=UTC), step)

    def suspension(self, reference: str, months_ago: int, first: int, last: int, reason: str) -> None:
        month = self.present + -months_ago

        def step(at: datetime) -> None:
            suspend_contract(
                actor=self.people["admin"],
                contract=self.contracts[reference],
                starts_on=month.first_day + (first - 1) * DAYS,
                ends_on=month.first_day + (last - 1) * DAYS,
                reason=reason,
                now=at,
            )

        self.then(self.clock(months_ago, first, "09:30"), step)

    def termination(self, reference: str, months_ago: int, day: int, reason: str) -> None:
        def step(at: datetime) -> None:
            terminate_contract(
                actor=self.people["admin"],
                contract=self.contracts[reference],
                last_day=(self.present + -months_ago).first_day + (day - 1) * DAYS,
                reason=reason,
                now=at,
            )

        self.then(self.clock(months_ago, day, "09:00") - 14 * DAYS, step)

    def new_charge(self, reference: str, charge: Decimal, reason: str) -> None:
        """A charge from the next month on."""

        def step(at: datetime) -> None:
            change_charge(
                actor=self.people["admin"],
                contract=self.contracts[reference],
                from_month=self.present.next,
                monthly_charge=charge,
                reason=reason,
                now=at,
            )

        self.then(self.clock(1, 20, "10:00"), step)

    # Maintenance

    def window(
        self,
        name: str,
        title: str,
        kind: Kind,
        region: str,
        starts_at: datetime,
        lasts: timedelta,
        *,
        announced: timedelta | None,
        extended: tuple[timedelta, timedelta] | None = None,
    ) -> None:
        """Schedule a window, announce it with a lead time of `announced`, and extend it: (time after its start, new length)."""
        ends_at = starts_at + lasts

        def plan(at: datetime) -> None:
            self.windows[name] = plan_window(
                actor=self.people["noc"],
                reference=f"MW-{starts_at:%Y}-{len(self.windows) + 1:02}",
                title=title,
                kind=kind,
                regions=[self.regions[region]],
                starts_at=starts_at,
                ends_at=ends_at,
                now=at,
            )

        def announce(at: datetime, until: datetime = ends_at, reason: str = "") -> None:
            announce_window(
                actor=self.people["noc"],
                window=self.windows[name],
                starts_at=starts_at,
                ends_at=until,
                reason=reason,
                now=at,
            )

        if announced is None:
            self.then(self.now - 2 * DAYS, plan)
            return
        self.then(starts_at - announced - DAYS, plan)
        self.then(starts_at - announced, announce)
        self.then(starts_at, lambda at: start_work(actor=self.people["noc"], window=self.windows[name], now=at))
        done = ends_at
        if extended:
            after, lasts = extended
            done = starts_at + lasts
            self.then(starts_at + after, lambda at: announce(at, done, "The copy takes longer than in the rehearsal."))
        self.then(done, lambda at: finish_work(actor=self.people["noc"], window=self.windows[name], now=at))

    def request(self, name: str, why: str) -> None:
        """Request the announcement of a draft of more than 24 hours; another person has not confirmed it yet."""

        def step(at: datetime) -> None:
            window = self.windows[name]
            request_announcement(
                actor=self.people["noc"],
                window=window,
                starts_at=window.starts_at,
                ends_at=window.ends_at,
                why=why,
                now=at,
            )

        self.then(self.now - DAYS, step)

    # Incidents

    def incident(
        self,
        name: str,
        title: str,
        region: str,
        started_at: datetime,
        lasts: timedelta | None,
        *,
        functions: Sequence[str] = (),
        clients: Sequence[str] = (),
        source: Source = Source.MONITORING,
        ticket_number: str = "",
        public_update: str = "",
        attributable: str = "",
    ) -> None:
        """Log an incident, acknowledge and resolve it, and classify it the next day if `attributable` gives the reason.

        `lasts` None: the outage is ongoing.
        """
        detected = started_at + timedelta(seconds=48)

        def log(at: datetime) -> None:
            facts = OutageFacts(
                region=self.regions[region],
                started_at=started_at,
                functions=list(CoreFunction.objects.filter(code__in=functions)) if functions else None,
                clients=list(Client.objects.filter(code__in=clients)) if clients else None,
            )
            self.incidents[name] = log_incident(
                actor=self.people["noc"],
                title=title,
                source=source,
                ticket_number=ticket_number,
                detected_at=detected,
                outages=[facts],
                now=at,
            )

        self.then(detected + timedelta(seconds=30), log)
        self.then(
            detected + timedelta(seconds=55),
            lambda at: acknowledge_incident(actor=self.people["noc"], incident=self.incidents[name], now=at),
        )
        if public_update:
            self.then(
                detected + timedelta(seconds=85),
                lambda at: add_update(
                    actor=self.people["noc"], incident=self.incidents[name], text=public_update, public=True, now=at
                ),
            )
        if lasts is None:
            return
        ended_at = started_at + lasts
        self.then(
            max(ended_at, detected + 2 * MINUTES) + timedelta(seconds=20),
            lambda at: resolve_incident(
                actor=self.people["noc"], incident=self.incidents[name], at=at, restored_at=ended_at, now=at
            ),
        )
        if attributable:
            self.then(
                ended_at + DAYS,
                lambda at: attribute_incident(
                    actor=self.people["noc"], incident=self.incidents[name], reason=attributable, now=at
                ),
            )

    def voided(self, incident: str, reason: str, at: datetime) -> None:
        self.then(
            at,
            lambda at: void_incident(
                actor=self.people["noc"], incident=self.incidents[incident], reason=reason, now=at
            ),
        )

    def merged(self, incident: str, into: str, reason: str, at: datetime) -> None:
        """Merge a duplicate into another incident, which has all of its outages already."""
        self.then(
            at,
            lambda at: merge_incident(
                actor=self.people["noc"],
                incident=self.incidents[incident],
                into=self.incidents[into],
                take_over=(),
                propose_anew=(),
                reason=reason,
                now=at,
            ),
        )

    def reopened(self, incident: str, reason: str, text: str, at: datetime, lasts: timedelta) -> None:
        """Reopen an incident, and resolve it again after `lasts`."""
        self.then(
            at,
            lambda at: reopen_incident(
                actor=self.people["noc"], incident=self.incidents[incident], text=text, reason=reason, now=at
            ),
        )
        self.then(
            at + lasts,
            lambda at: resolve_incident(actor=self.people["noc"], incident=self.incidents[incident], at=at, now=at),
        )

    def exclusion(
        self,
        incident: str,
        clause: str,
        reason: str,
        proposed_at: datetime,
        *,
        evidence: str = "",
        window: str = "",
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        third_party: str = "",
        third_party_incident: str = "",
        confirmed: str = "",
        rejected: str = "",
    ) -> None:
        """Propose an exclusion and, with `confirmed` or `rejected`, have another person decide it two days later."""

        def propose(at: datetime) -> None:
            self.exclusions[incident] = propose_exclusion(
                actor=self.people["noc"],
                incident=self.incidents[incident],
                clause=clause,
                reason=reason,
                evidence=evidence,
                maintenance=self.windows[window] if window else None,
                starts_at=starts_at,
                ends_at=ends_at,
                third_party=third_party,
                third_party_incident=third_party_incident,
                now=at,
            )

        self.then(proposed_at, propose)
        if confirmed:
            self.then(
                proposed_at + 2 * DAYS,
                lambda at: confirm_exclusion(
                    actor=self.people["legal"], exclusion=self.exclusions[incident], reason=confirmed, now=at
                ),
            )
        if rejected:
            self.then(
                proposed_at + 2 * DAYS,
                lambda at: reject_exclusion(
                    actor=self.people["legal"], exclusion=self.exclusions[incident], reason=rejected, now=at
                ),
            )

    # Closings

    def closing(self, months_ago: int) -> None:
        """Close a month on the 10th of the next: one person requests it, another confirms."""
        month = self.present + -months_ago

        def request(at: datetime) -> None:
            request_closing(actor=self.people["legal2"], month=month, shown=record_of(month, at).digest, now=at)

        def confirm(at: datetime) -> None:
            if requested := pending_request(month):
                confirm_request(actor=self.people["legal"], request=requested, now=at)

        self.then(self.clock(months_ago - 1, 10, "09:00"), request)
        self.then(self.clock(months_ago - 1, 10, "10:00"), confirm)


def customers_and_contracts(story: Story) -> None:
    for region in REGIONS:
        story.region(*region)
    for party in PARTIES:
        story.party(party)
    story.setup()
    story.opening()
    story.suspension("K-1003-1", 4, 10, 14, "Two invoices unpaid after the second reminder")
    story.termination("K-2004-1", 3, 20, "The building was sold")
    story.new_charge("K-1004-1", Decimal("2080.00"), "Two more buildings")


def the_first_half_year(story: Story) -> None:
    clock = story.clock
    story.incident(
        "leak",
        "Session gateway restarted",
        "apac",
        clock(11, 9, "14:20:10"),
        timedelta(minutes=3, seconds=30),
        public_update="The service is restored after a short interruption.",
        attributable="Caused by a memory leak in our session gateway.",
    )
    night = clock(10, 14, "09:00")
    story.window("upgrade", "Main database upgrade", Kind.UPGRADE, "eu", night, 45 * MINUTES, announced=6 * DAYS)
    story.incident("upgrade", "Database unavailable during the upgrade", "eu", night + 4 * MINUTES, 27 * MINUTES)
    story.exclusion(
        "upgrade",
        "4.1",
        "Downtime within the announced upgrade.",
        night + DAYS,
        window="upgrade",
        evidence="Change record CR-118, and the notice sent six days before.",
        confirmed="The outage lies within the announced window.",
    )
    story.incident(
        "switch",
        "Core switch rebooted",
        "eu",
        clock(10, 22, "21:05:30"),
        timedelta(minutes=2, seconds=40),
        attributable="Caused by a fault of our core switch.",
    )
    story.incident(
        "certificate",
        "Gateway certificate expired",
        "amer",
        clock(9, 17, "02:11:00"),
        41 * MINUTES,
        public_update="All functions are unavailable in the Americas. We have identified an expired certificate and are replacing it.",
        attributable="We failed to renew the certificate in time.",
    )
    story.incident(
        "login",
        "Login fails in the app",
        "eu",
        clock(8, 5, "16:30:00"),
        26 * MINUTES,
        functions=["login"],
        clients=["app"],
        source=Source.TICKET,
        ticket_number="T-20417",
        attributable="Caused by a wrong setting in the release of that afternoon.",
    )
    evening = clock(7, 11, "22:00")
    story.window("cutover", "Cutover to new storage", Kind.CUTOVER, "apac", evening, 60 * MINUTES, announced=5 * DAYS)
    story.incident("cutover", "Cutover overran its window", "apac", evening + 5 * MINUTES, 67 * MINUTES)
    story.exclusion(
        "cutover",
        "4.1",
        "Downtime within the announced cutover; the overrun is attributable to us.",
        evening + DAYS,
        window="cutover",
        evidence="Change record CR-126.",
        confirmed="Confirmed for the announced window only.",
    )


def the_second_half_year(story: Story) -> None:
    clock = story.clock
    cloud = clock(6, 3, "11:40:00")
    story.incident(
        "cloud",
        "Cloud provider zone outage",
        "apac",
        cloud,
        95 * MINUTES,
        public_update="All functions are unavailable in Asia Pacific: our cloud provider lost power in one zone.",
    )
    story.exclusion(
        "cloud",
        "4.11",
        "Power loss of the provider. Its zone was restored at 13:05; the time our services took to start is attributable to us.",
        cloud + 3 * DAYS,
        starts_at=cloud,
        ends_at=cloud + 85 * MINUTES,
        third_party="Example Cloud",
        third_party_incident="https://status.example.com/incidents/7731",
        evidence="The provider's final incident report, retrieved on the day of publication.",
        confirmed="The times agree with the provider's report.",
    )
    story.incident(
        "phone",
        "Short outage of all functions",
        "amer",
        clock(5, 25, "07:12:30"),
        timedelta(seconds=100),
        source=Source.PHONE,
        attributable="Caused by a failover of our load balancer.",
    )
    move = clock(4, 8, "09:00")
    story.window(
        "move",
        "Video storage migration",
        Kind.REPAIR,
        "eu",
        move,
        60 * MINUTES,
        announced=4 * DAYS,
        extended=(50 * MINUTES, 90 * MINUTES),
    )
    story.incident("move", "Outage during the video storage migration", "eu", move, 88 * MINUTES)
    story.exclusion(
        "move",
        "4.1",
        "Announced, and extended by a notice before its end.",
        move + DAYS,
        window="move",
        evidence="Change record CR-140, and both notices.",
        confirmed="Both notices were sent in time.",
    )
    dns = clock(3, 19, "18:04:00")
    story.incident(
        "dns",
        "DNS resolution failure",
        "apac",
        dns,
        9 * MINUTES,
        public_update="All functions were unavailable in Asia Pacific for nine minutes: the names of the platform could not be resolved.",
    )
    story.exclusion(
        "dns",
        "4.11",
        "The DNS provider reported an incident on that day.",
        dns + DAYS,
        third_party="Example DNS",
        third_party_incident="2251",
        rejected="The provider's report shows no incident in that hour, and our zone file was wrong.",
    )
    story.then(
        dns + 4 * DAYS,
        lambda at: attribute_incident(
            actor=story.people["noc"],
            incident=story.incidents["dns"],
            reason="Caused by an error in our zone file.",
            now=at,
        ),
    )
    story.incident(
        "calls",
        "Audio and video calls unavailable",
        "amer",
        clock(2, 13, "23:30:00"),
        18 * MINUTES,
        functions=["calls"],
        public_update="Audio and video calls are unavailable in the Americas. All other functions are operational.",
        attributable="Caused by a media server that ran out of ports.",
    )
    story.reopened(
        "calls",
        "Resolved before the replacement of the media server was complete.",
        "This incident was reopened while we replace the media server. Calls are operational.",
        clock(2, 14, "00:05:00"),
        35 * MINUTES,
    )
    alarm = clock(1, 6, "04:40:00")
    story.incident("alarm", "Alarm of the staging environment", "apac", alarm, None)
    story.voided("alarm", "The alarm came from the staging environment; the service was up.", alarm + 14 * MINUTES)
    queue = clock(1, 12, "19:21:10")
    story.incident(
        "queue again", "No function reachable in Europe", "eu", queue + MINUTES, 5 * MINUTES, source=Source.PHONE
    )
    story.merged("queue again", "queue", "The same outage, logged again after a call.", queue + 30 * MINUTES)
    story.incident(
        "queue",
        "Message queue full",
        "eu",
        queue,
        timedelta(minutes=6, seconds=50),
        public_update="All functions were unavailable in Europe for about seven minutes.",
        attributable="Caused by the insufficient size of our message queue.",
    )
    drill = clock(1, 21, "15:00")
    story.window(
        "drill", "Failover drill of the second data centre", Kind.DRILL, "amer", drill, 30 * MINUTES, announced=9 * DAYS
    )
    story.incident("drill", "Failover drill of the second data centre", "amer", drill + 2 * MINUTES, 21 * MINUTES)
    story.exclusion(
        "drill",
        "4.1",
        "Downtime within the announced drill.",
        drill + DAYS,
        window="drill",
        evidence="Log of the drill.",
        confirmed="The outage lies within the announced window.",
    )


def the_present_month(story: Story) -> None:
    now = story.now
    transit = now - 3 * DAYS
    story.incident("transit", "Packet loss at the transit provider", "apac", transit, 12 * MINUTES)
    story.exclusion(
        "transit",
        "4.11",
        "A router of the transit provider failed; the route was unavailable for all of its customers.",
        transit + DAYS,
        third_party="Example Transit",
        third_party_incident="INC-88120",
        evidence="The provider's notice of that evening.",
    )
    story.incident(
        "preview",
        "Video preview and calls degraded on the web client",
        "eu",
        now - DAYS - 40 * MINUTES,
        22 * MINUTES,
        functions=["calls", "preview"],
        clients=["web"],
        source=Source.TICKET,
        ticket_number="T-21903",
    )
    story.incident(
        "gateway",
        "Gateway not responding",
        "amer",
        now - 6 * MINUTES,
        None,
        public_update="All functions are unavailable in the Americas. We are investigating the cause.",
    )
    soon = (now + 4 * DAYS).replace(hour=1, minute=0, second=0)
    story.window("soon", "Message queue upgrade", Kind.UPGRADE, "eu", soon, 60 * MINUTES, announced=6 * DAYS)
    later = (now + 9 * DAYS).replace(hour=16, minute=0, second=0)
    story.window("later", "Core switch replacement", Kind.REPAIR, "apac", later, 40 * MINUTES, announced=None)
    archive = (now + 12 * DAYS).replace(hour=6, minute=0, second=0)
    story.window(
        "archive", "Move of the video archive", Kind.CUTOVER, "amer", archive, timedelta(hours=30), announced=None
    )
    story.request("archive", "The archive is copied in one piece, which took 27 hours in the rehearsal.")
