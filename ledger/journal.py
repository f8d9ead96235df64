"""The writing of transfers: the rows, the links that seal them, the balances that they move, and the lots.

Who writes has locked the accounts first; `lock` says how each stands, and `write` keeps that up to date, so
that one lock serves several writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, SmallInteger, bindparam, insert, select, update

from ledger import draws
from ledger.accounts import CREDITS, EFFECTS
from ledger.chain import Move, link_hash
from ledger.errors import LedgerError
from ledger.prepared import Prepared
from ledger.rows import Rows, dumps, texts
from ledger.schema import ledger_account, ledger_link, ledger_transfer
from ledger.states import AccountState
from ledger.transfer import Kind

_account = ledger_account.c
_transfer = ledger_transfer.c

_rows = Rows("rows")
_stage = bindparam("stage", type_=SmallInteger)
_kind = bindparam("kind", type_=SmallInteger)
_at_ms = bindparam("at_ms", type_=BigInteger)

_LOCK = Prepared(
    select(_account.account, _account.remaining, _account.state, _account.link, _account.head)
    .where(_account.account.in_(texts("names")))
    .order_by(_account.account)
    .with_for_update()
)
_given = select(_rows.integer(0), _stage, _kind, _rows.text(1), _rows.integer(2), _at_ms, _rows.integer(3))
_INSERT = Prepared(
    insert(ledger_transfer).from_select(
        list(_transfer), _given.select_from(_rows.table), include_defaults=False
    )
)
_sealed = select(
    _rows.text(0), _rows.integer(1), _kind, _rows.integer(2), _rows.integer(3), _at_ms, _rows.text(4)
)
_SEAL = Prepared(
    insert(ledger_link).from_select(
        list(ledger_link.c), _sealed.select_from(_rows.table), include_defaults=False
    )
)


def _move_statement(kind: Kind) -> Prepared:
    changes = {place: _account[place] + sign * _rows.integer(3) for place, sign in EFFECTS[kind].items()}
    changes |= {"link": _rows.integer(1), "head": _rows.text(4)}
    return Prepared(update(ledger_account).where(_account.account == _rows.text(0)).values(changes))


_RENUMBER = Prepared(
    update(ledger_transfer)
    .where(_transfer.source_id == _rows.integer(0), _transfer.stage == _stage)
    .values(link=_rows.integer(1))
)


_Link = tuple[str, int, int, int, str]
"""Account, number, how many transfers, how many units, and the hash."""

_MOVE = {kind: _move_statement(kind) for kind in Kind}


@dataclass(slots=True)
class Locked:
    """An account under lock: what remains, its state, and the number and hash of its last link."""

    remaining: int
    state: AccountState
    link: int
    head: str


def lock(conn: Connection, accounts: Iterable[str]) -> dict[str, Locked]:
    """Lock these accounts until the transaction ends; those that exist."""
    found = _LOCK.fetch(conn, names=dumps(list(accounts)))
    return {
        account: Locked(remaining, AccountState(state), link, head)
        for account, remaining, state, link, head in found
    }


def write(
    conn: Connection,
    kind: Kind,
    transfers: Sequence[tuple[int, str, int]],
    accounts: dict[str, Locked],
    at_ms: int,
) -> None:
    """Write transfers (source_id, account, units), seal them and move their units.

    Raises LedgerError for an account that is not among those locked.
    """
    if transfers:
        _check_accounts(kind, {account for _, account, _ in transfers}, accounts)
        rows = [
            (source_id, account, units, accounts[account].link + 1) for source_id, account, units in transfers
        ]
        _INSERT.change(conn, rows=dumps(rows), stage=kind.stage, kind=kind, at_ms=at_ms)
        seal(conn, kind, transfers, accounts, at_ms)


def seal(
    conn: Connection,
    kind: Kind,
    transfers: Sequence[tuple[int, str, int]],
    accounts: dict[str, Locked],
    at_ms: int,
) -> None:
    """Seal transfers that were written with their accounts' next links, move their units, and draw the lots.

    Raises LedgerError for an account that is not among those locked.
    """
    moves: dict[str, list[Move]] = {}
    for source_id, account, units in transfers:
        moves.setdefault(account, []).append((source_id, units))
    _check_accounts(kind, moves.keys(), accounts)
    if kind in CREDITS:
        draws.credit(conn, transfers, at_ms)
    links: list[_Link] = []
    moved: list[_Link] = []
    drawn: list[tuple[str, int, int, int]] = []
    for account, groups in draws.groups(conn, kind, moves).items():
        locked = accounts[account]
        for sources, lots in groups:
            locked.link += 1
            locked.head = link_hash(locked.head, account, locked.link, kind, at_ms, sources, lots)
            links.append((account, locked.link, len(sources), _total(sources), locked.head))
            drawn += [(account, locked.link, lot_id, units) for lot_id, units in lots]
        if len(groups) > 1:
            _renumber(conn, kind, groups, locked.link)
        moved.append((account, locked.link, len(moves[account]), _total(moves[account]), locked.head))
    _SEAL.change(conn, rows=dumps(links), kind=kind, at_ms=at_ms)
    _MOVE[kind].change(conn, rows=dumps(moved))
    draws.record(conn, kind, drawn)


def _total(moves: Sequence[Move]) -> int:
    return sum(units for _, units in moves)


def _renumber(conn: Connection, kind: Kind, groups: Sequence[draws.Group], last: int) -> None:
    """Put the transfers, all written with the first of several links, where they are sealed."""
    first = last - len(groups) + 1
    rows = [
        (source_id, first + place)
        for place, (moves, _) in enumerate(groups)
        if place
        for source_id, _ in moves
    ]
    _RENUMBER.change(conn, rows=dumps(rows), stage=kind.stage)


def _check_accounts(kind: Kind, needed: Iterable[str], accounts: dict[str, Locked]) -> None:
    missing = sorted(set(needed) - accounts.keys())
    if missing:
        raise LedgerError(f"{kind.name} on accounts that do not exist: {missing}")
