"""The ledger of compensation, a voucher, a service extension, and the export for billing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from claims import emails
from claims.models import Claim, Compensation, Entry, Step, Undoing, Voucher
from claims.operations import (
    confirm_undoing,
    decline_undoing,
    propose_undoing,
    redeem_voucher,
    withdraw_undoing,
)
from claims.operations.exporting import Export, record_export
from claims.operations.ledger import is_expired
from claims.operations.undoing import needs_letter, reopens, reversed_by, standing_redemption
from claims.queries.ledger import (
    COLUMNS,
    Balance,
    Wanted,
    balances_of,
    entries,
    for_billing,
    life_of,
    life_of_extension,
    open_undoings,
    totals,
)
from sla_portal.agreements.models import Contract
from sla_portal.audit.versions import acting
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.money import format_amount as amount
from sla_portal.kernel.money import printed
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.typed import AmountField

from ..common import page, refusals_on, require_right
from ..exports import BUTTONS, FORMS, MOST_IN_A_SHEET, export_response
from .sheet import ShownLetter, shown_letter

SHOWN = 100
MOST_ADDED_UP = 10_000
"""Entries that a page totals: of more, the page would take longer the longer the ledger is."""
STATES = {
    Step.ISSUED: "waiting",
    Step.REDEEMED: "up",
    Step.RETURNED: "waiting",
    Step.VOIDED: "outside",
    Step.EXTENDED: "up",
    Step.SHORTENED: "outside",
}
"""The badge of each entry type."""
ALSO_REVERSES = {
    Step.VOIDED: gettext_lazy("Void the voucher of the same grant, too."),
    Step.SHORTENED: gettext_lazy("Reverse the extension of the same grant, too."),
}
WHAT_REVERSES = {
    Step.VOIDED: gettext_lazy("Void the voucher"),
    Step.RETURNED: gettext_lazy("Reverse the redemption"),
    Step.SHORTENED: gettext_lazy("Reverse the extension"),
}
"""What a reversal is called, by the type of the entry that it posts."""


class LedgerForm(forms.Form):
    """The filter of the ledger: `?month=2026-11&contract=K-1&step=issued&code=…&before=<entry>`."""

    month = forms.CharField(label=gettext_lazy("Month of entry"), required=False, max_length=7)
    contract = forms.CharField(label=gettext_lazy("Contract"), required=False, max_length=40)
    step = forms.ChoiceField(
        label=gettext_lazy("Type"), required=False, choices=[("", gettext_lazy("all types")), *Step.choices]
    )
    code = forms.CharField(label=gettext_lazy("Voucher"), required=False, max_length=40)
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    def clean_month(self) -> ServiceMonth | None:
        try:
            return ServiceMonth.parse(self.cleaned_data["month"]) if self.cleaned_data["month"] else None
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean_code(self) -> str:
        return "".join(self.cleaned_data["code"].split()).upper()

    @property
    def wanted(self) -> Wanted:
        return Wanted(**{name: self.cleaned_data[name] for name in ("month", "contract", "step", "code")})


class RedeemForm(forms.Form):
    """How much of a voucher was redeemed and on which order or invoice; `entry` is the voucher's last that was shown."""

    entry = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1, max_value=2**63 - 1)
    part = AmountField(label=gettext_lazy("Amount"), required=False, help_text=gettext_lazy("Empty: all that is left."))
    reference = forms.CharField(
        label=gettext_lazy("Order or invoice"),
        max_length=200,
        error_messages={"required": gettext_lazy("Enter the order or invoice on which the voucher was redeemed.")},
    )
    sure = forms.BooleanField(
        label=gettext_lazy("The code and amount match the order."),
        error_messages={"required": gettext_lazy("Compare the code and amount with the order, then tick the box.")},
    )


