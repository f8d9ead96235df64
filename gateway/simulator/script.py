"""The script of `signet demo`: texts to send, and what must become of each.

The last two digits of a destination tell the simulated carrier what to do with it, see `outcome`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from gateway.simulator.fate import Fate
from ledger.transfer import Kind
from policy import clauses
from smpp.message_state import MessageState

MORNING = time(10)
EVENING = time(20)


@dataclass(frozen=True, slots=True)
class Line:
    """One text: what it is there to show, and its `expected` fate. `account` is who sends it, `at` when."""

    shows: str
    text: str
    expected: Fate
    destination: str = "13800138000"
    account: str = "bank"
    at: time = MORNING


_EXAMPLE = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
_LONG = (
    "尊敬的客户:今天是您生日，本行全体员工祝您生日快乐，身体健康，阖家幸福，万事如意！感谢您多年来的信任与"
    "支持。即日起至本月底，您可凭本短信到本行任一网点领取生日礼品一份，并享受一次理财咨询服务；营业时间为每日"
    "九时至十七时，详情请咨询各网点，回TD退订【中国银行】"
)


def _refused(rule: str) -> Fate:
    return Fate(refusal=rule)


_DELIVERED = Fate("", 1, Kind.SETTLE, MessageState.DELIVERED)

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
    Line(
        "gambling",
        "尊敬的客户:周末赌博送彩金，回TD退订【中国银行】",
        _refused(clauses.CONTENT_OBSCENE_VIOLENT),
    ),
    Line(
        "the same in full-width letters",
        "尊敬的客户:周末ＣＡＳＩＮＯ送彩金，回TD退订【中国银行】",
        _refused(clauses.CONTENT_OBSCENE_VIOLENT),
    ),
    Line(
        "false invoices",
        "尊敬的客户:本公司代开发票，回TD退订【中国银行】",
        _refused(clauses.CONTENT_UNLAWFUL),
    ),
    Line(
        "the same with separators put in",
        "尊敬的客户:本公司代*开-发 票，回TD退订【中国银行】",
        _refused(clauses.CONTENT_UNLAWFUL),
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
        "the first text again, at night",
        _EXAMPLE,
        _refused(clauses.OUTSIDE_HOURS),
        at=EVENING,
    ),
)
