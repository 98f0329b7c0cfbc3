"""Staff at their desks."""

from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

PASSWORD = "a desk of one's own"


def a_member(role: str, name: str = "") -> User:
    """A member of staff with one of the roles."""
    user = User.objects.create_user(name or role.lower(), password=PASSWORD, is_staff=True, first_name=role)
    user.groups.add(Group.objects.get(name=role))
    return user


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