class ReverseForm(forms.Form):
    """What is to be reversed, the reason for the record, and the letter where the customer loses something."""

    entry = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1)
    both = forms.BooleanField(required=False)
    reason = forms.CharField(
        label=gettext_lazy("Reason for the record"),
        help_text=gettext_lazy("Not sent to the customer."),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        error_messages={"required": gettext_lazy("Give the reason for the reversal.")},
    )
    letter_subject = forms.CharField(
        label=gettext_lazy("E-mail subject"),
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        error_messages={"required": gettext_lazy("Write the e-mail that tells the customer of the reversal.")},
    )
    letter_text = forms.CharField(
        label=gettext_lazy("E-mail to the customer"),
        help_text=gettext_lazy("In the customer's language. The whole e-mail stands below, as it goes."),
        widget=forms.Textarea(attrs={"rows": 10}),
        max_length=20_000,
        error_messages={"required": gettext_lazy("Write the e-mail that tells the customer of the reversal.")},
    )

    def __init__(self, *args: Any, last: Entry, other: Entry | None, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("letter_subject", "letter_text"):
            self.fields[name].widget.attrs["lang"] = language
        self.last, self.other = last, other
        if other is None:
            del self.fields["both"]
        else:
            self.fields["both"].label = ALSO_REVERSES[reversed_by(other) or Step.VOIDED]
        if not needs_letter([last]):
            del self.fields["letter_subject"], self.fields["letter_text"]

    def wanted(self) -> list[Entry]:
        """What is to be reversed by what is ticked, before the form is valid."""
        ticked = self.other is not None and bool(self["both"].value())
        return [self.last, *([self.other] if ticked and self.other else [])]


class DeclineForm(forms.Form):
    """Why a proposed reversal is declined."""

    answer = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        error_messages={"required": gettext_lazy("Give the reason why the reversal is declined.")},
    )


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """List the filtered entries, newest first, with their totals; without a filter, all entries."""
    require_right(request, "claims.view_entry")
    form = LedgerForm(request.GET)
    context: dict[str, Any] = {"title": _("Ledger"), "form": form, "shown": SHOWN, "exports": BUTTONS}
    if not form.is_valid():
        return page(request, "staff/claims/ledger.html", context, status=422)
    found = entries(form.wanted)
    rows = list(
        _after(found, form.cleaned_data["before"]).select_related(
            "contract__customer", "compensation__claim", "voucher", "extended", "by"
        )[: SHOWN + 1]
    )
    added_up = found.order_by()[: MOST_ADDED_UP + 1].count() <= MOST_ADDED_UP
    question = urlencode({name: form.data.get(name, "") for name in ("month", "contract", "step", "code")})
    return page(
        request,
        "staff/claims/ledger.html",
        {
            **context,
            "undoings": list(open_undoings()[:SHOWN]),
            "rows": [_row(entry) for entry in rows[:SHOWN]],
            "totals": [
                {"total": total, "state": STATES[total.step], "amount": amount(total.amount, total.currency)}
                for total in (totals(found) if added_up else ())
            ],
            "too_many": "" if added_up else MOST_ADDED_UP,
            "question": question,
            "first": f"?{question}" if form.cleaned_data["before"] else "",
            "next": f"?{question}&before={rows[SHOWN - 1].pk}" if len(rows) > SHOWN else "",
            "balances": _balances_of(form.cleaned_data["contract"]),
            "may_see_codes": request.user.has_perm("claims.view_voucher"),
        },
    )


def _balances_of(contract: str) -> list[dict[str, Any]]:
    """Return the balances of the customer whose contract was asked for; none without one."""
    customer = Contract.objects.filter(reference=contract).values_list("customer", flat=True).first()
    today = local_date(epoch(timezone.now()), settings.SLA_ZONE)
    return [written(one) for one in balances_of(customer, today)] if customer else []


def written(balance: Balance) -> dict[str, Any]:
    """Write the amounts of a balance in its currency."""
    names = ("issued", "redeemed", "voided", "expired", "outstanding")
    return {"of": balance, "amounts": [amount(getattr(balance, name), balance.currency) for name in names]}


@require_POST
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """Export the filtered entries as CSV or worksheet; the audit log records who exported them."""
    require_right(request, "claims.view_entry")
    asked = LedgerForm(request.GET)
    if form not in FORMS or not asked.is_valid():
        raise Http404
    found = entries(asked.wanted)
    if form == "xlsx" and found.order_by()[: MOST_IN_A_SHEET + 1].count() > MOST_IN_A_SHEET:
        messages.error(
            request,
            _("A worksheet can hold at most %(most)d entries. Choose a month, or export CSV.")
            % {"most": MOST_IN_A_SHEET},
        )
        return redirect(f"{reverse('admin:ledger')}?{request.GET.urlencode()}")
    record_export(
        actor=acting(request),
        export=Export.LEDGER,
        form=form,
        wanted=asked.wanted.as_changes(),
        now=timezone.now(),
    )
    rows = for_billing(found, with_codes=request.user.has_perm("claims.view_voucher"))
    return export_response(form, "-".join(filter(None, ["ledger", str(asked.wanted.month or "")])), COLUMNS, rows)


