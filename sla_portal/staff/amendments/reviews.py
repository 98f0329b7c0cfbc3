"""The review of a draft: comments on its clauses, reviewers in their order with deadlines, approval, and sending back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from sla_portal.agreements.models import AgreementVersion, Reviewer
from sla_portal.agreements.operations import (
    approve_draft,
    comment_on_clause,
    name_reviewers,
    resolve_comment,
    send_back_review,
)
from sla_portal.agreements.queries import review_of
from sla_portal.audit.actors import Actor
from sla_portal.audit.versions import acting
from sla_portal.kernel.errors import Refused

from ..common import require_right
from .pending import today

DRAFT = "agreements.draft_version"
MOST_REVIEWERS = 4
BACKEND = "django.contrib.auth.backends.ModelBackend"


class CommentForm(forms.Form):
    """A comment on a clause, or on the draft as a whole."""

    clause = forms.ChoiceField(label=gettext_lazy("Clause"), required=False)
    text = forms.CharField(label=gettext_lazy("Comment"), widget=forms.Textarea(attrs={"rows": 2}), max_length=2000)

    def __init__(self, *args: Any, numbers: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, auto_id="comment-%s", **kwargs)
        field: Any = self.fields["clause"]
        field.choices = [("", _("the whole draft")), *((number, number) for number in numbers)]


class ReviewersForm(forms.Form):
    """Who reviews a draft, in the order of approval, each with an internal deadline."""

    def __init__(self, *args: Any, reviewers: Sequence[Reviewer], **kwargs: Any) -> None:
        super().__init__(*args, auto_id="reviewers-%s", **kwargs)
        people = User.objects.with_perm(DRAFT, include_superusers=False, backend=BACKEND).order_by("username")
        self.people = {str(user.pk): user for user in people}
        names = [("", "–"), *((pk, user.get_full_name() or user.get_username()) for pk, user in self.people.items())]
        for place in range(1, MOST_REVIEWERS + 1):
            was = reviewers[place - 1] if place <= len(reviewers) else None
            self.fields[f"user{place}"] = forms.ChoiceField(
                label=_("Reviewer %(place)d") % {"place": place},
                choices=names,
                required=False,
                initial=str(was.user_id) if was else "",
            )
            self.fields[f"due{place}"] = forms.DateField(
                label=_("Due on"),
                required=False,
                initial=was and was.due_on,
                widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            )

    @property
    def pairs(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"user{place}"], self[f"due{place}"]) for place in range(1, MOST_REVIEWERS + 1)]

    @property
    def named(self) -> list[tuple[User, date | None]]:
        given = [
            (self.cleaned_data[f"user{place}"], self.cleaned_data[f"due{place}"])
            for place in range(1, MOST_REVIEWERS + 1)
        ]
        return [(self.people[pk], due) for pk, due in given if pk]


@dataclass(frozen=True)
class ReviewLine:
    """A reviewer with what stands against them."""

    reviewer: Reviewer
    has_approved: bool
    is_next: bool
    is_overdue: bool


def review_context(request: HttpRequest, draft: AgreementVersion, now: datetime, **bound: forms.Form) -> dict[str, Any]:
    """Return the review of a draft; `bound` are refused forms by name."""
    review = review_of(draft)
    places = {number: place for place, number in enumerate(draft.clauses.values_list("number", flat=True))}
    return {
        "review": review,
        "review_lines": [
            ReviewLine(one, review.has_approved(one), one == review.next, review.is_overdue(one, today(now)))
            for one in review.reviewers
        ],
        "comments": [(comment, places.get(comment.clause)) for comment in review.comments],
        "my_turn": bool(review.next and review.next.user_id == request.user.pk),
        "comment_form": CommentForm(numbers=[*places]),
        "reviewers_form": ReviewersForm(reviewers=review.reviewers),
        **bound,
    }


@require_POST
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Comment, resolve a comment, name the reviewers, approve, or send back: `do` says which."""
    require_right(request, DRAFT)
    draft, now = get_object_or_404(AgreementVersion, pk=pk), timezone.now()
    act = ACTS.get(request.POST.get("do", ""))
    try:
        if act is None:
            raise Unfinished(_("The page was incomplete. Nothing was changed. Please check it again."))
        told = act(request, acting(request), draft, now)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, told)
    return redirect(reverse("admin:amendment", args=[pk]) + "#review")


class Unfinished(Refused):
    """Something in the form is missing or wrong."""


def _valid(form: forms.Form) -> None:
    if not form.is_valid():
        raise Unfinished(" ".join(f"{form[name].label}: {' '.join(some)}" for name, some in form.errors.items()))


def _comment(request: HttpRequest, actor: Actor, draft: AgreementVersion, now: datetime) -> str:
    form = CommentForm(request.POST, numbers=[*draft.clauses.values_list("number", flat=True)])
    _valid(form)
    comment_on_clause(actor=actor, draft=draft, **form.cleaned_data, now=now)
    return _("The comment was added.")


def _resolve(request: HttpRequest, actor: Actor, draft: AgreementVersion, now: datetime) -> str:
    pk = request.POST.get("comment", "")
    comment = draft.comments.filter(pk=int(pk)).first() if pk.isascii() and pk.isdigit() and len(pk) < 19 else None
    if comment is None:
        raise Unfinished(_("The comment does not exist any more."))
    resolve_comment(actor=actor, comment=comment, now=now)
    return _("The comment is resolved.")


def _name(request: HttpRequest, actor: Actor, draft: AgreementVersion, now: datetime) -> str:
    form = ReviewersForm(request.POST, reviewers=())
    _valid(form)
    name_reviewers(actor=actor, draft=draft, reviewers=form.named, now=now)
    return _("The reviewers were saved.")


def _approve(_request: HttpRequest, actor: Actor, draft: AgreementVersion, now: datetime) -> str:
    approve_draft(actor=actor, draft=draft, now=now)
    return _("Approved. If the draft is changed, you are asked again.")


def _send_back(request: HttpRequest, actor: Actor, draft: AgreementVersion, now: datetime) -> str:
    send_back_review(actor=actor, draft=draft, reason=request.POST.get("reason", ""), now=now)
    return _("Sent back. The reason is an open comment on the draft.")


ACTS: dict[str, Callable[[HttpRequest, Actor, AgreementVersion, datetime], str]] = {
    "comment": _comment, "resolve": _resolve, "name": _name, "approve": _approve, "send_back": _send_back,
}  # fmt: skip
