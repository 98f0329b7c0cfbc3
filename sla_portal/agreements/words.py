"""The words for how a customer stands to an amendment (5.2): the same to the customer, to Legal and to a court."""

from __future__ import annotations

from django.utils.translation import gettext as _

from .rules import Acceptance


def response_words(state: Acceptance, *, in_force: bool) -> str:
    """Return the status of a customer's response; `in_force`: the version has taken effect."""
    return {
        Acceptance.AGREED: _("accepted"),
        Acceptance.ACCEPTED: _("deemed accepted"),
        Acceptance.NO_RESPONSE: _("no response yet"),
        # 5.2: who continues to use the service accepts
        Acceptance.OBJECTED: _("objected, continues under the new version") if in_force else _("objected"),
        Acceptance.TERMINATED: _("terminated"),
        Acceptance.EXPIRED: _("not concerned: contract expired before"),
    }[state]
