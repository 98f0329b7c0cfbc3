"""What an empty portal needs before it is open to the public: done or not by the record, never by a tick."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from claims.models import CalendarYear
from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import first_version, missing_in_first_version
from sla_portal.customers.models import Client, CoreFunction, Customer, Region
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.kernel.remembering import remembering
from sla_portal.notices.models import Delivery, Status
from sla_portal.operator.queries import opening, operator_in_force

from ..common import page, require_right
from ..roles import NAMES

RIGHT = "operator.open_portal"
NEEDED = {"NOC": 1, "Legal": 2, "Support": 2, "Administrator": 1}
"""How many people a role needs: what one of Legal or Support proposes, another decides."""


@dataclass(frozen=True)
class Step:
    """A step of the setup: whether the record has it, what it is for or still lacks, and the page where it is done."""

    name: str
    done: bool
    says: str
    url: str


@require_safe
def setup(request: HttpRequest) -> HttpResponse:
    """Show the steps, also once all are done."""
    require_right(request, RIGHT)
    return page(request, "staff/setup/checklist.html", {"title": _("Setup"), "steps": steps(timezone.now())})


def steps(now: datetime) -> list[Step]:
    """Return the steps in the order in which they are best taken; a fixed number of queries."""
    with remembering():
        return [
            operator(),
            people(),
            regions(),
            functions_and_clients(),
            agreement(),
            calendar(now),
            mail(),
            customers(),
            to_the_public(),
        ]


def operator() -> Step:
    name = operator_in_force().name_in(get_language())
    says = name or _("Website, reports and e-mails name who promises the service.")
    return Step(_("Operator"), bool(name), says, reverse("admin:operator_identity"))


def people() -> Step:
    missing = list(_people_missing())
    says = _("Still needed: %(people)s.") % {"people": ", ".join(missing)} if missing else _("Every role is filled.")
    return Step(_("People"), not missing, says, reverse(f"admin:auth_user_{'add' if missing else 'changelist'}"))


def _people_missing() -> Iterator[str]:
    staff = User.objects.filter(is_active=True, is_staff=True).filter(Q(groups__name__in=NEEDED) | Q(is_superuser=True))
    roles = [
        (user, superuser, role) for user, superuser, role in staff.values_list("pk", "is_superuser", "groups__name")
    ]
    for role, needed in NEEDED.items():
        there = {user for user, superuser, name in roles if superuser or name == role}
        lacking = needed - len(there)
        if lacking > 0:
            yield ngettext("%(count)d person for %(role)s", "%(count)d people for %(role)s", lacking) % {
                "count": lacking,
                "role": NAMES[role],
            }


def regions() -> Step:
    first_days = list(Region.objects.values_list("first_service_day", flat=True))
    undated = first_days.count(None)
    if not first_days:
        says = _("The parts of the platform that are available or unavailable as a whole.")
    elif undated:
        says = ngettext(
            "%(count)d region has no first service day.", "%(count)d regions have no first service day.", undated
        ) % {"count": undated}
    else:
        says = ngettext("%(count)d region", "%(count)d regions", len(first_days)) % {"count": len(first_days)}
    url = reverse(f"admin:customers_region_{'changelist' if first_days else 'add'}")
    return Step(_("Regions"), bool(first_days) and not undated, says, url)


def functions_and_clients() -> Step:
    functions, clients = CoreFunction.objects.count(), Client.objects.count()
    says = _("%(functions)d functions, %(clients)d clients: compare them with clause 1.4.") % {
        "functions": functions,
        "clients": clients,
    }
    return Step(
        _("Core functions and clients"),
        bool(functions and clients),
        says,
        reverse("admin:customers_corefunction_changelist"),
    )


def agreement() -> Step:
    version = first_version()
    missing = missing_in_first_version(version) if version else []
    says = (
        " ".join(missing)
        or _("Version %(version)s, in force since %(day)s.")
        % {"version": version, "day": version.takes_effect_on.isoformat()}
        if version
        else _("No version is published.")
    )
    return Step(_("Agreement"), version is not None and not missing, says, reverse("admin:first_version"))


def calendar(now: datetime) -> Step:
    year = local_date(epoch(now), settings.SLA_ZONE).year
    checked = CalendarYear.objects.filter(year__gte=year).exists()
    sentence = (
        _("SLA time zone {zone}, working days of {country}.")
        if checked
        else _(
            "SLA time zone {zone}, working days of {country}. Compare the working days of {year} with the official "
            "calendar, and add the year as checked."
        )
    )
    country = format_html("<code>{}</code>", settings.SLA_WORKDAY_COUNTRY)
    says = format_html(sentence, zone=settings.SLA_TIME_ZONE, country=country, year=year)
    url = reverse(f"admin:claims_calendaryear_{'changelist' if checked else 'add'}")
    return Step(_("Calendar and time zone"), checked, says, url)


def mail() -> Step:
    sent = Delivery.objects.filter(status=Status.SENT).exists()
    says = (
        _("The mail server accepts e-mails.") if sent else _("Send yourself a test e-mail, and see what comes of it.")
    )
    return Step(_("E-mail"), sent, says, reverse("admin:test_mail"))


def customers() -> Step:
    count, under_contract = Customer.objects.count(), Contract.objects.exists()
    if under_contract:
        says = ngettext("%(count)d customer", "%(count)d customers", count) % {"count": count}
    elif count:
        says = _("No customer has a contract yet.")
    else:
        says = _("Import them with their contracts from a table.")
    return Step(_("Customers and contracts"), under_contract, says, reverse("admin:import_customers"))


def to_the_public() -> Step:
    row = opening()
    if row.opened_at:
        says = _("The website reports the service and takes claims.")
    elif row.reported_from:
        says = _("The website says that the service will be reported from %(day)s.") % {
            "day": row.reported_from.isoformat()
        }
    else:
        says = _("Until then the website reports nothing and takes no claims.")
    return Step(_("Opening to the public"), row.opened_at is not None, says, reverse("admin:opening"))
