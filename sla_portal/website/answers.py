"""Customer responses to an amendment through the personal link in the e-mail (5.2).

GET changes nothing, because mail scanners open links; a response is shown for confirmation before it is registered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from sla_portal.agreements.models import AgreementVersion, Answer, Contract
from sla_portal.agreements.operations import register_answers, reinstate_contracts, withdraw_answer
from sla_portal.agreements.queries import (
    acceptance,
    answers_of,
    customers_answering,
    running_contracts,
    to_reinstate,
    took_effect,
)
from sla_portal.agreements.rules import Acceptance, AnswerKind, last_day_of_stopping
from sla_portal.agreements.words import response_words
from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Customer, Right
from sla_portal.customers.queries import acting_for, contacts_of
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.models import Delivery, Kind
from sla_portal.notices.private import delivery_of
from sla_portal.notices.tasks import deliver_soon

from .page import frame
from .reader import Reader, for_reader
from .words import day_name

# The token must not leak as a referrer, but the origin must be sent: without it Django refuses the form (CSRF).
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "strict-origin", "X-Robots-Tag": "noindex, nofollow"}
ACCEPT, OBJECT, END, TAKE_BACK, KEEP = "accept", "object", "end", "take back", "keep"
ALL = "*"
"""All customers offered; no code of a customer."""
SHOWN = 50
"""Customers and contracts listed for one address; an installer may have thousands."""


@dataclass(frozen=True)
class Asked:
    """The delivery and version of a personal link, the customers of its address, and today's date."""

    delivery: Delivery
    version: AgreementVersion
    customers: Sequence[Customer]
    now: datetime

    @property
    def today(self) -> date:
        return local_date(epoch(self.now), settings.SLA_ZONE)

    @cached_property
    def answers(self) -> Sequence[Answer]:
        """Their responses, the newest first, including withdrawn ones."""
        return list(
            answers_of(self.version).filter(customer__in=self.customers).prefetch_related("reinstatements__contract")
        )

    @cached_property
    def contracts(self) -> Sequence[Contract]:
        """Their contracts that continue when the version takes effect."""
        return list(running_contracts(self.version, *self.customers).order_by("reference"))

    @cached_property
    def status(self) -> Mapping[str, Sequence[str]]:
        """The names of those in each status, in the words that Legal reads (5.2)."""
        in_force = took_effect(self.version, self.now)
        names: dict[str, list[str]] = {}
        for one in acceptance(self.version, self.now).filter(pk__in=[one.pk for one in self.customers]):
            names.setdefault(response_words(Acceptance(one.state), in_force=in_force), []).append(one.name)
        return names

    @cached_property
    def objecting(self) -> Sequence[Customer]:
        """Those that have not objected yet."""
        objected = {row.customer for row in self.answers if row.kind == AnswerKind.OBJECTION.value and row.stands}
        return [one for one in self.customers if one not in objected]

    @cached_property
    def accepting(self) -> Sequence[Customer]:
        """Those for which the recipient has not accepted yet, and that gave no other response."""
        standing = [row for row in self.answers if row.stands]
        answered = {
            row.customer_id
            for row in standing
            if row.kind != AnswerKind.ACCEPTANCE.value or row.email.lower() == self.delivery.email.lower()
        }
        return [one for one in self.customers if one.pk not in answered]

    @cached_property
    def ended(self) -> Sequence[Contract]:
        """Their contracts that ended because of the version, which was withdrawn, and on which nobody decided yet."""
        if not self.version.withdrawn_at or not self.customers:
            return []
        return [row.contract for row in to_reinstate(*self.customers).filter(answer__version=self.version)]

    @cached_property
    def keeping(self) -> Sequence[Contract]:
        """Those of `ended` that the recipient may decide on."""
        may = self._acting
        return [contract for contract in self.ended if contract.customer_id in may]

    @cached_property
    def _acting(self) -> set[int]:
        """The customers whose contracts the recipient may terminate."""
        theirs = Customer.objects.filter(pk__in=[one.pk for one in self.customers])
        return set(acting_for(theirs, self.delivery.email, Right.TERMINATE).values_list("pk", flat=True))

    @cached_property
    def ending(self) -> Sequence[Customer]:
        """Those whose contracts the recipient may terminate: with a contract that continues, and authorised for it."""
        may = self._acting & {contract.customer_id for contract in self.contracts}
        return [one for one in self.customers if one.pk in may]

    @cached_property
    def whom_to_ask(self) -> str:
        """The authorised contacts of those whose contracts the recipient may not terminate; empty where there are none."""
        others = {contract.customer_id for contract in (*self.contracts, *self.ended)} - self._acting
        if not others:
            return ""
        contacts = contacts_of(Customer.objects.filter(pk__in=others)).filter(may_terminate=True)
        return ", ".join(contacts.order_by("email").values_list("email", flat=True).distinct()[:SHOWN])

    @property
    def latest(self) -> date:
        """The latest last service day of a termination."""
        return last_day_of_stopping(self.version.takes_effect_on, self.today)

    @property
    def closed(self) -> str:
        """Why no response is possible; empty while one is."""
        if self.version.withdrawn_at:
            if any(one.reinstatements.all() for one in self.answers):
                return _("Version %(version)s was withdrawn. What becomes of your contracts stands below.") % {
                    "version": self.version
                }
            return _("Version %(version)s was withdrawn. It does not take effect, and no response is needed.") % {
                "version": self.version
            }
        if self.version.takes_effect_on <= self.today:
            return _("Version %(version)s took effect on %(day)s. You can no longer respond here.") % {
                "version": self.version,
                "day": day_name(self.version.takes_effect_on),
            }
        if not self.customers:
            return _(
                "%(address)s no longer belongs to a customer whom version %(version)s concerns. Please write to "
                "us from a registered address."
            ) % {"address": self.delivery.email, "version": self.version}
        return ""


