"""The twin: what one writes with Celery's defaults. A task carries its recipient, and any error is tried again."""

import os
import smtplib
from urllib.parse import urlsplit

from celery import Celery

# Not the current app, or the portal's tasks would go its way.
app = Celery("twin", broker=os.environ["REDIS_URL"].replace("/0", "/1"), set_as_current=False)
app.conf.broker_connection_retry_on_startup = True


@app.task(autoretry_for=(OSError, smtplib.SMTPException), default_retry_delay=1, max_retries=20, ignore_result=True)
def send(recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", urlsplit(os.environ["EMAIL_URL"]).port or 25) as smtp:
        smtp.sendmail("sla-portal@localhost", [recipient], b"Subject: Maintenance\r\n\r\nWe work.\r\n")
