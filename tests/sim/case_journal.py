"""A small run that keeps every promise, written by hand: its plan and its journal.

Two accounts (bank parks and is held to the hours, shop resends and is not) and one carrier. Token 1 is
delivered; 2 breaks the contract; 3 is refused by the carrier; 4 is resent and expires; 5 never finds room and
expires; 6 is throttled once, on its way, undeliverable; 7 is never answered, and UNKNOWN; 8 is to the number
of the 1, which has opted out by then. The long ones stand in `case_long`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tests.sim.case_long import REASSEMBLY_S, long_entries
from tests.sim.journal import (
    Connected,
    DeliverAnswered,
    Delivered,
    Entry,
    Forwarded,
    Gauged,
    Journal,
    Logged,
    RelayAnswered,
    Relayed,
    Replied,
    Reported,
    Started,
    Stopped,
    SubmitAnswered,
    Submitted,
)
from tests.sim.plan import CarrierManners, CustomerManners, Disk, Plan, Weather, draw
from tests.sim.stored import DELIVERED, ENROUTE, EXPIRED, UNDELIVERABLE, UNKNOWN

# 12:00 in Shanghai.
NOON = datetime(2026, 3, 4, 4, tzinfo=UTC).timestamp()
BANK, SHOP, NORTH = 1, 2, 3
OPTED_OUT = "13800000001"
CONTRACT_BROKEN, OPTED_OUT_STATUS, RTHROTTLED, RINVDSTADR = 0x401, 0x402, 0x58, 0x0B


def a_plan() -> Plan:
    """No faults, small windows; what a draw adds besides is not looked at."""
    drawn = draw(0)
    return replace(
        drawn,
        batch_max=10,
        intake_max=5,
        inbound_max=2,
        deliveries_max=4,
        receipt_ttl_s=120.0,
        response_s=2.0,
        reassembly_s=REASSEMBLY_S,
        reassemblies_max=2,
        reassembly_octets_max=400,
        weather=Weather(0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        disk=Disk(0.01, 0.0, 0.0, 0.0),
        carriers=(_north(drawn.carriers[0]),),
        customers=(
            _account(drawn.customers[0], "bank", resend=False),
            _account(drawn.customers[0], "shop", resend=True),
        ),
    )


def _north(manners: CarrierManners) -> CarrierManners:
    return replace(manners, binds=1, window_max=2, rate_per_s=2.0, burst=2, ids="decimal", long_form="udh8")


def _account(manners: CustomerManners, name: str, resend: bool) -> CustomerManners:
    return replace(
        manners,
        name=name,
        quota=40,
        binds=1,
        window_max=2,
        delivery_window_max=2,
        queue_max=3,
        resend=resend,
        all_hours=resend,
        refunds=False,
        holds=True,
    )


def message_id(token: int) -> int:
    """Ours for the message of a token."""
    return 9000 + token


def destination(token: int) -> str:
    """Each token has a recipient of its own, but for the 8: that is the 1's, who has opted out."""
    return OPTED_OUT if token in (1, 8) else f"1380000{token:04}"


def at(seconds: float) -> float:
    """An instant after noon."""
    return NOON + seconds


def submit(seconds: float, token: int, asks: int = 1, valid: bool = True, shop: bool = False) -> Submitted:
    connection, account = (SHOP, "shop") if shop else (BANK, "bank")
    return Submitted(at(seconds), connection, account, token + 1, token, destination(token), asks, valid)


def submit_answer(seconds: float, token: int, command_status: int = 0, shop: bool = False) -> SubmitAnswered:
    named = "" if command_status else str(message_id(token))
    return SubmitAnswered(at(seconds), SHOP if shop else BANK, token + 1, command_status, named)


def relay(seconds: float, sequence_number: int, token: int) -> Relayed:
    return Relayed(at(seconds), NORTH, "north", sequence_number, token, destination(token))


