"""Every reason to refuse a message: the one table that joins a rule to the contract, the law and a status.

A rule id is an UPPER_SNAKE string. `clause` is the label printed in the contract; `law` are the articles
behind it, each with the days that it is in force, for a message is judged by the law of its day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from policy.facts import MessageClass
from policy.law import CONSENT, CONTENT, OPT_OUT, Article
from policy.verdict import Refuse

SALUTATION_MISSING: Final = "SALUTATION_MISSING"
UNSUBSCRIBE_MISSING: Final = "UNSUBSCRIBE_MISSING"
SIGNATURE_MISSING: Final = "SIGNATURE_MISSING"
SIGNATURE_NOT_REGISTERED: Final = "SIGNATURE_NOT_REGISTERED"
SIGNATURE_MISPLACED: Final = "SIGNATURE_MISPLACED"
TEMPLATE_MISMATCH: Final = "TEMPLATE_MISMATCH"
CONTENT_CONSTITUTION: Final = "CONTENT_CONSTITUTION"
CONTENT_STATE_SECURITY: Final = "CONTENT_STATE_SECURITY"
CONTENT_NATIONAL_HONOUR: Final = "CONTENT_NATIONAL_HONOUR"
CONTENT_ETHNIC_HATRED: Final = "CONTENT_ETHNIC_HATRED"
CONTENT_CULT: Final = "CONTENT_CULT"
CONTENT_RUMOUR: Final = "CONTENT_RUMOUR"
CONTENT_OBSCENE_VIOLENT: Final = "CONTENT_OBSCENE_VIOLENT"
CONTENT_DEFAMATION: Final = "CONTENT_DEFAMATION"
CONTENT_UNLAWFUL: Final = "CONTENT_UNLAWFUL"
CONSENT_MISSING: Final = "CONSENT_MISSING"
RECIPIENT_OPTED_OUT: Final = "RECIPIENT_OPTED_OUT"
RECIPIENT_NOT_MEMBER: Final = "RECIPIENT_NOT_MEMBER"
RECIPIENT_BLOCKED: Final = "RECIPIENT_BLOCKED"
FREQUENCY_CAP: Final = "FREQUENCY_CAP"
OUTSIDE_HOURS: Final = "OUTSIDE_HOURS"
LEAD_TIME_SHORT: Final = "LEAD_TIME_SHORT"
DEADLINE_UNREACHABLE: Final = "DEADLINE_UNREACHABLE"
QUOTA_EXHAUSTED: Final = "QUOTA_EXHAUSTED"
ACCOUNT_NOT_OPEN: Final = "ACCOUNT_NOT_OPEN"
ACCOUNT_SUSPENDED: Final = "ACCOUNT_SUSPENDED"
SOURCE_NOT_ALLOWED: Final = "SOURCE_NOT_ALLOWED"
MESSAGE_INCOMPLETE: Final = "MESSAGE_INCOMPLETE"
TEXT_UNREADABLE: Final = "TEXT_UNREADABLE"

CONTENT_KINDS: Final = (
    CONTENT_CONSTITUTION,
    CONTENT_STATE_SECURITY,
    CONTENT_NATIONAL_HONOUR,
    CONTENT_ETHNIC_HATRED,
    CONTENT_CULT,
    CONTENT_RUMOUR,
    CONTENT_OBSCENE_VIOLENT,
    CONTENT_DEFAMATION,
    CONTENT_UNLAWFUL,
)
"""The nine forbidden kinds, in the order of contract clauses 六(1) to 六(9)."""

# SMPP 3.4 section 5.1.3; plain numbers, because the rules do not know the protocol.
_RINVSRCADR = 0x0A
_RINVDSTADR = 0x0B
_RBINDFAIL = 0x0D
_RSUBMITFAIL = 0x45
_RTHROTTLED = 0x58

_EVERY_CLASS = frozenset(MessageClass)
_COMMERCIAL = frozenset({MessageClass.COMMERCIAL})

# Why a rule holds for every message, whatever an account's configuration says.
_MONEY = "what is not paid for is sent in no class"
_STATE = "an account is open or not for all its messages"
_ACCESS = "whose messages they are is asked before what they say"
_UNREAD = "what cannot be read cannot be judged in any class"
_BROADCAST = "the times of a broadcast bind whoever sends it"


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to refuse.

    `vendor_status` and `standard_status` are the command_status of a submit_sm_resp, from SMPP's vendor
    range (0x400 to 0x4FF) and from its own list; `standard_bind_status` is that of a bind response, None
    for a rule that a bind never meets. `classes` are those that it holds for unless an account's rules say
    otherwise; `fixed` is why they cannot, "" where they can.
    """

    id: str
    clause: str
    law: tuple[Article, ...]
    vendor_status: int
    standard_status: int
    english: str
    chinese: str
    standard_bind_status: int | None = None
    classes: frozenset[MessageClass] = _EVERY_CLASS
    fixed: str = ""

    def law_on(self, day: date) -> Article | None:
        """The article in force on that day, None where the contract alone asks for it."""
        return next((article for article in self.law if article.is_in_force(day)), None)


