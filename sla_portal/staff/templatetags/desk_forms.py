"""Replaces Django's `{% csrf_token %}` in every template: a form of the staff pages also says where it was made."""

from django import template
from django.utils.safestring import SafeString

from sla_portal.audit.templatetags.versions import VersionedTokenNode

from ..sending import origin_field, page_address

register = template.Library()


@register.simple_tag(takes_context=True)
def csrf_token(context: template.Context) -> SafeString:
    """Return the CSRF token of a form and, on the staff pages, its version and its origin."""
    request = context.get("request")
    token = VersionedTokenNode().render(context)
    return token + origin_field(request) if request else token


@register.simple_tag(takes_context=True, name="page_address")
def address(context: template.Context) -> str:
    """Return the address of this page, also where it answers one of its forms."""
    request = context.get("request")
    return page_address(request) if request else ""