def relay_answer(seconds: float, sequence_number: int, token: int, command_status: int = 0) -> RelayAnswered:
    named = "" if command_status else f"100{token}"
    return RelayAnswered(at(seconds), NORTH, sequence_number, token, command_status, named)


def report(seconds: float, sequence_number: int, token: int, state: int) -> list[Entry]:
    """A receipt, and our answer."""
    said = Reported(at(seconds), NORTH, "north", sequence_number, f"100{token}", token, state)
    return [said, DeliverAnswered(at(seconds + 0.1), NORTH, sequence_number, 0)]


def delivery(
    seconds: float, sequence_number: int, token: int, state: int, final: bool = True, shop: bool = False
) -> Delivered:
    connection, account = (SHOP, "shop") if shop else (BANK, "bank")
    named = str(message_id(token))
    return Delivered(at(seconds), connection, account, sequence_number, named, state, final, 0)


def a_journal() -> Journal:
    """What the outside saw of it."""
    entries: list[Entry] = [
        Connected(at(0.0), NORTH, "carrier", "north"),
        Started(at(0.1), 1),
        Connected(at(0.2), BANK, "customer", "bank"),
        Connected(at(0.2), SHOP, "customer", "shop"),
        submit(1.0, 1),
        submit(1.0, 2, valid=False),
        submit_answer(1.0, 2, CONTRACT_BROKEN),
        submit_answer(1.1, 1),
        relay(1.1, 2, 1),
        relay_answer(1.2, 2, 1),
        submit(1.5, 3, asks=0),
        submit_answer(1.6, 3),
        relay(1.6, 3, 3),
        relay_answer(1.7, 3, 3, RINVDSTADR),
        *report(2.0, 1, 1, DELIVERED),
        delivery(2.2, 1, 1, DELIVERED),
        submit(3.0, 4, shop=True),
        submit_answer(3.1, 4, shop=True),
        relay(3.1, 4, 4),
        submit(3.2, 5),
        submit_answer(3.3, 5),
        Gauged(at(3.5), "queued_messages", "bank", 1),
        Gauged(at(3.5), "slots_taken", "north/0", 2),
        relay(5.5, 5, 4),
        relay_answer(5.6, 5, 4),
        *report(6.0, 2, 4, EXPIRED),
        delivery(6.2, 1, 4, EXPIRED, shop=True),
        submit(7.0, 6, asks=0x11),
        submit_answer(7.1, 6),
        relay(7.1, 6, 6),
        relay_answer(7.2, 6, 6, RTHROTTLED),
        relay(8.1, 7, 6),
        relay_answer(8.2, 7, 6),
        *report(8.3, 3, 6, ENROUTE),
        delivery(8.5, 2, 6, ENROUTE, final=False),
        *report(8.6, 4, 6, UNDELIVERABLE),
        delivery(8.8, 3, 6, UNDELIVERABLE),
        Replied(at(9.0), NORTH, "north", 5, OPTED_OUT, "bank", True),
        DeliverAnswered(at(9.1), NORTH, 5, 0),
        Forwarded(at(9.2), BANK, "bank", 99, OPTED_OUT, 0),
        submit(10.0, 8),
        submit_answer(10.1, 8, OPTED_OUT_STATUS),
        submit(11.0, 7, asks=2),
        submit_answer(11.1, 7),
        relay(11.1, 8, 7),
        Gauged(at(11.5), "deliveries", "", 1),
        # The sender of the 5 never answers the receipt of its end.
        replace(delivery(19.0, 4, 5, EXPIRED), command_status=None),
        delivery(20.0, 5, 7, UNKNOWN),
        # The time of day goes on while nothing happens.
        Logged(at(200.0), "delivery.abandoned", f"account=bank attempts=9 message_id={message_id(5)}"),
        Stopped(at(201.0), 1),
    ]
    return Journal(sorted([*entries, *long_entries(NOON)], key=lambda entry: entry.at))
