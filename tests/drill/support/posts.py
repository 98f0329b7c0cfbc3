"""Random POSTs at every form of the staff pages that a role can open: what a person, a broken program or a stranger might send."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from statistics import median
from urllib.parse import urljoin, urlsplit

from tests.support.parts import Figure
from tests.support.servers import set_up

ROLES = ("NOC", "Support", "Legal", "Auditor", "Administrator")
PAGES_OF_A_KIND = 2
"""How many pages of one route are opened: they have the same forms."""
QUICK_SECONDS = 0.25
"""What is answered sooner is not slow, however soon the page answers otherwise."""
SLOWER = 20
TEXTS = (
    "", " ", "0", "1", "-1", "2", "999999", "9" * 19, "9" * 40, "1e9", "1e400", "NaN", "Infinity", "0.1", "1.005",
    "abc", "x" * 300, "é" * 5001, "x" * 100_000, "all", "null", "None", "on", "\0", "a\0b", "\u202eabc", "\f", "\ufffd",
    "2026-09-10", "2026-02-30", "0001-01-01", "9999-12-31", "02:30:00", "24:00", "00:00:00.5", "2026-09", "1:1",
    "Europe/Berlin", "Mars/Olympus", "../../etc/passwd", "1:9999999999999999999999", "<b>", "' OR 1=1 --", "%s%n",
    "{{ 7 }}", "ann@example.com", "a@b", "EUR", "€", "４２", "१२", "١", "²", "１e５",
)  # fmt: skip
COUNTS = ("", "-1", "0", "1", "3", "101", "1000", "2500", "9" * 20, "x")


@dataclass(frozen=True)
class Size:
    posts: int
    """For each role."""
    demo: bool
    """Whether the demo's thirteen months are on record, or a few rows."""
    roles: tuple[str, ...] = ROLES


@dataclass
class Form:
    """A form as a page shows it: where it goes, and the values that it offers for each field."""

    page: str
    action: str
    values: dict[str, list[str]] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)


class Forms(HTMLParser):
    """The forms and links of a page."""

    def __init__(self, page: str, address: str) -> None:
        super().__init__()
        self.address = address
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.open: Form | None = None
        self.select = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in said:
            self.links.append(urljoin(self.address, said["href"]).partition("#")[0])
        elif tag == "form" and said.get("method") == "post":
            self.open = Form(self.address, urljoin(self.address, said.get("action", "")))
            self.forms.append(self.open)
        elif self.open and said.get("name") and tag in ("input", "textarea", "select", "button"):
            self.select = said["name"] if tag == "select" else ""
            chosen = said.get("type") not in ("checkbox", "radio") or "checked" in said
            self.open.offered.setdefault(said["name"], []).append(said.get("value", ""))
            if tag != "button" and chosen:
                self.open.values.setdefault(said["name"], []).append(said.get("value", ""))
            if "formaction" in said:
                self.forms.append(
                    Form(self.address, urljoin(self.address, said["formaction"]), *[dict(self.open.values)] * 2)
                )
        elif tag == "option" and self.open and self.select:
            self.open.offered[self.select].append(said.get("value", ""))

    def handle_endtag(self, tag) -> None:
        if tag == "form":
            self.open = None


def forms_of(client) -> list[Form]:
    """Every form of the pages that a person finds by following links, a few of each route."""
    from django.urls import Resolver404, resolve

    found: dict[tuple[str, tuple[str, ...]], Form] = {}
    opened: defaultdict[str, int] = defaultdict(int)
    waiting, known = ["/admin/"], {"/admin/"}
    while waiting:
        address = waiting.pop(0)
        try:
            route = resolve(urlsplit(address).path).route
        except Resolver404:
            continue
        opened[route] += 1
        if opened[route] > PAGES_OF_A_KIND:
            continue
        response = client.get(address)
        if response.status_code != 200 or not response.headers["Content-Type"].startswith("text/html"):
            _read = [*response] if response.streaming else []  # which also closes its file
            continue
        page = Forms(response.content.decode(), address)
        for form in page.forms:
            path = urlsplit(form.action).path
            if path.startswith("/admin/") and not path.endswith("/logout/"):
                found.setdefault((resolve(path).route, tuple(sorted(form.offered))), form)
        new = [link for link in page.links if link.startswith("/admin/") and link not in known]
        known |= {*new}
        waiting += new
    return [*found.values()]


def posted(form: Form, dice: random.Random) -> dict[str, list[str]]:
    """What is sent: the form as it stands, with some fields replaced, doubled, left out or invented."""
    sent = {name: [*values] for name, values in form.values.items()}
    for name in form.offered:
        match dice.randrange(6):
            case 0:
                sent[name] = [dice.choice(TEXTS)]
            case 1:
                sent[name] = [dice.choice(form.offered[name])]
            case 2:
                sent.pop(name, None)
            case 3 if dice.random() < 0.2:
                sent[name] = dice.choices(TEXTS, k=3)
        if name.endswith("_FORMS") and dice.random() < 0.3:
            sent[name] = [dice.choice(COUNTS)]
    if dice.random() < 0.1:
        sent[f"rows-{dice.randrange(3)}-id"] = [dice.choice(TEXTS)]
    return sent


