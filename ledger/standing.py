"""How accounts stand in the database: their states, and how they came to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from ledger.journal import lock
from ledger.rows import dumps, texts
from ledger.schema import ledger_account, ledger_event
from ledger.states import AccountState, check_move

_account = ledger_account.c
_event = ledger_event.c
_STATES = select(_account.account, _account.state).where(_account.account.in_(texts("names")))


@dataclass(frozen=True, slots=True)
class Event:
    """An account entered `state` at `at_ms` (unix ms), for a `reason`.

    `document_sha256` is the hash of the paper that says so, in hexadecimal; "" if there is none.
    """

    state: AccountState
    at_ms: int
    reason: str
    document_sha256: str


def states(conn: Connection, accounts: Iterable[str]) -> dict[str, AccountState]:
    """How each of these accounts stands; SIGNED where the ledger does not know it."""
    names = list(accounts)
    found = dict.fromkeys(names, AccountState.SIGNED)
    for account, state in conn.execute(_STATES, {"names": dumps(names)}):
        found[account] = AccountState(state)
    return found


def move(
    conn: Connection,
    account: str,
    state: AccountState,
    at_ms: int,
    reason: str = "",
    document_sha256: str = "",
) -> bool:
    """Bring an account into a state; False where it was there already, which changes nothing.

    Raises LedgerError for a move that `ledger.states` does not have.
    """
    locked = lock(conn, [account]).get(account)
    if not check_move(account, AccountState.SIGNED if locked is None else locked.state, state):
        return False
    enter(conn, account, state, at_ms, reason, document_sha256)
    return True


def open_account(conn: Connection, account: str, at_ms: int, reason: str = "") -> bool:
    """Let a PAID or SUSPENDED account bind and send; False where it is OPEN already."""
    return move(conn, account, AccountState.OPEN, at_ms, reason)


def events(conn: Connection, account: str) -> list[Event]:
    """What has happened to an account, the oldest first."""
    found = conn.execute(
        select(_event.state, _event.at_ms, _event.reason, _event.document_sha256)
        .where(_event.account == account)
        .order_by(_event.number)
    )
    return [Event(AccountState(state), *rest) for state, *rest in found]


def enter(
    conn: Connection,
    account: str,
    state: AccountState,
    at_ms: int,
    reason: str = "",
    document_sha256: str = "",
) -> None:
    """Write a state and its event down, whatever was before."""
    number = 1 + (
        conn.scalar(select(func.coalesce(func.max(_event.number), 0)).where(_event.account == account)) or 0
    )
    conn.execute(update(ledger_account).where(_account.account == account).values(state=state))
    conn.execute(
        insert(ledger_event).values(
            account=account,
            number=number,
            state=state,
            at_ms=at_ms,
            reason=reason,
            document_sha256=document_sha256,
        )
    )
