"""The mark of a portal that is not the real one, on staff pages."""

from __future__ import annotations

from django import template

from ..queries import present_mark
from ..rules import Mark
from ..words import mark_name, mark_sentence

register = template.Library()


@register.simple_tag
def present_mark_of_site() -> Mark:
    """Return the mark as it is now."""
    return present_mark()


register.filter("mark_name", mark_name)
register.filter("mark_sentence", mark_sentence)
