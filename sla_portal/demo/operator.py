"""Who promises in the demo, in which words, and by which calendar."""

from __future__ import annotations

from sla_portal.agreements.first_version import SUMMARIES
from sla_portal.agreements.wording import ClauseText, NumberedText

OPERATOR = {
    "name": "Example Intercom Cloud GmbH",
    "name_zh": "示例对讲云有限公司",
    "address": "Musterkai 1, 20457 Hamburg, Germany",
    "address_zh": "德国汉堡示例码头 1 号，邮编 20457",
    "contact_email": "sla@example.com",
    "contact_phone": "+49 40 5550100",
    "imprint_url": "https://example.com/imprint",
    "privacy_url": "https://example.com/privacy",
    "sender": "",
    "reply_to": "sla@example.com",
    "accent_light": "",
    "accent_dark": "",
    "languages": "en,zh-hans",
    "default_language": "en",
    "customer_language": "en",
}
CALENDAR = "Invented for the demo"


def wording_of(language: str) -> NumberedText:
    """Return a wording of the first version: the words of its summaries."""
    suffix = "" if language == "en" else "_zh"
    clauses = [
        ClauseText(
            one.number, getattr(one, f"heading{suffix}"), [said] if (said := getattr(one, f"summary{suffix}")) else []
        )
        for one in SUMMARIES
    ]
    return NumberedText(tuple(clauses), (), ())
