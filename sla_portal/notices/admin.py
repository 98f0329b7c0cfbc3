"""Notices at the desk: what was told, and what became of each mail. Nobody edits them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.audit.admin import ChosenFilter, Link, ReadOnlyModelAdmin, clock_column
from sla_portal.marks import mark

from . import views
from .mail import inbox
from .models import Delivery, Kind, Notice, Status, Wording
from .queries import progress


class KindFilter(ChosenFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        return Kind.choices

    def queryset(self, request, queryset):
        return queryset.filter(kind=self.value()) if self.value() else queryset


class DeliveredFilter(ChosenFilter):
    title = gettext_lazy("mail")
    parameter_name = "mail"

    def lookups(self, request, model_admin):
        return (
            ("under_way", _("under way")),
            ("unknown", _("some unknown")),
            ("failed", _("some failed")),
        )

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        statuses = [Status.PENDING, Status.SENDING] if self.value() == "under_way" else [self.value()]
        return queryset.filter(Exists(Delivery.objects.filter(notice=OuterRef("pk"), status__in=statuses)))


@admin.register(Notice)
class NoticeAdmin(ReadOnlyModelAdmin):
    list_display = ("number", "kind", "says", "about", clock_column("given_at", gettext_lazy("given")), "came")
    list_filter = (KindFilter, DeliveredFilter)
    search_fields = ("number", "about")
    search_help_text = gettext_lazy("Number, or reference of what it is about")
    nothing_yet = gettext_lazy("Nothing was told yet. Announcing a maintenance window gives a notice.")

    def get_queryset(self, request):
        return (
            super().get_queryset(request).prefetch_related(Prefetch("wordings", Wording.objects.defer("text", "html")))
        )

    def get_changelist_instance(self, request):
        changelist = super().get_changelist_instance(request)
        came = progress(changelist.result_list)
        for notice in changelist.result_list:
            notice.progress = came[notice.pk]
        return changelist

    @admin.display(description=gettext_lazy("says"))
    def says(self, notice):
        return notice.wording().subject

    @admin.display(description=gettext_lazy("mail"))
    def came(self, notice):
        return views.marks(notice.progress) or mark("plain", _("on the website only"))

    def list_links(self, request):
        if inbox.in_use() and request.user.has_perm("notices.read_inbox"):
            yield Link(_("Inbox of this portal"), reverse("admin:inbox"))

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("inbox/", view(views.inbox_page), name="inbox"),
            path("inbox/<str:name>/", view(views.inbox_message), name="inbox_message"),
            path("inbox/<str:name>/html/", view(views.inbox_html), name="inbox_html"),
            path("<int:pk>/attachments/<str:name>", view(views.attachment), name="notice_attachment"),
            path("deliveries/<int:pk>/confirm/", view(views.confirm), name="confirm_delivery"),
            path("deliveries/<int:pk>/send-again/", view(views.again), name="send_delivery_again"),
            path("<int:pk>/change/", view(views.notice_page), name="notices_notice_change"),
            *super().get_urls(),
        ]
