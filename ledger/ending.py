"""The end of a contract in the ledger: what is left of the lots, paid back once nothing is held any more.

The money that goes back is what was paid for the units that were never used, lot by lot, exact, rounded once
to the fen (clause 七). What was returned before is taken off, so that units that come back later (a refund)
are returned for exactly what they add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, func, select

from ledger import sql
from ledger.accounts import Balance
from ledger.lots import Lot, LotUnits, in_order, value_fen
from ledger.requests import Request
from ledger.schema import ledger_draw, ledger_lot, ledger_request, ledger_rest, ledger_transfer
from ledger.standing import states
from ledger.states import AccountState
from ledger.transfer import Kind, Stage

_lot = ledger_lot.c
_request = ledger_request.c
_rest = ledger_rest.c
_draw = ledger_draw.c
_transfer = ledger_transfer.c

_LEFT = select(_rest.lot_id, _rest.units).where(_rest.account == bindparam("account"))
# By way of the requests, of which there are few: an account has as many links as it has had batches.
_LINKS = (
    select(_transfer.link)
    .join_from(
        ledger_request,
        ledger_transfer,
        and_(_transfer.source_id == _request.request_id, _transfer.stage == Stage.RETURN),
    )
    .where(_request.account == bindparam("account"), _request.kind == Kind.RETURN)
)
_RETURNED = (
    select(_draw.lot_id, func.sum(_draw.units))
    .where(_draw.account == bindparam("account"), _draw.link.in_(_LINKS))
    .group_by(_draw.lot_id)
)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an account has left at its end: its lots, and what was paid back for them so far.

    `rests` are what no message was charged to of each lot, returned or about to be; while units of them are
    held, nothing more is returned.
    """

    balance: Balance
    rests: Sequence[LotUnits]
    returns: Sequence[Request]

    @property
    def returned_fen(self) -> int:
        """What was paid back in all."""
        return sum(request.amount_fen for request in self.returns)


def lots_of(conn: Connection, account: str) -> list[Lot]:
    """What was bought or given, in the order of use."""
    paid = select(ledger_lot).where(_lot.account == account)
    given = select(_request.request_id, _request.units, _request.reference, _request.at_ms).where(
        _request.account == account, _request.kind == Kind.ADJUST_UP
    )
    lots = [Lot(*row) for row in conn.execute(paid)]
    gifts = [
        Lot(i, account, units, 0, reference, at_ms) for i, units, reference, at_ms in conn.execute(given)
    ]
    return in_order([*lots, *gifts])


def settlement(conn: Connection, account: str) -> Settlement:
    """What an account has left, and what of it was paid back."""
    balance = sql.balances(conn, [account]).get(account, Balance())
    left = {row.lot_id: row.units for row in conn.execute(_LEFT, {"account": account})}
    for lot_id, units in conn.execute(_RETURNED, {"account": account}):
        left[lot_id] += units
    rests = [LotUnits(lot, left[lot.lot_id]) for lot in lots_of(conn, account)]
    found = conn.execute(
        select(ledger_request)
        .where(_request.account == account, _request.kind == Kind.RETURN)
        .order_by(_request.at_ms, _request.request_id)
    )
    returns = [Request(request_id, Kind(kind), *rest) for request_id, kind, *rest in found]
    return Settlement(balance, rests, returns)


def return_rest(
    conn: Connection, account: str, request_id: int, reference: str, reason: str, at_ms: int
) -> Settlement:
    """Pay back what is left of a TERMINATED account, if none of it is held; its settlement after that.

    A repeat returns nothing more, for nothing is left. The id makes a reference of its own of `reference`,
    that no other request can have taken.
    """
    found = settlement(conn, account)
    state = states(conn, [account])[account]
    if state is not AccountState.TERMINATED or found.balance.held or not found.balance.remaining:
        return found
    # What was returned before lots were told message by message may have been more.
    amount_fen = max(0, value_fen(found.rests) - found.returned_fen)
    sql.ask(
        conn,
        Request(
            request_id,
            Kind.RETURN,
            account,
            found.balance.remaining,
            amount_fen,
            f"{reference} {request_id}",
            reason,
            at_ms,
        ),
    )
    return settlement(conn, account)
