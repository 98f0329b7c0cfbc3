"""What the customer account shows of one customer: nothing of another one, and nothing internal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, QuerySet

from claims.models import Claim, Entry, Step, Voucher
from claims.models.applying import OPEN
from claims.models.applying import Status as ClaimStatus
from claims.queries import ledger, windows_of
from claims.rules import ClaimWindow
from sla_portal.agreements.models import AgreementVersion, Answer, Contract
from sla_portal.agreements.queries import concerned, deliveries_for, pending_versions
from sla_portal.availability.models import CustomerMonth, MonthClosing
from sla_portal.availability.rules import availability, cut
from sla_portal.customers.models import AccountSession, Contact, Customer, Right, SignInCode
from sla_portal.customers.queries import contacts_of_customer, with_address
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.money import format_amount
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.notices.models import Delivery, DeliveryCustomer, Kind, Notice
from sla_portal.notices.private import token
from sla_portal.reports.models import Report
from sla_portal.reports.models import Status as Printed


def request_with(key_hash: str) -> SignInCode | None:
    return SignInCode.objects.select_related("contact").filter(key_hash=key_hash).first()


def request_of_link(link_hash: str) -> SignInCode | None:
    return SignInCode.objects.select_related("contact").exclude(link_hash="").filter(link_hash=link_hash).first()


def session_with(token_hash: str, now: datetime) -> AccountSession | None:
    """Return the session of a cookie; None once it has expired, or its contact has another address."""
    found = AccountSession.objects.select_related("contact").filter(token_hash=token_hash, expires_at__gt=now).first()
    return found if found and found.contact.email.lower() == found.email.lower() else None


def customers_of(session: AccountSession) -> QuerySet[Customer]:
    """Return the customers whose account the session opens: those with its address, and the sites of an installer."""
    return with_address(Customer.objects.select_related("region", "installer"), session.email).order_by("code")


# Contacts


@dataclass(frozen=True)
class ContactWithRights:
    """A contact, and what it may do for the customer."""

    contact: Contact
    rights: tuple[Right, ...]
    of_installer: bool


def contacts_with_rights(customer: Customer) -> list[ContactWithRights]:
    """List the contacts of a customer, its own first; a right for which none is marked is everybody's."""
    contacts = list(contacts_of_customer(customer))
    marked = {right for right in Right if any(getattr(one, right) for one in contacts)}
    return [
        ContactWithRights(
            one,
            tuple(right for right in Right if right not in marked or getattr(one, right)),
            one.customer_id != customer.pk,
        )
        for one in contacts
    ]


def rights_of(contacts: Iterable[ContactWithRights], email: str) -> set[Right]:
    """Return the rights of the holder of an address."""
    return {right for one in contacts if one.contact.email.lower() == email.lower() for right in one.rights}


# Months


@dataclass(frozen=True)
class AccountMonth:
    """A service month of the customer that is over; figures only once it is closed."""

    month: ServiceMonth
    figures: CustomerMonth | None
    report: Report | None
    claims: Sequence[Claim]
    unclaimed: Contract | None
    """A contract for which the month can still be claimed."""
    closes_on: date | None
    """The last day on which it can; None once that is over."""

    @property
    def availability(self) -> str:
        if not self.figures:
            return ""
        reached = availability(self.figures.unavailable_minutes, self.figures.total_minutes)
        return "" if reached is None else cut(reached)

    @property
    def claimable(self) -> bool:
        """Whether the SLA was breached, and a contract has no claim for it yet."""
        return bool(self.unclaimed and self.figures and self.figures.met is False)


def months_of(customer: Customer, now: datetime, months: slice = slice(None)) -> list[AccountMonth]:
    """List the months of a customer that are over, the newest first, in a fixed number of queries."""
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    rows = list(CustomerMonth.objects.filter(customer=customer, month__lt=present.first_day).order_by("-month")[months])
    closed = _closed_at(row.month for row in rows)
    reports = _reports(customer, closed)
    contracts = list(Contract.objects.filter(customer=customer).order_by("reference"))
    claims = list(
        Claim.objects.told().filter(contract__in=contracts, month__in=[row.month for row in rows]).order_by("pk")
    )
    windows = windows_of(ServiceMonth.of(row.month) for row in rows)
    found = []
    for row in rows:
        month = ServiceMonth.of(row.month)
        of_month = [one for one in claims if one.month == row.month]
        taken = {one.contract_id for one in of_month if one.status in (*OPEN, ClaimStatus.GRANTED)}
        free = [one for one in contracts if one.pk not in taken and _in_force(one, month)]
        window = windows.get(month)
        closes_on = _last_day(window) if window and now < window.closes_at else None
        found.append(
            AccountMonth(
                month=month,
                figures=row if row.month in closed else None,
                report=reports.get(row.month),
                claims=of_month,
                unclaimed=free[0] if free and closes_on else None,
                closes_on=closes_on,
            )
        )
    return found


def _in_force(contract: Contract, month: ServiceMonth) -> bool:
    return contract.starts_on <= month.last_day and contract.last_day >= month.first_day


def _last_day(window: ClaimWindow) -> date:
    return (window.closes_at - timedelta(seconds=1)).astimezone(settings.SLA_ZONE).date()


def _closed_at(months: Iterable[date]) -> dict[date, datetime]:
    """Return when the closed ones of `months` were closed first."""
    rows = MonthClosing.objects.filter(month__in=list(months)).order_by("-revision")
    return dict(rows.values_list("month", "closed_at"))


