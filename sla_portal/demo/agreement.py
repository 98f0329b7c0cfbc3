"""The wording of the demo's agreement, of every clause in English and Chinese, with term markers; it is nobody's contract."""

from __future__ import annotations

from sla_portal.agreements.first_version import SUMMARIES
from sla_portal.agreements.wording import ClauseText, NumberedText

TITLE = {"en": "Service level agreement of the demonstration", "zh-hans": "演示用服务级别协议"}
OPENING = {
    "en": "This text was written for the demonstration of the portal. It binds nobody.",
    "zh-hans": "本文本仅为演示本门户而撰写，对任何人不具约束力。",
}
WORDINGS = {
    "1.1": (
        "“Service” means what the provider runs for the customer on the platform: managing devices, opening doors, calls, "
        "video, and everything else that the app and the website offer.",
        "“服务”指提供方在平台上为客户运行的内容：设备管理、开门、通话、视频，以及应用和网站提供的其他功能。",
    ),
    "1.2": (
        "A contract names its first and its last day of service. It runs for no less than one month. The parties may end it "
        "early, and may renew it when it expires.",
        "合同载明服务的首日和末日，期限不少于一个月。双方可提前终止合同，期满可以续订。",
    ),
    "1.3": (
        "“Charge” means what the customer pays for the service in a contract period, by the month. What was bought and is "
        "not yet in use is left out. Unless agreed otherwise, a first subscription starts with a free trial.",
        "“费用”指客户在一个合同期内按月支付的服务价款，不含已购买但尚未使用的部分。除另有约定外，首次订阅附免费试用期。",
    ),
    "1.4": (
        "A minute is *unavailable* while {{unavailability_reading}}. **Core functions** are in particular:\n\n"
        "- signing in,\n- audio and video calls,\n- the video preview,\n- opening a door from the home page.\n\n"
        "**Clients** are the app, the devices and the website. The minutes of a month are added up.",
        "在{{unavailability_reading}}期间，该分钟为*不可用*。**核心功能**主要包括：\n\n"
        "- 登录；\n- 音视频通话；\n- 视频预览；\n- 从首页开门。\n\n"
        "**客户端**指应用、设备和网站。当月的不可用分钟相加计算。",
    ),
    "1.5": (
        "A failure event is a stretch of unavailable time that is longer than one minute. Time under section 4 is left out "
        "of the calculation.",
        "故障事件指持续时间超过一分钟的一段不可用时间。第 4 条所述时间不计入。",
    ),
    "1.6": (
        "The unavailable time is the sum of the unavailable minutes of all failure events.",
        "不可用时间为全部故障事件的不可用分钟之和。",
    ),
    "1.7": (
        "The service time of a month is the number of its service days × 24 × 60, in minutes. Availability is measured over "
        "{{measurement_period}}.",
        "某月的服务时间（分钟）为该月服务天数 × 24 × 60。可用性按{{measurement_period}}。",
    ),
    "2": (
        "The provider keeps the service available for at least {{availability_target}} of the service time. Where it falls "
        "short of this, and section 4 does not apply, section 3 gives the customer a compensation.",
        "提供方保证服务在不低于{{availability_target}}的服务时间内可用。未达到且不适用第 4 条的，客户依第 3 条获得补偿。",
    ),
    "2.1": (
        "Availability is one less the unavailable time divided by the service time.",
        "可用性等于一减去不可用时间除以服务时间所得之商。",
    ),
    "2.2": (
        "The provider's staff watch the platform day and night, find the cause of a failure and restore the service. The "
        "customer reaches them by ticket and by telephone.",
        "提供方人员昼夜值守平台，查明故障原因并恢复服务。客户可通过工单和电话联系。",
    ),
    "3.1": (
        "Compensation is owed for unavailable time whose cause lies with the platform.",
        "不可用时间的原因在于平台的，提供方应予补偿。",
    ),
    "3.2": (
        "For each unavailable minute the provider grants {{compensated_minutes_per_minute}} of service, as an extension of "
        "the contract or as a voucher. A voucher is valid for {{voucher_valid_months}} from the day of its issue.",
        "每一不可用分钟，提供方以延长合同或代金券的方式补偿{{compensated_minutes_per_minute}}的服务。"
        "代金券自签发之日起{{voucher_valid_months}}内有效。",
    ),
    "3.3.1": (
        "A claim for a month can be made after the {{claim_opens_after_working_day}} of the month that follows, and until "
        "{{claim_closes_after_months}} after its end. A later claim is turned down.",
        "某月的申请，自次月{{claim_opens_after_working_day}}之后至该月结束后{{claim_closes_after_months}}内提出；逾期不受理。",
    ),
    "3.3.2": (
        "A claim says when the service was unavailable and brings evidence of it.",
        "申请应说明服务不可用的时间，并附证明。",
    ),
    "4": (
        "The following causes take the time that they cover out of the unavailable time. The provider owes nothing for it:",
        "下列原因所涉时间不计入不可用时间，提供方不承担责任：",
    ),
    "4.1": (
        "Maintenance of the platform that was announced {{maintenance_notice_hours}} or more before it began: cutovers, "
        "repairs, upgrades and drills. The provider aims at {{recommended_notice_hours}}.",
        "提前{{maintenance_notice_hours}}以上通知的平台维护：割接、维修、升级和演练。提供方力求提前{{recommended_notice_hours}}通知。",
    ),
    "4.2": (
        "Networks and devices outside the hosts of the platform that fail or are configured anew.",
        "平台主机以外的网络和设备发生故障或变更配置。",
    ),
    "4.3": ("Attacks on programs or data of the customer.", "针对客户自有程序或数据的攻击。"),
    "4.4": (
        "Passwords or data that were lost or disclosed because the customer did not look after them.",
        "因客户保管不善而遗失或泄露的密码或数据。",
    ),
    "4.5": (
        "The customer's connection, where it is down, weak or unsteady.",
        "客户自身网络中断、信号弱或不稳定。",
    ),
    "4.6": (
        "Use against the documentation of the platform or its advice.",
        "违反平台文档或使用建议的操作。",
    ),
    "4.7": (
        "A service that was suspended or released because the customer did not pay, or paid late.",
        "因客户未付款或迟延付款而暂停或释放服务。",
    ),
    "4.8": (
        "Telephones that fail because of software or settings that are not the platform's.",
        "因非平台的软件或设置而发生的手机故障。",
    ),
    "4.9": (
        "Acts of the customer, or of those whom it lets act, and its want of care.",
        "客户或其授权人员的操作，以及客户的疏忽。",
    ),
    "4.10": (
        "Laws, rules of authorities, agreements or policies by which the service has to be suspended or ended.",
        "依照法律、主管机关规定、协议或政策须暂停或终止服务。",
    ),
    "4.11": (
        "Force majeure, the failure of a third party such as a cloud provider included.",
        "不可抗力，包括云服务商等第三方的故障。",
    ),
    "5.1": (
        "All compensations of a contract period together do not exceed {{compensation_cap_percent}} of the charges that "
        "the customer has paid for it.",
        "一个合同期的全部补偿合计不超过客户已就该期支付费用的{{compensation_cap_percent}}。",
    ),
    "5.2": (
        "The provider may amend this agreement. It announces an amendment on its website or by e-mail "
        "{{amendment_notice_days}} before it takes effect. A customer who does not agree may stop using the service; one who "
        "goes on using it accepts the amendment.",
        "提供方可以修改本协议，并于生效前{{amendment_notice_days}}在网站上或通过邮件公告。不同意的客户可停止使用服务；继续使用的，视为接受修改。",
    ),
}


def wording_of(language: str) -> NumberedText:
    """Return the text of a language, under the headings of the first version."""
    chinese = language != "en"
    clauses = (
        ClauseText(
            one.number,
            one.heading_zh if chinese else one.heading,
            [WORDINGS[one.number][chinese]] if one.number in WORDINGS else [],
        )
        for one in SUMMARIES
    )
    return NumberedText(tuple(clauses), (TITLE[language], OPENING[language]), ())
