"""The forms of what is done with a contract."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import charges_in_force
from sla_portal.agreements.rules import FIRST_DAY, LAST_DAY, as_long
from sla_portal.kernel.money import printed
from sla_portal.kernel.months import ServiceMonth
from sla_portal.typed import AmountField

from ..forms import ReasonForm

MOST_MONTHS = 240
"""Service months offered."""


class DayField(forms.DateField):
    """A day that a contract may have."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)], **kwargs)


class ContractActionForm(ReasonForm):
    """What is done with a contract, and why; accepted only as its consequences were shown."""

    previewed = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, contract: Contract, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contract, self.today = contract, today
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    @property
    def given(self) -> dict[str, Any]:
        """What is done, by the names of the operation; without the reason."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("reason", "previewed")}

    @property
    def signature(self) -> str:
        """The values that decide the consequences, and the months that they may touch."""
        return repr(sorted((name, str(value)) for name, value in self.given.items())) or "-"

    @property
    def may_be_saved(self) -> bool:
        return bool(self.cleaned_data["previewed"] == self.signature)

    def for_preview(self) -> ContractActionForm:
        """Return the same form, which is saved when it is sent unchanged."""
        data = cast("QueryDict", self.data).copy()
        data["previewed"] = self.signature
        return type(self)(data, contract=self.contract, today=self.today)


class LastDayForm(ContractActionForm):
    last_day = DayField(
        label=gettext_lazy("Last service day"), help_text=gettext_lazy("The day itself is still in service.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day = self.fields["last_day"]
        day.widget.attrs |= {"min": self.contract.starts_on.isoformat(), "max": self.contract.last_day.isoformat()}


class LaterEndForm(ContractActionForm):
    ends_on = DayField(
        label=gettext_lazy("Agreed last service day"),
        help_text=gettext_lazy("Service extensions granted as compensation are added to it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ends_on"].initial = self.contract.ends_on


class CorrectForm(ContractActionForm):
    starts_on = DayField(label=gettext_lazy("First service day"))
    ends_on = DayField(
        label=gettext_lazy("Agreed last service day"),
        help_text=gettext_lazy("Service extensions granted as compensation are added to it."),
    )
    trial_days = forms.IntegerField(label=gettext_lazy("Free trial (days)"), min_value=0, max_value=32767)
    renews = forms.ModelChoiceField(
        Contract.objects.none(),
        label=gettext_lazy("Renews"),
        required=False,
        empty_label=gettext_lazy("no contract"),
        help_text=gettext_lazy(
            "The period before this one: extensions granted for it move the end of the last period."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        contract, fields = self.contract, cast("dict[str, Any]", self.fields)
        others = Contract.objects.filter(customer=contract.customer_id).exclude(pk=contract.pk)
        free = others.filter(renewed_by=None) | others.filter(renewed_by=contract)
        fields["renews"].queryset = free.order_by("starts_on", "reference")
        for name in ("starts_on", "ends_on", "trial_days", "renews"):
            fields[name].initial = getattr(contract, name)


class ChargeForm(ContractActionForm):
    from_month = forms.TypedChoiceField(
        label=gettext_lazy("From service month"),
        coerce=ServiceMonth.parse,
        help_text=gettext_lazy("Earlier months keep the charge they had."),
    )
    monthly_charge = AmountField(label=gettext_lazy("Monthly charge"), min_value=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first, last = ServiceMonth.of(self.contract.starts_on), ServiceMonth.of(self.contract.last_day)
        following = min(max(first, ServiceMonth.of(self.today).next), last)
        months = [last]
        while months[-1] > first and len(months) < MOST_MONTHS:
            months.append(months[-1].previous)
        fields = cast("dict[str, Any]", self.fields)
        fields["from_month"].choices = [(str(month), str(month)) for month in reversed(months)]
        fields["from_month"].initial = str(following)
        fields["monthly_charge"].label = _("Monthly charge (%(currency)s)") % {"currency": self.contract.currency}
        fields["monthly_charge"].initial = printed(
            charges_in_force([self.contract], following)[self.contract.pk], self.contract.currency
        )


class RenewForm(forms.Form):
    """The period that renews a contract: as it was, unless something else is typed."""

    reference = forms.CharField(label=gettext_lazy("Reference"), max_length=40)
    ends_on = DayField(label=gettext_lazy("Last service day"))
    monthly_charge = AmountField(label=gettext_lazy("Monthly charge"), min_value=0)
    currency = forms.RegexField(
        r"^[A-Za-z]{3}\Z",
        label=gettext_lazy("Currency"),
        help_text=gettext_lazy("ISO 4217, such as EUR."),
        error_messages={"invalid": gettext_lazy("Enter the currency as three letters (ISO 4217), for example EUR.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        required=False,
        help_text=gettext_lazy("Only needed where the new period begins in a closed month."),
    )

    def __init__(self, *args: Any, contract: Contract, **kwargs: Any) -> None:
        begins = contract.next_day
        charge = charges_in_force([contract], ServiceMonth.of(begins))[contract.pk]
        initial = {
            "reference": next_reference(contract),
            "ends_on": as_long(contract.starts_on, contract.ends_on, begins),
            "monthly_charge": printed(charge, contract.currency),
            "currency": contract.currency,
        }
        super().__init__(*args, initial=initial, **kwargs)

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


def next_reference(contract: Contract) -> str:
    """Suggest a reference for the period after a contract: K-001 and K-001-1 are followed by K-001-2, and that by K-001-3."""
    number, earlier = 1, contract
    while earlier.renews:
        number, earlier = number + 1, earlier.renews
    base = contract.reference.removesuffix(f"-{number}")
    # K-1 is the first contract, not the first period of K.
    base = base if "-" in base else contract.reference
    while Contract.objects.filter(reference=(reference := f"{base[:34]}-{number + 1}")).exists():
        number += 1
    return reference