_TABLE = (
    Rule(
        SALUTATION_MISSING, "1(3)", (), 0x401, _RSUBMITFAIL,
        "The text does not begin with 尊敬, an addressee and a separator.",
        "短信未以“尊敬XX”称呼开头",
        classes=_COMMERCIAL,
    ),
    Rule(
        UNSUBSCRIBE_MISSING, "1(3)", OPT_OUT, 0x402, _RSUBMITFAIL,
        "回TD退订 does not stand immediately before the signature.",
        "签名前缺少“回TD退订”",
        classes=_COMMERCIAL,
    ),
    Rule(
        SIGNATURE_MISSING, "1(3)", (), 0x403, _RSUBMITFAIL,
        "The text has no signature in 【】.",
        "短信缺少【签名】",
    ),
    Rule(
        SIGNATURE_NOT_REGISTERED, "1(3)", (), 0x404, _RSUBMITFAIL,
        "The signature is not registered for this account.",
        "签名未在本账户报备",
    ),
    Rule(
        SIGNATURE_MISPLACED, "1(3)", (), 0x405, _RSUBMITFAIL,
        "The signature is not last, or there is more than one 【】.",
        "签名不在末尾或多于一个",
    ),
    Rule(
        TEMPLATE_MISMATCH, "十", (), 0x406, _RSUBMITFAIL,
        "The text matches none of the account's agreed templates.",
        "短信内容与约定模板不符",
    ),
    Rule(
        CONTENT_CONSTITUTION, "六(1)", CONTENT, 0x411, _RSUBMITFAIL,
        "The text offends against the principles of the constitution.",
        "违反宪法所确定的基本原则",
    ),
    Rule(
        CONTENT_STATE_SECURITY, "六(2)", CONTENT, 0x412, _RSUBMITFAIL,
        "The text endangers state security or unity, or betrays state secrets.",
        "危害国家安全，泄露国家秘密，颠覆国家政权，破坏国家统一",
    ),
    Rule(
        CONTENT_NATIONAL_HONOUR, "六(3)", CONTENT, 0x413, _RSUBMITFAIL,
        "The text harms the honour or the interests of the state.",
        "损害国家荣誉和利益",
    ),
    Rule(
        CONTENT_ETHNIC_HATRED, "六(4)", CONTENT, 0x414, _RSUBMITFAIL,
        "The text incites ethnic hatred or discrimination.",
        "煽动民族仇恨、民族歧视，破坏民族团结",
    ),
    Rule(
        CONTENT_CULT, "六(5)", CONTENT, 0x415, _RSUBMITFAIL,
        "The text promotes a cult or superstition, or undermines religious policy.",
        "破坏国家宗教政策，宣扬邪教和封建迷信",
    ),
    Rule(
        CONTENT_RUMOUR, "六(6)", CONTENT, 0x416, _RSUBMITFAIL,
        "The text spreads rumours or disturbs public order.",
        "造谣中伤，扰乱社会秩序，破坏社会稳定",
    ),
    Rule(
        CONTENT_OBSCENE_VIOLENT, "六(7)", CONTENT, 0x417, _RSUBMITFAIL,
        "The text is reactionary or obscene, or promotes gambling, violence, terror or crime.",
        "反动、色情、淫秽、赌博、暴力、凶杀、恐怖、恐吓或者教唆犯罪",
    ),
    Rule(
        CONTENT_DEFAMATION, "六(8)", CONTENT, 0x418, _RSUBMITFAIL,
        "The text insults, abuses or defames others.",
        "侮辱、谩骂、诽谤他人",
    ),
    Rule(
        CONTENT_UNLAWFUL, "六(9)", CONTENT, 0x419, _RSUBMITFAIL,
        "The text has other content that laws or regulations forbid.",
        "法律、行政法规所禁止的其它内容",
    ),
    Rule(
        CONSENT_MISSING, "1(2)", CONSENT, 0x430, _RSUBMITFAIL,
        "There is no record that the recipient agreed to commercial messages.",
        "未经用户同意，不得发送商业性短信息",
        classes=_COMMERCIAL,
    ),
    Rule(
        RECIPIENT_OPTED_OUT, "1(2)", CONSENT, 0x431, _RINVDSTADR,
        "The recipient has unsubscribed.",
        "用户已退订",
    ),
    Rule(
        RECIPIENT_NOT_MEMBER, "1(2)", (), 0x432, _RINVDSTADR,
        "The recipient is not on the account's list of members.",
        "接收号码不在会员名单中",
    ),
    Rule(
        RECIPIENT_BLOCKED, "五(2)", (), 0x433, _RINVDSTADR,
        "The recipient is on the operator's list of numbers not to be sent to.",
        "接收号码已被平台列入黑名单",
    ),
    Rule(
        FREQUENCY_CAP, "十", (), 0x434, _RTHROTTLED,
        "The recipient has had as many messages as agreed for this period.",
        "超过约定的发送频次",
    ),
    Rule(
        OUTSIDE_HOURS, "五(5)", (), 0x440, _RSUBMITFAIL,
        "The time is outside the agreed sending hours.",
        "不在约定的发送时段内",
    ),
    Rule(
        LEAD_TIME_SHORT, "五(3)", (), 0x441, _RSUBMITFAIL,
        "The content was not handed in one day ahead.",
        "代发内容未提前一天提交",
        fixed=_BROADCAST,
    ),
    Rule(
        DEADLINE_UNREACHABLE, "五(3)", (), 0x442, _RSUBMITFAIL,
        "Sending could not be finished within 24 hours of the hand-in.",
        "无法在递交后24小时内发送完毕",
        fixed=_BROADCAST,
    ),
    Rule(
        QUOTA_EXHAUSTED, "短信费(1)", (), 0x450, _RSUBMITFAIL,
        "The account has fewer messages left than this one needs.",
        "剩余短信条数不足",
        fixed=_MONEY,
    ),
    Rule(
        ACCOUNT_NOT_OPEN, "2", (), 0x451, _RSUBMITFAIL,
        "The account is not open.",
        "账户尚未开通",
        standard_bind_status=_RBINDFAIL,
        fixed=_STATE,
    ),
    Rule(
        ACCOUNT_SUSPENDED, "七", (), 0x452, _RSUBMITFAIL,
        "The account is suspended.",
        "账户已暂停",
        standard_bind_status=_RBINDFAIL,
        fixed=_STATE,
    ),
    Rule(
        SOURCE_NOT_ALLOWED, "四", (), 0x460, _RINVSRCADR,
        "The account may not send from this source address.",
        "不允许使用该发送号码",
        fixed=_ACCESS,
    ),
    Rule(
        MESSAGE_INCOMPLETE, "1(3)", (), 0x461, _RSUBMITFAIL,
        "Segments of the message are missing.",
        "长短信分段不完整",
        fixed=_UNREAD,
    ),
    Rule(
        TEXT_UNREADABLE, "1(3)", (), 0x462, _RSUBMITFAIL,
        "The text cannot be read in its data_coding.",
        "短信编码无法识别",
        fixed=_UNREAD,
    ),
)  # fmt: skip

RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _TABLE})
"""Every rule by its id."""


def refuse(rule: str, span: tuple[int, int] | None = None, detail: str = "") -> Refuse:
    """A refusal by that rule, with the rule's clause. Raises KeyError for an unknown rule id."""
    return Refuse(rule, span, RULES[rule].clause, detail)
