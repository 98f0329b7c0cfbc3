"""The staff of the demo, at least one person for each role, and their logins."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group, User

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record

PEOPLE = {
    "noc": ("NOC", "Nina", "Ortiz"),
    "support": ("Support", "Samuel", "Okafor"),
    "support2": ("Support", "Sofia", "Lindqvist"),
    "support3": ("Support", "Tomás", "Herrera"),
    "legal": ("Legal", "Lena", "Albrecht"),
    "legal2": ("Legal", "Ravi", "Menon"),
    "auditor": ("Auditor", "Aiko", "Tanaka"),
    "admin": ("Administrator", "Aurélie", "Moreau"),
}


@dataclass(frozen=True)
class Login:
    role: str
    name: str
    password: str


def password_of(name: str) -> str:
    """Return the demo password of a login: different on every installation, the same at every start."""
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"demo {name}".encode(), "sha256")
    letters = base64.b32encode(digest).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def hire(now: datetime) -> dict[str, Actor]:
    """Create the users with their roles; return them by login name."""
    hired = {}
    for name, (role, first, last) in PEOPLE.items():
        user = User.objects.create_user(
            name, f"{name}@example.com", password_of(name), first_name=first, last_name=last, is_staff=True
        )
        user.groups.add(Group.objects.get(name=role))
        record(actor=Actor.system("demo"), action="hired", subject=user, changes={"role": [None, role]}, now=now)
        hired[name] = Actor.staff(user)
    return hired


def logins() -> list[Login]:
    """Return the logins of the demo that still have the demo password."""
    users = User.objects.in_bulk(list(PEOPLE), field_name="username")
    return [
        Login(role, name, password_of(name))
        for name, (role, _first, _last) in PEOPLE.items()
        if name in users and users[name].check_password(password_of(name))
    ]
