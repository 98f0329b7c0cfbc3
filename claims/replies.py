"""The fields of saved replies: what may stand between braces in a reply of each kind, and how it is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

OF_ALL = ("customer", "contact", "contract", "claim", "month", "operator")
FIELDS = {
    "grant": (*OF_ALL, "availability", "target", "minutes", "extension", "voucher", "notes"),
    "credit": (*OF_ALL, "availability", "target", "minutes", "extension", "voucher", "notes"),
    "refusal": (*OF_ALL, "availability", "target", "minutes", "reason"),
    "question": OF_ALL,
    "reversal": (*OF_ALL, "corrections"),
    "closing": ("customer", "contact", "claim", "operator"),
}
"""The fields of a reply, by its kind."""
FIELD = re.compile(r"\{([^{}]*)\}")


def unknown_fields(text: str, kind: str) -> list[str]:
    """Return the fields of a text that a reply of its kind does not have, and braces without a pair, as they stand in it."""
    unknown = [found[0] for found in FIELD.finditer(text) if found[1] not in FIELDS[kind]]
    return [*unknown, *re.findall("[{}]", FIELD.sub("", text))]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Fill in the fields of a text; one without a value stays as it stands. A value is never read as a field."""
    return FIELD.sub(lambda found: values.get(found[1], found[0]), text)
