"""Let notices confirm the responses of customers, and invite customers to claim."""

from django.db import migrations, models

from sla_portal.audit.freezing import freeze

# SQLite alters a table by copying it, which loses its triggers.
frozen = freeze("notices_notice")


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0014_from_whom_mails_come'),
        ('operator', '0003_identity_and_basis'),
    ]

    operations = [
        migrations.RunPython(frozen.reverse_code, frozen.code),
        migrations.RemoveConstraint(
            model_name='notice',
            name='a_notice_is_of_a_known_kind',
        ),
        migrations.AlterField(
            model_name='notice',
            name='kind',
            field=models.CharField(choices=[('maintenance', 'maintenance'), ('announcement', 'announcement'), ('amendment', 'amendment'), ('response', 'response to an amendment'), ('report', 'report'), ('claim', 'claim'), ('code', 'code'), ('invitation', 'invitation to claim'), ('audit', 'audit log')], max_length=20, verbose_name='kind'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['maintenance', 'announcement', 'amendment', 'response', 'report', 'claim', 'code', 'invitation', 'audit'])), name='a_notice_is_of_a_known_kind'),
        ),
        frozen,
    ]
