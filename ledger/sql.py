"""The ledger in a database: a few set-based statements a batch, on a connection handed in.

The caller owns the transaction: nothing here begins, commits or rolls back, and after an exception the
caller must roll back. Each function first locks the accounts it touches, in order of name, and decides under
the lock. SQLite has no row locks: there the transaction must begin as a writer's (BEGIN IMMEDIATE).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from sqlalchemy import (
    BigInteger,
    Connection,
    SmallInteger,
    and_,
    bindparam,
    exists,
    insert,
    or_,
    select,
    update,
)

from ledger import charge
from ledger.accounts import EFFECTS, Balance
from ledger.errors import LedgerError
from ledger.lots import Lot
from ledger.prepared import Prepared
from ledger.rows import Rows, dumps, integers, texts
from ledger.schema import ledger_account, ledger_lot, ledger_transfer
from ledger.transfer import Hold, Kind, Stage, Transfer

_account = ledger_account.c
_transfer = ledger_transfer.c
_lot = ledger_lot.c
_hold = ledger_transfer.alias("hold").c
_end = ledger_transfer.alias("resolution").c

_rows = Rows("rows")
_ids = integers("ids")
_names = texts("names")
_stage = bindparam("stage", type_=SmallInteger)
_kind = bindparam("kind", type_=SmallInteger)
_at_ms = bindparam("at_ms", type_=BigInteger)

_LOCK = Prepared(
    select(_account.account, _account.remaining)
    .where(_account.account.in_(_names))
    .order_by(_account.account)
    .with_for_update()
)
_HELD = Prepared(
    select(_transfer.source_id).where(_transfer.stage == Stage.HOLD, _transfer.source_id.in_(_ids))
)
_ENDS = select(ledger_transfer).where(
    _transfer.stage.in_((Stage.RESOLUTION, Stage.REFUND)), _transfer.source_id.in_(_ids)
)
_given = select(_rows.integer(0), _stage, _kind, _rows.text(1), _rows.integer(2), _at_ms)
_INSERT = Prepared(
    insert(ledger_transfer).from_select(
        list(_transfer), _given.select_from(_rows.table), include_defaults=False
    )
)
_open = select(_hold.source_id, _stage, _kind, _hold.account, _hold.units, _at_ms).where(
    _hold.stage == Stage.HOLD,
    _hold.source_id.in_(_ids),
    ~exists().where(_end.source_id == _hold.source_id, _end.stage == Stage.RESOLUTION),
)
_RESOLVE = Prepared(
    insert(ledger_transfer)
    .from_select(list(_transfer), _open, include_defaults=False)
    .returning(_transfer.account, _transfer.units)
)


def _move_statement(kind: Kind) -> Prepared:
    moved = {place: _account[place] + sign * _rows.integer(1) for place, sign in EFFECTS[kind].items()}
    return Prepared(update(ledger_account).where(_account.account == _rows.text(0)).values(moved))


_MOVE = {kind: _move_statement(kind) for kind in Kind}


def topup(conn: Connection, lot: Lot) -> Balance:
    """Credit a lot to its account, which is created if this is its first; the balance after it.

    A repeat, told by its id or by its reference, changes nothing. Raises LedgerError where the id or the
    reference was used for another purchase. Of two first top-ups of an account at the same moment one may
    raise IntegrityError, and can be repeated.
    """
    account_exists = lot.account in _lock(conn, [lot.account])
    transfer = charge.topup(lot, _known_lots(conn, lot))
    if transfer is not None:
        if not account_exists:
            conn.execute(insert(ledger_account).values(account=lot.account, **asdict(Balance())))
        conn.execute(insert(ledger_lot).values(**asdict(lot)))
        _write(conn, Kind.TOPUP, [(lot.lot_id, lot.account, lot.units)], lot.at_ms)
    return balances(conn, [lot.account])[lot.account]


def hold(conn: Connection, holds: Sequence[Hold], at_ms: int) -> list[bool]:
    """Hold units for messages, each decided in turn: whether message n has its hold.

    False where fewer units remain than it needs (equal is enough), or than its whole needs, or the account
    was never topped up. A message that has its hold already gets True and changes nothing.
    """
    if not holds:
        return []
    remaining = _lock(conn, dict.fromkeys(item.account for item in holds))
    rows = [(item.message_id, item.account, item.units) for item in holds]
    ids = dumps([item.message_id for item in holds])
    held = {row[0] for row in _HELD.fetch(conn, ids=ids)}
    wholes = charge.units_of_wholes(item for item in holds if item.message_id not in held)
    granted: list[tuple[int, str, int]] = []
    answers: list[bool] = []
    for row, item in zip(rows, holds, strict=True):
        message_id, account, units = row
        if message_id not in held:
            left = remaining.get(account, 0)
            needed = units if item.whole is None else wholes[item.whole]
            if needed > left:
                answers.append(False)
                continue
            remaining[account] = left - units
            if item.whole is not None:
                wholes[item.whole] -= units
            held.add(message_id)
            granted.append(row)
        answers.append(True)
    _write(conn, Kind.HOLD, granted, at_ms)
    return answers


def resolve(conn: Connection, kind: charge.Resolution, items: Sequence[Hold], at_ms: int) -> int:
    """Settle or void the holds of messages, in full; how many were resolved now.

    A message that was resolved before, either way, changes nothing. Account and units are those of the stored
    hold. Raises LedgerError for a message without a hold.
    """
    if not items:
        return 0
    _lock(conn, dict.fromkeys(item.account for item in items))
    ids = {item.message_id for item in items}
    resolved = _RESOLVE.fetch(conn, ids=dumps(list(ids)), stage=kind.stage, kind=kind, at_ms=at_ms)
    if len(resolved) < len(ids):
        _check_held(conn, kind, ids)
    _move(conn, kind, ((account, units) for account, units in resolved))
    return len(resolved)


def refund(conn: Connection, items: Sequence[Hold], at_ms: int) -> int:
    """Give units of settled messages back: `units` of each, at most what was settled; how many were refunded.

    A message that was refunded before changes nothing. Raises LedgerError for a message that was not settled
    on that account, or for fewer units.
    """
    if not items:
        return 0
    _lock(conn, dict.fromkeys(item.account for item in items))
    ids = dumps([item.message_id for item in items])
    ends: dict[tuple[int, Stage], Transfer] = {}
    for source_id, stage, kind, *rest in conn.execute(_ENDS, {"ids": ids}):
        ends[source_id, Stage(stage)] = Transfer(source_id, Kind(kind), *rest)
    refunded: list[tuple[int, str, int]] = []
    for item in items:
        resolution, earlier = (item.message_id, Stage.RESOLUTION), (item.message_id, Stage.REFUND)
        transfer = charge.refund(item, ends.get(resolution), ends.get(earlier), at_ms)
        if transfer is not None:
            ends[earlier] = transfer
            refunded.append((transfer.source_id, transfer.account, transfer.units))
    _write(conn, Kind.REFUND, refunded, at_ms)
    return len(refunded)


def balances(conn: Connection, accounts: Iterable[str] | None = None) -> dict[str, Balance]:
    """The balances of these accounts, or of all, in order of name; an account never topped up is absent."""
    query = select(ledger_account)
    if accounts is not None:
        query = query.where(_account.account.in_(_names))
    found = conn.execute(query, {"names": dumps(list(accounts or ()))})
    return {account: Balance(*numbers) for account, *numbers in sorted(found)}


def _lock(conn: Connection, accounts: Iterable[str]) -> dict[str, int]:
    """Lock these accounts until the transaction ends; what remains on each that exists."""
    return {row[0]: row[1] for row in _LOCK.fetch(conn, names=dumps(list(accounts)))}


def _known_lots(conn: Connection, lot: Lot) -> list[Lot]:
    same_reference = and_(_lot.account == lot.account, _lot.reference == lot.reference)
    found = conn.execute(select(ledger_lot).where(or_(_lot.lot_id == lot.lot_id, same_reference)))
    return [Lot(*row) for row in found]


def _check_held(conn: Connection, kind: Kind, ids: set[int]) -> None:
    without = ids.difference(row[0] for row in _HELD.fetch(conn, ids=dumps(list(ids))))
    if without:
        some = ", ".join(map(str, sorted(without)[:5]))
        raise LedgerError(f"{kind.name} of {len(without)} messages without a hold, among them {some}")


def _write(conn: Connection, kind: Kind, rows: Sequence[tuple[int, str, int]], at_ms: int) -> None:
    """Write transfers (source_id, account, units) and move their units."""
    if rows:
        _INSERT.change(conn, rows=dumps(rows), stage=kind.stage, kind=kind, at_ms=at_ms)
        _move(conn, kind, [(account, units) for _, account, units in rows])


def _move(conn: Connection, kind: Kind, moves: Iterable[tuple[str, int]]) -> None:
    """Move units (account, units) on the balances, in one statement."""
    sums: defaultdict[str, int] = defaultdict(int)
    for account, units in moves:
        sums[account] += units
    if sums:
        moved = _MOVE[kind].change(conn, rows=dumps(list(sums.items())))
        if moved != len(sums):
            raise LedgerError(f"{kind.name} on {len(sums)} accounts, of which {moved} exist: {sorted(sums)}")
