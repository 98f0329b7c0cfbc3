"""Atom feeds of the public pages. Entries are identified by permanent addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import format_html
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe

from sla_portal.kernel.characters import without_hidden
from sla_portal.operator.rules import Mark, Operator
from sla_portal.operator.words import marked, portal_name

from . import queries
from .caching import Cached, cached
from .operator import operator_now
from .page import site_mark
from .reader import LANGUAGE_FIELD, Reader, answer, finished, for_reader
from .rules import PublicCheckpoint, PublicIncident, PublicNotice, PublicWindow
from .words import what_is_touched, what_was_down, withdrawn_sentence

FOR_A_MINUTE = "public, max-age=60"


class Entries(Atom1Feed):
    """Atom that is the same at any time of the request, and in which no typed text breaks the XML."""

    def latest_post_date(self) -> datetime:
        return super().latest_post_date() if self.items else self.feed["changed_at"]

    def add_item(self, title: str, link: str, description: str, *args: Any, **more: Any) -> None:
        super().add_item(without_hidden(title), link, without_hidden(description), *args, **more)


class PublicFeed(Feed):
    """What feeds share; made anew for each answer from entries, newest first."""

    feed_type = Entries
    page = ""

    def __init__(self, facts: Cached[Sequence[Any]], operator: Operator, mark: Mark) -> None:
        self.facts, self.operator, self.mark = facts, operator, mark
        self.now = facts.computed_at
        self.language: str = get_language() or settings.LANGUAGE_CODE
        self.link = settings.SITE_URL + reverse(self.page)
        self.feed_url = f"{settings.SITE_URL}{reverse(f'feed_{self.page}')}?{LANGUAGE_FIELD}={self.language}"
        self.author_name = portal_name(operator)

    def subject(self) -> str:
        raise NotImplementedError

    def title(self) -> str:
        """The subject, and whose it is: a reader lists feeds of many."""
        name = self.operator.name_in(self.language)
        return marked(f"{self.subject()} · {name}" if name else self.subject(), self.mark)

    def feed_extra_kwargs(self, obj: None) -> dict[str, Any]:  # noqa: ARG002 (Django names it)
        return {"changed_at": self.facts.changed_at}

    def feed_guid(self) -> str:
        return settings.SITE_URL + reverse(f"feed_{self.page}")

    def items(self) -> Sequence[Any]:
        return self.facts.value

    def item_guid(self, item: Any) -> str:
        """The page's own address: absolute, so that nothing of the request gets into a feed."""
        return self.item_link(item)

    def item_link(self, item: Any) -> str:
        raise NotImplementedError

    def item_updateddate(self, item: Any) -> datetime:
        return item.changed_at(self.now)

    def body(self, request: HttpRequest) -> bytes:
        return self.get_feed(None, request).writeString("utf-8").encode()


class Incidents(PublicFeed):
    page = "incidents"

    def subject(self) -> str:
        return gettext("Incidents")

    def item_link(self, item: PublicIncident) -> str:
        return settings.SITE_URL + reverse("incident", args=[item.reference])

    def item_title(self, item: PublicIncident) -> str:
        return marked(f"{what_was_down(item)} ({item.reference})", self.mark)

    def item_description(self, item: PublicIncident) -> str:
        return render_to_string("website/feed_incident.html", {"incident": item})

    def item_pubdate(self, item: PublicIncident) -> datetime:
        return item.started_at


class Maintenance(PublicFeed):
    page = "maintenance"

    def subject(self) -> str:
        return gettext("Maintenance")

    def item_link(self, item: PublicWindow) -> str:
        return settings.SITE_URL + reverse("window", args=[item.reference])

    def item_title(self, item: PublicWindow) -> str:
        return marked(f"{item.title}: {what_is_touched(item)}", self.mark)

    def item_description(self, item: PublicWindow) -> str:
        return render_to_string("website/feed_window.html", {"window": item})

    def item_pubdate(self, item: PublicWindow) -> datetime:
        return item.announced[0].sent_at


class Announcements(PublicFeed):
    page = "notices"

    def subject(self) -> str:
        return gettext("Announcements")

    def item_link(self, item: PublicNotice) -> str:
        return settings.SITE_URL + reverse("notice", args=[item.number])

    def item_title(self, item: PublicNotice) -> str:
        subject = item.in_language(self.language).subject
        return gettext("Withdrawn: %(subject)s") % {"subject": subject} if item.withdrawn_at else subject

    def item_description(self, item: PublicNotice) -> str:
        html = item.in_language(self.language).html
        return format_html("<p><strong>{}</strong></p>\n", withdrawn_sentence()) + html if item.withdrawn_at else html

    def item_pubdate(self, item: PublicNotice) -> datetime:
        return item.given_at

    def item_updateddate(self, item: PublicNotice) -> datetime:
        return item.withdrawn_at or item.given_at


class Checkpoints(PublicFeed):
    page = "checkpoints"

    def subject(self) -> str:
        return gettext("Checkpoints of the audit log")

    def item_link(self, item: PublicCheckpoint) -> str:
        return f"{settings.SITE_URL}{reverse('checkpoints')}#checkpoint-{item.number}"

    def item_title(self, item: PublicCheckpoint) -> str:
        return gettext("Checkpoint %(number)s: %(entries)s entries") % {"number": item.number, "entries": item.entries}

    def item_description(self, item: PublicCheckpoint) -> str:
        return gettext("Newest entry: %(entry)s. SHA-256: %(hash)s") % {"entry": item.entry, "hash": item.hash}

    def item_pubdate(self, item: PublicCheckpoint) -> datetime:
        return item.made_at

    def item_updateddate(self, item: PublicCheckpoint) -> datetime:
        return item.made_at


def _answered(
    name: str, made: Callable[..., PublicFeed], read: Callable[[datetime], Sequence[Any]]
) -> Callable[..., HttpResponse]:
    @require_safe
    @for_reader
    def view(request: HttpRequest, reader: Reader) -> HttpResponse:
        now = timezone.now()
        facts, operator, mark = cached(f"feed {name}", lambda: read(now), now), operator_now(now), site_mark()
        marks = (facts.mark, operator.mark, mark)
        body = finished(("feed", name, reader), marks, lambda: made(facts, operator.value, mark).body(request))
        return answer(request, body, Atom1Feed.content_type, max(facts.changed_at, operator.changed_at), FOR_A_MINUTE)

    return view


incidents = _answered("incidents", Incidents, queries.latest_incidents)
maintenance = _answered("maintenance", Maintenance, queries.latest_windows)
announcements = _answered("announcements", Announcements, lambda now: queries.notices(1, now)[0])
checkpoints = _answered("checkpoints", Checkpoints, lambda _now: queries.checkpoints(1)[0])
