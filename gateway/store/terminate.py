"""The end of an account in the store: what waits is not sent any more, and what is left is paid back."""

from __future__ import annotations

from sqlalchemy import Connection, select

from gateway.message import State
from gateway.store import schema
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, end, message_of
from gateway.stored import Recorded
from ledger.ending import Settlement, return_rest
from ledger.standing import move
from ledger.states import AccountState
from ledger.transfer import Kind

_message = schema.message.c
_WAITING = (int(State.QUEUED), int(State.COLLECTING))


def terminate(
    connection: Connection, account: str, reason: str, document_sha256: str, means: Means, now: int
) -> tuple[Recorded, Settlement]:
    """Bring an account to its end, for a reason, in this transaction; to repeat it finishes what was left.

    Messages that no carrier has are DELETED, and their holds go back. What is with a carrier, or in doubt, is
    resolved when its outcome comes; until then nothing is returned.
    """
    move(connection, account, AccountState.TERMINATED, now, reason, document_sha256)
    waiting = connection.execute(
        select(*MESSAGE_COLUMNS).where(
            _message.final_at.is_(None), _message.account == account, _message.state.in_(_WAITING)
        )
    ).all()
    ends = [End(message_of(row), State.DELETED, "", now, Kind.VOID) for row in waiting]
    recorded = end(connection, ends, means, now)
    settled = return_rest(connection, account, means.new_id(), "termination", reason, now)
    return recorded, settled
