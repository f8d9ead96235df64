"""The end of an account in the store: what waits is not sent any more, and what is left is paid back.

It goes in steps, each a transaction of its own, so that a gateway that runs on the database waits for one of
them at the longest. The first one makes the account TERMINATED: from then on nothing new gets in, and
`gateway.store.attempts` lets nothing leave. So the list of what waits is complete, however long its deletion
takes, and wherever that is broken off, whoever begins anew goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, func, select

from gateway.message import State
from gateway.store import schema
from gateway.store.dialect import constant
from gateway.store.ends import End, Means, end, messages_of
from gateway.stored import Recorded
from ledger.ending import Settlement, return_rest
from ledger.prepared import Prepared
from ledger.standing import move
from ledger.states import AccountState
from ledger.transfer import Kind

# Messages that one transaction deletes.
BATCH = 200

_WAITING = (State.QUEUED, State.COLLECTING)
_message = schema.message.c
# Sorted here: to have them in order, SQLite would walk along all messages that there ever were.
_IDS = Prepared(
    select(_message.message_id).where(
        _message.account == bindparam("account"),
        _message.final_at.is_(None),
        _message.state.in_([constant(state) for state in _WAITING]),
    )
)
_UNREPORTED = Prepared(
    select(func.sum(_message.units)).where(
        _message.account == bindparam("account"),
        _message.final_at.is_(None),
        _message.state == constant(State.ENROUTE),
    )
)


def close(connection: Connection, account: str, reason: str, document_sha256: str, now: int) -> bool:
    """The account takes and sends nothing any more; False where it was so before. Raises LedgerError."""
    return move(connection, account, AccountState.TERMINATED, now, reason, document_sha256)


def waiting(connection: Connection, account: str) -> list[int]:
    """The ids of its messages that no carrier has, in order."""
    return sorted(row[0] for row in _IDS.fetch(connection, account=account))


def delete(connection: Connection, message_ids: Sequence[int], means: Means, now: int) -> Recorded:
    """End those that still wait, DELETED; their holds go back. The parts of a long message go together."""
    found = messages_of(connection, message_ids).values()
    ends = [End(m, State.DELETED, "", now, Kind.VOID) for m in found if m.state in _WAITING]
    return end(connection, ends, means, now)


def unreported(connection: Connection, account: str) -> int:
    """The units of its messages that a carrier has taken, and not told the end of."""
    [(units,)] = _UNREPORTED.fetch(connection, account=account)
    return units or 0


def pay_back(connection: Connection, account: str, reason: str, request_id: int, now: int) -> Settlement:
    """Return what is left, if nothing is held for messages that are with a carrier, or in doubt."""
    return return_rest(connection, account, request_id, "termination", reason, now)
