"""The operator's identity: what is in force, a preview, and the form; by which time zone and calendar months are counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from email.utils import parseaddr
from importlib.metadata import version
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from claims.models import OwnDay
from claims.queries.windows import working_days
from sla_portal import zones
from sla_portal.audit.queries import entries_about
from sla_portal.audit.versions import acting
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.operator.models import STATED, Basis, Identity
from sla_portal.operator.operations import LogoFile, dark_accent, objections_to, save_identity
from sla_portal.operator.queries import basis_in_force, closed_month_count, identities, operator_of_settings
from sla_portal.operator.rules import Operator
from sla_portal.operator.words import shown

from ..common import page, refusals_on, require_right
from .logo import inspected_logo

ENTRIES = 100
YEARS_AHEAD = 3


class IdentityForm(forms.Form):
    """The identity as it will be valid from the moment of saving; labels are those of the record."""

    name = forms.CharField(
        max_length=200, help_text=gettext_lazy("As a party to the agreement: on pages, in feeds, e-mails and reports.")
    )
    name_zh = forms.CharField(
        max_length=200,
        required=False,
        help_text=gettext_lazy("Shown to Chinese readers. Empty: the name above is shown."),
    )
    address = forms.CharField(max_length=300, required=False, help_text=gettext_lazy("On one line."))
    address_zh = forms.CharField(max_length=300, required=False)
    contact_email = forms.CharField(
        max_length=254, required=False, help_text=gettext_lazy("At the foot of every public page.")
    )
    contact_phone = forms.CharField(max_length=50, required=False)
    imprint_url = forms.CharField(
        max_length=500,
        required=False,
        help_text=gettext_lazy("An HTTPS address, linked at the foot of public pages and e-mails."),
    )
    privacy_url = forms.CharField(
        max_length=500,
        required=False,
        help_text=gettext_lazy("An HTTPS address, linked at the foot of public pages and e-mails."),
    )
    sender = forms.CharField(max_length=254, required=False)
    reply_to = forms.CharField(
        max_length=254,
        required=False,
        help_text=gettext_lazy("Where answers to e-mails go. Empty: to the sender address."),
    )
    accent_light = forms.CharField(
        max_length=7,
        required=False,
        help_text=gettext_lazy(
            "Of links, buttons and the open page in the menu, such as #12405c. Empty: the portal's own."
        ),
    )
    accent_dark = forms.CharField(
        max_length=7, required=False, help_text=gettext_lazy("Empty: it follows from the colour above.")
    )
    logo = forms.FileField(
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".png,.jpg,.jpeg,.webp"}),
        help_text=gettext_lazy(
            "PNG, JPEG or WebP. It is scaled down to 480 pixels, and stands in the head of every page and report."
        ),
    )
    without_logo = forms.BooleanField(label=gettext_lazy("Remove the logo"), required=False)
    languages = forms.MultipleChoiceField(
        choices=settings.LANGUAGES,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "choices"}),
        help_text=gettext_lazy(
            "Readers, staff and recipients of e-mails whose language is not offered get the first language. "
            "Announcements stay on record in all."
        ),
    )
    default_language = forms.ChoiceField(
        choices=settings.LANGUAGES,
        help_text=gettext_lazy("Of public pages for readers whose browsers ask for none of these languages."),
    )
    customer_language = forms.ChoiceField(
        choices=settings.LANGUAGES, help_text=gettext_lazy("Preselected in the form for a new customer.")
    )

    def __init__(self, *args: Any, operator: Operator, **kwargs: Any) -> None:
        stated = {name: getattr(operator, name) for name in STATED} | {"languages": operator.offered}
        super().__init__(*args, initial=stated, **kwargs)
        fields: dict[str, Any] = self.fields
        for name in (*STATED, "logo"):
            fields[name].label = capfirst(Identity._meta.get_field(name).verbose_name)
        address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        fields["sender"].help_text = _(
            "An address without a name, from which your mail server may send. Empty: %(address)s, as the settings say."
        ) % {"address": address}
        for name in ("contact_email", "sender", "reply_to"):
            fields[name].widget.input_type = "email"
        for name in ("name", "name_zh", "address", "address_zh", "imprint_url", "privacy_url"):
            fields[name].widget.attrs["class"] = "vTextField"
        if operator.logo is None:
            del fields["without_logo"]

    def clean(self) -> dict[str, Any]:
        texts = self.texts()
        for objection in objections_to(texts):
            if objection.field not in self.errors:
                self.add_error(objection.field, objection.sentence)
        return self.cleaned_data

    def texts(self) -> dict[str, str]:
        texts = {name: self.cleaned_data.get(name, "") for name in STATED}
        texts["languages"] = ",".join(code for code, _name in settings.LANGUAGES if code in texts["languages"])
        return texts | {name: texts[name].lower() for name in ("accent_light", "accent_dark")}


@require_http_methods(["GET", "HEAD", "POST"])
def identity(request: HttpRequest) -> HttpResponse:
    """Show the identity in force; POST previews another, or saves it."""
    require_right(request, "operator.view_identity")
    now, saved = timezone.now(), identities().first()
    operator = saved.operator if saved else operator_of_settings()
    form = IdentityForm(request.POST or None, request.FILES or None, operator=operator)
    seen = operator
    if request.method == "POST":
        require_right(request, "operator.change_identity")
        if form.is_valid():
            if "preview" in request.POST:
                texts = form.texts()
                seen = replace(operator, **texts | {"accent_dark": dark_accent(texts)})
            elif _saved(request, form, now):
                return redirect("admin:operator_identity")
    context = {
        "title": _("Operator's identity"),
        "form": form,
        "previewed": seen,
        "preview": shown(seen),
        "is_preview": seen is not operator,
        "in_force": operator,
        "saved": saved,
        "may_change": request.user.has_perm("operator.change_identity"),
        "entries": entries_about(*Identity.objects.only("pk"), *Basis.objects.only("pk"))[:ENTRIES],
        **_counted_by(now),
    }
    return page(request, "staff/operator/identity.html", context, status=422 if form.errors else 200)


def _saved(request: HttpRequest, form: IdentityForm, now: datetime) -> bool:
    with refusals_on(form):
        upload = form.cleaned_data.get("logo")
        logo: LogoFile | None = inspected_logo(upload) if upload else None
        save_identity(
            actor=acting(request),
            texts=form.texts(),
            now=now,
            logo=logo,
            without_logo=form.cleaned_data.get("without_logo", False),
        )
        messages.success(request, _("Saved. It is valid from now on; what was issued before keeps what it says."))
        return True
    return False


def _counted_by(now: datetime) -> dict[str, Any]:
    """Return the time zone, country and calendar in force."""
    days = working_days()
    this_year = local_date(epoch(now), settings.SLA_ZONE).year
    known = [year for year in range(this_year, this_year + YEARS_AHEAD) if days.is_known(year)]
    return {
        "basis": basis_in_force(),
        "closed_months": closed_month_count(),
        "country": settings.SLA_WORKDAY_COUNTRY,
        "zone_data": zones.RELEASE,
        "calendar_data": version("holidays"),
        "known_years": known,
        "own_days": OwnDay.objects.count(),
    }
