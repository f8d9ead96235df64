"""The states of an account, from its signature to the end of its contract (contract clauses 2 and 七).

SIGNED      in the configuration, nothing paid yet: the ledger has no row of it
PAID        its first top-up has come; the operator opens it within one working day
OPEN        it may bind and send
SUSPENDED   it may fetch its receipts, and not send
TERMINATED  for good: what is left of its units is paid back
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from ledger.errors import LedgerError


class AccountState(IntEnum):
    """Where an account stands. The values are stored, SIGNED's never."""

    SIGNED = 0
    PAID = 1
    OPEN = 2
    SUSPENDED = 3
    TERMINATED = 4


TRANSITIONS: Mapping[AccountState, frozenset[AccountState]] = {
    AccountState.SIGNED: frozenset({AccountState.PAID}),
    AccountState.PAID: frozenset({AccountState.OPEN, AccountState.TERMINATED}),
    AccountState.OPEN: frozenset({AccountState.SUSPENDED, AccountState.TERMINATED}),
    AccountState.SUSPENDED: frozenset({AccountState.OPEN, AccountState.TERMINATED}),
    AccountState.TERMINATED: frozenset(),
}
"""Where an account may go from each state."""


def check_move(account: str, before: AccountState, after: AccountState) -> bool:
    """Whether a move changes anything; False where it was made before.

    Raises LedgerError for a move that there is not.
    """
    if before is after:
        return False
    if after not in TRANSITIONS[before]:
        raise LedgerError(f"account {account!r} is {before.name}, and cannot become {after.name}")
    return True


def check_credit(account: str, state: AccountState) -> None:
    """Raise LedgerError where nothing may be paid in any more."""
    if state is AccountState.TERMINATED:
        raise LedgerError(f"account {account!r} is TERMINATED, and takes no payment")
