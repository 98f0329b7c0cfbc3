"""How incidents of the demo are worked on: templates, owners, notes between shifts, a published review."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from incidents.models import IncidentTemplate, UpdateTemplate
from incidents.operations import (
    Action,
    ReviewText,
    add_shift_note,
    add_update,
    link_incident,
    publish_review,
    take_incident,
    write_review,
)
from sla_portal.audit.operations import record
from sla_portal.customers.models import CoreFunction

from .story import DAYS, MINUTES, Story

INCIDENT_TEMPLATES = (
    ("Major outage", "重大中断", ""),
    ("Login down", "登录中断", "login"),
    ("Calls down", "通话中断", "calls"),
)
UPDATE_TEMPLATES = (
    ("Investigating", "调查中", "We are investigating the cause.", "我们正在调查原因。"),
    ("Identified", "已定位", "We have identified the cause and are working on a fix.", "我们已定位原因，正在修复。"),
    ("Restored", "已恢复", "The service is restored. We are monitoring it.", "服务已恢复，我们正在监控。"),
)


def shifts(story: Story) -> None:
    """Add templates, the review of an incident of last month, and what the present shift knows."""
    now = story.now
    story.then(story.clock(13, 20, "09:00"), lambda at: templates(story, at))
    story.then(story.clock(1, 16, "10:00"), lambda at: write_the_review(story, at))
    story.then(
        story.clock(1, 17, "10:00"),
        lambda at: publish_review(actor=story.people["noc"], incident=story.incidents["queue"], now=at),
    )
    story.then(
        now - timedelta(hours=3),
        lambda at: add_shift_note(
            actor=story.people["noc"],
            text="The transit provider replaces its router tonight.",
            now=at,
        ),
    )
    story.then(
        now - 4 * MINUTES,
        lambda at: take_incident(actor=story.people["noc"], incident=story.incidents["gateway"], now=at),
    )
    story.then(now - 3 * MINUTES, lambda at: what_is_known(story, at))


def templates(story: Story, at: datetime) -> None:
    for position, (title, title_zh, function) in enumerate(INCIDENT_TEMPLATES):
        template = IncidentTemplate.objects.create(title=title, title_zh=title_zh, position=position)
        template.functions.set(CoreFunction.objects.filter(code=function))
        record(actor=story.people["noc"], action="added", subject=template, changes={"title": [None, title]}, now=at)
    for position, (name, name_zh, text, text_zh) in enumerate(UPDATE_TEMPLATES):
        update = UpdateTemplate.objects.create(
            name=name, name_zh=name_zh, text=text, text_zh=text_zh, position=position
        )
        record(actor=story.people["noc"], action="added", subject=update, changes={"name": [None, name]}, now=at)


def write_the_review(story: Story, at: datetime) -> None:
    owner = story.people["noc"].user
    write_review(
        actor=story.people["noc"],
        incident=story.incidents["queue"],
        text=ReviewText(
            cause="The message queue filled up, because a **consumer was stopped** and nobody was alerted.",
            cause_zh="消息队列写满：**一个消费者停止工作**，且没有告警。",
            timeline="- 19:02 the consumer stops\n- 19:21 the queue is full, all functions fail\n- 19:28 restored",
            timeline_zh="- 19:02 消费者停止\n- 19:21 队列写满，所有功能失败\n- 19:28 恢复",
        ),
        actions=[
            Action("Alert when the queue is half full", "队列过半时告警", owner, due(story, 20), due(story, 19)),
            Action("Double the size of the queue", "将队列容量加倍", owner, due(story, 45)),
        ],
        now=at,
    )


def due(story: Story, days: int) -> date:
    return (story.clock(1, 12, "12:00") + days * DAYS).date()


def what_is_known(story: Story, at: datetime) -> None:
    incident = story.incidents["gateway"]
    link_incident(
        actor=story.people["noc"],
        incident=incident,
        ticket_number="T-21977",
        ticket_url="https://tickets.example.com/T-21977",
        chat_url="https://chat.example.com/gateway",
        now=at,
    )
    add_update(
        actor=story.people["noc"],
        incident=incident,
        text="We have identified the cause and are working on a fix.",
        text_zh="我们已定位原因，正在修复。",
        public=True,
        now=at,
    )
