"""Version 1.0 of the agreement: a summary of each clause in English and Chinese.

The wording is the operator's; `manage.py loadagreement FILE` loads it.
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
        "The term of a contract: one month or more. It can be terminated early and renewed.",
        "合同约定的期限，至少一个月；可以提前终止，期满可以续订。",
    ),
    Summary(
        "1.3",
        "Service charge",
        "服务费",
        "The fees for the service, calculated by the month, without what was purchased and not yet used. A first subscription normally starts with a free trial month.",
        "服务的费用，按月计算，不含已购买但尚未使用的部分。首次订阅通常附带一个月免费试用。",
    ),
    Summary(
        "1.4",
        "Unavailable minutes",
        "不可用分钟",
        "A minute counts as unavailable when the core functions (login, calls, video preview, opening the door from the home page) cannot be used on the clients "
        "(app, device, website). If one of them works on one client, the minute does not count.",
        "核心功能（登录、音视频通话、视频预览、首页开门）在各客户端（应用、设备、网站）均无法使用的分钟计入不可用时间；只要任一客户端上仍有任一核心功能可用，该分钟即不计入。",
    ),
    Summary(
        "1.5",
        "Failure event",
        "故障事件",
        "Unavailability that lasts longer than one minute. The cases of section 4 are excluded from the calculation.",
        "持续超过一分钟的不可用。第 4 条所列情形不参与计算。",
    ),
    Summary(
        "1.6",
        "Unavailable time",
        "不可用时间",
        "The total minutes of all failure events.",
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
        "Service commitment",
        "服务承诺",
        "The service is available for at least 99.99 % of the time. If it is not, and section 4 does not apply, the customer is compensated under section 3.",
        "服务可用性不低于 99.99%。未达到且不属于第 4 条情形的，客户可按第 3 条获得补偿。",
    ),
    Summary(
        "2.1",
        "Availability",
        "可用性",
        "One minus the share of unavailable minutes in the total service time, in per cent.",
        "1 减去不可用分钟占总服务时间的比例，以百分比表示。",
    ),
    Summary(
        "2.2",
        "Recovery",
        "故障恢复",
        "A team monitors the platform around the clock, raises alarms and restores the service. Support is available by ticket and telephone.",
        "专业团队全天候监控平台、告警并恢复服务；客户可通过工单和电话获得支持。",
    ),
    Summary("3", "Compensation", "补偿", "", ""),
    Summary(
        "3.1",
        "Scope",
        "适用范围",
        "The service was unavailable because of a failure of the platform itself.",
        "因平台自身故障造成的服务不可用。",
    ),
    Summary(
        "3.2",
        "Service credits",
        "服务补偿",
        "The unavailable time is compensated by the same length of service, as vouchers and service extensions.",
        "将实际故障时长折算为相应时长，以代金券和延长服务时间的方式补偿。",
    ),
    Summary("3.3", "How to apply", "补偿申请", "", ""),
    Summary(
        "3.3.1",
        "When to apply",
        "申请期限",
        "Compensation for a month can be claimed after the fifth working day of the following month, and no later than two months after the end of the month. Later claims are refused.",
        "某月的补偿，自次月第五个工作日之后起申请，至该月结束后两个月内为止；逾期不予受理。",
    ),
    Summary(
        "3.3.2",
        "Proof materials",
        "证明材料",
        "A claim needs proof materials showing that the service was unavailable.",
        "申请须附服务不可用的证明材料。",
    ),
    Summary(
        "4",
        "Exclusions",
        "除外情形",
        "Unavailability for one of these reasons does not count and is not compensated.",
        "因下列原因造成的不可用不计入，也不予补偿。",
    ),
    Summary(
        "4.1",
        "Maintenance with prior notice",
        "事先通知的维护",
        "System maintenance with prior notice: cutovers, repairs, upgrades, drills.",
        "事先通知的系统维护，包括割接、维修、升级和演练。",
    ),
    Summary(
        "4.2",
        "Networks and devices outside the platform",
        "平台以外的网络和设备",
        "Failures or configuration changes of networks or devices other than the platform's own hosts.",
        "平台云主机以外的网络或终端设备的故障或配置变更。",
    ),
    Summary(
        "4.3",
        "Attacks on the customer",
        "客户遭受攻击",
        "Attacks on the customer's own applications or data.",
        "客户本地的应用程序或数据遭到黑客攻击。",
    ),
    Summary(
        "4.4",
        "Loss of credentials",
        "凭据丢失",
        "Data or passwords were lost or leaked because the customer did not maintain or protect them properly.",
        "客户维护或保密不当造成数据、密码等丢失或泄露。",
    ),
    Summary(
        "4.5",
        "Customer network",
        "客户网络不稳定",
        "The customer's own network was disconnected, weak or unstable.",
        "客户终端网络断开、信号不足或抖动。",
    ),
    Summary(
        "4.6",
        "Non-compliance with documentation",
        "未按文档使用",
        "The customer did not follow the product documentation or recommendations for use.",
        "客户未遵循产品文档或使用建议。",
    ),
    Summary(
        "4.7",
        "Non-payment",
        "欠费停服",
        "The service was suspended or released because of missing or late payment.",
        "因客户未付款或延迟付款而暂停或释放服务。",
    ),
    Summary(
        "4.8",
        "Software on the phone",
        "手机上的软件",
        "Phone failures caused by software installed by the customer, third-party software, or configurations not made by the platform.",
        "客户安装的软件、第三方软件或非平台操作的配置造成手机故障。",
    ),
    Summary(
        "4.9",
        "Customer negligence or actions",
        "客户的疏忽或操作",
        "Failures caused by the customer's negligence, or by actions the customer authorised.",
        "客户的疏忽或客户授权的操作造成的故障。",
    ),
    Summary(
        "4.10",
        "Required by law",
        "依法暂停或终止",
        "The service was suspended or terminated as required by laws, regulations, agreements or policies.",
        "依照法律、法规、协议或政策暂停或终止服务。",
    ),
    Summary(
        "4.11",
        "Force majeure",
        "不可抗力",
        "Force majeure, including failures of third parties such as cloud providers.",
        "不可抗力，包括云服务商等第三方造成的问题。",
    ),
    Summary("5", "Other provisions", "其他", "", ""),
    Summary(
        "5.1",
        "Liability cap",
        "赔偿上限",
        "All compensation for one contract period together does not exceed the service fees paid for that period.",
        "一个合同期内的全部补偿不超过该期已付的服务费总额。",
    ),
    Summary(
        "5.2",
        "Amendments",
        "协议修改",
        "The agreement can be amended. Customers are notified thirty days before, on the website or by e-mail. A customer who does not agree may stop using the service; continuing to use it means acceptance.",
        "协议可以修改，并通过官网公告或邮件提前 30 天告知客户。不同意者有权停止使用；继续使用即视为接受。",
    ),
)
