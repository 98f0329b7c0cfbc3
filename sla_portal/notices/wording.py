"""The wording of a notice before it is issued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import linebreaks


@dataclass(frozen=True)
class Words:
    """A notice in one language. `html` is a fragment and safe to show; without one, it is made from the text."""

    language: str
    subject: str
    text: str
    html: str = ""

    @property
    def heading(self) -> str:
        """The subject on one line."""
        return " ".join(self.subject.split())

    @property
    def fragment(self) -> str:
        return self.html or linebreaks(self.text, autoescape=True)


@dataclass(frozen=True)
class File:
    """A file attached to every e-mail; `content_type` with its parameters: `text/calendar; method=REQUEST`."""

    name: str
    content_type: str
    content: bytes


def worded(template: str, context: Mapping[str, Any]) -> list[Words]:
    """Render `<template>.subject.txt`, `<template>.txt` and `<template>.html` in every language of the portal.

    Times are in the SLA time zone; the context contains `SITE_URL` for links.
    """
    said = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            given = {"SITE_URL": settings.SITE_URL, "language": language, **context}
            subject = render_to_string(f"{template}.subject.txt", given)
            text = render_to_string(f"{template}.txt", given).strip()
            said.append(Words(language, subject, text, render_to_string(f"{template}.html", given).strip()))
    return said
