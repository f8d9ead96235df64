"""The audit: what the gateway promises, asked of a database from outside.

Each promise that a database can show is one or several identities, the ledger's and those between the store's
tables; a sound database breaks none, whatever happened to it. The whole audit reads everything. The one at a
start costs what is unfinished and no more: it asks of the balances, of what waits or is in doubt, and of the
newest rows, where a crash or a disk that lied would show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, SelectBase, func, select, union_all

from gateway.message import State
from gateway.store import identities, schema
from gateway.store.dialect import constant
from ledger import audit as ledger
from ledger.chain_audit import LINK_ENDS_AT_HEAD
from ledger.draw_audit import LOTS_ADD_UP
from ledger.identity import Identity, Rows, Violation, violations
from ledger.schema import ledger_transfer

IDENTITIES = (*ledger.IDENTITIES, *identities.IDENTITIES)

_NEWEST = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """What the audit found of one identity: how many rows it was asked of, and those that break it.

    `violations` are the first of them, `more` is how many there are besides.
    """

    identity: Identity
    rows: int
    violations: Sequence[Violation]
    more: int

    @property
    def count(self) -> int:
        """How many rows break it."""
        return len(self.violations) + self.more


class Audit:
    """The whole audit of a database, one identity after the other: it reads every table several times.

    `connection` is a `snapshot`. A finding names at most `limit` violations.
    """

    def __init__(self, connection: Connection, limit: int) -> None:
        self._connection = connection
        self._limit = limit
        self._counts: dict[Rows, int] = {}

    def find(self, identity: Identity) -> Finding:
        """Look for the rows that break `identity`."""
        if identity.checked not in self._counts:
            self._counts[identity.checked] = self._count(identity.checked)
        found = violations(self._connection, identity, self._limit)
        more = 0
        if len(found) == self._limit:
            broken = select(func.count()).select_from(identity.broken.subquery())
            more = self._count(broken) - self._limit
        return Finding(identity, self._counts[identity.checked], found, more)

    def _count(self, query: Rows) -> int:
        return int(self._connection.execute(query).scalar_one())


def audit_at_start(connection: Connection, limit: int) -> list[Violation]:
    """The violations that a gateway looks for before it lets anybody in, at most `limit` of each identity."""
    return [found for identity in AT_START for found in violations(connection, identity, limit)]


def _newest(column: ColumnElement[int]) -> Rows:
    return select(select(column.label("newest")).order_by(column.desc()).limit(_NEWEST).subquery().c.newest)


def _among(rows: SelectBase, column: ColumnElement[Any], *asked: Identity) -> Iterator[Identity]:
    """Identities, asked only of those rows whose `column` is among `rows`."""
    return (replace(each, broken=each.broken.where(column.in_(rows))) for each in asked)


_message = schema.message.c
_new_messages = _newest(_message.message_id)
_waiting_or_new = union_all(
    select(_message.message_id).where(_message.state == constant(State.QUEUED)),
    select(_message.message_id).where(_message.final_at.is_(None), _message.state == State.IN_DOUBT),
    _new_messages,
)

AT_START = (
    *ledger.OF_BALANCES,
    LINK_ENDS_AT_HEAD,
    LOTS_ADD_UP,
    identities.HELD_IS_UNRESOLVED,
    identities.UNRESOLVED_HOLD_IS_OPEN,
    identities.SUBMITTING_HAS_INTENT,
    identities.SUBMITTING_IN_THIS_EPOCH,
    identities.IN_DOUBT_HAS_ATTEMPT,
    identities.ACCEPTED_IS_NOT_WAITING,
    identities.JOINED_HAS_PARTS,
    identities.PART_HAS_WHOLE,
    *_among(
        _waiting_or_new,
        _message.message_id,
        identities.MESSAGE_HAS_EQUAL_HOLD,
        identities.STATE_AND_END_AGREE,
        identities.RESEND_HAS_ATTEMPT,
    ),
    *_among(
        _new_messages,
        _message.message_id,
        identities.CARRIED_IS_SETTLED,
        identities.ENDED_HOLD_IS_RESOLVED,
        identities.SETTLED_WAS_TAKEN,
    ),
    *_among(_newest(ledger_transfer.c.source_id), identities.holds.c.source_id, identities.HOLD_HAS_MESSAGE),
    *_among(
        _newest(schema.delivery.c.delivery_id),
        schema.delivery.c.delivery_id,
        identities.DELIVERY_HAS_MESSAGE,
        identities.DELIVERY_AND_OUTCOME_AGREE,
    ),
)
"""Those that cost what is unfinished or new."""
