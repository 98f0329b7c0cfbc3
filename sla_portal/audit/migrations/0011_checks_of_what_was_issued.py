"""Let a check be of the documents that were issued and their seals."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0010_documents_of_a_rehearsal")]
    operations = [
        migrations.AddField(
            model_name='check',
            name='documents',
            field=models.PositiveBigIntegerField(help_text='Empty: a check of the audit log.', null=True, verbose_name='documents checked'),
        ),
    ]
