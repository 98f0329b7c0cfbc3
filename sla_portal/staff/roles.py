"""Who may do what: the roles of the desks as a table, kept as groups."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Value
from django.db.models.functions import Concat

WHAT_WAS_TOLD = ("notices.view_notice", "notices.view_delivery")
WHAT_IS_OWED = (
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
)
EVERYTHING_ON_RECORD = (
    *WHAT_WAS_TOLD,
    "audit.view_entry",
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
    "maintenance.view_maintenancewindow",
    "maintenance.view_maintenancenotice",
    "availability.view_exclusion",
    "availability.view_evidence",
    "availability.view_regionmonth",
    "availability.view_customermonth",
    "availability.view_monthclosing",
    *WHAT_IS_OWED,
    "reports.view_report",
    "reports.view_reportrun",
)
WHAT_THE_SERVICE_IS = ("customers.view_region", "customers.view_corefunction", "customers.view_client")
WHAT_HAPPENED = (
    "incidents.view_incident",
    "incidents.view_outage",
    "incidents.view_update",
    "availability.view_exclusion",
    "availability.view_evidence",
)
WHAT_WAS_PLANNED = ("maintenance.view_maintenancewindow", "maintenance.view_maintenancenotice")
WHAT_WAS_PROMISED = (
    "agreements.view_agreementversion",
    "agreements.view_clause",
    "agreements.view_registerentry",
)
WHO_AND_SINCE_WHEN = (
    "customers.view_customer",
    "customers.view_contact",
    "agreements.view_contract",
    "agreements.view_suspension",
    "agreements.view_payment",
)

ROLES: dict[str, tuple[str, ...]] = {
    "NOC": (
        *WHAT_THE_SERVICE_IS,
        *WHAT_HAPPENED,
        *WHAT_WAS_PLANNED,
        *WHAT_WAS_PROMISED,
        "incidents.add_incident",
        "incidents.change_incident",
        "incidents.classify_incident",
        "incidents.add_outage",
        "incidents.change_outage",
        "incidents.delete_outage",
        "maintenance.add_maintenancewindow",
        "maintenance.change_maintenancewindow",
        "maintenance.announce_maintenancewindow",
        *WHAT_WAS_TOLD,
        "notices.give_notice",
        "notices.resolve_delivery",
        "notices.read_inbox",
        "availability.propose_exclusion",
        "availability.view_regionmonth",
        "reports.view_report",
    ),
    "Support": (
        *WHAT_THE_SERVICE_IS,
        *WHAT_HAPPENED,
        *WHAT_WAS_PLANNED,
        *WHAT_WAS_PROMISED,
        *WHO_AND_SINCE_WHEN,
        "customers.add_contact",
        "customers.change_contact",
        "customers.delete_contact",
        "agreements.extend_contract",
        "agreements.view_answer",
        "agreements.register_answer",
        *WHAT_IS_OWED,
        "claims.enter_claim",
        "claims.review_claim",
        "claims.decide_claim",
        "claims.redeem_voucher",
        "claims.reverse_compensation",
        "availability.propose_own_exclusion",
        "availability.decide_own_exclusion",
        *WHAT_WAS_TOLD,
        "notices.give_notice",
        "notices.resolve_delivery",
        "notices.read_inbox",
        "availability.view_regionmonth",
        "availability.view_customermonth",
        "reports.view_report",
    ),
    "Legal": (
        *EVERYTHING_ON_RECORD,
        "agreements.draft_version",
        "agreements.publish_version",
        "agreements.register_answer",
        "agreements.write_registerentry",
        "agreements.approve_registerentry",
        "notices.give_notice",
        "notices.resolve_delivery",
        "notices.read_inbox",
        "incidents.classify_incident",
        "availability.propose_exclusion",
        "availability.decide_exclusion",
        "availability.propose_own_exclusion",
        "availability.decide_own_exclusion",
        "availability.close_month",
        "reports.issue_report",
    ),
    "Auditor": EVERYTHING_ON_RECORD,
    "Administrator": (
        *EVERYTHING_ON_RECORD,
        "notices.read_inbox",
        "auth.view_user",
        "auth.add_user",
        "auth.change_user",
        "auth.view_group",
        "customers.add_region",
        "customers.change_region",
        "customers.add_corefunction",
        "customers.change_corefunction",
        "customers.add_client",
        "customers.change_client",
        "customers.add_customer",
        "customers.change_customer",
        "customers.add_contact",
        "customers.change_contact",
        "customers.delete_contact",
        "agreements.add_contract",
        "agreements.change_contract",
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
        "reports.issue_report",
    ),
}


def sync_roles(**_signal: object) -> None:
    """Give each role's group exactly the rights of the table, where they exist."""
    named = Permission.objects.annotate(right=Concat("content_type__app_label", Value("."), "codename"))
    for role, rights in ROLES.items():
        group, _created = Group.objects.get_or_create(name=role)
        group.permissions.set(named.filter(right__in=rights))
