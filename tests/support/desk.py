"""Staff at their desks."""

from dataclasses import replace
from html.parser import HTMLParser

from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from sla_portal.audit.actors import Actor, Seen
from sla_portal.audit.queries import newest_entry

PASSWORD = "a desk of one's own"


def a_member(role: str, name: str = "") -> User:
    """A member of staff with one of the roles."""
    user = User.objects.create_user(name or role.lower(), password=PASSWORD, is_staff=True, first_name=role)
    user.groups.add(Group.objects.get(name=role))
    return user


def looking(actor: Actor) -> Actor:
    """The actor with a page open that shows the record as it is now."""
    return replace(actor, seen=Seen(newest_entry()))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(incident) -> str:
    return reverse("admin:incident_page", args=[incident.pk])


def text_of(response) -> str:
    """What stands on a page, without the markup and with single spaces."""
    import re
    from html import unescape

    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def rows_on_record() -> dict[str, int]:
    """How many rows each table has, without what only says who is signed in and what was sent."""
    own = {"staff.submission", "sessions.session"}
    return {
        model._meta.label_lower: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.label_lower not in own
    }


class Forms(HTMLParser):
    """The forms that post, with what a browser would send of each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, list[str]]]] = []
        self.sent: dict[str, list[str]] | None = None
        self.text: str | None = None
        self.select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.sent = {} if given.get("method") == "post" else None
            if self.sent is not None:
                self.forms.append((given.get("action") or "", self.sent))
        if self.sent is None:
            return
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.sent.setdefault(name, []).append(value)
        elif tag == "textarea":
            self.text, self.select = "", name
        elif tag == "select":
            self.select = name
        elif tag == "option" and "selected" in given:
            self.sent.setdefault(self.select, []).append(value)

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.sent is not None and self.text is not None:
            # A browser leaves out the line break that begins a text area.
            self.sent.setdefault(self.select, []).append(self.text.removeprefix("\r").removeprefix("\n"))
            self.text = None
        if tag == "form":
            self.sent = None


class Opened:
    """A staff page as somebody has it open: its forms are sent with the version that it showed."""

    def __init__(self, client: Client, url: str) -> None:
        self.client, self.url = client, url
        self.response = client.get(url)
        self.forms = Forms(self.response.content.decode()).forms
        self.seen = next(sent["seen"][0] for _action, sent in self.forms if "seen" in sent)

    def send(self, url: str, **values):
        """Send values to an address as a form of the page would."""
        return self.client.post(url, {**values, "seen": self.seen})

    def fill(self, having: str, **typed):
        """Send the form that has a field, with some of its fields typed over."""
        return filled(self.client, self.response, self.url, having, **typed)


def filled(client: Client, response, url: str, having: str, **typed):
    """Send the form of a page that has a field, as a browser would, with some of its fields typed over."""
    forms = Forms(response.content.decode()).forms
    action, sent = next((action, sent) for action, sent in forms if having in sent)
    return client.post(action or url, {**sent, **typed})
