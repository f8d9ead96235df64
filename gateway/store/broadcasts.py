"""Broadcasts in the database: what the running gateway does for them. The commands are in `broadcast_book`.

Those in hand, who have an id and no outcome, are always the first of the undecided.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, Integer, and_, bindparam, func, null, or_, select, text, update

from gateway.broadcasts.broadcast import (
    IN_HAND_MAX,
    Broadcast,
    BroadcastState,
    Recipient,
    RecipientOutcome,
    RefusedRecipient,
    Step,
)
from gateway.message import State
from gateway.store import operations, schema
from gateway.store.broadcast_book import BROADCAST_COLUMNS, broadcast_of
from gateway.store.dialect import Bulk, constant
from gateway.store.ends import Means
from gateway.store.schema_broadcasts import broadcast, broadcast_recipient
from gateway.store.schema_records import refusal
from gateway.stored import Asked, Recorded
from ledger.prepared import Prepared
from ledger.rows import dumps, integers
from policy.clauses import DEADLINE_UNREACHABLE

_now = bindparam("now", type_=BigInteger)
_RUNNING = Prepared(
    select(*BROADCAST_COLUMNS)
    .where(
        or_(
            and_(broadcast.c.state == constant(BroadcastState.READY), broadcast.c.starts_at <= _now),
            and_(broadcast.c.state == constant(BroadcastState.PAUSED), broadcast.c.deadline_at <= _now),
            broadcast.c.state == constant(BroadcastState.CANCELLING),
        )
    )
    .order_by(broadcast.c.starts_at, broadcast.c.broadcast_id)
)
_STATE = Prepared(select(broadcast.c.state).where(broadcast.c.broadcast_id == bindparam("broadcast_id")))
_FINISH = Prepared(
    update(broadcast)
    .values(state=bindparam("following", type_=Integer), finished_at=_now)
    .where(broadcast.c.broadcast_id == bindparam("broadcast"), broadcast.c.finished_at.is_(None))
)
_one = broadcast_recipient.c.broadcast_id == bindparam("broadcast_id")
_undecided = broadcast_recipient.c.outcome == constant(RecipientOutcome.UNDECIDED)
# Left to itself, SQLite takes the key, and walks over all who are decided, every time.
_UNDECIDED = Prepared(
    text(
        "SELECT place, number, message_id FROM broadcast_recipient INDEXED BY broadcast_recipient_undecided "
        f"WHERE broadcast_id = :broadcast_id AND outcome = {int(RecipientOutcome.UNDECIDED)} "
        "ORDER BY place LIMIT :count"
    )
)
_STORED = Prepared(
    select(schema.message.c.message_id).where(schema.message.c.message_id.in_(integers("ids")))
)
# The record of a refusal has the id that its message would have had: that one is used up.
_USED_UP = Prepared(select(refusal.c.refusal_id).where(refusal.c.refusal_id.in_(integers("ids"))))
_this = and_(
    broadcast_recipient.c.broadcast_id == bindparam("_broadcast_id"),
    broadcast_recipient.c.place == bindparam("_place"),
    _undecided,
)
_ACCEPT = Bulk(
    update(broadcast_recipient).values(outcome=constant(RecipientOutcome.ACCEPTED), rule=null()).where(_this),
    ("_broadcast_id", "_place"),
)
_REFUSE = Bulk(
    update(broadcast_recipient).values(outcome=bindparam("outcome"), rule=bindparam("rule")).where(_this),
    ("outcome", "rule", "_broadcast_id", "_place"),
)
# Whoever was kept out by another rule until the time was over is told by that one.
_GIVE_UP = Bulk(
    update(broadcast_recipient)
    .values(
        outcome=constant(RecipientOutcome.REFUSED),
        rule=func.coalesce(broadcast_recipient.c.rule, bindparam("rule")),
    )
    .where(_this),
    ("rule", "_broadcast_id", "_place"),
)
_NAME = Bulk(
    update(broadcast_recipient).values(message_id=bindparam("message_id")).where(_this),
    ("message_id", "_broadcast_id", "_place"),
)
_due = (
    select(schema.message.c.message_id)
    .where(
        schema.message.c.state == constant(State.QUEUED),
        schema.message.c.route == bindparam("route"),
        schema.message.c.due_at <= _now,
    )
    .limit(bindparam("count", type_=Integer))
    .subquery()
)
_BACKLOG = Prepared(select(func.count()).select_from(_due))
# Those behind a place, each with the address that its message is from if that waits. Most may have left: to
# look for so many that wait would be to walk over all others at once.
_BEHIND = Prepared(
    select(broadcast_recipient.c.place, broadcast_recipient.c.message_id, schema.message.c.source_addr)
    .outerjoin_from(
        broadcast_recipient,
        schema.message,
        and_(
            schema.message.c.message_id == broadcast_recipient.c.message_id,
            broadcast_recipient.c.outcome == constant(RecipientOutcome.ACCEPTED),
            schema.message.c.state.in_([constant(State.QUEUED), constant(State.JOINED)]),
        ),
    )
    .where(_one, broadcast_recipient.c.place > bindparam("after_place", type_=Integer))
    .order_by(broadcast_recipient.c.place)
    .limit(bindparam("count", type_=Integer))
)


def running(connection: Connection, now: int) -> list[Broadcast]:
    """Those that something is to be done for at `now`, the earliest first."""
    return [broadcast_of(row) for row in _RUNNING.fetch(connection, now=now)]


def step(
    connection: Connection,
    broadcast_id: int,
    refused: Sequence[RefusedRecipient],
    count: int,
    routes: Sequence[str],
    backlog_max: int,
    means: Means,
    now: int,
) -> Step:
    """What has become of those in hand, and up to `count` who are next, with ids that are now theirs."""
    undecided = _settled(connection, broadcast_id, IN_HAND_MAX + count)
    outcomes = {True: int(RecipientOutcome.REFUSED), False: int(RecipientOutcome.UNDECIDED)}
    _REFUSE.run(connection, [(outcomes[r.is_final], r.rule, broadcast_id, r.place) for r in refused])
    decided = {r.place for r in refused if r.is_final}
    undecided = [row for row in undecided if row[0] not in decided]
    state = _state(connection, broadcast_id)
    if state is not BroadcastState.READY:
        return Step((), state)
    if not undecided:
        _finish(connection, broadcast_id, BroadcastState.FINISHED, now)
        return Step((), BroadcastState.FINISHED)
    backlog = sum(
        row[0]
        for route in routes
        for row in _BACKLOG.fetch(connection, route=route, now=now, count=backlog_max)
    )
    chosen = undecided[: max(0, min(count, backlog_max - backlog))]
    recipients = [Recipient(place, number, known or means.new_id()) for place, number, known in chosen]
    named = [
        (r.message_id, broadcast_id, r.place)
        for r, (_, _, known) in zip(recipients, chosen, strict=True)
        if known is None
    ]
    _NAME.run(connection, named)
    return Step(recipients, state)


def give_up(connection: Connection, broadcast_id: int, count: int, now: int) -> bool:
    """Refuse up to `count` who were not accepted in time; whether there are more."""
    rows = _settled(connection, broadcast_id, IN_HAND_MAX + count)[:count]
    _GIVE_UP.run(connection, [(DEADLINE_UNREACHABLE, broadcast_id, place) for place, _, _ in rows])
    if not rows:
        _finish(connection, broadcast_id, BroadcastState.FINISHED, now)
    return bool(rows)


def cancel(
    connection: Connection, broadcast_id: int, after_place: int, count: int, means: Means, now: int
) -> tuple[int | None, Recorded]:
    """Delete messages that wait, of the next recipients; the place to go on from, None behind the last."""
    _settled(connection, broadcast_id, IN_HAND_MAX)
    rows = _BEHIND.fetch(connection, broadcast_id=broadcast_id, after_place=after_place, count=count)
    account = _account(connection, broadcast_id)
    asked = [
        Asked(account, (source_addr,), message_id)
        for _, message_id, source_addr in rows
        if source_addr is not None
    ]
    _, recorded = operations.cancel(connection, asked, means, now)
    if not rows:
        _finish(connection, broadcast_id, BroadcastState.CANCELLED, now)
    return (rows[-1][0] if rows else None), recorded


def _settled(connection: Connection, broadcast_id: int, count: int) -> list[tuple[int, str, int | None]]:
    """The first undecided, after those of them of whom there is a message were found to be accepted."""
    rows = _UNDECIDED.fetch(connection, broadcast_id=broadcast_id, count=count)
    named = [message_id for _, _, message_id in rows if message_id is not None]
    stored = {row[0] for row in _STORED.fetch(connection, ids=dumps(named))} if named else set()
    used_up = {row[0] for row in _USED_UP.fetch(connection, ids=dumps(named))} if named else set()
    _ACCEPT.run(connection, [(broadcast_id, place) for place, _, message_id in rows if message_id in stored])
    return [
        (place, number, None if message_id in used_up else message_id)
        for place, number, message_id in rows
        if message_id not in stored
    ]


def _state(connection: Connection, broadcast_id: int) -> BroadcastState:
    ((state,),) = _STATE.fetch(connection, broadcast_id=broadcast_id)
    return BroadcastState(state)


def _account(connection: Connection, broadcast_id: int) -> str:
    account = select(broadcast.c.account).where(broadcast.c.broadcast_id == broadcast_id)
    return str(connection.execute(account).scalar_one())


def _finish(connection: Connection, broadcast_id: int, state: BroadcastState, now: int) -> None:
    _FINISH.change(connection, broadcast=broadcast_id, following=int(state), now=now)
