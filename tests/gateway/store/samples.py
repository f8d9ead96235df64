"""What the store is told: messages, outcomes, receipts and replies, ordinary but for what a test says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo

from smpplib.smpp import make_pdu

from gateway.message import Message, State
from gateway.stored import AttemptOutcome, CarrierReceipt, Inbound, Outcome
from policy.facts import MessageClass
from smpp import codec, parts
from smpp.commands import CommandId
from smpp.message_state import MessageState
from smpp.pdu import SubmitSm
from smpp.receipt import Receipt
from smpp.text import Alphabet

SHANGHAI = ZoneInfo("Asia/Shanghai")
START_S = datetime(2026, 11, 23, 9, tzinfo=SHANGHAI).timestamp()
START = int(START_S * 1000)
SECOND, HOUR = 1_000, 3_600_000
NUMBER = "13800138000"


@lru_cache
def submit_body(source_addr: str = "10690001", destination_addr: str = NUMBER) -> bytes:
    """A submit_sm body, written by smpplib."""
    pdu = make_pdu(
        "submit_sm",
        client=None,
        sequence=0,
        source_addr=source_addr,
        destination_addr=destination_addr,
        registered_delivery=1,
        short_message=b"hi",
    )
    return cast(bytes, pdu.generate())[16:]


@lru_cache
def part_body() -> bytes:
    """The body of the first part of a long message, in the form of its own."""
    long = codec.decode(CommandId.SUBMIT_SM, submit_body())
    assert isinstance(long, SubmitSm)
    first, *_ = parts.cut(replace(long, short_message=b"x" * 200), Alphabet.GSM7, 0)
    return codec.encode_body(first)


def message(
    message_id: int,
    account: str = "bank",
    state: State = State.QUEUED,
    units: int = 1,
    destination_addr: str = NUMBER,
    registered_delivery: int = 1,
    route: str = "north",
    due_at: int = START,
    deadline_at: int = START + HOUR,
    submitted_at: int = START,
    message_class: str = MessageClass.COMMERCIAL,
    signature: str = "",
) -> Message:
    """A message as admission makes it: QUEUED, or SUBMITTING where the carrier "north" has room."""
    submitting = state is State.SUBMITTING
    return Message(
        message_id=message_id,
        account=account,
        state=state,
        units=units,
        source_addr="10690001",
        destination_addr=destination_addr,
        registered_delivery=registered_delivery,
        body=submit_body(destination_addr=destination_addr),
        route=route,
        carrier="north" if submitting else None,
        epoch=1,
        attempts=1 if submitting else 0,
        resends=0,
        submitted_at=submitted_at,
        due_at=due_at,
        deadline_at=deadline_at,
        ruleset="0123456789ab",
        submitted_by="bank@127.0.0.1",
        message_class=message_class,
        signature=signature,
    )


def accepted(sent: Message, carrier_message_id: str | None, carrier: str = "north") -> Outcome:
    """The carrier took it under that id."""
    return Outcome(
        sent, AttemptOutcome.ACCEPTED, carrier, f"{carrier}-1", START, START, carrier_message_id, 0
    )


def refused(sent: Message, command_status: int = 0x0B) -> Outcome:
    """The carrier will never take it."""
    return Outcome(
        sent, AttemptOutcome.REFUSED, "north", "north-1", START, START, command_status=command_status
    )


def temporary(sent: Message, due_at: int, carrier_message_id: str | None = None) -> Outcome:
    """The carrier may take it later."""
    return Outcome(
        sent,
        AttemptOutcome.TEMPORARY,
        "north",
        "north-1",
        START,
        START,
        carrier_message_id,
        command_status=0x58,
        due_at=due_at,
    )


def parked(sent: Message, deadline_at: int) -> Outcome:
    """The carrier did not answer, and the account wants no second attempt."""
    return Outcome(sent, AttemptOutcome.IN_DOUBT, "north", "north-1", START, deadline_at=deadline_at)


def resent(sent: Message, due_at: int) -> Outcome:
    """The carrier did not answer, and the account wants it sent again."""
    return Outcome(sent, AttemptOutcome.IN_DOUBT, "north", "north-1", START, due_at=due_at, resend=True)


def not_sent(sent: Message, due_at: int) -> Outcome:
    """The bind was gone before an octet left."""
    return Outcome(sent, AttemptOutcome.NOT_SENT, "north", "north-1", START, due_at=due_at)


def receipt(
    carrier_message_id: str,
    state: MessageState = MessageState.DELIVERED,
    number: str = NUMBER,
    carrier: str = "north",
    error: str = "000",
    at: int = START,
    intermediate: bool = False,
    presumed: bool = False,
    done_at: int = START,
) -> CarrierReceipt:
    """A carrier's word on the message that it knows by that id, sent to `number`; it arrives `at`."""
    said = Receipt(carrier_message_id, state, error, None, None, intermediate, presumed)
    return CarrierReceipt(carrier, said, number, done_at, at)


def reply(
    opts_out: bool = True,
    account: str | None = "bank",
    number: str = NUMBER,
    body: bytes = b"\0reply",
    at: int = START,
) -> Inbound:
    """What a recipient wrote back to the account's sender."""
    return Inbound("north", account, number, "10690001", body, opts_out, at)
