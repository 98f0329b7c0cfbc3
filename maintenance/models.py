"""Maintenance windows and their notices (4.1)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.notices.models import Notice


class Kind(models.TextChoices):
    """The kinds of maintenance named in 4.1, and others."""

    CUTOVER = "cutover", _("cutover")
    REPAIR = "repair", _("repair")
    UPGRADE = "upgrade", _("upgrade")
    DRILL = "drill", _("simulated drill")
    OTHER = "other", _("other maintenance")


class MaintenanceWindows(models.QuerySet["MaintenanceWindow"]):
    def not_discarded(self) -> MaintenanceWindows:
        """All but the drafts that were discarded."""
        return self.filter(discarded_at__isnull=True)


class MaintenanceWindow(models.Model):
    """A maintenance window as planned. What 4.1 covers depends on its notices, never on this row.

    A window without regions, functions or clients affects all of them.
    """

    reference = models.CharField(_("reference"), max_length=40, unique=True)
    title = models.CharField(_("title"), max_length=200)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.OTHER)
    regions = models.ManyToManyField(
        Region, through="WindowRegion", blank=True, verbose_name=_("regions"), help_text=_("Leave empty for all.")
    )
    functions = models.ManyToManyField(
        CoreFunction,
        through="WindowFunction",
        blank=True,
        verbose_name=_("functions"),
        help_text=_("Leave empty for all."),
    )
    clients = models.ManyToManyField(
        Client, through="WindowClient", blank=True, verbose_name=_("clients"), help_text=_("Leave empty for all.")
    )
    starts_at = models.DateTimeField(_("from"), db_index=True)
    ends_at = models.DateTimeField(_("until"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    not_carried_out_at = models.DateTimeField(
        _("marked as not carried out at"),
        null=True,
        blank=True,
        help_text=_("Nothing of this window is covered under 4.1."),
    )
    discarded_at = models.DateTimeField(
        _("discarded at"), null=True, blank=True, help_text=_("A draft that will not be announced.")
    )

    objects = MaintenanceWindows.as_manager()

    class Meta:
        verbose_name = _("maintenance window")
        verbose_name_plural = _("maintenance windows")
        ordering = ["-starts_at", "-id"]
        permissions = [
            ("announce_maintenancewindow", gettext_noop("Can announce a maintenance window")),
            (
                "confirm_maintenancewindow",
                gettext_noop("Can confirm the announcement of a maintenance window longer than 24 hours"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="a_window_ends_after_it_starts"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="a_window_is_of_a_known_kind"),
            models.CheckConstraint(
                # A history file tells the completion of a window and no start.
                condition=models.Q(completed_at__isnull=True)
                | models.Q(started_at__isnull=True)
                | models.Q(completed_at__gte=models.F("started_at")),
                name="work_is_finished_after_it_started",
            ),
            models.CheckConstraint(
                condition=models.Q(not_carried_out_at__isnull=True)
                | models.Q(started_at__isnull=True, completed_at__isnull=True),
                name="work_that_took_place_is_not_marked_as_not_carried_out",
            ),
            models.CheckConstraint(
                condition=models.Q(discarded_at__isnull=True)
                | models.Q(
                    started_at__isnull=True,
                    completed_at__isnull=True,
                    cancelled_at__isnull=True,
                    not_carried_out_at__isnull=True,
                ),
                name="a_discarded_window_was_a_draft",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"


class WindowRegion(models.Model):
    """A region affected by a window; protected, because an empty scope means all regions."""

    window = models.ForeignKey(MaintenanceWindow, models.CASCADE)
    region = models.ForeignKey(Region, models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["window", "region"], name="a_window_names_a_region_once")]


class WindowFunction(models.Model):
    """A function affected by a window."""

    window = models.ForeignKey(MaintenanceWindow, models.CASCADE)
    function = models.ForeignKey(CoreFunction, models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["window", "function"], name="a_window_names_a_function_once")]


class WindowClient(models.Model):
    """A client affected by a window."""

    window = models.ForeignKey(MaintenanceWindow, models.CASCADE)
    client = models.ForeignKey(Client, models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["window", "client"], name="a_window_names_a_client_once")]


class MaintenanceNotice(models.Model):
    """The period a notice announced and the server time of sending. A cancellation announces no period.

    The scope is that of the window. It cannot change after the first notice; a different scope needs another window.
    """

    window = models.ForeignKey(MaintenanceWindow, models.PROTECT, verbose_name=_("window"), related_name="notices")
    sent_at = models.DateTimeField(_("sent at"))
    starts_at = models.DateTimeField(_("announced from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("announced until"), null=True, blank=True)
    notice = models.OneToOneField(
        Notice,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="maintenance",
        verbose_name=_("notice text"),
        help_text=_("Empty for a notice imported from another record."),
    )

    class Meta:
        verbose_name = _("notice of maintenance")
        verbose_name_plural = _("notices of maintenance")
        ordering = ["sent_at", "id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["window", "sent_at"], name="a_window_has_one_notice_at_an_instant"),
            models.CheckConstraint(
                condition=models.Q(starts_at__isnull=True, ends_at__isnull=True)
                | models.Q(starts_at__isnull=False, ends_at__isnull=False, ends_at__gt=models.F("starts_at")),
                name="a_notice_announces_a_window_or_a_cancellation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.window.reference} {self.sent_at:%Y-%m-%d %H:%M}"


class RequestStatus(models.TextChoices):
    """The status of a request for an announcement."""

    PENDING = "pending", _("pending confirmation")
    CONFIRMED = "confirmed", _("confirmed")
    RETURNED = "returned", _("sent back")
    WITHDRAWN = "withdrawn", _("withdrawn")
    SUPERSEDED = "superseded", _("superseded by another change of the window")


class AnnouncementRequests(models.QuerySet["AnnouncementRequest"]):
    def pending(self) -> AnnouncementRequests:
        return self.filter(status=RequestStatus.PENDING)


class AnnouncementRequest(models.Model):
    """The announcement of a window longer than 24 hours, requested by one person and confirmed by another.

    While it waits, a draft is not changed, and whatever else happens to the window supersedes it: what is confirmed is
    what was shown.
    """

    window = models.ForeignKey(MaintenanceWindow, models.PROTECT, verbose_name=_("window"), related_name="requests")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.TextField(_("reason for customers"), blank=True)
    why = models.TextField(_("reason for more than 24 hours"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("requested by")
    )
    requested_by_name = models.CharField(_("name of who requested it"), max_length=200)
    requested_at = models.DateTimeField(_("requested at"))
    status = models.CharField(_("status"), max_length=10, choices=RequestStatus.choices, default=RequestStatus.PENDING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_by_name = models.CharField(_("name of who decided it"), max_length=200, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision_reason = models.TextField(_("reason for the decision"), blank=True)
    sent = models.OneToOneField(
        MaintenanceNotice, models.PROTECT, null=True, blank=True, related_name="request", verbose_name=_("notice sent")
    )

    objects = AnnouncementRequests.as_manager()

    class Meta:
        verbose_name = _("request for an announcement")
        verbose_name_plural = _("requests for announcements")
        ordering = ["requested_at", "id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["window"],
                condition=models.Q(status=RequestStatus.PENDING),
                name="a_window_has_one_pending_request",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=RequestStatus.values), name="a_requested_announcement_has_a_known_status"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="a_requested_window_ends_after_it_starts"
            ),
            models.CheckConstraint(condition=~models.Q(why=""), name="a_request_says_why_more_than_24_hours"),
            models.CheckConstraint(
                condition=models.Q(status=RequestStatus.PENDING, decided_at__isnull=True, sent__isnull=True)
                | models.Q(status=RequestStatus.CONFIRMED, decided_at__isnull=False, sent__isnull=False)
                | (
                    ~models.Q(status__in=[RequestStatus.PENDING, RequestStatus.CONFIRMED])
                    & models.Q(decided_at__isnull=False, sent__isnull=True)
                ),
                name="a_confirmed_request_and_no_other_sends_its_notice",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=[RequestStatus.CONFIRMED, RequestStatus.RETURNED])
                | models.Q(requested_by__isnull=True)
                | models.Q(decided_by__isnull=True)
                | ~models.Q(decided_by=models.F("requested_by")),
                name="a_long_window_is_confirmed_by_another_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.window.reference} {self.starts_at:%Y-%m-%d %H:%M} – {self.ends_at:%Y-%m-%d %H:%M}"
