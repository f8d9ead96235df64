"""What an account can be told of itself: what it holds and is owed, and what its messages have come to.

What hangs on one account is found by its keys. Messages have no index by account, for each of them would pay
for it: so those of all accounts are counted in one go, and only those that have not ended or are lately
submitted. Of a million messages that takes more than a second, so whoever asks does not ask often.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, select, text

from gateway.broadcasts.broadcast import Broadcast, BroadcastState
from gateway.ids import first_id
from gateway.message import State
from gateway.store import schema
from gateway.store.broadcast_book import BROADCAST_COLUMNS, Progress, broadcast_of, progress
from gateway.store.dialect import constant
from gateway.store.schema_broadcasts import broadcast
from ledger.ending import Settlement, settlement
from ledger.prepared import Prepared, Row
from ledger.standing import events, states
from ledger.states import AccountState

_message = schema.message.c
_account = bindparam("account", type_=Text)
_first_id = bindparam("first_id", type_=BigInteger)
_over = (constant(BroadcastState.CANCELLED), constant(BroadcastState.FINISHED))

_OWED = Prepared(
    select(func.count()).where(schema.delivery.c.account == _account, schema.delivery.c.finished_at.is_(None))
)
_running = (
    select(*BROADCAST_COLUMNS).where(broadcast.c.state.not_in(_over)).order_by(broadcast.c.broadcast_id)
)
_RUNNING = Prepared(_running)
_RUNNING_OF = Prepared(_running.where(broadcast.c.account == _account))
# The parts of a long message are nothing that its customer has sent.
_WITHOUT_END = Prepared(
    select(_message.account, _message.state, func.count())
    .where(_message.final_at.is_(None), _message.part == constant(0))
    .group_by(_message.account, _message.state)
)
_SINCE = Prepared(
    select(_message.account, _message.state, func.count())
    .where(_message.message_id >= _first_id, _message.part == constant(0))
    .group_by(_message.account, _message.state)
)
# Left to itself, SQLite walks over all refusals that there ever were, for they are sorted by account then.
_REFUSED = Prepared(
    text(
        "SELECT account, rule, count(*) FROM refusal NOT INDEXED "
        "WHERE refusal_id >= :first_id GROUP BY account, rule"
    )
)

Key = TypeVar("Key", State, str)


@dataclass(frozen=True, slots=True)
class Overview:
    """An account as it stands: since when (unix ms, None if it was never moved), and what it has left.

    `owed` are deliver_sm that it has not acknowledged, `broadcasts` those that are not over.
    """

    state: AccountState
    since_ms: int | None
    settlement: Settlement
    owed: int
    broadcasts: Sequence[Broadcast]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Submits without an end, by account and state, and the progress of broadcasts that are not over."""

    submits: Mapping[str, Mapping[State, int]]
    progress: Mapping[int, Progress]


@dataclass(frozen=True, slots=True)
class Submitted:
    """Submits since an instant by account: those accepted by state, those refused by rule."""

    accepted: Mapping[str, Mapping[State, int]]
    refused: Mapping[str, Mapping[str, int]]


def overview(connection: Connection, account: str) -> Overview:
    """One account as it stands now."""
    state = states(connection, [account])[account]
    entered = [event.at_ms for event in events(connection, account) if event.state is state]
    ((owed,),) = _OWED.fetch(connection, account=account)
    running = [broadcast_of(row) for row in _RUNNING_OF.fetch(connection, account=account)]
    since_ms = entered[-1] if entered else None
    return Overview(state, since_ms, settlement(connection, account), owed, running)


def unfinished(connection: Connection) -> Unfinished:
    """What of all accounts is not over; the time that it takes grows with its number."""
    running = [broadcast_of(row).broadcast_id for row in _RUNNING.fetch(connection)]
    return Unfinished(
        _by_account(_stated(_WITHOUT_END.fetch(connection))),
        {each: progress(connection, each) for each in running},
    )


def submitted(connection: Connection, since_ms: int) -> Submitted:
    """The submits of all accounts since then (unix ms); the time that it takes grows with their number."""
    first = first_id(since_ms)
    return Submitted(
        _by_account(_stated(_SINCE.fetch(connection, first_id=first))),
        _by_account(
            (account, rule, count) for account, rule, count in _REFUSED.fetch(connection, first_id=first)
        ),
    )


def _stated(rows: Iterable[Row]) -> Iterator[tuple[str, State, int]]:
    return ((account, State(state), count) for account, state, count in rows)


def _by_account(rows: Iterable[tuple[str, Key, int]]) -> dict[str, dict[Key, int]]:
    found: defaultdict[str, dict[Key, int]] = defaultdict(dict)
    for account, key, count in rows:
        found[account][key] = count
    return dict(found)
