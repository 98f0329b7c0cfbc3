"""The home page of each desk: what waits, the present month, the lists."""

from django.contrib import admin
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _


def index(request):
    """Show a member of staff what waits for them."""
    return TemplateResponse(request, "staff/home.html", {**admin.site.each_context(request), "title": _("Home")})
