"""Settings and messages as the tests need them: one of each, with the fields that a test is about changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from gateway.message import Message, State
from gateway.settings import (
    Account,
    BindType,
    Carrier,
    Contract,
    InDoubtPolicy,
    Limits,
    SegmentsMode,
    StatusStyle,
    Timers,
)
from policy.content import ContentFilter
from policy.hours import Hours
from policy.ruleset import compile_ruleset
from smpp.address import Address
from smpp.codec import encode_body
from smpp.pdu import SubmitSm
from smpp.status import CommandStatus
from smpp.text import Alphabet

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 4, 12, tzinfo=ZONE).timestamp()
"""When the tests begin, within everybody's hours."""

LIMITS = Limits(batch_max=100, retry_min_s=1.0, retry_max_s=64.0)
TIMERS = Timers(session_init_s=10.0, enquire_link_s=30.0, response_s=5.0, unbind_s=3.0)

_CARRIER = Carrier(
    name="north",
    host="192.0.2.1",
    port=2775,
    system_id="signet",
    password="sesame",
    system_type="",
    bind_type=BindType.TRANSCEIVER,
    binds=1,
    window_max=10,
    rate=None,
    source_addr=None,
    temporary_statuses=frozenset((CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL)),
    receipt_zone=ZONE,
    reconnect_min_s=1.0,
    reconnect_max_s=8.0,
    timers=TIMERS,
)
_HOURS = Hours(time(8), time(17), ZONE)
_ACCOUNT = Account(
    name="bank",
    system_id="bank",
    password_hash="",
    contract=Contract("1", "Bank", "Operator", date(2026, 1, 1)),
    ruleset=compile_ruleset(signatures=["中国银行"], content=ContentFilter({}), hours=_HOURS),
    allowed_networks=(),
    source_addrs=("10690001",),
    default_alphabet=Alphabet.GSM7,
    segments=SegmentsMode.REFUSE,
    statuses=StatusStyle.STANDARD,
    explain=False,
    in_doubt=InDoubtPolicy.PARK,
    binds_max=1,
    window_max=10,
    delivery_window_max=10,
    queue_max=1000,
    throttle=None,
    timers=Timers(),
)


# Any: the fields of the class, by name.
def a_carrier(**changes: Any) -> Carrier:
    return replace(_CARRIER, **changes)


def an_account(**changes: Any) -> Account:
    return replace(_ACCOUNT, **changes)


def a_submit(destination: str = "13800138000") -> SubmitSm:
    source = Address(0, 1, "10690001")
    return SubmitSm("", source, Address(1, 1, destination), 0, 0, 0, "", "", 1, 0, 0, 0, b"hello")


def a_message(message_id: int, **changes: Any) -> Message:
    """A message that is being submitted to the carrier "north", for the first time."""
    submit = a_submit(destination=changes.get("destination_addr", "13800138000"))
    now = int(NOON * 1000)
    message = Message(
        message_id=message_id,
        account="bank",
        state=State.SUBMITTING,
        units=1,
        source_addr=submit.source.addr,
        destination_addr=submit.destination.addr,
        registered_delivery=1,
        body=encode_body(submit),
        route="north",
        carrier="north",
        epoch=1,
        attempts=1,
        resends=0,
        submitted_at=now,
        due_at=now,
        deadline_at=now + 172_800_000,
        ruleset="",
        submitted_by="bank",
    )
    return replace(message, **changes)


def a_waiting_message(message_id: int, **changes: Any) -> Message:
    """A message in the queue that no carrier has seen yet."""
    return a_message(message_id, **{"state": State.QUEUED, "carrier": None, "attempts": 0} | changes)


def utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
