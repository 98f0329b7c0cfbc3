"""What the demo's operator changes in the agreement: one amendment announced, the next one drafted."""

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

from .story import DAYS, MINUTES, Story


def amendments(story: Story) -> None:
    """Tell of a higher target, announced nine days ago, of a customer who objects, and of a draft for the year after."""
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
                    "The service is available for at least 99.995 % of the time. Where it is not, and section 4 does not apply, "
                    "the customer gets what section 3 says.",
                    "服务在至少 99.995% 的时间内可用。若未达到且不适用第 4 节，客户获得第 3 节所述的补偿。",
                ),
                "4.1": (
                    "Work on the platform that was announced at least 24 hours beforehand: cutovers, repairs, upgrades, drills.",
                    "至少提前 24 小时公告的平台作业：割接、维修、升级、演练。",
                ),
            },
        ),
        summary_of_changes="We promise more: 99.995 % instead of 99.99 %, and at least a day's notice of maintenance.",
        summary_of_changes_zh="我们承诺更高的可用性：由 99.99% 提高到 99.995%，并且维护至少提前一天公告。",
        now=at,
    )


def submitted(story: Story, at: datetime) -> None:
    draft = AgreementVersion.objects.get(version="1.1")
    submit_draft(actor=story.people["legal"], draft=draft, effective_on=earliest_day(at) + timedelta(days=8), now=at)


def announced(story: Story, at: datetime) -> None:
    publish_version(actor=story.people["legal2"], version=AgreementVersion.objects.get(version="1.1"), now=at)


def objected(story: Story, at: datetime) -> None:
    register_answer(
        actor=story.people["support"],
        version=AgreementVersion.objects.get(version="1.1"),
        customer=story.customers["C-1001"],
        kind=AnswerKind.OBJECTION,
        by_name="Jonas Brandt",
        text="We would rather keep announcements of a week.",
        now=at,
    )


def drafted_next(story: Story, at: datetime) -> None:
    actor = story.people["legal"]
    draft = draft_version(actor=actor, version="1.2", now=at)
    change_draft(actor=actor, draft=draft, terms={"unavailability_reading": "function"}, now=at)


def reworded(draft: AgreementVersion, summaries: dict[str, tuple[str, str]]) -> list[DraftedClause]:
    """The clauses of a draft, some of them with another summary in English and Chinese."""
    clauses = [
        DraftedClause(**{name: getattr(clause, name) for name in CLAUSE_FIELDS}) for clause in draft.clauses.all()
    ]
    return [
        replace(clause, summary=summaries[clause.number][0], summary_zh=summaries[clause.number][1])
        if clause.number in summaries
        else clause
        for clause in clauses
    ]
