"""The operator's own calendar of working days, and saved replies."""

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import AuditedForm, AuditedModelAdmin, Link, day_column
from sla_portal.badges import badge

from .models import CalendarYear, OwnDay, SavedReply
from .replies import FIELDS, unknown_fields


@admin.register(OwnDay)
class OwnDayAdmin(AuditedModelAdmin):
    """List the days that differ from the official calendar; a change moves the claim periods that depend on it (3.3.1)."""

    list_display = (day_column("day", _("day")), "kind", "note")
    add_words = _("Add a day")
    nothing_yet = _(
        "Working days follow the official calendar. Add a day here if the calendar is wrong about it or does not list it yet."
    )

    def list_links(self, request):
        yield Link(_("Checked calendar years"), reverse("admin:claims_calendaryear_changelist"))

    @admin.display(description=_("kind"))
    def kind(self, own):
        return badge("up", _("working day")) if own.working else badge("plain", _("day off"))


@admin.register(CalendarYear)
class CalendarYearAdmin(AuditedModelAdmin):
    """List the years whose official calendar is checked: claim dates in them are no longer provisional (3.3.1)."""

    list_display = ("year", "source")
    add_words = _("Add a checked year")
    nothing_yet = _(
        "Until the make-up working days of a year are published, claim dates in it are provisional. Once you have compared "
        "its official calendar with the days here, add the year."
    )

    def list_links(self, request):
        yield Link(_("Days of the operator's calendar"), reverse("admin:claims_ownday_changelist"))


def named(fields):
    return " ".join(f"{{{name}}}" for name in fields)


class SavedReplyForm(AuditedForm):
    """A saved reply; what stands between braces in it must be a field of its kind."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "text" not in self.fields:  # for who may only read
            return
        self.fields["text"].help_text = _(
            "A field in braces is filled in when the e-mail is drafted. Of every kind but a closing: %(common)s. "
            "Grant: %(grant)s. Refusal: %(refusal)s. Correction: %(reversal)s. Closing: %(closing)s."
        ) % {
            "common": named(FIELDS["question"]),
            "closing": named(FIELDS["closing"]),
            **{
                kind: named(name for name in FIELDS[kind] if name not in FIELDS["question"])
                for kind in ("grant", "refusal", "reversal")
            },
        }

    def clean(self):
        facts = super().clean()
        for name in ("text", "text_zh"):
            if "kind" in facts and (unknown := unknown_fields(facts.get(name, ""), facts["kind"])):
                self.add_error(
                    name,
                    gettext("A reply of this kind has no field %(unknown)s. Its fields are: %(fields)s.")
                    % {"unknown": ", ".join(unknown), "fields": named(FIELDS[facts["kind"]])},
                )
        return facts


@admin.register(SavedReply)
class SavedReplyAdmin(AuditedModelAdmin):
    """List the texts from which e-mails to claimants are drafted."""

    form = SavedReplyForm
    list_display = ("reply", "kind", "position")
    list_display_links = ("reply",)
    fields = ("kind", "name", "name_zh", "text", "text_zh", "position")
    add_words = _("Add saved reply")
    nothing_yet = _("No saved replies. Until there are some, e-mails are drafted from the texts of the portal.")

    @admin.display(description=_("name"))
    def reply(self, reply):
        return str(reply)
