"""Permissions as a table of roles and URLs; pages that are not linked are refused by URL too."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from incidents.operations import (
    ReviewText,
    acknowledge_incident,
    add_outage,
    add_shift_note,
    add_update,
    hand_over_incident,
    link_incident,
    log_incident,
    publish_review,
    reopen_incident,
    resolve_incident,
    set_severity,
    take_incident,
    withdraw_review,
    write_review,
)
from incidents.rules import Severity
from maintenance.models import AnnouncementRequest
from maintenance.operations import (
    announce_window,
    cancel_window,
    confirm_announcement,
    discard_draft,
    mark_not_carried_out,
    plan_window,
    record_work,
    request_announcement,
    return_request,
    withdraw_request,
)
from sla_portal.agreements.operations import set_first_version
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import NotAllowed
from sla_portal.availability.operations import (
    attribute_incident,
    confirm_exclusion,
    merge_incident,
    propose_exclusion,
    reject_exclusion,
    revoke_exclusion,
    void_incident,
    withdraw_exclusion,
)
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.operator.operations import open_portal, set_reported_from
from sla_portal.reports.models import Report
from sla_portal.reports.operations import queue_reports, request_reports
from sla_portal.reports.queries import readable_by
from sla_portal.staff.roles import ROLES, sync_roles
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, an_outage, at
from tests.support.desk import a_member, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
NOW = at("2026-09-10 12:00")
EVERYONE = set(ROLES)


def a_request(window) -> AnnouncementRequest:
    start = at("2026-09-20 01:00")
    return AnnouncementRequest.objects.create(
        window=window, starts_at=start, ends_at=start + timedelta(hours=25), why="A day", requested_at=NOW
    )


@pytest.fixture
def record():
    """One of everything."""
    region = a_region()
    customer = a_customer(region, "C-1")
    incident = an_incident("INC-1")
    an_outage(region, "2026-09-10 01:00", "2026-09-10 01:10", incident=incident)
    return {
        "region": region,
        "customer": customer,
        "contact": customer.contacts.create(email="ops@example.com"),
        "contract": a_contract(customer, "2026-01-01", "2026-12-31"),
        "incident": incident,
        "exclusion": an_exclusion(incident, status="proposed"),
        "window": a_window("2026-09-20 01:00", "2026-09-20 02:00"),
        "request": a_request(a_window("2026-09-21 01:00", "2026-09-21 02:00")),
        "own": an_exclusion(
            None, "4.5", "proposed", customer=customer, starts_at=at("2026-09-10 01:00"), ends_at=at("2026-09-10 01:10")
        ),
    }


PAGES = [
    ("index", None, EVERYONE),
    ("search", None, EVERYONE),
    ("clock", None, EVERYONE),
    ("log_outage", None, {"NOC"}),
    ("hand_over", None, EVERYONE),
    ("wallboard", None, EVERYONE),
    ("incident_review", "incident", EVERYONE),
    ("incidents_incidenttemplate_changelist", None, EVERYONE - {"Support"}),
    ("incidents_incidenttemplate_add", None, {"NOC"}),
    ("incidents_updatetemplate_changelist", None, EVERYONE - {"Support"}),
    ("incidents_updatetemplate_add", None, {"NOC"}),
    ("claims_savedreply_changelist", None, EVERYONE - {"NOC"}),
    ("claims_savedreply_add", None, {"Support"}),
    ("claims", None, EVERYONE - {"NOC"}),
    ("enter_claim", None, {"Support"}),
    ("incidents_incident_changelist", None, EVERYONE),
    ("incident_page", "incident", EVERYONE),
    ("incidents_incident_change", "incident", EVERYONE),
    ("void_incident", "incident", {"NOC"}),
    ("merge_incident", "incident", {"NOC"}),
    ("incidents_incident_delete", "incident", set()),
    ("availability_exclusion_changelist", None, EVERYONE),
    ("availability_exclusion_change", "exclusion", EVERYONE),
    ("availability_exclusion_delete", "exclusion", set()),
    ("months", None, EVERYONE),
    ("availability_regionmonth_changelist", None, EVERYONE),
    ("availability_customermonth_changelist", None, EVERYONE - {"NOC"}),
    ("maintenance_maintenancewindow_changelist", None, EVERYONE),
    ("maintenance_maintenancewindow_change", "window", EVERYONE),
    ("maintenance_maintenancewindow_add", None, {"NOC"}),
    ("maintenance_window", "window", EVERYONE),
    ("announce_window", "window", {"NOC"}),
    ("customers_customer_changelist", None, EVERYONE - {"NOC"}),
    ("customers_customer_change", "customer", EVERYONE - {"NOC"}),
    ("customers_customer_add", None, {"Administrator"}),
    ("customers_customer_delete", "customer", {"Administrator"}),
    ("customers_contact_change", "contact", EVERYONE - {"NOC"}),
    ("customers_contact_add", None, {"Support", "Administrator"}),
    ("customers_contact_delete", "contact", {"Support", "Administrator"}),
    ("agreements_contract_change", "contract", EVERYONE - {"NOC"}),
    ("agreements_contract_add", None, {"Administrator"}),
    ("customer_periods", "customer", EVERYONE - {"NOC"}),
    ("customer", "customer", EVERYONE - {"NOC"}),
    ("renew_contract", "contract", {"Administrator"}),
    ("end_contract", "contract", {"Administrator"}),
    ("resume_contract", "contract", {"Administrator"}),
    ("agree_later_end", "contract", {"Administrator"}),
    ("correct_contract", "contract", {"Administrator"}),
    ("change_charge", "contract", {"Administrator"}),
    ("withdraw_renewal", "contract", {"Administrator"}),
    ("agreements_agreementversion_changelist", None, EVERYONE),
    ("customers_region_changelist", None, EVERYONE),
    ("customers_region_change", "region", EVERYONE),
    ("customers_region_add", None, {"Administrator"}),
    ("customers_region_delete", "region", {"Administrator"}),
    ("agreements_contract_delete", "contract", {"Administrator"}),
    ("rehearsal", None, {"Administrator"}),
    ("customers_corefunction_add", None, {"Administrator"}),
    ("customers_client_add", None, {"Administrator"}),
    ("audit_entry_changelist", None, {"Legal", "Auditor", "Administrator"}),
    ("check_integrity", None, {"Legal", "Auditor", "Administrator"}),
    ("auth_user_changelist", None, {"Administrator"}),
    ("auth_user_add", None, {"Administrator"}),
    ("auth_group_changelist", None, {"Administrator"}),
    ("auth_group_add", None, set()),
    ("reports_report_changelist", None, EVERYONE),
    ("setup", None, {"Administrator"}),
    ("opening", None, {"Administrator"}),
    ("test_mail", None, {"Administrator"}),
    ("import_customers", None, {"Administrator"}),
    ("import_sample", None, {"Administrator"}),
    ("first_version", None, {"Legal", "Administrator"}),
]


@pytest.mark.parametrize(("url_name", "of", "roles"), PAGES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_page_opens_for_its_roles_and_for_nobody_else(record, url_name, of, roles):
    url = reverse(f"admin:{url_name}", args=[record[of].pk] if of else [])
    found = {}
    for role in ROLES:
        response = signed_in(a_member(role)).get(url)
        found[role] = response.status_code
        if response.status_code == 403:
            assert b"Access denied" in response.content
    assert found == {role: 200 if role in roles else 403 for role in ROLES}


@pytest.mark.parametrize(
    ("url_name", "of", "roles"),
    [
        ("incidents_incident_change", "incident", {"NOC"}),
        ("maintenance_maintenancewindow_change", "window", {"NOC"}),
        ("customers_customer_change", "customer", {"Administrator"}),
        ("customers_contact_change", "contact", {"Support", "Administrator"}),
        ("customers_region_change", "region", {"Administrator"}),
        ("agreements_contract_change", "contract", {"Administrator"}),
        ("availability_exclusion_change", "exclusion", set()),
        ("announce_window", "window", {"NOC"}),
        ("discard_window", "window", {"NOC"}),
        ("not_carried_out", "window", {"NOC"}),
        ("record_work", "window", {"NOC"}),
        ("resolve_incident", "incident", {"NOC"}),
        ("update_incident", "incident", {"NOC"}),
        ("acknowledge_incident", "incident", {"NOC"}),
        ("set_severity", "incident", {"NOC"}),
        ("take_incident", "incident", {"NOC"}),
        ("hand_over_incident", "incident", {"NOC"}),
        ("link_incident", "incident", {"NOC"}),
        ("incident_review", "incident", {"NOC"}),
        ("publish_review", "incident", {"NOC", "Legal"}),
        ("withdraw_review", "incident", {"NOC", "Legal"}),
        ("reopen_incident", "incident", {"NOC"}),
        ("void_incident", "incident", {"NOC"}),
        ("merge_incident", "incident", {"NOC"}),
        ("withdraw_exclusion", "exclusion", {"NOC", "Legal"}),
        ("attribute_incident", "incident", {"NOC", "Legal"}),
        ("propose_exclusion", "incident", {"NOC", "Legal"}),
        ("confirm_exclusion", "exclusion", {"Legal"}),
        ("reject_exclusion", "exclusion", {"Legal"}),
        ("revoke_exclusion", "exclusion", {"Legal"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_form_is_refused_for_other_roles(record, url_name, of, roles):
    url = reverse(f"admin:{url_name}", args=[record[of].pk])
    for role in ROLES:
        before = Entry.objects.count()
        status = signed_in(a_member(role)).post(url, {}).status_code
        assert (status == 403) == (role not in roles), role
        assert status != 403 or Entry.objects.count() == before


@pytest.mark.parametrize(
    ("url_name", "seen", "sent"),
    [
        ("confirm_announcement", EVERYONE, {"NOC", "Legal"}),
        ("return_announcement", set(), {"NOC", "Legal"}),
        ("withdraw_announcement", set(), {"NOC"}),
    ],
)
def test_a_requested_announcement_is_decided_by_noc_and_legal(record, url_name, seen, sent):
    url = reverse(f"admin:{url_name}", args=[record["request"].window_id, record["request"].pk])
    for role in ROLES:
        client = signed_in(a_member(role))
        assert (client.get(url).status_code == 200) is (role in seen), role
        assert client.post(url, {}).status_code == (422 if role in sent else 403), role


OPERATIONS = {
    "log": (log_incident, {"title": "", "source": "phone", "outages": []}, {"NOC"}),
    "add an outage": (add_outage, {"incident": "incident", "facts": None}, {"NOC"}),
    "acknowledge": (acknowledge_incident, {"incident": "incident"}, {"NOC"}),
    "resolve": (resolve_incident, {"incident": "incident", "at": NOW}, {"NOC"}),
    "reopen": (reopen_incident, {"incident": "incident", "text": "Down again", "reason": "So"}, {"NOC"}),
    "void": (void_incident, {"incident": "incident", "reason": "A slip"}, {"NOC"}),
    "merge": (
        merge_incident,
        {"incident": "incident", "into": "incident", "take_over": (), "propose_anew": (), "reason": "Twice"},
        {"NOC"},
    ),
    "withdraw": (withdraw_exclusion, {"exclusion": "exclusion", "reason": "A slip"}, {"NOC", "Legal"}),
    "withdraw from a customer": (withdraw_exclusion, {"exclusion": "own", "reason": "A slip"}, {"Support", "Legal"}),
    "update": (add_update, {"incident": "incident", "text": "We look", "public": False}, {"NOC"}),
    "set the severity": (
        set_severity,
        {"incident": "incident", "severity": Severity.MINOR, "reason": "Few use it"},
        {"NOC"},
    ),
    "take": (take_incident, {"incident": "incident"}, {"NOC"}),
    "hand over": (hand_over_incident, {"incident": "incident", "to": None, "note": ""}, {"NOC"}),
    "link": (link_incident, {"incident": "incident", "ticket_number": "", "ticket_url": "", "chat_url": ""}, {"NOC"}),
    "leave a note": (add_shift_note, {"text": "Watch it"}, {"NOC"}),
    "write the review": (
        write_review,
        {"incident": "incident", "text": ReviewText("A bad release"), "actions": []},
        {"NOC"},
    ),
    "publish the review": (publish_review, {"incident": "incident"}, {"NOC", "Legal"}),
    "withdraw the review": (withdraw_review, {"incident": "incident", "reason": "No"}, {"NOC", "Legal"}),
    "attribute": (attribute_incident, {"incident": "incident", "reason": "Ours"}, {"NOC", "Legal"}),
    "propose": (propose_exclusion, {"incident": "incident", "clause": "4.10", "reason": "Law"}, {"NOC", "Legal"}),
    "confirm": (confirm_exclusion, {"exclusion": "exclusion", "reason": "Yes"}, {"Legal"}),
    "reject": (reject_exclusion, {"exclusion": "exclusion", "reason": "No"}, {"Legal"}),
    "revoke": (revoke_exclusion, {"exclusion": "exclusion", "reason": "No"}, {"Legal"}),
    "plan": (
        plan_window,
        {"reference": "MW-9", "title": "Upgrade", "kind": "upgrade", "starts_at": NOW, "ends_at": NOW},
        {"NOC"},
    ),
    "announce": (announce_window, {"window": "window", "starts_at": NOW, "ends_at": NOW}, {"NOC"}),
    "cancel": (cancel_window, {"window": "window", "reason": "No need"}, {"NOC"}),
    "request": (request_announcement, {"window": "window", "starts_at": NOW, "ends_at": NOW, "why": "So"}, {"NOC"}),
    "confirm the announcement": (confirm_announcement, {"request": "request"}, {"NOC", "Legal"}),
    "send back the request": (return_request, {"request": "request", "reason": "No need"}, {"NOC", "Legal"}),
    "withdraw the request": (withdraw_request, {"request": "request", "reason": "No need"}, {"NOC"}),
    "discard": (discard_draft, {"window": "window", "reason": "No need"}, {"NOC"}),
    "not carried out": (mark_not_carried_out, {"window": "window", "reason": "No need"}, {"NOC"}),
    "open the portal": (open_portal, {}, {"Administrator"}),
    "name the day": (set_reported_from, {"day": NOW.date()}, {"Administrator"}),
    "set the first version": (set_first_version, {}, {"Legal", "Administrator"}),
    "record work": (record_work, {"window": "window", "started_at": NOW, "completed_at": NOW}, {"NOC"}),
}


@pytest.mark.parametrize("verb", OPERATIONS)
def test_an_operation_refuses_other_roles(record, verb):
    operation, arguments, roles = OPERATIONS[verb]
    given = {name: record.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}
    for role in ROLES:
        try:
            operation(actor=Actor.staff(a_member(role)), now=NOW, **given)
        except NotAllowed:
            assert role not in roles
        except (Refused, AttributeError):
            # Refused for the arguments, not for the role.
            assert role in roles
        else:
            assert role in roles


def test_the_auditor_reads_everything_and_writes_nothing():
    rights = set(Group.objects.get(name="Auditor").permissions.values_list("codename", flat=True))
    assert all(right.startswith("view_") for right in rights)


def test_every_permission_of_the_table_exists():
    there = {
        f"{right.content_type.app_label}.{right.codename}"
        for right in Permission.objects.select_related("content_type")
    }
    assert {right for rights in ROLES.values() for right in rights} - there == set()


def test_every_custom_permission_belongs_to_a_role():
    """A permission without a role could be used by superusers only."""
    invented = {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        for codename, _name in model._meta.permissions
    }
    assert invented - {right for rights in ROLES.values() for right in rights} == set()


def test_no_role_edits_judged_published_sent_or_logged_records():
    read_only = {
        "entry",
        "maintenancenotice",
        "regionmonth",
        "customermonth",
        "exclusion",
        "agreementversion",
        "clause",
    }
    rights = {right.split(".")[1] for rights in ROLES.values() for right in rights}
    assert {f"{verb}_{kind}" for verb in ("add", "change", "delete") for kind in read_only} & rights == set()


def test_a_permission_removed_from_the_table_is_removed_from_the_group():
    noc = Group.objects.get(name="NOC")
    noc.permissions.add(Permission.objects.get(codename="add_customer"))
    sync_roles()
    assert not noc.permissions.filter(codename="add_customer").exists()
    before = set(noc.permissions.all())
    sync_roles()
    assert set(noc.permissions.all()) == before


def test_an_administrator_can_neither_make_nor_change_a_superuser():
    client = signed_in(a_member("Administrator"))
    root = User.objects.create_superuser("root")
    colleague = a_member("NOC")
    form = {"username": "noc", "is_active": "on", "why": "Promotion", "is_superuser": "on", "groups": []}
    client.post(reverse("admin:auth_user_change", args=[colleague.pk]), form)
    colleague.refresh_from_db()
    assert not colleague.is_superuser
    assert client.post(reverse("admin:auth_user_change", args=[root.pk]), form).status_code == 403
    password = {"password1": "a long new password", "password2": "a long new password"}
    assert client.post(reverse("admin:auth_user_password_change", args=[root.pk]), password).status_code == 403


def test_users_who_are_not_staff_are_asked_to_sign_in():
    client = signed_in(User.objects.create_user("guest"))
    for page in ("index", "search", "months", "incidents_incident_changelist"):
        assert client.get(reverse(f"admin:{page}")).url.startswith(reverse("admin:login"))


def test_a_month_of_a_customer_is_not_for_noc():
    a_contract(a_customer(a_region(), "C-1"), "2026-01-01", "2026-12-31")
    month = str(ServiceMonth(2026, 9))
    noc, support = signed_in(a_member("NOC")), signed_in(a_member("Support"))
    assert noc.get(reverse("admin:month", args=[month, "region", "eu"])).status_code == 200
    assert noc.get(reverse("admin:month", args=[month, "customer", "C-1"])).status_code == 403
    assert support.get(reverse("admin:month", args=[month, "customer", "C-1"])).status_code == 200


def test_a_report_on_a_customer_is_not_for_noc():
    region = a_region()
    a_contract(a_customer(region, "C-1", name="Hafen Residences"), "2026-01-01", "2026-12-31")
    asked = at("2026-10-14 01:00")
    run = request_reports(actor=Actor.system("test"), month=ServiceMonth(2026, 9), now=asked)
    queue_reports(run_id=run.pk, now=asked)
    reports = reverse("admin:reports_report_changelist")
    for role, seen in (("NOC", False), ("Support", True)):
        page = text_of(signed_in(a_member(role)).get(reports))
        assert "2026-09" in page
        assert ("Hafen Residences" in page) == seen
    of_customer = Report.objects.get(customer__code="C-1")
    assert of_customer not in readable_by(User.objects.get(username="noc"))
