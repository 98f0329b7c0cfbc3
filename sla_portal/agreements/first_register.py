"""The register entries of version 1.0: open question, interpretation with its reason, and proposed wording."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    clause: str
    matter: str
    term: str
    question: str
    question_zh: str
    answer: str
    answer_zh: str
    why: str
    why_zh: str
    proposed_wording: str
    proposed_wording_zh: str


ROWS = (
    Row(
        "2.1",
        "erratum",
        "",
        "As printed, the formula subtracts the unavailable time from 1 and divides the result by the total time. Without any outage that gives 1 ÷ T: 0.0023 % in a month of 30 days.",
        "按印刷文本，公式先从 1 中减去不可用时间，再除以总时间。即使没有任何故障，30 天的月份也只得出 0.0023%。",
        "Availability is 1 − U ÷ T.",
        "可用性 = 1 − U ÷ T。",
        "A bracket is in the wrong place. Only this formula gives 100 % for a month without outages, which clause 2 assumes.",
        "括号位置有误。只有这样，没有故障的月份才是 100%，这也是第 2 条的前提。",
        "Service availability = (1 − service unavailability time in the service month ÷ total service time in the service month) × 100 %.",
        "服务可用性 = (1 − 服务月不可用时间 ÷ 服务月总服务时间) × 100%。",
    ),
    Row(
        "1.4",
        "reading",
        "unavailability_reading",
        "By its first sentence a minute counts when any core function is down on any client; by its second it does not count when any core function works on any client.",
        "按第一句，任一核心功能在任一客户端不可用的分钟即计入；按第二句，只要任一核心功能在任一客户端可用，该分钟即不计入。",
        "All functions on all clients (all): the service is unavailable while every core function is down on every client.",
        "所有功能在所有客户端均中断（all）：全部核心功能在全部客户端均不可用时，服务才算不可用。",
        "The second sentence limits the first; otherwise it would have no effect. The counting rule decides most claims, so the figures under all three counting rules are always computed and shown.",
        "第二句限制第一句；否则第二句毫无意义。判定规则决定多数补偿申请，因此三种判定规则的数字始终一并计算和显示。",
        "A minute of the service month counts as unavailable when, throughout it, none of the core functions (login, audio and video calls, video preview, opening a door from the home page) could be used on any client (app, device, website).",
        "服务月中某一分钟内，全部核心功能（登录、音视频通话、视频预览、首页开门）在全部客户端（应用、设备、网站）上始终无法使用的，该分钟计为不可用。",
    ),
    Row(
        "1.4",
        "reading",
        "unavailability_reading",
        "Whether a clock minute counts if the outage overlaps it, or only if it lies wholly in the outage.",
        "故障只触及其一部分的时钟分钟是否计入，还是只计入完全处于故障之中的分钟。",
        "If one available moment is enough to save a minute, only minutes wholly in the outage count. If one unavailable moment is enough, every minute that the outage overlaps counts.",
        "若一个可用的瞬间即使该分钟不计入，则只计完全处于故障之中的分钟；若一个不可用的瞬间即足够，则凡被触及的分钟均计入。",
        "It follows from the counting rule: “available during a minute” and “unavailable during a minute” refer to the same minute.",
        "这由判定规则决定：「某一分钟内可用」与「某一分钟内不可用」指的是同一分钟。",
        "",
        "",
    ),
    Row(
        "1.5",
        "reading",
        "",
        "Whether an outage of exactly sixty seconds is a failure event.",
        "恰好六十秒的故障是否构成故障事件。",
        "No: it begins with the sixty-first second.",
        "否：从第六十一秒起才算。",
        "The clause says “more than one minute”.",
        "条款写的是「超过一分钟」。",
        "A failure event is an uninterrupted unavailability that lasts longer than sixty seconds.",
        "故障事件是指持续时间超过六十秒的不间断的不可用。",
    ),
    Row(
        "1.6",
        "reading",
        "measurement_period",
        "1.6 and 2.1 speak of the service period, 1.7 and 3.3.1 of the service month.",
        "第 1.6 条和第 2.1 条说服务期，第 1.7 条和第 3.3.1 条说服务月。",
        "The service month decides. The figure of the contract period to date is shown beside it for information.",
        "以服务月为准。合同期至今的数字仅供参考，一并显示。",
        "Charges, claims and time limits are defined per month.",
        "费用、补偿申请和期限都以月计。",
        "The total minutes of all failure events within a service month.",
        "一个服务月内所有故障事件的分钟数之和。",
    ),
    Row(
        "3.3.1",
        "reading",
        "claim_opens_after_working_day",
        "When “after the fifth working day” begins, and which calendar defines working days.",
        "「第五个工作日之后」从何时开始，以及工作日依据哪一日历。",
        "At 00:00 of the following day on the SLA clock, by the public calendar with holidays and make-up working days.",
        "自该工作日次日零时起（SLA 时钟），依据含法定节假日和调休工作日的官方日历。",
        "“After” a day means that the day is over; with whole days no time of day is needed.",
        "「之后」即该日结束之后；以整日计无需约定钟点。",
        "An application can be made from 00:00 of the day that follows the fifth working day of the next month (time zone and public calendar of the operator).",
        "可自次月第五个工作日的次日零时起提出申请（以运营方的时区和官方日历为准）。",
    ),
    Row(
        "3.3.1",
        "reading",
        "claim_closes_after_months",
        "When “within two months after the end of the month” ends.",
        "「该月结束后两个月内」于何时届满。",
        "At the end of the second month: for June at the end of 31 August.",
        "于第二个月的最后一秒届满：六月为 8 月 31 日结束时。",
        "A period of months that starts at the end of a month ends at the end of a month.",
        "自月末起算的月份以月末届满。",
        "An application must be made before the end of the second calendar month after the service month.",
        "申请须在服务月之后第二个日历月结束前提出。",
    ),
    Row(
        "4.1",
        "reading",
        "maintenance_notice_hours",
        "How long in advance “prior notice” of maintenance must be given.",
        "「事先通知」须提前多久发出。",
        "At any time before the start. A lead time below 72 hours is allowed, and the NOC is warned.",
        "任何事先的时刻均可。少于 72 小时不禁止，但会提醒值班人员。",
        "The clause gives no minimum lead time, and none is added to it.",
        "条款没有规定时长，未写明的不作添加。",
        "System maintenance of which customers were notified at least 72 hours before it begins, including cutovers, repairs, upgrades and drills.",
        "至少提前 72 小时通知客户的系统维护，包括割接、维修、升级和演练。",
    ),
    Row(
        "4.11",
        "reading",
        "",
        "The extent of a third party's failure: the service may take longer to recover than the third party.",
        "第三方故障的范围：第三方恢复后，本服务可能还需要更长时间才能恢复。",
        "Only the third party's own outage is excluded. The recovery time after it counts as downtime.",
        "只扣除第三方自身的故障时间；此后恢复所需的时间由运营方承担。",
        "Recovery is the commitment of clause 2.2.",
        "恢复能力正是第 2.2 条所承诺的。",
        "",
        "",
    ),
    Row(
        "5.1",
        "reading",
        "compensation_cap_percent",
        "Which fees are the liability cap, and which compensations count towards it.",
        "以哪些费用为上限，以及与之比较的是哪些补偿之和。",
        "The payments for one contract period, less what was purchased and not yet used; all compensations of that period together. A renewal is a new period.",
        "一个合同期内已付的费用，扣除已购买但尚未使用的部分；与该期全部补偿之和比较。续订为新的合同期。",
        "The clause refers to a single contract period, and 1.3 excludes what is not yet used.",
        "条款写的是单个合同期，第 1.3 条不含尚未使用的部分。",
        "All compensation granted for one contract period together shall not exceed the service fees paid for that period.",
        "同一合同期内的全部补偿合计不超过该期已付的服务费。",
    ),
    Row(
        "5.2",
        "reading",
        "amendment_notice_days",
        "When “30 days in advance” start, and whether the first and the last day count.",
        "「提前 30 天」从何时起算，首日和末日是否计入。",
        "With the announcement on the website; neither its day nor the effective date counts: announced on 1 June, in force from 2 July.",
        "自官网公告起算；公告当日与生效日均不计入：6 月 1 日公告，7 月 2 日生效。",
        "With full days every customer has at least thirty, whatever the time of the announcement.",
        "以整日计，无论几点公告，任何人都不少于三十天。",
        "An amendment takes effect at 00:00 of its effective date. Thirty full days lie between the day on which it is announced and that date.",
        "修改于生效日零时起生效。公告之日与生效日之间须相隔三十个整日。",
    ),
)