@dataclass
class Account:
    """How long each form took to answer, what took long, and which failed."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    long: list[tuple[str, float, dict]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def slow(self) -> list[str]:
        usual = {name: median(answers) for name, answers in self.seconds.items()}
        return [
            f"{name}: {seconds:.2f} s, {usual[name]:.3f} s as a rule, {sent}"[:500]
            for name, seconds, sent in self.long
            if seconds > SLOWER * usual[name]
        ]


def send(client, form: Form, sent: dict[str, list[str]], account: Account, role: str) -> None:
    """Send a form; what takes long is sent twice more and counts by its shortest time, since Python may have been
    collecting garbage."""
    name = f"{role} {urlsplit(form.action).path} from {urlsplit(form.page).path}"
    status, seconds, error = answered(client, form, sent)
    if status >= 500:
        account.failed.append(f"{name}: {error or status} {sent}"[:700])
    # To check a password is meant to take long.
    if any("password" in field for field in sent):
        return
    if seconds > QUICK_SECONDS:
        seconds = min(seconds, *(answered(client, form, sent)[1] for _ in range(2)))
    if seconds > QUICK_SECONDS:
        account.long.append((name, seconds, sent))
    account.seconds[name].append(seconds)


def answered(client, form: Form, sent: dict[str, list[str]]) -> tuple[int, float, str]:
    """Send a form and take back what it saved, so that the next finds the same record: status, processor time, error."""
    from django.db import transaction

    error = ""
    begun = time.process_time()
    with transaction.atomic():
        try:
            with transaction.atomic():
                status = client.post(form.action, sent).status_code
        except Exception as raised:  # noqa: BLE001 - whatever the page raises is a finding
            status, error = 500, repr(raised)
        transaction.set_rollback(True)
    return status, time.process_time() - begun, error


def run(size: Size, title: str) -> Iterator[Figure]:
    set_up()
    records(demo=size.demo)
    account = Account()
    sent = sum(fuzz(role, size.posts, account) for role in size.roles)
    sent += sign_in(min(size.posts, 300), account)
    for line in (*account.failed[:20], *account.slow[:20]):
        print(f"    {line}", flush=True)
    yield Figure(f"POSTs on {title}", sent)
    yield Figure("forms without a password", len(account.seconds))
    yield Figure("failed", len(account.failed), most=0, required=True)
    yield Figure(f"slower than {SLOWER} × the form's own median", len(account.slow), most=0)
    with without_the_check_of_numbers():
        twin = Account()
        fuzz("Administrator", size.posts, twin, only="/customers/contact/add/")
        yield Figure(
            "its twin, which takes any text for a number of a row: failed", len(twin.failed), least=1, required=True
        )


def fuzz(role: str, posts: int, account: Account, only: str = "") -> int:
    """Send random POSTs as a role; return how many."""
    from django.conf import settings
    from django.contrib.auth.models import User

    from tests.support.desk import a_member, signed_in

    name = f"fuzz-{role.lower()}"
    client = signed_in(User.objects.filter(username=name).first() or a_member(role, name))
    client.defaults["SERVER_NAME"] = settings.ALLOWED_HOSTS[0]
    forms = [form for form in forms_of(client) if only in form.action]
    dice = random.Random(f"{role} {only}")
    for number in range(posts):
        form = forms[number % len(forms)]
        send(client, form, posted(form, dice), account, role)
    return posts


def sign_in(posts: int, account: Account) -> int:
    """Send random names and passwords."""
    from django.conf import settings
    from django.test import Client

    dice = random.Random("sign in")
    form = Form("/admin/login/", "/admin/login/")
    for _ in range(posts):
        said = {"username": [dice.choice(TEXTS)], "password": [dice.choice(TEXTS)], "next": [dice.choice(TEXTS)]}
        send(Client(SERVER_NAME=settings.ALLOWED_HOSTS[0]), form, said, account, "nobody")
    return posts


@contextmanager
def without_the_check_of_numbers() -> Iterator[None]:
    """The drill's protection off: the widget asks the database for whatever was sent."""
    from django.contrib.admin.widgets import AutocompleteSelect

    from sla_portal.audit.admin import RowSelect

    checked: Callable = RowSelect.optgroups
    RowSelect.optgroups = AutocompleteSelect.optgroups
    try:
        yield
    finally:
        RowSelect.optgroups = checked


def records(*, demo: bool) -> None:
    """Put something of everything on record."""
    from django.utils import timezone

    from sla_portal.demo.build import build_demo
    from tests.support.amendments import a_draft
    from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, an_outage

    if demo:
        build_demo(timezone.now())
        a_draft("9.0", now=timezone.now())
        return
    region = a_region("eu", name="Europe")
    customer = a_customer(region, "C-1", name="Hafen Residences")
    customer.contacts.create(email="ann@example.com")
    contract = a_contract(customer, "2026-01-01", "2027-12-31", reference="K-1")
    contract.payments.create(reference="P-1", paid_on=contract.starts_on, amount="49")
    incident = an_incident("INC-1", title="Gateway lost")
    an_outage(region, "2026-09-10 01:00", "2026-09-10 01:10", incident=incident)
    an_exclusion(incident, status="proposed")
    an_outage(region, "2026-09-11 01:00", None, incident=an_incident("INC-2", title="Gateway lost again"))
    a_window("2036-09-20 01:00", "2036-09-20 02:00")
    a_window("2036-09-21 01:00", "2036-09-21 02:00", ("2026-09-05 00:00", "2036-09-21 01:00", "2036-09-21 02:00"))
    a_draft("9.0")
