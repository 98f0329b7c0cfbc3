"""The register of errata and interpretations: open questions, the interpretation with its reason, a proposed wording."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sla_portal.agreements.changes import TERMS
from sla_portal.agreements.models import AgreementVersion, RegisterEntry
from sla_portal.agreements.operations import NotAcceptable, approve_entry, copy_wording, write_entry
from sla_portal.agreements.queries import register
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.audit.versions import acting
from sla_portal.kernel.errors import Refused

from ..common import page, require_right
from .forms import CopyForm, EntryForm

VIEW, WRITE, APPROVE, DRAFT = (
    "agreements.view_registerentry",
    "agreements.write_registerentry",
    "agreements.approve_registerentry",
    "agreements.draft_version",
)


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """List the register in the order of the clauses."""
    require_right(request, VIEW)
    return page(
        request,
        "staff/amendments/register.html",
        {
            "title": _("Errata and interpretations"),
            "entries": [(entry, _texts(entry)) for entry in register()],
            "may_write": request.user.has_perm(WRITE),
        },
    )


def _texts(entry: RegisterEntry) -> dict[str, str]:
    return {name: entry.text(name) for name in ("question", "answer", "why", "proposed_wording")}


def _drafts() -> list[AgreementVersion]:
    """Drafts that can still be changed."""
    return list(AgreementVersion.objects.drafts().filter(submitted_at__isnull=True).order_by("version"))


@require_safe
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a register entry."""
    require_right(request, VIEW)
    return _page(request, get_object_or_404(RegisterEntry.objects.select_related("written_by", "approved_by"), pk=pk))


def _page(request: HttpRequest, row: RegisterEntry, copy_form: CopyForm | None = None) -> HttpResponse:
    drafts = _drafts()
    return page(
        request,
        "staff/amendments/entry.html",
        {
            "title": _("Clause %(clause)s") % {"clause": row.clause},
            "entry": row,
            "texts": _texts(row),
            "term": TERMS[row.term].name() if row.term in TERMS else "",
            "own": row.written_by_id == request.user.pk,
            "may_write": request.user.has_perm(WRITE),
            "may_approve": request.user.has_perm(APPROVE),
            "may_draft": request.user.has_perm(DRAFT),
            "drafts": drafts,
            "copy": copy_form or CopyForm(drafts=drafts),
            "log": audit_log(row),
        },
        status=422 if copy_form else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add or change an entry; it is then pending approval."""
    require_right(request, WRITE)
    row = get_object_or_404(RegisterEntry, pk=pk) if pk else None
    form = EntryForm(request.POST if request.method == "POST" else None, entry=row)
    if request.method == "POST" and form.is_valid():
        try:
            saved = write_entry(actor=acting(request), entry=row, now=timezone.now(), **form.cleaned_data)
        except NotAcceptable as refused:
            for name, sentences in refused.errors.items():
                for sentence in sentences:
                    form.add_error(name if name in form.fields else None, sentence)
        else:
            messages.success(request, _("Saved. Another person must approve it."))
            return redirect("admin:register_entry", saved.pk)
    return page(
        request,
        "staff/amendments/entry_form.html",
        {
            "title": _("Change the entry for clause %(clause)s") % {"clause": row.clause} if row else _("Add an entry"),
            "entry": row,
            "form": form,
        },
        status=422 if form.errors else 200,
    )


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve an entry that another person wrote."""
    require_right(request, APPROVE)
    row = get_object_or_404(RegisterEntry, pk=pk)
    try:
        approve_entry(actor=acting(request), entry=row, now=timezone.now())
        messages.success(request, _("Approved."))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("admin:register_entry", pk)


@require_POST
def copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy a proposed wording into a draft."""
    require_right(request, DRAFT)
    now: datetime = timezone.now()
    row = get_object_or_404(RegisterEntry, pk=pk)
    form = CopyForm(request.POST, drafts=_drafts())
    if form.is_valid():
        draft: AgreementVersion = form.cleaned_data["draft"]
        try:
            copy_wording(actor=acting(request), draft=draft, entry=row, now=now)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request, _("The wording was copied into clause %(clause)s of the draft.") % {"clause": row.clause}
            )
            return redirect("admin:amendment", draft.pk)
    return _page(request, row, form)
