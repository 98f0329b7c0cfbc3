"""A draft: its text beside the redline, its terms before and after, and the what-if analysis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from sla_portal.agreements.markers import flaws, marker_choices, printed
from sla_portal.agreements.models import TERM_FIELDS, AgreementVersion
from sla_portal.agreements.operations import NotAcceptable, change_draft, discard_draft, draft_version
from sla_portal.agreements.queries import newest_version
from sla_portal.agreements.queries.drafts import SUMMARIES, DraftContent, content_before, draft_content
from sla_portal.agreements.rules import Stage, Terms
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import ChangedMeanwhile
from sla_portal.audit.queries import MOST_SINCE, entries_since
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.audit.verbs import NO_CHANGE
from sla_portal.audit.versions import acting
from sla_portal.availability.operations import count_changed_outcomes_under
from sla_portal.availability.queries import regions_in_service
from sla_portal.clocks import month_name
from sla_portal.kernel.errors import Refused

from ..common import page, require_right
from ..forms import ReasonForm
from . import publication
from .arranging import rearranged
from .comparison import (
    Row,
    compared_with,
    merged_items,
    rows,
    term_rows,
    text_and_terms,
    theirs_of_clause,
    theirs_of_value,
    versions_to_compare,
    what_if_table,
)
from .forms import KEEP, ClauseForms, StartForm, TermsForm, clause_forms, clauses_typed, put_errors
from .listing import listing
from .merging import MINE, Changed, EditedClause, Merged, all_chosen, as_edited, chosen, merge
from .reviews import review_context

VIEW, DRAFT = "agreements.view_agreementversion", "agreements.draft_version"


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Start a draft from the newest version."""
    require_right(request, DRAFT)
    now = timezone.now()
    form = StartForm(request.POST)
    if form.is_valid():
        try:
            draft = draft_version(actor=acting(request), **form.cleaned_data, now=now)
        except Refused as refused:
            form.add_error("version", str(refused))
        else:
            messages.success(
                request,
                _(
                    "The draft was created with the text and terms of the version it is based on. Only staff can see it."
                ),
            )
            return redirect("admin:amendment", draft.pk)
    return listing(request, now, start=form)


