"""Broadcasts in the database as the commands see them: handed in, listed, paused, cancelled, counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, select, update

from gateway.broadcasts.broadcast import Broadcast, BroadcastState, RecipientOutcome
from gateway.message import State
from gateway.store import schema
from gateway.store.dialect import insert_rows
from gateway.store.schema_broadcasts import broadcast, broadcast_recipient

_ADD = insert_rows(broadcast_recipient)
BROADCAST_COLUMNS = [broadcast.c[name] for name in Broadcast.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many recipients of a broadcast have come to what.

    `waiting` and `refused` are by the rule, of those who wait "" for no reason but their turn; `messages` are
    those accepted, by state.
    """

    waiting: dict[str, int]
    refused: dict[str, int]
    messages: dict[str, int]


def add(connection: Connection, handed_in: Broadcast) -> Broadcast:
    """Write a broadcast down, LOADING, with the next free id."""
    last = connection.execute(select(func.max(broadcast.c.broadcast_id))).scalar_one()
    added = replace(handed_in, broadcast_id=(last or 0) + 1, state=BroadcastState.LOADING)
    connection.execute(broadcast.insert().values(asdict(added)))
    return added


def add_recipients(
    connection: Connection, broadcast_id: int, first_place: int, numbers: Sequence[str]
) -> None:
    """Write recipients down, from `first_place` on."""
    undecided = int(RecipientOutcome.UNDECIDED)
    rows = [
        (broadcast_id, place, number, undecided, None, None)
        for place, number in enumerate(numbers, first_place)
    ]
    _ADD.run(connection, rows)


def move(
    connection: Connection, broadcast_id: int, sources: Collection[BroadcastState], following: BroadcastState
) -> bool:
    """Change the state of a broadcast that is in one of `sources`; whether it was."""
    moved = connection.execute(
        update(broadcast)
        .values(state=int(following))
        .where(broadcast.c.broadcast_id == broadcast_id, broadcast.c.state.in_([int(s) for s in sources]))
    )
    return moved.rowcount == 1


def listed(connection: Connection, account: str | None = None) -> list[Broadcast]:
    """Every broadcast, or those of an account, the oldest first."""
    query = select(*BROADCAST_COLUMNS).order_by(broadcast.c.broadcast_id)
    if account is not None:
        query = query.where(broadcast.c.account == account)
    return [broadcast_of(row) for row in connection.execute(query)]


def find(connection: Connection, broadcast_id: int) -> Broadcast | None:
    """The broadcast of that id."""
    row = connection.execute(
        select(*BROADCAST_COLUMNS).where(broadcast.c.broadcast_id == broadcast_id)
    ).one_or_none()
    return None if row is None else broadcast_of(row)


def undecided(connection: Connection, broadcast_id: int) -> int:
    """How many recipients have come to nothing yet."""
    count = (
        select(func.count())
        .select_from(broadcast_recipient)
        .where(
            broadcast_recipient.c.broadcast_id == broadcast_id,
            broadcast_recipient.c.outcome == int(RecipientOutcome.UNDECIDED),
        )
    )
    return int(connection.execute(count).scalar_one())


def progress(connection: Connection, broadcast_id: int) -> Progress:
    """What has become of all recipients; the time it takes grows with their number."""
    mine = broadcast_recipient.c.broadcast_id == broadcast_id
    recipients = broadcast_recipient.c
    by_rule: dict[int, dict[str, int]] = {int(outcome): {} for outcome in RecipientOutcome}
    for outcome, rule, count in connection.execute(
        select(recipients.outcome, func.coalesce(recipients.rule, ""), func.count())
        .where(mine)
        .group_by(recipients.outcome, recipients.rule)
        .order_by(recipients.rule)
    ):
        by_rule[outcome][rule] = count
    states = connection.execute(
        select(schema.message.c.state, func.count())
        .join_from(broadcast_recipient, schema.message, schema.message.c.message_id == recipients.message_id)
        .where(mine, recipients.outcome == int(RecipientOutcome.ACCEPTED))
        .group_by(schema.message.c.state)
        .order_by(schema.message.c.state)
    )
    return Progress(
        by_rule[RecipientOutcome.UNDECIDED],
        by_rule[RecipientOutcome.REFUSED],
        {State(state).name: count for state, count in states},
    )


def broadcast_of(row: Sequence[Any]) -> Broadcast:
    """The broadcast in a row of BROADCAST_COLUMNS."""
    fields = dict(zip(Broadcast.__dataclass_fields__, row, strict=True))
    return Broadcast(**fields | {"state": BroadcastState(fields["state"])})
