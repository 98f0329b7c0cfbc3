"""Several people, or programs, at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import IntegrityError, connections

from sla_portal.kernel.errors import Refused

REFUSED = (Refused, IntegrityError)
"""By a rule, or by a constraint of the database."""


def at_once(*doings: Callable[[], object]) -> list[object]:
    """Do several things at the same moment, each on a connection of its own: what each returned, or how it was refused.

    Anything but a refusal, such as two that wait for each other, rises.
    """
    together = threading.Barrier(len(doings))

    def one(do: Callable[[], object]) -> object:
        try:
            together.wait(timeout=30)
            return do()
        except REFUSED as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(doings)) as threads:
        return [*threads.map(one, doings)]


def outcomes(*doings: Callable[[], object]) -> list[str]:
    """Do several things at the same moment; of each, `done`, or the name of its refusal."""
    return [type(outcome).__name__ if isinstance(outcome, REFUSED) else "done" for outcome in at_once(*doings)]
