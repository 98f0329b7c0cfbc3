"""Tables of the staff pages."""

from django.db import models


class Submission(models.Model):
    """A saved form by its idempotency key."""

    key = models.UUIDField(unique=True)
    at = models.DateTimeField()
    location = models.CharField(max_length=2000, help_text="Where whoever sent it was led; empty while it is saved.")
    digest = models.CharField(max_length=64, default="", help_text="Identifies what was sent.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.key)