@require_http_methods(["GET", "HEAD", "POST"])
def amendment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a draft, a submitted or a published version; POST changes a draft."""
    require_right(request, VIEW)
    now = timezone.now()
    if request.method == "POST":
        require_right(request, DRAFT)
        return _change(request, pk, now)
    version = _version(pk)
    if version.stage is not Stage.DRAFT:
        return publication.version_page(request, version, now)
    content = draft_content(version)
    return _page(request, version, now, TermsForm(draft=version), [*map(as_edited, content.clauses)], content)


def _version(pk: int) -> AgreementVersion:
    related = "based_on", "drafted_by", "submitted_by", "published_by", "withdrawn_by", "notice", "withdrawal_notice"
    return get_object_or_404(AgreementVersion.objects.select_related(*related), pk=pk)


def _change(request: HttpRequest, pk: int, now: datetime) -> HttpResponse:
    """Save the form, or preview it, or rearrange its clauses without saving; first merge it with what others saved."""
    actor = acting(request)
    # Before the draft is read: what is written after this counts as not shown.
    unseen = entries_since(request.seen, AgreementVersion(pk=pk), most=None)
    draft = _version(pk)
    saved = draft_content(draft)
    shown = content_before(saved, unseen)
    terms, formset = TermsForm(request.POST, draft=draft, known=shown), ClauseForms(request.POST, prefix="clauses")
    if not (terms.is_valid() & formset.is_valid()):
        return _refused(request, draft, now, terms, formset, shown)
    typed = clauses_typed(formset)
    content = DraftContent(terms.values, all_chosen(typed, shown))
    if any(entry.action not in NO_CHANGE for entry in unseen):
        return _merged_page(request, draft, now, terms, merge(shown, content, saved), saved, unseen)
    asked = request.POST.get("do", "save")
    if asked != "save":
        return _page(request, draft, now, terms, rearranged(typed, asked), shown, unsaved=True)
    values = content.values
    try:
        change_draft(
            actor=actor,
            draft=draft,
            terms={name: values[name] for name in TERM_FIELDS},
            clauses=content.clauses,
            **{name: values[name] for name in SUMMARIES},
            now=now,
        )
    except NotAcceptable as refused:
        put_errors(refused, terms, formset)
    except ChangedMeanwhile:
        return _change(request, pk, now)
    except Refused as refused:
        terms.add_error(None, str(refused))
    else:
        messages.success(request, _("Saved."))
        return redirect("admin:amendment", draft.pk)
    return _refused(request, draft, now, terms, formset, shown)


def _merged_page(
    request: HttpRequest,
    draft: AgreementVersion,
    now: datetime,
    typed: TermsForm,
    merged: Merged,
    saved: DraftContent,
    unseen: Sequence[Entry],
) -> HttpResponse:
    """Show what was typed merged with what others saved, and the choice where both changed the same; nothing is saved.

    The page shows the draft as of the last of the `unseen` entries: what was merged is not asked again.
    """
    seen = request.seen
    changes = [entry for entry in unseen if entry.action not in NO_CHANGE]
    seen.number, seen.changed = unseen[-1].pk, ChangedMeanwhile(changes[-MOST_SINCE:])
    present, mine = TermsForm(draft=draft), (Changed.BY_ME, Changed.BY_BOTH)
    values = {
        name: typed.data.get(name, "") if merged.changed[name] in mine else present.initial[name]
        for name in merged.values
    }
    choices = {f"{KEEP}{name}": MINE for name in merged.values if merged.changed[name] is Changed.BY_BOTH}
    terms = TermsForm(values | choices, draft=draft, known=saved)
    items = merged_items(merged, terms, changes[::-1])
    context = {"merged": items, "changes": changes}
    return _page(request, draft, now, terms, merged.clauses, saved, unsaved=True, **context)


def _refused(
    request: HttpRequest,
    draft: AgreementVersion,
    now: datetime,
    terms: TermsForm,
    formset: Any,
    known: DraftContent,
) -> HttpResponse:
    """Show the form again with its errors."""
    return _page(request, draft, now, terms, (), known, formset=formset, unsaved=True, status=422)


def _page(
    request: HttpRequest,
    draft: AgreementVersion,
    now: datetime,
    terms: TermsForm,
    clauses: Sequence[EditedClause],
    known: DraftContent,
    *,
    formset: Any = None,
    unsaved: bool = False,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """Show a draft as it is edited: `clauses`, or the `formset` with errors; `known` is the draft as the page shows it."""
    may_draft = request.user.has_perm(DRAFT)
    basis = compared_with(draft, request.GET.get("against")) or draft
    log = audit_log(draft)
    as_typed = terms.as_terms
    if formset is None:
        formset = clause_forms(clauses)
        theirs = [theirs_of_clause(form, known, log["entries"]) for form in formset.forms]
        after = [chosen(clause, known) or clause for clause in clauses]
        text = rows(basis.printed_clauses(), printed(after, as_typed), formset.forms if may_draft else (), theirs)
        wrong = flaws(after, as_typed, (draft.based_on or draft).terms)
    else:
        text = [
            Row(form=form, place=place, theirs=theirs_of_clause(form, known, log["entries"]))
            for place, form in enumerate(formset.forms)
        ]
        wrong = []
    newest = newest_version()
    all_terms = term_rows(basis.terms, as_typed, terms, known, log["entries"])
    return page(
        request,
        "staff/amendments/draft.html",
        {
            "title": _("Draft %(version)s") % {"version": draft},
            "draft": draft,
            "basis": basis,
            "others": versions_to_compare(draft, now),
            "outdated": newest if newest and newest != draft.based_on else None,
            "terms": terms,
            "formset": formset,
            "rows": text,
            "term_rows": all_terms,
            "changed_clauses": sum(row.is_changed for row in text),
            "changed_terms": sum(row.is_changed for row in all_terms),
            "unsaved": unsaved,
            "refused": status == 422,
            "may_draft": may_draft,
            "discard": ReasonForm(auto_id="discard-%s"),
            "log": log,
            "theirs": {name: theirs_of_value(terms, name, known, log["entries"]) for name in SUMMARIES},
            **text_and_terms(wrong, text),
            **review_context(request, draft, now),
            "markers": marker_choices(as_typed, get_language() or "en"),
            "what_if": _what_if(request, draft, as_typed, now, asked=unsaved),
            **more,
        },
        status=status,
    )


def _what_if(
    request: HttpRequest, draft: AgreementVersion, terms: Terms, now: datetime, *, asked: bool = False
) -> dict[str, Any]:
    """Return the what-if analysis; `?customers=2026-09` counts the customers whose result changes in that month."""
    asked = asked or "what-if" in request.GET
    shown = what_if_table(terms, now, asked=asked, basis=draft.based_on, chosen=request.GET.get("baseline"))
    if request.method == "POST" or not request.user.has_perm("availability.view_customermonth"):
        return shown
    shown["may_count"] = True
    for line in shown.get("months", ()):
        if request.GET.get("customers") == str(line.month):
            shown["counted_of"] = month_name(line.month)
            shown["flipping"] = sum(
                count_changed_outcomes_under(draft=draft, region=region, month=line.month, now=now)
                for region in regions_in_service(line.month)
            )
    return shown


@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Discard a draft with a reason; the audit log keeps it on record."""
    require_right(request, DRAFT)
    draft = get_object_or_404(AgreementVersion, pk=pk)
    form = ReasonForm(request.POST, auto_id="discard-%s")
    if not form.is_valid():
        messages.error(request, _("Enter a reason for discarding the draft."))
        return redirect("admin:amendment", pk)
    try:
        discard_draft(actor=acting(request), draft=draft, reason=form.cleaned_data["reason"], now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("admin:amendment", pk)
    messages.success(request, _("The draft was discarded. The audit log keeps it on record, with the reason."))
    return redirect("admin:amendments")
