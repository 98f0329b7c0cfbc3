"""The saved replies that the portal comes with, in both languages; Support edits them."""

GRANT_EN = """\
Your claim {claim} for contract {contract} and {month} is granted.

In that month the availability of your service was {availability} %, below the agreed target of {target} % (clauses 2 and 2.1). The unavailable time of your contract is {minutes} (clause 3.1). We compensate it with the same length of service (clause 3.2).

{notes}"""
GRANT_ZH = """\
您就合同 {contract}、{month}提出的补偿申请 {claim} 已获准予。

该月您的服务可用性为 {availability} %，低于约定的目标 {target} %（第 2 条及第 2.1 条）。您的合同的不可用时间为 {minutes}（第 3.1 条），我们以相同时长的服务予以补偿（第 3.2 条）。

{notes}"""
CREDIT_EN = """\
We credit {month} to your contract {contract} without a claim from you (credit {claim}). You do not need to do anything.

In that month the availability of your service was {availability} %, below the agreed target of {target} % (clauses 2 and 2.1). The unavailable time of your contract is {minutes} (clause 3.1). We compensate it with the same length of service (clause 3.2).

{notes}"""
CREDIT_ZH = """\
我们就{month}主动补偿您的合同 {contract}，无需您提出申请（补偿 {claim}），您无需进行任何操作。

该月您的服务可用性为 {availability} %，低于约定的目标 {target} %（第 2 条及第 2.1 条）。您的合同的不可用时间为 {minutes}（第 3.1 条），我们以相同时长的服务予以补偿（第 3.2 条）。

{notes}"""
REFUSAL_EN = """\
We have reviewed your claim {claim} for contract {contract} and {month} and cannot grant it.

{reason}"""
REFUSAL_ZH = """\
我们已审核您就合同 {contract}、{month}提出的补偿申请 {claim}，无法准予。

{reason}"""
QUESTION_EN = """\
Please send us a file that shows the outage and its time, such as a screenshot, a log or an e-mail (clause 3.3.2)."""
QUESTION_ZH = """\
请向我们提供能显示中断及其时间的文件，例如屏幕截图、日志或邮件（第 3.3.2 条）。"""
REVERSAL_EN = """\
We have corrected the compensation for contract {contract} and {month} ({claim}):

{corrections}"""
REVERSAL_ZH = """\
我们更正了合同 {contract}、{month}的补偿（{claim}）：

{corrections}"""
CLOSING_EN = """\
Kind regards

{operator}"""
CLOSING_ZH = """\
顺颂商祺

{operator}"""

REPLIES = (
    ("grant", "Claim granted", "准予申请", GRANT_EN, GRANT_ZH),
    ("credit", "Credit without a claim", "主动补偿", CREDIT_EN, CREDIT_ZH),
    ("refusal", "Claim refused", "拒绝申请", REFUSAL_EN, REFUSAL_ZH),
    ("question", "Ask for proof materials", "请求提供证明材料", QUESTION_EN, QUESTION_ZH),
    ("reversal", "Compensation corrected", "更正补偿", REVERSAL_EN, REVERSAL_ZH),
    ("closing", "Closing and signature", "结束语与落款", CLOSING_EN, CLOSING_ZH),
)
"""Kind, name and text of each, in English and in Chinese."""
