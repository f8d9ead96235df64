"""Which lots the transfers of an account draw, and what is left of each.

A link of the chain draws from one lot, unless it is of one source that one lot could not pay alone. So the
lots of a message, and with them its price, are those of the link of its settlement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import BigInteger, Connection, and_, bindparam, insert, literal_column, select, update

from ledger.accounts import DRAWS
from ledger.chain import Move
from ledger.lots import Draw, draw, give_back
from ledger.prepared import Prepared
from ledger.rows import Rows, dumps, integers, texts
from ledger.schema import ledger_draw, ledger_rest, ledger_transfer
from ledger.transfer import Kind, Stage

Group = tuple[Sequence[Move], Sequence[Draw]]
"""The transfers of one link, and what they draw or give back."""

_rest = ledger_rest.c
_draw = ledger_draw.c
_transfer = ledger_transfer.c
_rows = Rows("rows")
_at_ms = bindparam("at_ms", type_=BigInteger)

_LEFT = Prepared(
    select(_rest.account, _rest.lot_id, _rest.units)
    # Written out, for SQLite to see that the index of the open ones will do.
    .where(_rest.account.in_(texts("names")), _rest.units > literal_column("0"))
    .order_by(_rest.account, _rest.at_ms, _rest.lot_id)
)
_of_message = and_(_draw.account == _transfer.account, _draw.link == _transfer.link)
_OF_MESSAGES = Prepared(
    select(_transfer.source_id, _transfer.units, _draw.lot_id, _draw.units)
    .join_from(ledger_transfer, ledger_draw, _of_message)
    .join(ledger_rest, and_(_rest.account == _draw.account, _rest.lot_id == _draw.lot_id))
    .where(
        _transfer.source_id.in_(integers("ids")),
        _transfer.stage == Stage.RESOLUTION,
        _transfer.kind == Kind.SETTLE,
    )
    .order_by(_transfer.source_id, _rest.at_ms, _rest.lot_id)
)
_CREDIT = Prepared(
    insert(ledger_rest).from_select(
        list(_rest),
        select(_rows.text(1), _rows.integer(0), _at_ms, _rows.integer(2)).select_from(_rows.table),
        include_defaults=False,
    )
)
_RECORD = Prepared(
    insert(ledger_draw).from_select(
        list(_draw),
        select(_rows.text(0), _rows.integer(1), _rows.integer(2), _rows.integer(3)).select_from(_rows.table),
        include_defaults=False,
    )
)
_MOVE = Prepared(
    update(ledger_rest)
    .where(_rest.account == _rows.text(0), _rest.lot_id == _rows.integer(1))
    .values(units=_rest.units + _rows.integer(2))
)


def credit(conn: Connection, lots: Sequence[tuple[int, str, int]], at_ms: int) -> None:
    """Begin lots (lot_id, account, units), of which nothing was drawn."""
    _CREDIT.change(conn, rows=dumps(lots), at_ms=at_ms)


def groups(conn: Connection, kind: Kind, moves: Mapping[str, Sequence[Move]]) -> dict[str, list[Group]]:
    """The links that these transfers become, by account, in order.

    Raises LedgerError where the lots have fewer units than are drawn.
    """
    if kind is Kind.REFUND:
        drawn = of_messages(conn, (source_id for moved in moves.values() for source_id, _ in moved))
        return {account: [(moved, _given_back(moved, drawn))] for account, moved in moves.items()}
    if kind not in DRAWS:
        return {account: [(moved, ())] for account, moved in moves.items()}
    left: dict[str, list[Draw]] = {}
    for account, lot_id, units in _LEFT.fetch(conn, names=dumps(list(moves))):
        left.setdefault(account, []).append((lot_id, units))
    return {account: list(draw(moved, left.get(account, ()))) for account, moved in moves.items()}


def record(conn: Connection, kind: Kind, drawn: Sequence[tuple[str, int, int, int]]) -> None:
    """Write down what links drew: account, link, lot_id and units of each."""
    if not drawn:
        return
    _RECORD.change(conn, rows=dumps(drawn))
    changes: dict[tuple[str, int], int] = {}
    for account, _, lot_id, units in drawn:
        changes[account, lot_id] = changes.get((account, lot_id), 0) + DRAWS[kind] * units
    _MOVE.change(conn, rows=dumps([(*key, units) for key, units in changes.items()]))


def of_messages(conn: Connection, message_ids: Iterable[int]) -> dict[int, list[Draw]]:
    """What these messages were charged to, the oldest lot first; one that was not settled is absent."""
    found: dict[int, list[Draw]] = {}
    settled: dict[int, int] = {}
    for source_id, units, lot_id, drawn in _OF_MESSAGES.fetch(conn, ids=dumps(list(message_ids))):
        found.setdefault(source_id, []).append((lot_id, drawn))
        settled[source_id] = units
    # Whose link draws one lot may share it with others; whose link draws several has it alone.
    return {
        source_id: draws if len(draws) > 1 else [(draws[0][0], settled[source_id])]
        for source_id, draws in found.items()
    }


def _given_back(moved: Sequence[Move], drawn: Mapping[int, Sequence[Draw]]) -> list[Draw]:
    back: dict[int, int] = {}
    for source_id, units in moved:
        for lot_id, given in give_back(drawn[source_id], units):
            back[lot_id] = back.get(lot_id, 0) + given
    return sorted(back.items())
