"""The running portal's role in PostgreSQL: it does all of the portal's work, and cannot undo what is frozen."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.utils import ProgrammingError

from claims.models import Status
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import check_log, make_daily_checkpoint
from sla_portal.audit.privileges import grant_to_portal
from sla_portal.notices.models import Notice
from sla_portal.reports.models import Report
from sla_portal.reports.operations import queue_reports, request_reports
from tests.support.claimants import OPEN, PORTAL, SEPTEMBER, a_claim, a_claimant, granted
from tests.support.public import everything

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

FROZEN = {
    "audit_entry", "audit_checkpoint", "audit_check", "availability_monthclosing", "notices_notice", "notices_wording",
    "notices_attachment", "notices_bounce", "claims_recommendation", "claims_decision", "claims_compensation",
    "claims_undoing_entries", "claims_voucher", "claims_entry", "claims_refusedapplication", "audit_document", "audit_certificate",
    "agreements_publishedchanges", "notices_pagecopy", "reports_versionpdf",
    "operator_identity", "operator_logo", "operator_basis",
    "operator_stagingcopy", "agreements_charge",
    "notices_deliverycustomer",
    "reports_mailedreport", "claims_billingexport", "claims_billedentry", "claims_enclosure", "claims_note",
    "claims_recommendation_enclosures",
}  # fmt: skip


@pytest.fixture
def role():
    """A role with the running portal's rights, in which the test goes on: a connection of its own has no other."""
    name = f"portal-{uuid4().hex[:12]}"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE ROLE "{name}"')
        call_command("grantportal", name, verbosity=0)
        cursor.execute(f'SET LOCAL ROLE "{name}"')
        yield name
        cursor.execute("RESET ROLE")


def refused(statement: str) -> bool:
    """Whether the role lacks the right: a trigger would refuse with another error."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except ProgrammingError as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    except DatabaseError:
        return False
    return False


def test_the_portals_role_does_all_of_the_portals_work(role):
    claimant = a_claimant()
    everything()
    claim = a_claim(claimant, closed=False)
    granted(claim)
    run = request_reports(actor=PORTAL, month=SEPTEMBER, customers=[claimant.customer], now=OPEN)
    queue_reports(run_id=run.pk, now=OPEN)
    assert make_daily_checkpoint(now=OPEN)
    assert check_log(now=OPEN).findings == []
    claim.refresh_from_db()
    assert claim.status == Status.GRANTED
    assert Report.objects.exists()
    assert Notice.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (role,)


def test_it_cannot_undo_what_is_frozen_nor_take_the_guards_away(role):
    everything()
    keys = {model._meta.db_table: model._meta.pk.column for model in apps.get_models(include_auto_created=True)}
    for table in FROZEN:
        for statement in (
            f"UPDATE {{}} SET {keys[table]} = {keys[table]}", "DELETE FROM {}", "TRUNCATE {} CASCADE", "ALTER TABLE {} DISABLE TRIGGER ALL",
            "ALTER TABLE {} ADD COLUMN more int", "DROP TABLE {} CASCADE",
        ):  # fmt: skip
            assert refused(statement.format(table)), statement.format(table)
    for statement in (
        "DELETE FROM audit_chain", "TRUNCATE notices_delivery CASCADE", "TRUNCATE reports_report CASCADE",
        "DROP TRIGGER audit_entry_is_never_changed ON audit_entry", "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION audit_chain_moves_on() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "DELETE FROM django_migrations", "CREATE TABLE mine (id int)",
    ):  # fmt: skip
        assert refused(statement), statement
    assert Entry.objects.exists()


def test_the_owner_can_so_a_check_of_the_deployment_says_it(role):
    def said():
        found = checks.run_checks(tags=["database"], include_deployment_checks=True, databases=["default"])
        return [one.msg.partition(": ")[2] for one in found if one.id == "audit.W001"]

    assert said() == []
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        assert set(said()) == {"it is a superuser.", "it owns the tables, so it can remove their triggers."}
        assert set(grant_to_portal(connection, role)) == FROZEN
        cursor.execute(f'GRANT TRUNCATE ON audit_entry TO "{role}"')
        cursor.execute(f'SET LOCAL ROLE "{role}"')
        assert said() == ["it may change or empty the audit log."]


def test_the_command_names_what_is_wrong():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        own = cursor.fetchone()[0]
    for name, error in (("nobody-there", "There is no role"), (own, "run this as the owner")):
        with pytest.raises(CommandError, match=error):
            call_command("grantportal", name)
