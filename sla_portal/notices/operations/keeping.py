"""Keep copies of the public pages of notices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import transaction

from ..models import Notice, PageCopy


@dataclass(frozen=True)
class Answered:
    """A public page: its address, and what was answered there and when."""

    url: str
    fetched_at: datetime
    content_type: str
    body: bytes


def keep_pages(*, notice: Notice, pages: Iterable[Answered]) -> bool:
    """Keep copies of the pages of a notice, all of them or none, and once; return whether this call kept them."""
    with transaction.atomic():
        Notice.objects.select_for_update().get(pk=notice.pk)
        if notice.page_copies.exists():
            return False
        PageCopy.objects.bulk_create(
            PageCopy(
                notice=notice,
                url=page.url,
                fetched_at=page.fetched_at,
                content_type=page.content_type,
                body=page.body,
                sha256=sha256(page.body).hexdigest(),
            )
            for page in pages
        )
    return True
