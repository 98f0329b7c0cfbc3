"""Version 1.0 of the agreement: each clause summed up in our own words, in English and Chinese.

The original wording is the operator's; `manage.py loadagreement FILE` reads it.
"""

from __future__ import annotations

from typing import NamedTuple


class Summary(NamedTuple):
    number: str
    heading: str
    heading_zh: str
    summary: str
    summary_zh: str


VERSION = "1.0"

SUMMARIES = (
    Summary("1", "Terms", "术语", "", ""),
    Summary(
        "1.1",
        "The service",
        "服务",
        "Managing devices, opening doors, calling, seeing video, and whatever else the platform offers in its app and on its website.",
        "通过应用和网站提供的设备管理、开门、通话、视频及其他功能。",
    ),
    Summary(
        "1.2",
        "Service period",
        "服务期",
        "The time for which a contract is made: one month or more. It can end early, and it can be renewed.",
        "合同约定的期限，至少一个月；可以提前终止，期满可以续订。",
    ),
    Summary(
        "1.3",
        "Service charge",
        "服务费",
        "What the service costs, reckoned by the month; what was bought and not yet used is left out. A first subscription normally starts with a free month.",
        "服务的费用，按月计算，不含已购买但尚未使用的部分。首次订阅通常附带一个月免费试用。",
    ),
    Summary(
        "1.4",
        "Unavailable minutes",
        "不可用分钟",
        "A minute counts when the core functions (login, calls, video preview, opening the door from the home page) cannot be used on the clients "
        "(app, device, website). If one of them still works on one client, the minute does not count.",
        "核心功能（登录、音视频通话、视频预览、首页开门）在各客户端（应用、设备、网站）均无法使用的分钟计入不可用时间；只要任一客户端上仍有任一核心功能可用，该分钟即不计入。",
    ),
    Summary(
        "1.5",
        "Failure event",
        "故障事件",
        "Unavailability that lasts longer than one minute. What section 4 lists is left out of the calculation.",
        "持续超过一分钟的不可用。第 4 条所列情形不参与计算。",
    ),
    Summary(
        "1.6",
        "Unavailable time",
        "不可用时间",
        "The minutes of all failure events, added up.",
        "所有故障事件的分钟数之和。",
    ),
    Summary(
        "1.7",
        "Service time of a month",
        "服务月总时间",
        "Service days times 24 hours times 60 minutes.",
        "服务天数 × 24 小时 × 60 分钟。",
    ),
    Summary(
        "2",
        "What is promised",
        "服务承诺",
        "The service is available for at least 99.99 % of the time. Where it is not, and section 4 does not apply, section 3 says what the customer gets.",
        "服务可用性不低于 99.99%。未达到且不属于第 4 条情形的，客户可按第 3 条获得补偿。",
    ),
    Summary(
        "2.1",
        "Availability",
        "可用性",
        "One minus the share of unavailable minutes in the service time, in per cent.",
        "1 减去不可用分钟占总服务时间的比例，以百分比表示。",
    ),
    Summary(
        "2.2",
        "Recovery",
        "故障恢复",
        "A team watches the platform around the clock, raises alarms and restores it. Help is to be had by ticket and by telephone.",
        "专业团队全天候监控平台、告警并恢复服务；客户可通过工单和电话获得支持。",
    ),
    Summary("3", "Compensation", "补偿", "", ""),
    Summary(
        "3.1",
        "When it applies",
        "适用范围",
        "The service was unavailable because of a failure that is the platform's own.",
        "因平台自身故障造成的服务不可用。",
    ),
    Summary(
        "3.2",
        "What is given",
        "补偿标准",
        "The time lost is turned into time: as vouchers and as a longer service.",
        "将实际故障时长折算为相应时长，以代金券和延长服务时间的方式补偿。",
    ),
    Summary("3.3", "How to apply", "补偿申请", "", ""),
    Summary(
        "3.3.1",
        "When to apply",
        "申请期限",
        "For a month, after the fifth working day of the next one, and no later than two months after the month has ended.",
        "某月的补偿，自次月第五个工作日之后起申请，至该月结束后两个月内为止；逾期不予受理。",
    ),
    Summary(
        "3.3.2",
        "Proof",
        "证明材料",
        "An application brings proof that the service was unavailable.",
        "申请须附服务不可用的证明材料。",
    ),
    Summary(
        "4",
        "Exclusions",
        "除外情形",
        "Time lost for one of these reasons does not count and is not compensated.",
        "因下列原因造成的不可用不计入，也不予补偿。",
    ),
    Summary(
        "4.1",
        "Maintenance with prior notice",
        "事先通知的维护",
        "Work on the platform that was announced beforehand: cutovers, repairs, upgrades, drills.",
        "事先通知的系统维护，包括割接、维修、升级和演练。",
    ),
    Summary(
        "4.2",
        "Networks and devices outside the platform",
        "平台以外的网络和设备",
        "Failures or changed settings of networks and devices that are not the platform's own hosts.",
        "平台云主机以外的网络或终端设备的故障或配置变更。",
    ),
    Summary(
        "4.3",
        "Attacks on the customer",
        "客户遭受攻击",
        "The customer's own programs or data were attacked.",
        "客户本地的应用程序或数据遭到黑客攻击。",
    ),
    Summary(
        "4.4",
        "Secrets lost by the customer",
        "客户保管不善",
        "Data or passwords were lost or leaked because the customer did not keep them well.",
        "客户维护或保密不当造成数据、密码等丢失或泄露。",
    ),
    Summary(
        "4.5",
        "The customer's connection",
        "客户网络不稳定",
        "The customer's own connection was down, weak or unsteady.",
        "客户终端网络断开、信号不足或抖动。",
    ),
    Summary(
        "4.6",
        "Use against the documentation",
        "未按文档使用",
        "The customer did not follow the documentation or the recommendations for use.",
        "客户未遵循产品文档或使用建议。",
    ),
    Summary(
        "4.7",
        "Unpaid service",
        "欠费停服",
        "The service was suspended or ended because it was not paid for, or paid late.",
        "因客户未付款或延迟付款而暂停或释放服务。",
    ),
    Summary(
        "4.8",
        "Software on the telephone",
        "手机上的软件",
        "Telephones failed because of software or settings that the platform does not operate.",
        "客户安装的软件、第三方软件或非平台操作的配置造成手机故障。",
    ),
    Summary(
        "4.9",
        "The customer's own doing",
        "客户的疏忽或操作",
        "Something failed through the customer's carelessness, or through what the customer allowed to be done.",
        "客户的疏忽或客户授权的操作造成的故障。",
    ),
    Summary(
        "4.10",
        "Required by law",
        "依法暂停或终止",
        "The service was suspended or ended as laws, regulations, agreements or policies require.",
        "依照法律、法规、协议或政策暂停或终止服务。",
    ),
    Summary(
        "4.11",
        "Force majeure",
        "不可抗力",
        "Events beyond control, among them failures of third parties such as cloud providers.",
        "不可抗力，包括云服务商等第三方造成的问题。",
    ),
    Summary("5", "Other provisions", "其他", "", ""),
    Summary(
        "5.1",
        "Limit of compensation",
        "补偿上限",
        "All compensation of one contract period together is never more than the fees paid for it.",
        "一个合同期内的全部补偿不超过该期已付的服务费总额。",
    ),
    Summary(
        "5.2",
        "Amendments",
        "协议修改",
        "The agreement can be changed. Customers are told thirty days before, on the website or by mail. Who disagrees may stop using the service; who goes on using it accepts.",
        "协议可以修改，并通过官网公告或邮件提前 30 天告知客户。不同意者有权停止使用；继续使用即视为接受。",
    ),
)
