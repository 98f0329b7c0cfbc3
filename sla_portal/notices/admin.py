"""Notices and their deliveries for staff, read-only."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.audit.admin import ChosenFilter, Link, ReadOnlyModelAdmin, clock_column
from sla_portal.badges import badge
from sla_portal.clocks import DASH

from . import views
from .mail import inbox
from .models import OPEN, Delivery, Kind, Notice, Status, Wording
from .queries import progress, undelivered, unmatched_reports


class KindFilter(ChosenFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        return Kind.choices

    def queryset(self, request, queryset):
        return queryset.filter(kind=self.value()) if self.value() else queryset


class DeliveredFilter(ChosenFilter):
    title = gettext_lazy("e-mails")
    parameter_name = "mail"

    def lookups(self, request, model_admin):
        return (
            ("in_progress", _("in progress")),
            ("unknown", _("some unknown")),
            ("failed", _("some failed")),
            ("bounced", _("some bounced")),
        )

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        statuses = [Status.PENDING, Status.SENDING] if self.value() == "in_progress" else [self.value()]
        return queryset.filter(Exists(Delivery.objects.filter(notice=OuterRef("pk"), status__in=statuses)))


@admin.register(Notice)
class NoticeAdmin(ReadOnlyModelAdmin):
    list_display = (
        "number",
        "kind",
        "content",
        "about",
        clock_column("given_at", gettext_lazy("issued at")),
        "deliveries",
    )
    list_filter = (KindFilter, DeliveredFilter)
    search_fields = ("number", "about")
    search_help_text = gettext_lazy("Notice number, or reference of its subject")
    nothing_yet = gettext_lazy("No notices yet. Announcing a maintenance window issues a notice.")

    def get_queryset(self, request):
        return (
            super().get_queryset(request).prefetch_related(Prefetch("wordings", Wording.objects.defer("text", "html")))
        )

    def get_changelist_instance(self, request):
        changelist = super().get_changelist_instance(request)
        counted = progress(changelist.result_list)
        for notice in changelist.result_list:
            notice.progress = counted[notice.pk]
        return changelist

    @admin.display(description=gettext_lazy("content"))
    def content(self, notice):
        return notice.wording().subject

    @admin.display(description=gettext_lazy("e-mails"))
    def deliveries(self, notice):
        return views.status_badges(notice.progress) or badge("plain", _("on the website only"))

    def list_links(self, request):
        if request.user.has_perm("notices.view_delivery"):
            yield Link(_("Undelivered mail"), reverse("admin:undelivered"))
        if inbox.in_use() and request.user.has_perm("notices.read_inbox"):
            yield Link(_("Inbox of this portal"), reverse("admin:inbox"))

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("inbox/", view(views.inbox_page), name="inbox"),
            path("inbox/<str:name>/", view(views.inbox_message), name="inbox_message"),
            path("inbox/<str:name>/html/", view(views.inbox_html), name="inbox_html"),
            path("<int:pk>/attachments/<str:name>", view(views.attachment), name="notice_attachment"),
            path("<int:pk>/pause/", view(views.pause), name="pause_notice"),
            path("<int:pk>/resume/", view(views.resume), name="resume_notice"),
            path("<int:pk>/limit/", view(views.limit), name="limit_notice"),
            path("<int:pk>/change/", view(views.notice_page), name="notices_notice_change"),
            *super().get_urls(),
        ]


class OpenFilter(ChosenFilter):
    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request, model_admin):
        return [(status.value, status.label) for status in OPEN]

    def queryset(self, request, queryset):
        return queryset.filter(status=self.value()) if self.value() else queryset


class OfKindFilter(KindFilter):
    title = gettext_lazy("kind of notice")

    def queryset(self, request, queryset):
        return queryset.filter(notice__kind=self.value()) if self.value() else queryset


class NoticeFilter(ChosenFilter):
    """Offer the notices of the latest undelivered mail; any other can be named in the URL."""

    title = gettext_lazy("notice")
    parameter_name = "notice"
    latest = 1000

    def lookups(self, request, model_admin):
        latest = undelivered().values_list("notice", "notice__number")[: self.latest]
        asked = self.used_parameters.get(self.parameter_name, "")
        known = asked.isascii() and asked.isdigit() and len(asked) < 19
        named = Notice.objects.filter(pk=asked).values_list("pk", "number") if known else []
        return sorted({*latest, *named}, key=lambda choice: choice[1], reverse=True)

    def queryset(self, request, queryset):
        return queryset.filter(notice=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyModelAdmin):
    """Undelivered mail: e-mails that failed, bounced, or whose delivery is unknown."""

    list_display = ("email", "state", "why", "customer", "of_notice")
    list_filter = (OpenFilter, OfKindFilter, NoticeFilter)
    search_fields = ("email", "name", "contact__customer__name", "contact__customer__code", "notice__number")
    search_help_text = gettext_lazy("Address, person, customer or notice number")
    nothing_yet = gettext_lazy(
        "No undelivered mail: every e-mail was accepted by the mail server. An address is listed here "
        "when its e-mail failed or bounced, or when its delivery is unknown."
    )

    def get_queryset(self, request):
        return undelivered()

    def get_list_display(self, request):
        shown = super().get_list_display(request)
        return shown if request.user.has_perm("customers.view_customer") else [c for c in shown if c != "customer"]

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": _("Undelivered mail"), **(extra_context or {})})

    @admin.display(description=gettext_lazy("status"))
    def state(self, delivery):
        return badge("unknown" if delivery.status == Status.UNKNOWN else "counted", delivery.get_status_display())

    @admin.display(description=gettext_lazy("reason"))
    def why(self, delivery):
        said = format_html('<br><span class="quiet">{}</span>', delivery.last_error) if delivery.last_error else ""
        return format_html("{}{}", delivery.get_trouble_display(), said)

    @admin.display(description=gettext_lazy("customer"))
    def customer(self, delivery):
        if delivery.contact is None:
            return delivery.name or DASH
        customer = delivery.contact.customer
        page = reverse("admin:customer", args=[customer.pk])
        return format_html('<a href="{}">{}</a><br><span class="quiet">{}</span>', page, customer, delivery.name)

    @admin.display(description=gettext_lazy("notice"))
    def of_notice(self, delivery):
        notice = delivery.notice
        page = reverse("admin:notices_notice_change", args=[notice.pk])
        about = " ".join(filter(None, [notice.get_kind_display(), notice.about]))
        return format_html('<a href="{}">{}</a><br><span class="quiet">{}</span>', page, notice, about)

    def list_links(self, request):
        yield Link(_("Notices"), reverse("admin:notices_notice_changelist"))
        if request.user.has_perm("notices.resolve_delivery"):
            words = _("Unmatched reports (%(n)d)") % {"n": unmatched_reports().count()}
            yield Link(words, reverse("admin:unmatched_reports"))

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="undelivered"),
            path("reports/", view(views.unmatched), name="unmatched_reports"),
            path("reports/<int:pk>/looked-at/", view(views.looked_at), name="report_looked_at"),
            path("<int:pk>/change/", view(views.delivery_page), name="notices_delivery_change"),
            path("<int:pk>/confirm/", view(views.confirm), name="confirm_delivery"),
            path("<int:pk>/send-again/", view(views.again), name="send_delivery_again"),
            path("<int:pk>/correct/", view(views.correct), name="correct_delivery"),
            path("<int:pk>/letter/", view(views.letter), name="delivery_by_letter"),
            *super().get_urls(),
        ]
