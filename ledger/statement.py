"""What an account bought, used and has left over a span of time, and proof that it adds up.

Everything is summed from the links of the account's chain, and held against its transfers, its lots and the
balance in its row: a statement that does not agree with all of them is not made.

A span is cut out of the chain: it begins with the first link from its first instant on. So every balance is
one that there was, even where a clock was set back between a transfer and the one that it made possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Connection, FromClause, and_, case, func, select

from ledger import sql
from ledger.accounts import DRAWS, EFFECTS, Balance
from ledger.ending import lots_of
from ledger.errors import LedgerError
from ledger.lots import Lot, LotUnits
from ledger.requests import Request
from ledger.schema import ledger_draw, ledger_link, ledger_lot, ledger_request, ledger_transfer
from ledger.transfer import Kind, Stage

_draw = ledger_draw.c
_link = ledger_link.c
_request = ledger_request.c
_transfer = ledger_transfer.c
_PLACES = [field.name for field in fields(Balance)]
_LINK_MAX = 2**63 - 1

Moved = Mapping[Kind, int]
"""Units by kind of transfer."""


@dataclass(frozen=True, slots=True)
class Statement:
    """An account from `start_ms` to before `end_ms` (unix ms).

    `moved` are the units of each kind in between, `bought` the lots and `asked` the requests; `charged` is
    what was settled of each lot, less what was refunded, if it is anything; `rests` is what is left of every
    lot at the end, units that are held among them. `link` and `head` are those of the chain then, 0 and "" if
    it has none; `after_link` is the last link before the span.
    """

    account: str
    start_ms: int
    end_ms: int
    opening: Balance
    moved: Moved
    closing: Balance
    bought: Sequence[Lot]
    asked: Sequence[Request]
    charged: Sequence[LotUnits]
    rests: Sequence[LotUnits]
    link: int
    head: str
    after_link: int


def statement(conn: Connection, account: str, start_ms: int, end_ms: int) -> Statement:
    """The statement of a span. Raises LedgerError where the ledger does not agree with itself."""
    first, behind = (_first_link(conn, account, at_ms) for at_ms in (start_ms, end_ms))
    before = _moved(conn, ledger_link, account, 0, first)
    moved = _moved(conn, ledger_link, account, first, behind)
    opening, closing = balance_of(before), balance_of(_sum(before, moved))
    links, requests = _links(conn, account), _requests(conn, account)
    lots = [lot for lot in lots_of(conn, account) if links.get(lot.lot_id, 0) < behind]
    drawn = _drawn(conn, account, 0, behind, DRAWS)
    charged = _drawn(conn, account, first, behind, (Kind.SETTLE, Kind.REFUND))
    gifts = {request.request_id for request in requests if request.kind is Kind.ADJUST_UP}
    made = Statement(
        account,
        start_ms,
        end_ms,
        opening,
        moved,
        closing,
        [lot for lot in lots if first <= links.get(lot.lot_id, 0) and lot.lot_id not in gifts],
        [request for request in requests if first <= links.get(request.request_id, 0) < behind],
        [LotUnits(lot, charged[lot.lot_id]) for lot in lots if charged.get(lot.lot_id)],
        [LotUnits(lot, lot.units - drawn.get(lot.lot_id, 0)) for lot in lots],
        *_head(conn, account, behind),
        first - 1,
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
    first, behind = made.after_link + 1, made.link + 1
    after = _moved(conn, ledger_link, account, behind, _LINK_MAX)
    whole = balance_of(_sum(_sum(before, made.moved), after))
    kept = sql.balances(conn, [account]).get(account, Balance())
    _agree(account, "the balance", whole, kept)
    transfers = _moved(conn, ledger_transfer, account, first, behind)
    for kind in Kind:
        _agree(account, f"transfers of {kind.name}", transfers.get(kind, 0), made.moved.get(kind, 0))
    bought = sum(lot.units for lot in made.bought)
    _agree(account, "the lots", bought, made.moved.get(Kind.TOPUP, 0))
    for kind in (Kind.ADJUST_UP, Kind.ADJUST_DOWN, Kind.RETURN):
        asked = sum(request.units for request in made.asked if request.kind is kind)
        _agree(account, f"requests of {kind.name}", asked, made.moved.get(kind, 0))
    left = made.closing.remaining + made.closing.held
    _agree(account, "what is left of the lots", sum(rest.units for rest in made.rests), left)
    used = made.moved.get(Kind.SETTLE, 0) - made.moved.get(Kind.REFUND, 0)
    _agree(account, "what was charged to the lots", sum(each.units for each in made.charged), used)


def _agree(account: str, what: str, found: object, summed: object) -> None:
    if found != summed:
        raise LedgerError(f"{account!r}: {what} do not agree: {found} and {summed}; see `signet audit`")


def _first_link(conn: Connection, account: str, at_ms: int) -> int:
    """The number of the first link from an instant on, or else of the next one there will be."""
    own = _link.account == account
    found = conn.scalar(select(func.min(_link.link)).where(own, _link.at_ms >= at_ms))
    return found or 1 + (conn.scalar(select(func.max(_link.link)).where(own)) or 0)


def _moved(conn: Connection, table: FromClause, account: str, first: int, behind: int) -> dict[Kind, int]:
    """Units by kind in the links from `first` to before `behind`, from links or transfers alike."""
    found = conn.execute(
        select(table.c.kind, func.sum(table.c.units))
        .where(table.c.account == account, table.c.link >= first, table.c.link < behind)
        .group_by(table.c.kind)
    )
    return {Kind(kind): int(units) for kind, units in found}


def _drawn(conn: Connection, account: str, first: int, behind: int, kinds: Iterable[Kind]) -> dict[int, int]:
    """Units drawn of each lot by these kinds in the links from `first` to before `behind`, less refunds."""
    units = case((_link.kind == Kind.REFUND, -_draw.units), else_=_draw.units)
    found = conn.execute(
        select(_draw.lot_id, func.sum(units))
        .join_from(ledger_draw, ledger_link, and_(_link.account == _draw.account, _link.link == _draw.link))
        .where(
            _draw.account == account, _draw.link >= first, _draw.link < behind, _link.kind.in_(list(kinds))
        )
        .group_by(_draw.lot_id)
    )
    return {lot_id: int(units) for lot_id, units in found}


def _sum(one: Moved, other: Moved) -> dict[Kind, int]:
    return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in one.keys() | other.keys()}


def _links(conn: Connection, account: str) -> dict[int, int]:
    """The links in which lots were credited and requests were done, by their ids."""
    paid = select(ledger_lot.c.lot_id, _transfer.link).join_from(
        ledger_lot,
        ledger_transfer,
        and_(_transfer.source_id == ledger_lot.c.lot_id, _transfer.stage == Stage.TOPUP),
    )
    asked = select(_request.request_id, _transfer.link).join_from(
        ledger_request,
        ledger_transfer,
        and_(
            _transfer.source_id == _request.request_id,
            _transfer.stage.in_((Stage.ADJUSTMENT, Stage.RETURN)),
        ),
    )
    found = [*conn.execute(paid.where(ledger_lot.c.account == account))]
    found += conn.execute(asked.where(_request.account == account))
    return {row[0]: row[1] for row in found}


def _requests(conn: Connection, account: str) -> list[Request]:
    found = conn.execute(
        select(ledger_request)
        .where(_request.account == account)
        .order_by(_request.at_ms, _request.request_id)
    )
    return [Request(request_id, Kind(kind), *rest) for request_id, kind, *rest in found]


def _head(conn: Connection, account: str, behind: int) -> tuple[int, str]:
    found = conn.execute(
        select(_link.link, _link.hash)
        .where(_link.account == account, _link.link < behind)
        .order_by(_link.link.desc())
        .limit(1)
    ).first()
    return (found[0], found[1]) if found else (0, "")