class AnswerForm(forms.Form):
    """A response: on behalf of whom, by whom, and a message."""

    customer = forms.MultipleChoiceField(
        label=gettext_lazy("On behalf of"),
        error_messages=dict.fromkeys(
            ["required", "invalid_choice", "invalid_list"], gettext_lazy("Choose items from the list.")
        ),
        widget=forms.CheckboxSelectMultiple,
    )
    by_name = forms.CharField(
        label=gettext_lazy("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    text = forms.CharField(
        label=gettext_lazy("Your message"),
        help_text=gettext_lazy("Optional."),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    act = OBJECT

    def __init__(self, data: Any, asked: Asked) -> None:
        # Both forms are on one page.
        super().__init__(data, auto_id=f"{self.act}_%s", initial={"by_name": asked.delivery.name}, label_suffix="")
        self.asked = asked
        chosen: Any = self.fields["customer"]
        all_of_them = (ALL, _("All %(count)d customers") % {"count": len(self.offered)})
        chosen.choices = [all_of_them, *((one.code, str(one)) for one in asked.customers)]
        if len(asked.customers) == 1:
            chosen.required = False
            chosen.widget = forms.MultipleHiddenInput()
        else:
            # Who responded so already is not offered; a double click is refused by the operation.
            chosen.widget.choices = [*([all_of_them] if len(self.offered) > 1 else []),
                                     *((one.code, str(one)) for one in self.offered)]  # fmt: skip

    @property
    def offered(self) -> Sequence[Customer]:
        return self.asked.objecting

    def clean_customer(self) -> Sequence[Customer]:
        codes = self.cleaned_data["customer"]
        if len(self.asked.customers) == 1:
            return self.asked.customers
        return self.offered if ALL in codes else [one for one in self.asked.customers if one.code in codes]

    @property
    def contracts(self) -> Sequence[Contract]:
        """The contracts of the selected customers."""
        return list(running_contracts(self.asked.version, *self.cleaned_data["customer"]).order_by("reference"))


class EndForm(AnswerForm):
    """A termination with the last service day."""

    last_day = forms.DateField(
        label=gettext_lazy("Last service day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": gettext_lazy("Enter the date in the form 2026-12-31.")},
    )
    act = END
    field_order = ("customer", "last_day", "by_name", "text")

    @property
    def offered(self) -> Sequence[Customer]:
        return self.asked.ending

    def __init__(self, data: Any, asked: Asked) -> None:
        super().__init__(data, asked)
        self.initial["last_day"] = asked.latest
        self.fields["last_day"].widget.attrs |= {"min": f"{asked.today}", "max": f"{asked.latest}"}

    def clean_last_day(self) -> date:
        day, asked = self.cleaned_data["last_day"], self.asked
        if not asked.today <= day <= asked.latest:
            raise forms.ValidationError(
                _("Choose a day from %(first)s to %(last)s.")
                % {"first": day_name(asked.today), "last": day_name(asked.latest)}
            )
        return day


class AcceptForm(AnswerForm):
    """An acceptance in words."""

    act = ACCEPT

    @property
    def offered(self) -> Sequence[Customer]:
        return self.asked.accepting


class KeepForm(forms.Form):
    """The consent to keep contracts that ended because of a version that was withdrawn."""

    by_name = forms.CharField(
        label=gettext_lazy("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )

    def __init__(self, data: Any, asked: Asked) -> None:
        super().__init__(data, auto_id="keep_%s", initial={"by_name": asked.delivery.name}, label_suffix="")


FORMS: dict[str, type[AnswerForm]] = {ACCEPT: AcceptForm, OBJECT: AnswerForm, END: EndForm}
KINDS = {ACCEPT: AnswerKind.ACCEPTANCE, OBJECT: AnswerKind.OBJECTION, END: AnswerKind.TERMINATION}


@require_http_methods(["GET", "HEAD", "POST"])
@for_reader
def answer(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Show an amendment to the recipient of an e-mail and accept the response."""
    now = timezone.now()
    asked = _asked(token, now)
    if asked is None:
        return _page(request, reader, {}, status=404)
    if asked.version.withdrawn_at and asked.ended:
        return _kept(request, reader, asked, now)
    if asked.closed:
        return _page(request, reader, {"asked": asked}, status=410)
    if request.method == "POST":
        return _answered(request, reader, asked, now)
    return _page(request, reader, {"asked": asked, **_forms(asked)})


def _asked(token: str, now: datetime) -> Asked | None:
    delivery = delivery_of(token)
    if delivery is None or delivery.notice.kind not in (Kind.AMENDMENT, Kind.RESPONSE):
        return None
    version = AgreementVersion.objects.filter(version=delivery.notice.about, published_at__isnull=False).first()
    if version is None:
        return None
    customers = list(customers_answering(delivery, version).order_by("code"))
    return Asked(delivery, version, customers, now)


def _answered(request: HttpRequest, reader: Reader, asked: Asked, now: datetime) -> HttpResponse:
    act = request.POST.get("act", "")
    if act == TAKE_BACK:
        return _taken_back(request, reader, asked, now)
    if act not in FORMS:
        return _page(request, reader, {"asked": asked, **_forms(asked)}, status=422)
    form = FORMS[act](request.POST, asked)
    if not form.is_valid():
        return _page(request, reader, {"asked": asked, **_forms(asked), _field(act): form}, status=422)
    if "sure" not in request.POST:
        return _page(request, reader, {"asked": asked, "check": act, "form": form})
    said = form.cleaned_data
    try:
        register_answers(
            actor=_actor(asked),
            version=asked.version,
            customers=said["customer"],
            kind=KINDS[act],
            by_name=said["by_name"],
            text=said["text"],
            last_day=said.get("last_day"),
            delivery=asked.delivery,
            now=now,
        )
    except Refused as refused:
        return _page(request, reader, {"asked": asked, **_forms(asked), "refused": str(refused)}, status=422)
    deliver_soon()
    return HttpResponseRedirect(request.path, status=303, headers=HEADERS)


def _kept(request: HttpRequest, reader: Reader, asked: Asked, now: datetime) -> HttpResponse:
    """Offer to keep the contracts that ended because of the withdrawn version, and keep them."""
    form = KeepForm(request.POST if request.method == "POST" else None, asked)
    shown = {"asked": asked, "keep_form": form}
    if request.method != "POST":
        return _page(request, reader, shown)
    if request.POST.get("act") != KEEP or not asked.keeping or not form.is_valid():
        return _page(request, reader, shown, status=422)
    try:
        reinstate_contracts(
            actor=_actor(asked),
            version=asked.version,
            contracts=asked.keeping,
            by_name=form.cleaned_data["by_name"],
            delivery=asked.delivery,
            now=now,
        )
    except Refused as refused:
        return _page(request, reader, shown | {"refused": str(refused)}, status=422)
    deliver_soon()
    return HttpResponseRedirect(request.path, status=303, headers=HEADERS)


def _taken_back(request: HttpRequest, reader: Reader, asked: Asked, now: datetime) -> HttpResponse:
    named = request.POST.get("answer", "")
    row = next((row for row in asked.answers if str(row.pk) == named and row.stands), None)
    if row is None:
        sentence = _("There is no such response, or it was already withdrawn.")
        return _page(request, reader, {"asked": asked, **_forms(asked), "refused": sentence}, status=422)
    if "sure" not in request.POST:
        return _page(request, reader, {"asked": asked, "check": TAKE_BACK, "row": row})
    try:
        withdraw_answer(
            actor=_actor(asked),
            answer=row,
            reason=_("Withdrawn through the personal link in the e-mail."),
            delivery=asked.delivery,
            now=now,
        )
    except Refused as refused:
        return _page(request, reader, {"asked": asked, **_forms(asked), "refused": str(refused)}, status=422)
    deliver_soon()
    return HttpResponseRedirect(request.path, status=303, headers=HEADERS)


def _actor(asked: Asked) -> Actor:
    return Actor.system(f"{asked.delivery.email} (link)")


def _field(act: str) -> str:
    return f"{act}_form"


def _forms(asked: Asked) -> dict[str, AnswerForm]:
    return {_field(act): form(None, asked) for act, form in FORMS.items()}


def _page(request: HttpRequest, reader: Reader, context: dict[str, Any], status: int = 200) -> HttpResponse:
    around = frame(request, reader, "agreement_answer", timezone.now(), {})
    around |= {"private": True, "shown": SHOWN, "first": f":{SHOWN}"}
    body = render_to_string("website/agreement_answer.html", around | context, request=request)
    return HttpResponse(body, status=status, headers=HEADERS)