@require_http_methods(["GET", "HEAD", "POST"])
def voucher(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the history of a voucher; POST `act=redeem` redeems it, `act=reverse` reverses its last entry."""
    require_right(request, "claims.view_voucher")
    found = get_object_or_404(
        Voucher.objects.select_related("compensation__claim__contract__customer", "compensation__decision"), pk=pk
    )
    return _life(request, found, life_of(found), reverse("admin:voucher", args=[pk]))


@require_http_methods(["GET", "HEAD", "POST"])
def extension(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the history of a service extension; POST `act=reverse` reverses it."""
    require_right(request, "claims.view_entry")
    found = get_object_or_404(Compensation.objects.select_related("claim__contract__customer", "decision"), pk=pk)
    life = life_of_extension(found)
    if not life:
        raise Http404
    return _life(request, found, life, reverse("admin:extension", args=[pk]))


def _life(request: HttpRequest, subject: Voucher | Compensation, life: Sequence[Entry], here: str) -> HttpResponse:
    now = timezone.now()
    last = life[-1]
    code = subject if isinstance(subject, Voucher) else None
    compensation = code.compensation if code else subject
    claim = compensation.claim
    expired = code is not None and is_expired(code, now)
    took_part = request.user.pk in (compensation.decision.recommended_by_id, compensation.decision.decided_by_id)
    could_redeem = code is not None and not expired and last.left > 0 and request.user.has_perm("claims.redeem_voucher")
    may_reverse = request.user.has_perm("claims.reverse_compensation")
    act = request.POST.get("act") if request.method == "POST" else None
    undoing = open_undoings().filter(compensation=compensation).first()
    shown = {"entry": last.pk, "part": printed(last.left, last.currency)}
    redeem = RedeemForm(request.POST if act == "redeem" else None, prefix="redeem", initial=shown)
    reversal = _reversal_form(request, act, claim, life) if reversed_by(last) else None
    decline = DeclineForm(request.POST if act == "decline" else None, prefix="decline")
    if act is not None and (done := _done(request, act, code, life, undoing, redeem, reversal, decline, now)):
        messages.success(request, done)
        return redirect(here)
    if redeem.errors and not acting(request).seen.changed:
        # The page shows what is left by now.
        redeem.data = {**redeem.data.dict(), redeem.add_prefix("entry"): last.pk}
    return page(
        request,
        "staff/claims/ledger_entry.html",
        {
            "title": _title(code, life[0]),
            "voucher": code,
            "expired": expired,
            "life": [_row(entry) for entry in life],
            "last": last,
            "state": STATES[Step(last.step)],
            "claim": claim,
            "contract": claim.contract,
            "value": amount(life[0].value, life[0].currency),
            "left": amount(last.left, last.currency) if code and any(entry.taken for entry in life) else "",
            "partly": code is not None and 0 < last.left < code.value,
            "minutes": life[0].minutes,
            "redeem": redeem if could_redeem and not took_part else None,
            "redeemed_by_another": could_redeem and took_part,
            "reversal": reversal if may_reverse and undoing is None else None,
            "proposed_letter": _proposed_letter(claim, reversal) if reversal and undoing is None else None,
            "what_reverses": _what_reverses(last),
            "undoing": undoing,
            "letter": _letter(claim, undoing) if undoing and undoing.letter_text else None,
            "undone": [_row(entry) | {"what": _what_reverses(entry)} for entry in undoing.entries.all()]
            if undoing
            else [],
            "may_confirm": may_reverse and undoing is not None and undoing.proposed_by_id != request.user.pk,
            "may_withdraw": may_reverse and undoing is not None and undoing.proposed_by_id == request.user.pk,
            "decline": decline,
        },
        status=200 if act in (None, "draft", "show") else 422,
    )


def _reversal_form(request: HttpRequest, act: str | None, claim: Claim, life: Sequence[Entry]) -> ReverseForm:
    """Return the form that proposes a reversal; with `act=draft` its letter is drafted anew for what is ticked.

    Of what was sent, the entry that the page showed as the last counts, not what is the last by now.
    """
    last, data = life[-1], None
    if act in ("reverse", "draft", "show"):
        data = request.POST
        shown = next((entry for entry in life if str(entry.pk) == data.get("reverse-entry")), None)
        if shown is None:
            raise Http404
        last = shown
    form = partial(
        ReverseForm,
        prefix="reverse",
        last=last,
        other=_last_of_other_part(last),
        language=emails.language_of(claim),
    )
    if data is not None and act != "reverse":
        typed = {name.removeprefix("reverse-"): text for name, text in data.items()}
        if act == "draft":
            typed["letter_subject"], typed["letter_text"] = _draft(claim, form(data).wanted())
        return form(initial=typed)
    subject, text = _draft(claim, [last]) if needs_letter([last]) else ("", "")
    return form(data, initial={"entry": last.pk, "letter_subject": subject, "letter_text": text})


def _last_of_other_part(entry: Entry) -> Entry | None:
    """Return the last entry of the grant's other part, where it takes something from the customer to reverse it."""
    if not needs_letter([entry]):
        return None
    others = Entry.objects.filter(compensation=entry.compensation_id).exclude(voucher=entry.voucher_id)
    if entry.voucher_id is None:
        others = Entry.objects.filter(compensation=entry.compensation_id, voucher__isnull=False)
    last = others.select_related("voucher", "extended").order_by("-number").first()
    return last if last and reversed_by(last) in ALSO_REVERSES else None


def _what_reverses(entry: Entry) -> str:
    """Say what the reversal of an entry does; of a redemption also how much of the voucher it gives back."""
    step = reversed_by(entry)
    if step is None:
        return ""
    if step is Step.RETURNED and (redemption := standing_redemption(entry)):
        return f"{WHAT_REVERSES[step]}: {amount(redemption.taken, redemption.currency)}, {redemption.reason}"
    return str(WHAT_REVERSES[step])


def _draft(claim: Claim, wanted: Sequence[Entry]) -> tuple[str, str]:
    return emails.undoing_draft(claim, wanted)


def _proposed_letter(claim: Claim, form: ReverseForm) -> ShownLetter | None:
    """Return the letter of the form as it would go."""
    if "letter_text" not in form.fields:
        return None
    subject, text = (str(form[name].value() or "") for name in ("letter_subject", "letter_text"))
    wanted = form.wanted()
    again = reopens(claim, wanted[0].compensation, wanted)
    return shown_letter(claim, emails.reversal_letter(claim, subject, text, reopens=again))


def _letter(claim: Claim, undoing: Undoing) -> ShownLetter:
    written = emails.reversal_letter(claim, undoing.letter_subject, undoing.letter_text, reopens=undoing.reopens)
    return shown_letter(claim, written)


def _title(code: Voucher | None, first: Entry) -> str:
    if code:
        return _("Voucher %(code)s") % {"code": code.code}
    return _("Service extension of %(contract)s") % {"contract": first.extended}


def _done(
    request: HttpRequest,
    act: str,
    code: Voucher | None,
    life: Sequence[Entry],
    undoing: Undoing | None,
    redeem: RedeemForm,
    reversal: ReverseForm | None,
    decline: DeclineForm,
    now: datetime,
) -> str:
    """Do what was asked; return the success message, or an empty string if refused (the form has the errors)."""
    actor = acting(request)
    if act == "redeem" and code is not None:
        return _redeemed(request, code, life, redeem, now)
    if act not in ("reverse", "confirm", "decline", "withdraw"):
        return ""
    require_right(request, "claims.reverse_compensation")
    if act == "reverse" and reversal is not None and reversal.is_valid():
        said = reversal.cleaned_data
        with refusals_on(reversal):
            propose_undoing(
                actor=actor,
                entries=reversal.wanted(),
                reason=said["reason"],
                letter_subject=said.get("letter_subject", ""),
                letter_text=said.get("letter_text", ""),
                now=now,
            )
            return _("Proposed. Another person confirms it.")
    # A proposal that someone has closed meanwhile is closed for all.
    if undoing is None:
        return ""
    if act == "decline" and decline.is_valid():
        with refusals_on(decline):
            decline_undoing(actor=actor, undoing=undoing, reason=decline.cleaned_data["answer"], now=now)
            return _("Declined. Nothing was reversed.")
    try:
        if act == "confirm":
            confirm_undoing(actor=actor, undoing=undoing, letter=request.POST.get("letter", ""), now=now)
            return _("Reversed.")
        if act == "withdraw":
            withdraw_undoing(actor=actor, undoing=undoing, now=now)
            return _("Withdrawn. Nothing was reversed.")
    except Refused as refused:
        messages.error(request, str(refused))
    return ""


def _redeemed(request: HttpRequest, code: Voucher, life: Sequence[Entry], form: RedeemForm, now: datetime) -> str:
    require_right(request, "claims.redeem_voucher")
    if form.is_valid():
        said = form.cleaned_data
        with refusals_on(form):
            entry = redeem_voucher(
                actor=acting(request),
                voucher=code,
                reference=said["reference"],
                part=said["part"],
                after=next((one for one in life if one.pk == said["entry"]), None),
                now=now,
            )
            if entry.left:
                return _("Redeemed. %(left)s are left.") % {"left": amount(entry.left, entry.currency)}
            return _("Redeemed.")
    return ""


def _after(found, before: int | None):
    """Return the entries after `before` in the order of the list."""
    last = Entry.objects.filter(pk=before).first() if before else None
    if last is None:
        return found
    return found.filter(at__lte=last.at).exclude(at=last.at, id__gte=last.pk)


def _row(entry: Entry) -> dict[str, Any]:
    page_of, pk = ("voucher", entry.voucher_id) if entry.voucher_id else ("extension", entry.compensation_id)
    return {
        "entry": entry,
        "state": STATES[Step(entry.step)],
        "url": reverse(f"admin:{page_of}", args=[pk]),
        "value": amount(entry.value, entry.currency),
        "total": amount(entry.total, entry.currency),
        "cap": amount(entry.cap, entry.currency),
        "taken": amount(entry.taken, entry.currency) if entry.taken else "",
        "left": amount(entry.left, entry.currency) if entry.taken else "",
    }
