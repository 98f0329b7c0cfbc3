"""E-mails of a staging copy are held."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0011_what_servers_report'),
    ]

    operations = [
        migrations.AlterField(
            model_name='delivery',
            name='trouble',
            field=models.CharField(blank=True, choices=[('unreachable', 'The mail server could not be reached.'), ('postponed', 'The receiving server asked to retry later.'), ('no such address', 'The address does not exist.'), ('full', 'The mailbox is full.'), ('refused', 'The receiving server rejected the e-mail.'), ('unwritable', 'The address is not valid in an SMTP envelope.'), ('cut off', 'The connection broke before the e-mail was handed over.'), ('unanswered', 'The connection broke after the e-mail was handed over. It may have been delivered.'), ('interrupted', 'The worker was stopped while handing over the e-mail. It may have been delivered.'), ('sender', "The receiving server rejected the sender's address, which is ours."), ('blocked', 'The receiving server blocked the e-mail by its own policy.'), ('returned', 'The e-mail was accepted and bounced later.'), ('probably', 'A report in plain words says that the e-mail was not delivered. It probably failed.'), ('held', 'Held: customers get no e-mail from a staging copy.')], max_length=20, verbose_name='failure reason'),
        ),
    ]
