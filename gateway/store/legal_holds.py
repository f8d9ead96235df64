"""Legal holds: what may not be purged, however old it is, until somebody ends the hold.

An open complaint holds the message that it is about, and as long as that is not known, all of the number.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, bindparam, case, null, select, union_all, update

from gateway.store import schema
from gateway.store.schema_records import complaint, legal_hold
from ledger.prepared import Prepared

_hold = legal_hold.c
_complaint = complaint.c
_message = schema.message.c
_active = union_all(
    select(_hold.account, _hold.number, _hold.message_id).where(_hold.ended_at.is_(None)),
    select(null(), case((_complaint.message_id.is_(None), _complaint.number)), _complaint.message_id).where(
        _complaint.closed_at.is_(None)
    ),
)
_ACTIVE = Prepared(_active)
_HELD_WHOLES = Prepared(
    select(_message.whole_id).where(
        _message.message_id.in_(select(_active.subquery().c.message_id)), _message.whole_id.is_not(None)
    )
)
_END = Prepared(
    update(legal_hold)
    .where(_hold.hold_id == bindparam("id", type_=BigInteger), _hold.ended_at.is_(None))
    .values(ended_at=bindparam("now", type_=BigInteger))
)


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A row: all of `account`, all of `number` (as `gateway.number.plain` writes it), or one message.

    Instants are unix milliseconds.
    """

    hold_id: int
    account: str | None
    number: str | None
    message_id: int | None
    note: str
    since: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """What is under a hold; `wholes` are the long messages that a held one belongs to."""

    accounts: frozenset[str]
    numbers: frozenset[str]
    messages: frozenset[int]
    wholes: frozenset[int]

    def has(
        self, account: str | None, number: str, message_id: int | None = None, whole_id: int | None = None
    ) -> bool:
        """Whether a record may not be purged that is of these."""
        return (
            account in self.accounts
            or number in self.numbers
            or message_id in self.messages
            or (whole_id is not None and whole_id in self.wholes)
        )


def held(connection: Connection) -> Held:
    """What is under a hold now, or complained of."""
    rows = _ACTIVE.fetch(connection)
    accounts, numbers, messages = (
        frozenset(row[place] for row in rows if row[place] is not None) for place in range(3)
    )
    wholes = frozenset(row[0] for row in _HELD_WHOLES.fetch(connection)) if messages else frozenset()
    return Held(accounts, numbers, messages, wholes)


def add(
    connection: Connection,
    account: str | None,
    number: str | None,
    message_id: int | None,
    note: str,
    now: int,
) -> LegalHold:
    """Hold all of an account, of a number, or one message; the others are None."""
    values = {
        "account": account,
        "number": number,
        "message_id": message_id,
        "note": note,
        "since": now,
        "ended_at": None,
    }
    row = connection.execute(legal_hold.insert().values(values).returning(*legal_hold.c)).one()
    return LegalHold(*row)


def end(connection: Connection, hold_id: int, now: int) -> bool:
    """End a hold; whether there was one that had not ended."""
    return bool(_END.change(connection, id=hold_id, now=now))


def holds(connection: Connection) -> list[LegalHold]:
    """All of them, those that have ended too, in the order in which they were made."""
    return [LegalHold(*row) for row in connection.execute(select(legal_hold).order_by(_hold.hold_id))]
