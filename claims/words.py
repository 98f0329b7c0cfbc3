"""Texts for checks, their results and the grounds of refusal."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sla_portal.availability.rules import cut
from sla_portal.clocks import format_instant, month_name
from sla_portal.kernel.money import format_amount as amount

from .inspection import Remark
from .queries.assessing import Assessment
from .rules import Check, Finding

__all__ = ["check_name", "ground_name", "month_name", "refusal_reason", "remark_text", "result_text"]


def check_name(check: Check) -> str:
    """Name a check."""
    return {
        Check.CREDITED: _("Credit without a claim"),
        Check.IN_TIME: _("Received in time"),
        Check.UNDER_CONTRACT: _("Contract in force"),
        Check.NOT_CLAIMED_BEFORE: _("No other claim for the month"),
        Check.PROVED: _("Proof materials"),
        Check.FIGURES_FINAL: _("Figures final"),
        Check.EXCLUSIONS_DECIDED: _("Exclusions decided"),
        Check.BELOW_TARGET: _("Availability below the target"),
        Check.COUNTED_MINUTES: _("Unavailable minutes"),
        Check.CAP_LEFT: _("Balance under the liability cap"),
    }[check]


def remark_text(remark: Remark) -> str:
    """Tell the agent what the inspection of a file found."""
    return {
        Remark.ONE_COLOUR: _("This picture is of one colour: nothing can be seen in it."),
        Remark.AFTER_END: _(
            "The file goes on after the end of the picture, as phones do with motion photos. What follows is only in the original."
        ),
        Remark.LINKS: _("This PDF links to files or scripts. Do not follow its links in the original."),
        Remark.OURS: _("This PDF was issued by the portal and is unchanged."),
    }[remark]


def result_text(finding: Finding, assessment: Assessment) -> str:
    """Describe the result of a check: the fact on which it is based."""
    return _SENTENCES[finding.check](assessment, finding.passed)


def _credited(a: Assessment, passed: bool | None) -> str:
    if passed:
        return _("Version %(version)s allows us to credit a month that nobody claimed.") % {"version": a.terms.version}
    return _(
        "Version %(version)s does not provide for a credit without a claim. Legal can switch it on by an amendment."
    ) % {"version": a.terms.version}


def _in_time(a: Assessment, passed: bool | None) -> str:
    said = {"received": _in_sla_zone(a.claim.received_at), "closes": _in_sla_zone(a.window.closes_at)}
    if passed:
        return _("Received on %(received)s; the claim period for the month closes on %(closes)s.") % said
    return _("Received on %(received)s; the claim period for the month closed on %(closes)s.") % said


def _under_contract(a: Assessment, passed: bool | None) -> str:
    said = {"first": a.contract.starts_on, "last": a.contract.last_day, "month": month_name(a.month)}
    if passed:
        return _("The contract runs from %(first)s to %(last)s.") % said
    return _("The contract ran from %(first)s to %(last)s and has no service day in %(month)s.") % said


def _not_claimed_before(_a: Assessment, passed: bool | None) -> str:
    if passed:
        return _("No other claim for this contract and month is open or granted.")
    return _("Another claim for this contract and month is open or granted.")


def _proved(a: Assessment, passed: bool | None) -> str:
    if passed:
        count = len(a.claim.proofs.all())
        return ngettext("%(count)d file attached.", "%(count)d files attached.", count) % {"count": count}
    return _("No file attached yet. Ask the customer for proof materials.")


def _figures_final(a: Assessment, passed: bool | None) -> str:
    if passed and a.closing:
        return _("The month is closed (revision %(revision)d), and the figures have not changed since.") % {
            "revision": a.closing.revision
        }
    if a.judged.figures.provisional:
        return _(
            "The figures are provisional: an outage in the month is ongoing. Once the NOC has resolved it, ask Legal to close the month."
        )
    if a.closing is None:
        return _("The month is not closed yet, so no claim can be granted. Ask Legal to close it.")
    return _(
        "The figures have changed since the month was closed, so no claim can be granted. Ask Legal to correct the month."
    )


def _exclusions_decided(a: Assessment, passed: bool | None) -> str:
    if passed:
        return _("No exclusion of minutes of this claim is undecided.")
    proposed = ", ".join(str(exclusion) for exclusion in a.undecided)
    if all(exclusion.customer_id for exclusion in a.undecided):
        return _("Proposed and undecided: %(proposed)s. A grant waits until another person has decided it.") % {
            "proposed": proposed
        }
    return _("Proposed and undecided: %(proposed)s. A grant waits until Legal has decided it.") % {"proposed": proposed}


def _below_target(a: Assessment, _passed: bool | None) -> str:
    figures = a.judged.figures
    if figures.availability is None:
        return _("No contract was in service in that month.")
    return _("Availability was %(availability)s %%; the target in agreement version %(version)s is %(target)s %%.") % {
        "availability": cut(figures.availability),
        "version": a.terms.version,
        "target": a.terms.target_text,
    }


def _counted_minutes(a: Assessment, _passed: bool | None) -> str:
    count = a.entitlement.counted_minutes
    return ngettext(
        "%(count)d unavailable minute on service days of the contract.",
        "%(count)d unavailable minutes on service days of the contract.",
        count,
    ) % {"count": count}


def _cap_left(a: Assessment, _passed: bool | None) -> str:
    currency = a.entitlement.currency
    return _(
        "Fees paid for the contract period: %(paid)s. Liability cap: %(cap)s. Granted: %(given)s. Balance: %(left)s."
    ) % {
        "paid": amount(a.cap_balance.fees_paid, currency),
        "given": amount(a.cap_balance.granted, currency),
        "cap": amount(a.cap_balance.cap, currency),
        "left": amount(a.cap_balance.left, currency),
    }


_SENTENCES = {
    Check.CREDITED: _credited,
    Check.IN_TIME: _in_time,
    Check.UNDER_CONTRACT: _under_contract,
    Check.NOT_CLAIMED_BEFORE: _not_claimed_before,
    Check.PROVED: _proved,
    Check.FIGURES_FINAL: _figures_final,
    Check.EXCLUSIONS_DECIDED: _exclusions_decided,
    Check.BELOW_TARGET: _below_target,
    Check.COUNTED_MINUTES: _counted_minutes,
    Check.CAP_LEFT: _cap_left,
}


def ground_name(clause: str) -> str:
    """Name a ground of refusal for a list of choices: clause and heading."""
    return {
        "1.2": _("1.2 – no contract in force in that month"),
        "1.3": _("1.3 – free trial, no charge"),
        "2": _("2 – SLA met"),
        "3.1": _("3.1 – no unavailable minutes"),
        "3.2": _("3.2 – already compensated"),
        "3.3.1": _("3.3.1 – outside the claim period"),
        "3.3.2": _("3.3.2 – insufficient proof materials"),
        "4.1": _("4.1 – announced maintenance"),
        "4.2": _("4.2 – network or devices outside the platform"),
        "4.3": _("4.3 – attack on the customer's programs or data"),
        "4.4": _("4.4 – loss of credentials"),
        "4.5": _("4.5 – unstable customer network"),
        "4.6": _("4.6 – non-compliance with documentation"),
        "4.7": _("4.7 – suspended for non-payment"),
        "4.8": _("4.8 – other software on the phone"),
        "4.9": _("4.9 – other cause on the customer's side"),
        "4.10": _("4.10 – suspended by law or agreement"),
        "4.11": _("4.11 – force majeure"),
        "5.1": _("5.1 – liability cap reached"),
    }[clause]


def refusal_reason(clause: str, assessment: Assessment) -> str:
    """Give the reason of a refusal for the e-mail: the fact of this claim, with its clause."""
    if clause.startswith("4."):
        return _(
            "The outage that you reported is excluded under clause %(clause)s of the agreement, so it does not count as unavailability."
        ) % {"clause": clause}
    for finding in assessment.findings:
        if finding.clause == clause:
            return _("%(fact)s (clause %(clause)s)") % {"fact": result_text(finding, assessment), "clause": clause}
    return _("The claim does not meet clause %(clause)s of the agreement.") % {"clause": clause}


def _in_sla_zone(at: datetime) -> str:
    return format_instant(at, settings.SLA_ZONE)
