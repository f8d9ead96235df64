"""What an account bought, used and has left over a span of time, and proof that it adds up.

Everything is summed from the links of the account's chain, and held against its transfers, its lots and the
balance in its row: a statement that does not agree with all of them is not made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Connection, FromClause, func, select

from ledger import sql
from ledger.accounts import EFFECTS, Balance
from ledger.ending import lots_of
from ledger.errors import LedgerError
from ledger.lots import Lot, LotRest, consume
from ledger.requests import Request
from ledger.schema import ledger_link, ledger_request, ledger_transfer
from ledger.transfer import Kind

_link = ledger_link.c
_request = ledger_request.c
_PLACES = [field.name for field in fields(Balance)]
_LAST_MS = 2**63 - 1

Moved = Mapping[Kind, int]
"""Units by kind of transfer."""


@dataclass(frozen=True, slots=True)
class Statement:
    """An account from `start_ms` to before `end_ms` (unix ms).

    `moved` are the units of each kind in between, `bought` the lots and `asked` the requests; `rests` is what
    is left of every lot at the end. `link` and `head` are those of the chain then, 0 and "" if it has none.
    """

    account: str
    start_ms: int
    end_ms: int
    opening: Balance
    moved: Moved
    closing: Balance
    bought: Sequence[Lot]
    asked: Sequence[Request]
    rests: Sequence[LotRest]
    link: int
    head: str


def statement(conn: Connection, account: str, start_ms: int, end_ms: int) -> Statement:
    """The statement of a span. Raises LedgerError where the ledger does not agree with itself."""
    before = _moved(conn, ledger_link, account, 0, start_ms)
    moved = _moved(conn, ledger_link, account, start_ms, end_ms)
    opening, closing = balance_of(before), balance_of(_sum(before, moved))
    lots = lots_of(conn, account, end_ms)
    bought = [lot for lot in lots if lot.at_ms >= start_ms]
    asked = _asked(conn, account, start_ms, end_ms)
    gifts = {request.request_id for request in asked if request.kind is Kind.ADJUST_UP}
    made = Statement(
        account,
        start_ms,
        end_ms,
        opening,
        moved,
        closing,
        [lot for lot in bought if lot.lot_id not in gifts],
        asked,
        consume(lots, sum(lot.units for lot in lots) - closing.remaining),
        *_head(conn, account, end_ms),
    )
    _check(conn, made, before)
    return made


def balance_of(moved: Moved) -> Balance:
    """The balance that these units make. Raises LedgerError where they make none."""
    places = dict.fromkeys(_PLACES, 0)
    for kind, units in moved.items():
        for place, sign in EFFECTS[kind].items():
            places[place] += sign * units
    return Balance(**places)


def _check(conn: Connection, made: Statement, before: Moved) -> None:
    account = made.account
    after = _moved(conn, ledger_link, account, made.end_ms, _LAST_MS)
    whole = balance_of(_sum(_sum(before, made.moved), after))
    kept = sql.balances(conn, [account]).get(account, Balance())
    _agree(account, "the balance", whole, kept)
    transfers = _moved(conn, ledger_transfer, account, made.start_ms, made.end_ms)
    for kind in Kind:
        _agree(account, f"transfers of {kind.name}", transfers.get(kind, 0), made.moved.get(kind, 0))
    bought = sum(lot.units for lot in made.bought)
    _agree(account, "the lots", bought, made.moved.get(Kind.TOPUP, 0))
    for kind in (Kind.ADJUST_UP, Kind.ADJUST_DOWN, Kind.RETURN):
        asked = sum(request.units for request in made.asked if request.kind is kind)
        _agree(account, f"requests of {kind.name}", asked, made.moved.get(kind, 0))
    _agree(account, "what is left", sum(rest.units for rest in made.rests), made.closing.remaining)


def _agree(account: str, what: str, found: object, summed: object) -> None:
    if found != summed:
        raise LedgerError(f"{account!r}: {what} do not agree: {found} and {summed}; see `signet audit`")


def _moved(conn: Connection, table: FromClause, account: str, start_ms: int, end_ms: int) -> dict[Kind, int]:
    """Units by kind, from links or transfers alike."""
    found = conn.execute(
        select(table.c.kind, func.sum(table.c.units))
        .where(table.c.account == account, table.c.at_ms >= start_ms, table.c.at_ms < end_ms)
        .group_by(table.c.kind)
    )
    return {Kind(kind): int(units) for kind, units in found}


def _sum(one: Moved, other: Moved) -> dict[Kind, int]:
    return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in one.keys() | other.keys()}


def _asked(conn: Connection, account: str, start_ms: int, end_ms: int) -> list[Request]:
    found = conn.execute(
        select(ledger_request)
        .where(_request.account == account, _request.at_ms >= start_ms, _request.at_ms < end_ms)
        .order_by(_request.at_ms, _request.request_id)
    )
    return [Request(request_id, Kind(kind), *rest) for request_id, kind, *rest in found]


def _head(conn: Connection, account: str, end_ms: int) -> tuple[int, str]:
    found = conn.execute(
        select(_link.link, _link.hash)
        .where(_link.account == account, _link.at_ms < end_ms)
        .order_by(_link.link.desc())
        .limit(1)
    ).first()
    return (found[0], found[1]) if found else (0, "")
