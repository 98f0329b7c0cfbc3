"""One box over everything that has a name or a number."""

from django.contrib import admin
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _


def search(request):
    """Find incidents, windows, customers and contracts that the reader may see."""
    return TemplateResponse(request, "staff/search.html", {**admin.site.each_context(request), "title": _("Search")})
