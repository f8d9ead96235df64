"""The body of a submit_sm from a customer: a PduError, a Refusal, or a Reading that can be relayed.

Accounts of every kind read each body. What is relayed is the customer's message to the same number, asking
how it ended, and its receipt goes back to where it came from. `corpus/admission` holds bodies of submit_sm.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from itertools import product
from zoneinfo import ZoneInfo

from gateway.admission import Reading, Segment, read
from gateway.settings import Account, SegmentsMode
from policy.clauses import CONTENT_KINDS
from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.hours import Hours
from policy.ruleset import OutsideHours, compile_ruleset
from smpp import codec, packing, segments
from smpp.commands import CommandId
from smpp.errors import PduError
from smpp.message_state import MessageState
from smpp.pdu import DeliverSm, SubmitSm
from smpp.receipt import date_digits, receipt_body
from smpp.text import Alphabet
from tests.gateway.carriers.samples import an_account

_TTL_S = 172_800.0
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_NOON = datetime(2026, 1, 31, 12, tzinfo=_SHANGHAI)
_EVENING = datetime(2026, 1, 31, 20, tzinfo=_SHANGHAI)
_DATES = (date_digits(_NOON), date_digits(_EVENING))
_HOURS = Hours(time(8), time(17), _SHANGHAI)
_CONTENT = ContentFilter({kind: [f"赌{number}"] for number, kind in enumerate(CONTENT_KINDS)}, ["远离赌0"])


def _account(
    message_class: MessageClass, outside_hours: OutsideHours, segments: SegmentsMode, alphabet: Alphabet
) -> Account:
    ruleset = compile_ruleset(
        signatures=["中国银行", "Signet"],
        content=_CONTENT,
        hours=_HOURS,
        message_class=message_class,
        outside_hours=outside_hours,
    )
    return an_account(ruleset=ruleset, segments=segments, default_alphabet=alphabet, source_addrs=())


_ACCOUNTS = (
    _account(MessageClass.COMMERCIAL, "refuse", SegmentsMode.JOIN, Alphabet.GSM7),
    _account(MessageClass.COMMERCIAL, "hold", SegmentsMode.REFUSE, Alphabet.UCS2),
    *(_account(MessageClass.NOTICE, "hold", SegmentsMode.PASS, alphabet) for alphabet in Alphabet),
    replace(
        _account(MessageClass.CODE, "hold", SegmentsMode.PASS, Alphabet.LATIN1),
        source_addrs=("106900001234", "Signet"),
    ),
)


def target(data: bytes) -> None:
    """One body."""
    try:
        pdu = codec.decode(CommandId.SUBMIT_SM, data)
    except PduError:
        return
    assert isinstance(pdu, SubmitSm)
    for account, now in product(_ACCOUNTS, (_NOON.timestamp(), _EVENING.timestamp())):
        found = read(account, pdu, data, now, _TTL_S)
        if isinstance(found, Reading):
            _check_reading(found, _in_the_house(account, pdu), now)
        elif isinstance(found, Segment):
            _check_reading(found.reading, _in_the_house(account, pdu), now)
        else:
            assert found.rule
            assert found.command_status


def _in_the_house(account: Account, pdu: SubmitSm) -> SubmitSm:
    return packing.unpacked(pdu) if account.default_alphabet is Alphabet.GSM7_PACKED else pdu


def _check_reading(found: Reading, pdu: SubmitSm, now: float) -> None:
    assert found.units >= 1
    assert found.due_at >= now * 1000
    assert found.deadline_at >= now * 1000
    relayed = codec.decode(CommandId.SUBMIT_SM, found.body)
    assert isinstance(relayed, SubmitSm)
    assert found.destination_addr == relayed.destination.addr == pdu.destination.addr
    assert found.source_addr == relayed.source.addr
    assert relayed.registered_delivery & 3 == 1
    assert relayed.schedule_delivery_time == ""
    assert (relayed.payload, relayed.esm_class, relayed.data_coding, relayed.tlvs) == (
        pdu.payload,
        pdu.esm_class,
        pdu.data_coding,
        pdu.tlvs,
    )
    assert segments.user_text(relayed) == segments.user_text(pdu)
    _check_receipt(found.body, relayed)


def _check_receipt(body: bytes, relayed: SubmitSm) -> None:
    octets = receipt_body(body, "123456789012345678", MessageState.DELIVERED, "", *_DATES)
    receipt = codec.decode(CommandId.DELIVER_SM, octets)
    assert isinstance(receipt, DeliverSm)
    assert (receipt.source, receipt.destination) == (relayed.destination, relayed.source)
