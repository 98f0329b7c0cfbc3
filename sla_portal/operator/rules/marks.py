"""How a portal that is not the real one is marked."""

from enum import StrEnum


class Mark(StrEnum):
    """Why nothing here is real; empty where it is."""

    NONE = ""
    REHEARSAL = "rehearsal"
    STAGING = "staging"


PRODUCTION, STAGING = "production", "staging"
"""The roles of an installation (SITE_ROLE)."""


def role_refusal(role: str, *, staged: bool) -> str:
    """Return why an installation in this role must not serve a database; empty where it may.

    `staged`: the database was made a staging copy.
    """
    if role == STAGING and not staged:
        return (
            "SITE_ROLE is staging, and this database was not made a staging copy: its links and sessions may still be "
            "those of the original. Run: manage.py stagecopy"
        )
    if role == PRODUCTION and staged:
        return (
            "This database was made a staging copy, and SITE_ROLE is production. Set SITE_ROLE=staging, or DATABASE_URL "
            "to the real database."
        )
    return ""
