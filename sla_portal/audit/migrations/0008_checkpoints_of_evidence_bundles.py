"""Let a checkpoint be made for an evidence bundle."""

from django.db import migrations, models

from sla_portal.audit.freezing import freeze, thaw


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_the_head_only_moves_on")]
    operations = [
        # SQLite makes the table anew, and loses its triggers.
        thaw("audit_checkpoint"),
        migrations.RemoveConstraint(
            model_name='checkpoint',
            name='a_checkpoint_has_a_known_occasion',
        ),
        migrations.AlterField(
            model_name='checkpoint',
            name='occasion',
            field=models.CharField(choices=[('upgrade', 'first checkpoint of an existing log'), ('daily', 'daily'), ('closing', 'month closed or corrected'), ('publication', 'agreement version published or withdrawn'), ('decision', 'claim decided'), ('bundle', 'evidence bundle made')], max_length=12, verbose_name='occasion'),
        ),
        migrations.AddConstraint(
            model_name='checkpoint',
            constraint=models.CheckConstraint(condition=models.Q(('occasion__in', ['upgrade', 'daily', 'closing', 'publication', 'decision', 'bundle'])), name='a_checkpoint_has_a_known_occasion'),
        ),
        freeze("audit_checkpoint"),
    ]
