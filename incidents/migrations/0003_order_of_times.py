"""Bind the order of an incident's times (2.2); what an earlier build recorded out of order stays, marked for correction."""

from django.db import migrations, models
from django.db.models import CharField, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Cast

from incidents.triggers import add, drop


def mark_what_is_out_of_order(apps, _editor):
    incidents = apps.get_model("incidents", "Incident").objects
    outages = apps.get_model("incidents", "Outage").objects.filter(incident=OuterRef("pk"))
    late = outages.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=OuterRef("resolved_at")))
    incidents.filter(
        Q(acknowledged_at__lt=F("detected_at"))
        | Q(resolved_at__lt=F("detected_at"))
        | Q(resolved_at__lt=F("acknowledged_at"))
        | Q(Exists(late), resolved_at__isnull=False)
    ).update(recorded_as_is=True)


def take_from_the_audit_log_when_it_was_logged(apps, _editor):
    logged = apps.get_model("audit", "Entry").objects.filter(
        subject_type="incidents.incident", subject_id=Cast(OuterRef("pk"), CharField()), action="logged"
    )
    apps.get_model("incidents", "Incident").objects.update(logged_at=Subquery(logged.values("at")[:1]))


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_refuse_changes"), ("incidents", "0002_words_of_the_field")]

    operations = [
        migrations.AddField(
            model_name="incident",
            name="logged_at",
            field=models.DateTimeField(
                editable=False, help_text="Empty where the record does not say.", null=True, verbose_name="logged at"
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="recorded_as_is",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text=(
                    "Its times were taken as recorded, though they break the order of 2.2: by an earlier version of the "
                    "portal, or by “loadhistory --as-recorded”."
                ),
                verbose_name="times out of order",
            ),
        ),
        migrations.RunPython(mark_what_is_out_of_order, migrations.RunPython.noop),
        migrations.RunPython(take_from_the_audit_log_when_it_was_logged, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=Q(("recorded_as_is", True)), fields=["detected_at"], name="incidents_out_of_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=Q(
                    ("recorded_as_is", True),
                    ("acknowledged_at__isnull", True),
                    ("acknowledged_at__gte", F("detected_at")),
                    _connector="OR",
                ),
                name="an_incident_is_detected_before_it_is_acknowledged",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=Q(
                    ("recorded_as_is", True),
                    ("resolved_at__isnull", True),
                    ("resolved_at__gte", F("detected_at")),
                    _connector="OR",
                ),
                name="an_incident_is_detected_before_it_is_resolved",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=Q(
                    ("recorded_as_is", True),
                    ("acknowledged_at__isnull", True),
                    ("resolved_at__isnull", True),
                    ("resolved_at__gte", F("acknowledged_at")),
                    _connector="OR",
                ),
                name="an_incident_is_acknowledged_before_it_is_resolved",
            ),
        ),
        migrations.RunPython(add, drop),
    ]
