"""The ledger in a database: a few set-based statements a batch, on a connection handed in.

The caller owns the transaction: nothing here begins, commits or rolls back, and after an exception the
caller must roll back. Each function first locks the accounts it touches, in order of name, and decides under
the lock. SQLite has no row locks: there the transaction must begin as a writer's (BEGIN IMMEDIATE).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields

from sqlalchemy import (
    BigInteger,
    Connection,
    SmallInteger,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
)

from ledger import charge
from ledger.accounts import Balance
from ledger.errors import LedgerError
from ledger.journal import lock, seal, write
from ledger.lots import Lot
from ledger.prepared import Prepared
from ledger.requests import Request
from ledger.rows import dumps, integers, texts
from ledger.schema import ledger_account, ledger_lot, ledger_request, ledger_transfer
from ledger.standing import enter
from ledger.states import AccountState, check_credit
from ledger.transfer import Hold, Kind, Stage, Transfer

_account = ledger_account.c
_transfer = ledger_transfer.c
_lot = ledger_lot.c
_request = ledger_request.c
_hold = ledger_transfer.alias("hold").c
_end = ledger_transfer.alias("resolution").c

_ids = integers("ids")
_names = texts("names")
_stage = bindparam("stage", type_=SmallInteger)
_kind = bindparam("kind", type_=SmallInteger)
_at_ms = bindparam("at_ms", type_=BigInteger)

_HELD = Prepared(
    select(_transfer.source_id).where(_transfer.stage == Stage.HOLD, _transfer.source_id.in_(_ids))
)
_ENDS = select(
    _transfer.source_id, _transfer.stage, _transfer.kind, _transfer.account, _transfer.units, _transfer.at_ms
).where(_transfer.stage.in_((Stage.RESOLUTION, Stage.REFUND)), _transfer.source_id.in_(_ids))
_next_link = select(_account.link + 1).where(_account.account == _hold.account).scalar_subquery()
_open = select(
    _hold.source_id, _stage, _kind, _hold.account, _hold.units, _at_ms, func.coalesce(_next_link, 0)
).where(
    _hold.stage == Stage.HOLD,
    _hold.source_id.in_(_ids),
    ~exists().where(_end.source_id == _hold.source_id, _end.stage == Stage.RESOLUTION),
)
_RESOLVE = Prepared(
    insert(ledger_transfer)
    .from_select(list(_transfer), _open, include_defaults=False)
    .returning(_transfer.source_id, _transfer.account, _transfer.units)
)
_BALANCES = select(_account.account, *(_account[field.name] for field in fields(Balance)))


def topup(conn: Connection, lot: Lot) -> Balance:
    """Credit a lot to its account, which is created, PAID, if this is its first; the balance after it.

    A repeat, told by its id or by its reference, changes nothing. Raises LedgerError where the id or the
    reference was used for another purchase, or the account is TERMINATED. Of two first top-ups of an account
    at the same moment one may raise IntegrityError, and can be repeated.
    """
    accounts = lock(conn, [lot.account])
    transfer = charge.topup(lot, _known_lots(conn, lot))
    if transfer is not None:
        if lot.account not in accounts:
            conn.execute(insert(ledger_account).values(account=lot.account, **asdict(Balance())))
            enter(conn, lot.account, AccountState.PAID, lot.at_ms, lot.reference)
            accounts = lock(conn, [lot.account])
        check_credit(lot.account, accounts[lot.account].state)
        conn.execute(insert(ledger_lot).values(**asdict(lot)))
        write(conn, Kind.TOPUP, [(lot.lot_id, lot.account, lot.units)], accounts, lot.at_ms)
    return balances(conn, [lot.account])[lot.account]


def ask(conn: Connection, request: Request) -> Balance:
    """Adjust or return units; the balance after it.

    A repeat, told by its id or by its reference, changes nothing. Raises LedgerError where the id or the
    reference stands for another request, the account was never topped up, or fewer units remain than it
    takes.
    """
    accounts = lock(conn, [request.account])
    remaining = accounts[request.account].remaining if request.account in accounts else 0
    transfer = charge.request(request, _known_requests(conn, request), remaining)
    if transfer is not None:
        moved = (transfer.source_id, transfer.account, transfer.units)
        write(conn, transfer.kind, [moved], accounts, transfer.at_ms)
        conn.execute(insert(ledger_request).values(**asdict(request)))
    return balances(conn, [request.account])[request.account]


def hold(conn: Connection, holds: Sequence[Hold], at_ms: int) -> list[bool]:
    """Hold units for messages, each decided in turn: whether message n has its hold.

    False where the account is not OPEN, or fewer units remain than it needs (equal is enough), or than its
    whole needs. A message that has its hold already gets True and changes nothing.
    """
    if not holds:
        return []
    accounts = lock(conn, dict.fromkeys(item.account for item in holds))
    remaining = {
        name: locked.remaining for name, locked in accounts.items() if locked.state is AccountState.OPEN
    }
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
    write(conn, Kind.HOLD, granted, accounts, at_ms)
    return answers


def resolve(conn: Connection, kind: charge.Resolution, items: Sequence[Hold], at_ms: int) -> int:
    """Settle or void the holds of messages, in full; how many were resolved now.

    A message that was resolved before, either way, changes nothing. Account and units are those of the stored
    hold. Raises LedgerError for a message without a hold.
    """
    if not items:
        return 0
    accounts = lock(conn, dict.fromkeys(item.account for item in items))
    ids = {item.message_id for item in items}
    resolved = _RESOLVE.fetch(conn, ids=dumps(list(ids)), stage=kind.stage, kind=kind, at_ms=at_ms)
    if len(resolved) < len(ids):
        _check_held(conn, kind, ids)
    if resolved:
        others = {account for _, account, _ in resolved} - accounts.keys()
        accounts |= lock(conn, others) if others else {}
        seal(conn, kind, resolved, accounts, at_ms)
    return len(resolved)


def refund(conn: Connection, items: Sequence[Hold], at_ms: int) -> int:
    """Give units of settled messages back: `units` of each, at most what was settled; how many were refunded.

    A message that was refunded before changes nothing. Raises LedgerError for a message that was not settled
    on that account, or for fewer units.
    """
    if not items:
        return 0
    accounts = lock(conn, dict.fromkeys(item.account for item in items))
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
    write(conn, Kind.REFUND, refunded, accounts, at_ms)
    return len(refunded)


def balances(conn: Connection, accounts: Iterable[str] | None = None) -> dict[str, Balance]:
    """The balances of these accounts, or of all, in order of name; an account never topped up is absent."""
    query = _BALANCES
    if accounts is not None:
        query = query.where(_account.account.in_(_names))
    found = conn.execute(query, {"names": dumps(list(accounts or ()))})
    return {account: Balance(*numbers) for account, *numbers in sorted(found)}


def _known_lots(conn: Connection, lot: Lot) -> list[Lot]:
    same_reference = and_(_lot.account == lot.account, _lot.reference == lot.reference)
    found = conn.execute(select(ledger_lot).where(or_(_lot.lot_id == lot.lot_id, same_reference)))
    return [Lot(*row) for row in found]


def _known_requests(conn: Connection, request: Request) -> list[Request]:
    same_reference = and_(_request.account == request.account, _request.reference == request.reference)
    found = conn.execute(
        select(*(_request[field.name] for field in fields(Request))).where(
            or_(_request.request_id == request.request_id, same_reference)
        )
    )
    return [Request(request_id, Kind(kind), *rest) for request_id, kind, *rest in found]


def _check_held(conn: Connection, kind: Kind, ids: set[int]) -> None:
    without = ids.difference(row[0] for row in _HELD.fetch(conn, ids=dumps(list(ids))))
    if without:
        some = ", ".join(map(str, sorted(without)[:5]))
        raise LedgerError(f"{kind.name} of {len(without)} messages without a hold, among them {some}")
