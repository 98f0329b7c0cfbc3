"""The saved replies of a kind."""

from __future__ import annotations

from ..first_replies import REPLIES
from ..models import SavedReply


def replies(*kinds: str) -> list[SavedReply]:
    """List the saved replies of `kinds`, by kind, the first of each as it is drafted; of a kind without any, ours."""
    saved = list(SavedReply.objects.filter(kind__in=kinds))
    missing = set(kinds) - {reply.kind for reply in saved}
    return [*saved, *(_ours(*reply) for reply in REPLIES if reply[0] in missing)]


def first_reply(kind: str) -> SavedReply:
    """Return the saved reply of a kind that is drafted unless another is chosen."""
    return replies(kind)[0]


def _ours(kind: str, name: str, name_zh: str, text: str, text_zh: str) -> SavedReply:
    return SavedReply(kind=kind, name=name, name_zh=name_zh, text=text, text_zh=text_zh)
