"""Tables of the staff pages."""

from django.db import models


class Submission(models.Model):
    """A saved form by its idempotency key."""

    key = models.UUIDField(unique=True)
    at = models.DateTimeField()
    location = models.CharField(max_length=200, help_text="Where whoever sent it was led.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.key)
