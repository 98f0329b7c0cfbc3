"""The sentences about the operator."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .rules import Operator


def portal_name(operator: Operator) -> str:
    """Return the name of the portal in the reader's language, as titles, feeds and the API state it."""
    if name := operator.name_in(get_language()):
        return _("%(operator)s SLA portal") % {"operator": name}
    return _("SLA portal")


def shown(operator: Operator) -> dict[str, Any]:
    """Return what the frame of a page shows of the operator, in the reader's language."""
    language = get_language()
    return {
        "operator": operator,
        "operator_name": operator.name_in(language),
        "operator_address": operator.address_in(language),
        "portal_name": portal_name(operator),
    }