def _reports(customer: Customer, closed: dict[date, datetime]) -> dict[date, Report]:
    """Return the newest reports of closed months, by month; those issued before the closing are no final ones."""
    found = Report.objects.filter(customer=customer, month__in=list(closed), status=Printed.READY)
    newest = found.filter(superseded_by__isnull=True).defer("statement")
    return {one.month: one for one in newest if one.issued_at >= closed[one.month]}


def report_of(customer: Customer, pk: int) -> Report | None:
    """Return a report of the customer that its account offers."""
    report = Report.objects.filter(customer=customer, pk=pk).first()
    return report if report and _reports(customer, _closed_at([report.month])).get(report.month) == report else None


# Claims and vouchers


def claims_of(customer: Customer) -> QuerySet[Claim]:
    return (
        Claim.objects.told()
        .filter(contract__customer=customer)
        .select_related("contract")
        .order_by("-received_at", "-pk")
    )


@dataclass(frozen=True)
class HeldVoucher:
    """A voucher with what is left of it and its present status: `outstanding`, `redeemed`, `voided` or `expired`."""

    voucher: Voucher
    left: Decimal
    status: str

    @property
    def amount(self) -> str:
        return format_amount(self.voucher.value, self.voucher.currency)

    @property
    def left_of_it(self) -> str:
        """What is left of a voucher that was redeemed in part, and can be redeemed still; empty otherwise."""
        partly = self.status == OUTSTANDING and self.left < self.voucher.value
        return format_amount(self.left, self.voucher.currency) if partly else ""


@dataclass(frozen=True)
class Balance:
    """The sums of the vouchers in one currency, formatted."""

    currency: str
    issued: str
    redeemed: str
    voided: str
    expired: str
    outstanding: str


OUTSTANDING, REDEEMED, VOIDED, EXPIRED = "outstanding", "redeemed", "voided", "expired"


def vouchers_of(customer: Customer, today: date) -> list[HeldVoucher]:
    """List the vouchers of a customer, the newest first."""
    last = Entry.objects.filter(contract__customer=customer, voucher__isnull=False, followed_by=None)
    found = last.select_related("voucher__compensation__claim").order_by("-voucher")
    return [HeldVoucher(one.voucher, one.left, _status(one, today)) for one in found if one.voucher]


def _status(last: Entry, today: date) -> str:
    if last.step == Step.VOIDED:
        return VOIDED
    if not last.left:
        return REDEEMED
    return EXPIRED if last.voucher and last.voucher.expires_on < today else OUTSTANDING


def balances_of(customer: Customer, today: date) -> list[Balance]:
    """Return what became of a customer's vouchers by currency: issued, redeemed, voided, expired, outstanding."""
    return [
        Balance(
            one.currency,
            **{
                name: format_amount(getattr(one, name), one.currency)
                for name in ("issued", REDEEMED, VOIDED, EXPIRED, OUTSTANDING)
            },
        )
        for one in ledger.balances_of(customer.pk, today)
    ]


# Letters and notices


def notices_for(customer: Customer) -> QuerySet[Notice]:
    """Return the notices that went to a customer, the newest first, without codes."""
    # Three subqueries, each by an index: an OR across joined tables would read all deliveries.
    among_others = DeliveryCustomer.objects.filter(customer=customer).values("delivery__notice")
    alone = Delivery.objects.filter(contact__customer=customer, customers__isnull=True).values("notice")
    numbers = Claim.objects.told().filter(contract__customer=customer).values("number")
    about_claims = Notice.objects.filter(kind=Kind.CLAIM, about__in=numbers).values("pk")
    theirs = Q(pk__in=among_others) | Q(pk__in=alone) | Q(pk__in=about_claims)
    shown = Notice.objects.filter(theirs).exclude(kind__in=[Kind.CODE, Kind.AUDIT])
    return shown.prefetch_related("wordings").order_by("-given_at", "-pk")


def recipients_of(notice: Notice, customer: Customer) -> list[Delivery]:
    """List the e-mails of a notice that were for a customer; of a notice about its claim, all."""
    found = Delivery.objects.filter(notice=notice).order_by("email")
    if notice.kind == Kind.CLAIM:
        return list(found)
    alone = Q(contact__customer=customer, customers__isnull=True)
    return list(found.filter(Q(customers__customer=customer) | alone).distinct())


# The agreement


@dataclass(frozen=True)
class VersionAndAnswers:
    """A published version, what the customer answered to it, and the token by which the reader may answer still."""

    version: AgreementVersion
    answers: list[Answer]
    token: str


def versions_of(customer: Customer, email: str, now: datetime) -> list[VersionAndAnswers]:
    """List the published versions, the newest first, with the responses of a customer."""
    today = local_date(epoch(now), settings.SLA_ZONE)
    answers = list(Answer.objects.filter(customer=customer).prefetch_related("ended"))
    published = AgreementVersion.objects.filter(published_at__isnull=False).order_by("-effective_on", "-pk")
    # At most a few wait at a time.
    tokens = {one.pk: _token(one, customer, email) for one in pending_versions(today) if not one.withdrawn_at}
    return [
        VersionAndAnswers(one, [answer for answer in answers if answer.version_id == one.pk], tokens.get(one.pk, ""))
        for one in published.select_related("notice")
    ]


def _token(version: AgreementVersion, customer: Customer, email: str) -> str:
    if not concerned(version).filter(pk=customer.pk).exists():
        return ""
    mail = (
        deliveries_for(version, customer).filter(email__iexact=email).select_related("notice").order_by("-pk").first()
    )
    return token(mail) if mail else ""
