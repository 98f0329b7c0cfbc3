"""E-mails of a staging copy are held."""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0010_copies_of_pages_and_hashes_of_mails'),
    ]

    operations = [
        migrations.AlterField(
            model_name='delivery',
            name='trouble',
            field=models.CharField(blank=True, choices=[('unreachable', 'The mail server could not be reached.'), ('postponed', 'The receiving server asked to retry later.'), ('no such address', 'The address does not exist.'), ('full', 'The mailbox is full.'), ('refused', 'The receiving server rejected the e-mail.'), ('unwritable', 'The address is not valid in an SMTP envelope.'), ('cut off', 'The connection broke before the e-mail was handed over.'), ('unanswered', 'The connection broke after the e-mail was handed over. It may have been delivered.'), ('interrupted', 'The worker was stopped while handing over the e-mail. It may have been delivered.'), ('returned', 'The e-mail was accepted and bounced later.'), ('held', 'Held: customers get no e-mail from a staging copy.')], max_length=20, verbose_name='failure reason'),
        ),
    ]
