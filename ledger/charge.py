"""What may be done with the units of one source, given what was done before.

Each decision returns the transfer to write, or None where it was written before: a repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from ledger.accounts import Balance, Overdraw
from ledger.errors import LedgerError
from ledger.lots import Lot
from ledger.requests import Request
from ledger.transfer import Hold, Kind, Transfer

Resolution = Literal[Kind.SETTLE, Kind.VOID]
"""The two ways for a hold to end."""


def topup(lot: Lot, known: Sequence[Lot]) -> Transfer | None:
    """Credit `lot`, where `known` are the stored lots of the same id or reference.

    Raises LedgerError where one of them tells of another purchase.
    """
    for other in known:
        if not lot.same_purchase(other):
            raise LedgerError(
                f"top-up {lot.lot_id} of {lot.account!r}: {lot.units} units for {lot.amount_fen} fen under "
                f"{lot.reference!r}, but the id or the reference stands for {other.units} units for "
                f"{other.amount_fen} fen of {other.account!r} under {other.reference!r}"
            )
    return None if known else Transfer(lot.lot_id, Kind.TOPUP, lot.account, lot.units, lot.at_ms)


def units_of_wholes(items: Iterable[Hold]) -> dict[int, int]:
    """How many units each whole needs that these holds are of."""
    units: dict[int, int] = {}
    for item in items:
        if item.whole is not None:
            units[item.whole] = units.get(item.whole, 0) + item.units
    return units


def hold(balance: Balance, held: Transfer | None, item: Hold, at_ms: int) -> Transfer | Overdraw | None:
    """Hold `item.units` of `balance`, where `held` is the message's earlier hold."""
    if held is not None:
        return None
    if item.units > balance.remaining:
        return Overdraw(balance.remaining, item.units)
    return Transfer(item.message_id, Kind.HOLD, item.account, item.units, at_ms)


def resolve(
    kind: Resolution, message_id: int, held: Transfer | None, resolved: Transfer | None, at_ms: int
) -> Transfer | None:
    """End the hold `held` in full, where `resolved` is its earlier end. Raises LedgerError without a hold."""
    if held is None:
        raise LedgerError(f"{kind.name} of message {message_id}, which has no hold")
    if resolved is not None:
        return None
    return Transfer(message_id, kind, held.account, held.units, at_ms)


def refund(item: Hold, resolved: Transfer | None, refunded: Transfer | None, at_ms: int) -> Transfer | None:
    """Give `item.units` back, where `resolved` ended the hold and `refunded` is an earlier refund.

    Raises LedgerError where the message was not settled on that account, or for fewer units.
    """
    if refunded is not None:
        return None
    if resolved is None or resolved.kind is not Kind.SETTLE or resolved.account != item.account:
        raise LedgerError(f"refund of message {item.message_id}, which was not settled on {item.account!r}")
    if item.units > resolved.units:
        raise LedgerError(
            f"refund of {item.units} units of message {item.message_id}, settled for {resolved.units}"
        )
    return Transfer(item.message_id, Kind.REFUND, item.account, item.units, at_ms)


def request(request: Request, known: Sequence[Request], remaining: int) -> Transfer | None:
    """Adjust or return units, where `known` are the stored requests of the same id or reference.

    Raises LedgerError where one of them asks for something else, and where fewer units remain than it takes.
    """
    for other in known:
        if not request.same_request(other):
            raise LedgerError(
                f"request {request.request_id} of {request.account!r}: {request.kind.name} of "
                f"{request.units} units under {request.reference!r}, but the id or the reference stands for "
                f"{other.kind.name} of {other.units} units of {other.account!r} under {other.reference!r}"
            )
    if known:
        return None
    if request.kind is not Kind.ADJUST_UP and request.units > remaining:
        raise LedgerError(
            f"{request.kind.name} of {request.units} units of {request.account!r}, which has {remaining} left"
        )
    return Transfer(request.request_id, request.kind, request.account, request.units, request.at_ms)
