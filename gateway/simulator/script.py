"""The script of `signet demo`: texts to send, and what must become of each.

There is one for every rule that can refuse a message, beside others that are accepted. The last two digits of
a destination tell the simulated carrier what to do with it, see `outcome`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.simulator import stage
from gateway.simulator.customer import submit_sm
from gateway.simulator.fate import Fate
from ledger.transfer import Kind
from policy import clauses
from smpp.message_state import MessageState
from smpp.pdu import SubmitSm
from smpp.segments import UDHI
from smpp.value import changed

MORNING = datetime(2025, 1, 8, 10)
EVENING = datetime(2025, 1, 8, 20)
NEXT_MORNING = datetime(2025, 1, 9, 8)


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A text that the operator is to send, at `starts`, to so many recipients (contract clause 五(3))."""

    starts: datetime
    recipients: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """One text: what it is there to show, and its `expected` fate. `account` is who sends it, `at` when.

    One that `ends_later` has its receipt only when the script is over. `broken` makes of its submit_sm what a
    faulty client would send. A `broadcast` is no submit: it is handed in, and judged then.
    """

    shows: str
    text: str
    expected: Fate
    destination: str = "13800138000"
    account: str = "bank"
    at: datetime = MORNING
    source: str = ""
    ends_later: bool = False
    broken: Callable[[SubmitSm], SubmitSm] | None = None
    broadcast: Broadcast | None = None

    def pdu(self) -> SubmitSm:
        """What its customer submits."""
        pdu = submit_sm(self.text, self.destination, self.source)
        return pdu if self.broken is None else self.broken(pdu)


def _first_of_two(pdu: SubmitSm) -> SubmitSm:
    """The same as the first of two segments."""
    header = bytes((5, 0, 3, 1, 2, 1))  # GSM 03.40, 9.2.3.24.1: reference 1, of 2, the first
    return changed(pdu, esm_class=UDHI, short_message=header + pdu.short_message)


def _without_last_octet(pdu: SubmitSm) -> SubmitSm:
    return changed(pdu, short_message=pdu.short_message[:-1])


_EXAMPLE = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
_LONG = (
    "尊敬的客户:今天是您生日，本行全体员工祝您生日快乐，身体健康，阖家幸福，万事如意！感谢您多年来的信任与"
    "支持。即日起至本月底，您可凭本短信到本行任一网点领取生日礼品一份，并享受一次理财咨询服务；营业时间为每日"
    "九时至十七时，详情请咨询各网点，回TD退订【中国银行】"
)
_WORKOUT = "尊敬的会员:本周六有新课程，回TD退订【完美健身】"
_PARCEL = "您的包裹已到东门驿站，取件码4721【完美快递】"

_DELIVERED = Fate("", 1, Kind.SETTLE, MessageState.DELIVERED)


def _refused(rule: str) -> Fate:
    return Fate(refusal=rule)


def _forbidden(shows: str, words: str, rule: str) -> Line:
    return Line(shows, f"尊敬的客户:{words}，回TD退订【中国银行】", _refused(rule))


