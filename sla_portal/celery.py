"""The Celery app, and the schedule: what is looked for, and how often.

A periodic task asks the database what is due, so a run that is missed, doubled or late does no harm.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sla_portal.settings")

app = Celery("sla_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ["sla_portal.health"]
app.autodiscover_tasks()


def every(seconds: int, task: str) -> dict[str, Any]:
    """One line of the schedule; what no worker took by the next round is dropped, not piled up."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


app.conf.beat_schedule = {
    "deliver notices that are due": every(30, "sla_portal.notices.tasks.deliver_due_notices"),
    "read what came back": every(300, "sla_portal.notices.tasks.read_bounces"),
    "judge due months": every(300, "sla_portal.availability.tasks.judge_due_months"),
    "remind of amendments that take effect soon": every(3600, "sla_portal.agreements.tasks.remind_of_amendments"),
    "freeze what earlier builds announced": every(300, "sla_portal.agreements.tasks.freeze_earlier_changes"),
    "keep the pages of announcements": every(60, "sla_portal.website.tasks.keep_announcements"),
    "make sure that last month's reports exist": every(3600, "sla_portal.reports.tasks.issue_due_reports"),
    "print announced versions": every(300, "sla_portal.reports.tasks.print_due_versions"),
    "print credit notes": every(30, "sla_portal.reports.tasks.print_due_credit_notes"),
    "print letters": every(30, "sla_portal.reports.tasks.print_due_letters"),
    "put bundles of proof together": every(30, "sla_portal.reports.tasks.make_due_bundles"),
    "render reports that wait": every(30, "sla_portal.reports.tasks.render_due_reports"),
    "tell of the reports of closed months": every(300, "sla_portal.reports.tasks.mail_due_reports"),
    "mail the codes and links asked for": every(30, "claims.tasks.mail_codes_and_links"),
    "mail the sign-in codes asked for": every(30, "sla_portal.website.tasks.mail_sign_in_codes"),
    "forget expired sign-ins": every(3600, "sla_portal.website.tasks.forget_sign_ins"),
    "submit claims whose day has come": every(300, "claims.tasks.submit_held_claims"),
    "purge expired claim forms": every(3600, "claims.tasks.purge_expired_applications"),
    "make the checkpoint of the day": every(600, "sla_portal.audit.tasks.make_daily_checkpoint"),
    "seal documents": every(30, "sla_portal.audit.tasks.seal_documents"),
    "mail checkpoints of the audit log": every(300, "sla_portal.notices.tasks.mail_checkpoints"),
    "sum up failed sign-ins": every(600, "sla_portal.staff.tasks.sum_up_failed_sign_ins"),
    "verify the tail of the audit log": every(3600, "sla_portal.notices.tasks.check_tail_of_audit_log"),
    "verify the whole audit log": every(86400, "sla_portal.notices.tasks.check_audit_log"),
    "verify what was issued": every(3600, "sla_portal.reports.tasks.check_issued_documents"),
    "say that schedule and worker are alive": every(60, "sla_portal.health.note_beat"),
}


@setup_logging.connect
def leave_logging_to_django(**_: object) -> None:
    """Celery keeps its own log lines to itself where nobody answers this signal; settings.LOGGING has said it all."""


@beat_init.connect
def note_the_start(**_: object) -> None:
    # Else the portal would count as unwell for the first minute.
    from sla_portal.health import note_beat

    note_beat()


@worker_init.connect
@beat_init.connect
def refuse_another_time_zone(**_: object) -> None:
    """Start with the time zone and country that the closed months were counted by, or not at all."""
    from sla_portal.operator.starting import refuse_other_basis

    refuse_other_basis()


@worker_init.connect
def refuse_a_database_of_another_role(**_: object) -> None:
    """Do no work on a database that this installation must not serve."""
    from sla_portal.operator.queries import refusal_of_role

    if sentence := refusal_of_role():
        raise SystemExit(sentence)
