"""The amendments of the demo: one announced, the next one drafted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sla_portal.agreements.models import CLAUSE_FIELDS, AgreementVersion
from sla_portal.agreements.operations import (
    DraftedClause,
    approve_entry,
    change_draft,
    draft_version,
    publish_version,
    register_answer,
    submit_draft,
)
from sla_portal.agreements.queries import earliest_day, register
from sla_portal.agreements.rules import AnswerKind
from sla_portal.reports.operations import print_for_mail

from .story import DAYS, MINUTES, Story


def amendments(story: Story) -> None:
    """Announce a higher target nine days ago, register an objection, and draft a further amendment."""
    story.then(story.now - 12 * DAYS, lambda at: readings_approved(story, at))
    story.then(story.now - 11 * DAYS, lambda at: drafted(story, at))
    story.then(story.now - 10 * DAYS, lambda at: submitted(story, at))
    story.then(story.now - 9 * DAYS, lambda at: announced(story, at))
    story.then(story.now - 5 * DAYS, lambda at: objected(story, at))
    story.then(story.now - 50 * MINUTES, lambda at: drafted_next(story, at))


def readings_approved(story: Story, at: datetime) -> None:
    for entry in register("1.4") + register("2.1"):
        approve_entry(actor=story.people["legal2"], entry=entry, now=at)


def drafted(story: Story, at: datetime) -> None:
    actor = story.people["legal"]
    draft = draft_version(actor=actor, version="1.1", now=at)
    change_draft(
        actor=actor,
        draft=draft,
        terms={"availability_target": "99.995", "maintenance_notice_hours": 24},
        clauses=reworded(
            draft,
            {
                "2": (
                    "The service is available for at least {{availability_target}} of the time. Where it is not, and section 4 "
                    "does not apply, the customer is entitled to compensation under section 3.",
                    "服务在至少 {{availability_target}} 的时间内可用。若未达到且不适用第 4 节，客户获得第 3 节所述的补偿。",
                ),
                "4.1": (
                    "Maintenance of the platform announced at least {{maintenance_notice_hours}} beforehand: cutovers, repairs, "
                    "upgrades and drills.",
                    "至少提前 {{maintenance_notice_hours}} 通知的平台维护：割接、维修、升级和演练。",
                ),
            },
        ),
        summary_of_changes="The availability target rises from 99.99 % to 99.995 %, and maintenance is announced at least 24 hours ahead.",
        summary_of_changes_zh="可用性目标由 99.99% 提高到 99.995%，维护至少提前 24 小时通知。",
        now=at,
    )


def submitted(story: Story, at: datetime) -> None:
    draft = AgreementVersion.objects.get(version="1.1")
    submit_draft(actor=story.people["legal"], draft=draft, effective_on=earliest_day(at) + timedelta(days=8), now=at)


def announced(story: Story, at: datetime) -> None:
    version = AgreementVersion.objects.select_related("based_on").get(version="1.1")
    print_for_mail(version=version, now=at)
    publish_version(actor=story.people["legal2"], version=version, now=at)


def objected(story: Story, at: datetime) -> None:
    register_answer(
        actor=story.people["support"],
        version=AgreementVersion.objects.get(version="1.1"),
        customer=story.customers["C-1001"],
        kind=AnswerKind.OBJECTION,
        by_name="Jonas Brandt",
        text="We object: our residents need at least one week's notice of maintenance.",
        now=at,
    )


def drafted_next(story: Story, at: datetime) -> None:
    actor = story.people["legal"]
    draft = draft_version(actor=actor, version="1.2", now=at)
    change_draft(actor=actor, draft=draft, terms={"unavailability_reading": "function"}, now=at)


def reworded(draft: AgreementVersion, summaries: dict[str, tuple[str, str]]) -> list[DraftedClause]:
    """Return the clauses of a draft, some in other words in English and Chinese."""
    clauses = [
        DraftedClause(**{name: getattr(clause, name) for name in CLAUSE_FIELDS}) for clause in draft.clauses.all()
    ]
    return [
        replace(clause, summary=said[0], summary_zh=said[1], wording=said[0], wording_zh=said[1])
        if (said := summaries.get(clause.number))
        else clause
        for clause in clauses
    ]