SCRIPT: tuple[Line, ...] = (
    Line("the contract's own example", _EXAMPLE, _DELIVERED),
    Line(
        "no salutation",
        "今天是您生日，生日快乐，回TD退订【中国银行】",
        _refused(clauses.SALUTATION_MISSING),
    ),
    Line(
        "no way to unsubscribe",
        "尊敬的客户:今天是您生日，生日快乐【中国银行】",
        _refused(clauses.UNSUBSCRIBE_MISSING),
    ),
    Line(
        "no signature",
        "尊敬的客户:今天是您生日，生日快乐，回TD退订",
        _refused(clauses.SIGNATURE_MISSING),
    ),
    Line(
        "another company's signature",
        "尊敬的客户:今天是您生日，生日快乐，回TD退订【完美科技】",
        _refused(clauses.SIGNATURE_NOT_REGISTERED),
    ),
    Line(
        "signature not at the end",
        "【中国银行】尊敬的客户:今天是您生日，生日快乐，回TD退订",
        _refused(clauses.SIGNATURE_MISPLACED),
    ),
    _forbidden("against the constitution", "本店违反宪法基本原则", clauses.CONTENT_CONSTITUTION),
    _forbidden("state secrets", "为您泄露国家秘密", clauses.CONTENT_STATE_SECURITY),
    _forbidden("the honour of the state", "损害国家荣誉的画册", clauses.CONTENT_NATIONAL_HONOUR),
    _forbidden("ethnic discrimination", "民族歧视言论集锦", clauses.CONTENT_ETHNIC_HATRED),
    _forbidden("a cult", "周末聚会宣扬邪教", clauses.CONTENT_CULT),
    _forbidden("rumours", "代您造谣中伤对手", clauses.CONTENT_RUMOUR),
    _forbidden("gambling", "周末赌博送彩金", clauses.CONTENT_OBSCENE_VIOLENT),
    _forbidden("the same in full-width letters", "周末ＣＡＳＩＮＯ送彩金", clauses.CONTENT_OBSCENE_VIOLENT),
    _forbidden("insults", "代您侮辱谩骂邻居", clauses.CONTENT_DEFAMATION),
    _forbidden("false invoices", "本公司代开发票", clauses.CONTENT_UNLAWFUL),
    _forbidden("the same with separators put in", "本公司代*开-发 票", clauses.CONTENT_UNLAWFUL),
    Line(
        "an agreed template; its signature is added",
        _PARCEL.removesuffix("【完美快递】"),
        _DELIVERED,
        account="courier",
    ),
    Line(
        "no agreed template",
        "您的包裹已丢失，请联系我们【完美快递】",
        _refused(clauses.TEMPLATE_MISMATCH),
        account="courier",
    ),
    Line(
        "a long text, as message_payload",
        _LONG,
        Fate("", 2, Kind.SETTLE, MessageState.DELIVERED),
    ),
    Line(
        "a number that cannot be reached",
        _EXAMPLE,
        Fate("", 1, Kind.SETTLE, MessageState.UNDELIVERABLE),
        destination="13800138001",
    ),
    Line(
        "the carrier is busy at first",
        _EXAMPLE,
        _DELIVERED,
        destination="13800138058",
    ),
    Line(
        "the carrier refuses the number",
        _EXAMPLE,
        Fate("", 1, Kind.VOID, MessageState.REJECTED),
        destination="13800138008",
    ),
    Line(
        "2 units wanted, 1 left",
        _LONG.replace("中国银行", "完美科技"),
        _refused(clauses.QUOTA_EXHAUSTED),
        account="shop",
    ),
    Line(
        "the recipient replies TD",
        _EXAMPLE,
        Fate("", 1, Kind.SETTLE, MessageState.DELIVERED, reply="TD"),
        destination="13800138077",
    ),
    Line(
        "the next text to that number",
        _EXAMPLE,
        _refused(clauses.RECIPIENT_OPTED_OUT),
        destination="+8613800138077",
    ),
    Line(
        "a number that the operator has blocked",
        _EXAMPLE,
        _refused(clauses.RECIPIENT_BLOCKED),
        destination=stage.BLOCKED,
    ),
    Line(
        "no member of the club",
        _WORKOUT,
        _refused(clauses.RECIPIENT_NOT_MEMBER),
        account="club",
    ),
    Line(
        "a member who has not agreed to it",
        _WORKOUT,
        _refused(clauses.CONSENT_MISSING),
        account="club",
        destination=stage.UNASKED_MEMBER,
    ),
    Line(
        "a member who has",
        _WORKOUT,
        _DELIVERED,
        account="club",
        destination=stage.MEMBER,
    ),
    Line(
        "the second in a day, one is agreed",
        _WORKOUT,
        _refused(clauses.FREQUENCY_CAP),
        account="club",
        destination=stage.MEMBER,
    ),
    Line(
        "a bind before the account is opened",
        _EXAMPLE,
        _refused(clauses.ACCOUNT_NOT_OPEN),
        account="new",
    ),
    Line(
        "the account was suspended after its bind",
        _EXAMPLE,
        _refused(clauses.ACCOUNT_SUSPENDED),
        account="idle",
    ),
    Line(
        "from a number of somebody else's",
        _EXAMPLE,
        _refused(clauses.SOURCE_NOT_ALLOWED),
        source="106900000009",
    ),
    Line(
        "the last octet is missing",
        _EXAMPLE,
        _refused(clauses.TEXT_UNREADABLE),
        broken=_without_last_octet,
    ),
    Line(
        "the first of two segments, alone",
        _EXAMPLE,
        Fate(clauses.MESSAGE_INCOMPLETE, 1, Kind.VOID, MessageState.REJECTED),
        broken=_first_of_two,
        ends_later=True,
    ),
    Line(
        "a broadcast for the afternoon",
        _EXAMPLE,
        _refused(clauses.LEAD_TIME_SHORT),
        broadcast=Broadcast(datetime(2025, 1, 8, 16)),
    ),
    Line(
        "one to 1,000 numbers, a minute before 17:00",
        _EXAMPLE,
        _refused(clauses.DEADLINE_UNREACHABLE),
        broadcast=Broadcast(datetime(2025, 1, 9, 16, 59), recipients=1_000),
    ),
    Line(
        "the first text again, at night",
        _EXAMPLE,
        _refused(clauses.OUTSIDE_HOURS),
        at=EVENING,
    ),
    Line(
        "another account's is held until 08:00",
        _PARCEL,
        Fate("", 1, Kind.SETTLE, MessageState.DELIVERED, end_at="08:00"),
        account="courier",
        at=EVENING,
        ends_later=True,
    ),
    Line(
        "the first text, the hours just opened",
        _EXAMPLE,
        _DELIVERED,
        at=NEXT_MORNING,
    ),
)
