"""The staff roles and their permissions; each role is a Django group."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

NAMES = {
    "NOC": _("NOC"),
    "Support": _("Support"),
    "Legal": _("Legal"),
    "Auditor": _("Auditor"),
    "Administrator": _("Administrator"),
}

VIEW_NOTICES = ("notices.view_notice", "notices.view_delivery")
VIEW_CLAIMS = (
    "claims.view_claim",
    "claims.view_proof",
    "claims.view_refusedapplication",
    "claims.view_recommendation",
    "claims.view_decision",
    "claims.view_compensation",
    "claims.view_voucher",
    "claims.view_entry",
    "claims.view_ownday",
    "claims.view_calendaryear",
    "claims.view_savedreply",
)
WATCH = ("audit.view_faults", "staff.view_failedsignins")
VIEW_ALL = (
    *VIEW_NOTICES,
    "audit.view_entry",
    "operator.view_identity",
    "customers.view_region",
    "customers.view_corefunction",
    "customers.view_client",
    "customers.view_customer",
    "customers.view_contact",
    "agreements.view_agreementversion",
    "agreements.view_clause",
    "agreements.view_registerentry",
    "agreements.view_answer",
    "agreements.view_contract",
    "agreements.view_suspension",
    "agreements.view_payment",
    "incidents.view_incident",
    "incidents.view_outage",
    "incidents.view_update",
    "incidents.view_shiftnote",
    "incidents.view_review",
    "incidents.view_incidenttemplate",
    "incidents.view_updatetemplate",
    "maintenance.view_maintenancewindow",
    "maintenance.view_maintenancenotice",
    "availability.view_exclusion",
    "availability.view_evidence",
    "availability.view_regionmonth",
    "availability.view_customermonth",
    "availability.view_monthclosing",
    *VIEW_CLAIMS,
    "reports.view_report",
    "reports.view_reportrun",
    "reports.view_bundle",
)
VIEW_SERVICE = ("customers.view_region", "customers.view_corefunction", "customers.view_client")
VIEW_INCIDENTS = (
    "incidents.view_incident",
    "incidents.view_outage",
    "incidents.view_update",
    "incidents.view_shiftnote",
    "incidents.view_review",
    "availability.view_exclusion",
    "availability.view_evidence",
)
VIEW_MAINTENANCE = ("maintenance.view_maintenancewindow", "maintenance.view_maintenancenotice")
VIEW_AGREEMENT = (
    "agreements.view_agreementversion",
    "agreements.view_clause",
    "agreements.view_registerentry",
)
VIEW_CUSTOMERS = (
    "customers.view_customer",
    "customers.view_contact",
    "agreements.view_contract",
    "agreements.view_suspension",
    "agreements.view_payment",
)

EDIT_TEMPLATES = tuple(
    f"incidents.{verb}_{kind}"
    for kind in ("incidenttemplate", "updatetemplate")
    for verb in ("view", "add", "change", "delete")
)

ROLES: dict[str, tuple[str, ...]] = {
    "NOC": (
        *VIEW_SERVICE,
        *VIEW_INCIDENTS,
        *VIEW_MAINTENANCE,
        *VIEW_AGREEMENT,
        "incidents.add_incident",
        "incidents.change_incident",
        "incidents.classify_incident",
        "incidents.void_incident",
        "incidents.add_outage",
        "incidents.change_outage",
        "incidents.delete_outage",
        "incidents.add_shiftnote",
        "incidents.write_review",
        "incidents.publish_review",
        *EDIT_TEMPLATES,
        "maintenance.add_maintenancewindow",
        "maintenance.change_maintenancewindow",
        "maintenance.announce_maintenancewindow",
        "maintenance.confirm_maintenancewindow",
        *VIEW_NOTICES,
        "notices.give_notice",
        "notices.resolve_delivery",
        "notices.read_inbox",
        "availability.propose_exclusion",
        "availability.view_regionmonth",
        "reports.view_report",
    ),
    "Support": (
        *VIEW_SERVICE,
        *VIEW_INCIDENTS,
        *VIEW_MAINTENANCE,
        *VIEW_AGREEMENT,
        *VIEW_CUSTOMERS,
        "customers.add_contact",
        "customers.change_contact",
        "customers.delete_contact",
        "agreements.extend_contract",
        "agreements.view_answer",
        "agreements.register_answer",
        *VIEW_CLAIMS,
        "claims.enter_claim",
        "claims.review_claim",
        "claims.note_claim",
        "claims.decide_claim",
        "claims.redeem_voucher",
        "claims.reverse_compensation",
        "claims.export_for_billing",
        "claims.add_savedreply",
        "claims.change_savedreply",
        "claims.delete_savedreply",
        "availability.propose_own_exclusion",
        "availability.decide_own_exclusion",
        *VIEW_NOTICES,
        "notices.give_notice",
        "notices.resolve_delivery",
        "notices.read_inbox",
        "availability.view_regionmonth",
        "availability.view_customermonth",
        "reports.view_report",
    ),
    "Legal": (
        *VIEW_ALL,
        "claims.note_claim",
        "agreements.set_first_version",
        "agreements.draft_version",
        "agreements.publish_version",
        "agreements.register_answer",
        "agreements.write_registerentry",
        "agreements.approve_registerentry",
        "notices.give_notice",
        "notices.resolve_delivery",
        "notices.read_inbox",
        "incidents.classify_incident",
        "incidents.publish_review",
        "maintenance.confirm_maintenancewindow",
        "availability.propose_exclusion",
        "availability.decide_exclusion",
        "availability.propose_own_exclusion",
        "availability.decide_own_exclusion",
        "availability.close_month",
        "reports.issue_report",
        "reports.request_bundle",
    ),
    "Auditor": (*VIEW_ALL, *WATCH),
    "Administrator": (
        *VIEW_ALL,
        *WATCH,
        "notices.read_inbox",
        "operator.change_identity",
        "operator.open_portal",
        "agreements.set_first_version",
        "auth.view_user",
        "auth.add_user",
        "auth.change_user",
        "auth.view_group",
        "auth.delete_user",
        "customers.add_region",
        "customers.change_region",
        "customers.delete_region",
        "customers.add_corefunction",
        "customers.change_corefunction",
        "customers.delete_corefunction",
        "customers.add_client",
        "customers.change_client",
        "customers.delete_client",
        "customers.add_customer",
        "customers.change_customer",
        "customers.delete_customer",
        "customers.add_contact",
        "customers.change_contact",
        "customers.delete_contact",
        "agreements.add_contract",
        "agreements.change_contract",
        "agreements.delete_contract",
        "agreements.add_suspension",
        "agreements.change_suspension",
        "agreements.delete_suspension",
        "agreements.add_payment",
        "claims.add_ownday",
        "claims.change_ownday",
        "claims.delete_ownday",
        "claims.add_calendaryear",
        "claims.change_calendaryear",
        "claims.delete_calendaryear",
        "operator.begin_rehearsal",
        "reports.issue_report",
    ),
}


def sync_roles(**_signal: object) -> None:
    """Set the permissions of each role group to those of the table, as far as they exist yet."""
    named = Permission.objects.annotate(right=Concat("content_type__app_label", Value("."), "codename"))
    for role, rights in ROLES.items():
        group, _created = Group.objects.get_or_create(name=role)
        group.permissions.set(named.filter(right__in=rights))


def role_name(group: Group) -> str:
    """Return the name of a role in the reader's language."""
    return str(NAMES.get(group.name, group.name))
