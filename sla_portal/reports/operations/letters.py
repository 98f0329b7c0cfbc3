"""Print the letters to claimants."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from django.db.models import F

from claims.models import Letter

log = logging.getLogger(__name__)

CHUNK = 50
MAX_ATTEMPTS = 5


def print_due_letters(*, clock: Callable[[], datetime]) -> int:
    """Print the letters that wait, at most fifty; return how many were printed. One that fails waits for the next round."""
    due = Letter.objects.filter(printed_at__isnull=True, attempts__lt=MAX_ATTEMPTS).select_related(
        "notice__identity__logo", "claim__contract__customer"
    )
    return sum(_print(letter, clock()) for letter in due.order_by("pk")[:CHUNK])


def _print(letter: Letter, now: datetime) -> int:
    # Only a process that renders needs WeasyPrint and its libraries.
    from ..pdf.letter import letter_pdf

    waiting = Letter.objects.filter(pk=letter.pk, printed_at__isnull=True)
    # Before it is printed, so that one at which the process dies is not tried for ever.
    waiting.update(attempts=F("attempts") + 1)
    try:
        pdf = letter_pdf(letter)
    except Exception:
        log.exception("Letter %s could not be printed", letter)
        return 0
    # Of two workers that printed the same, one stores it.
    return waiting.update(pdf=pdf, sha256=sha256(pdf).hexdigest(), printed_at=now)
