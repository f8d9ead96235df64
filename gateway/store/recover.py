"""Opening a store that another life of this gateway left behind, and ending what is overdue."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.dialects import sqlite

from gateway.message import State
from gateway.ports import AttemptOutcome, Outcome, Recorded, Recovered
from gateway.store import schema
from gateway.store.attempts import record_outcomes
from gateway.store.dialect import constant
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, end, message_of
from ledger.transfer import Kind

_message = schema.message

# How a message ends when its time is over.
_OVERDUE = {
    State.QUEUED: (State.EXPIRED, Kind.VOID),
    State.IN_DOUBT: (State.UNKNOWN, Kind.VOID),
    State.SUBMITTING: (State.UNKNOWN, Kind.VOID),
    State.ENROUTE: (State.UNKNOWN, Kind.SETTLE),
}


def recover(
    connection: Connection,
    node: int,
    resend_accounts: Collection[str],
    deadline_at: int,
    means: Means,
    now: int,
) -> Recovered:
    """Begin a new epoch. What an older one was submitting is in doubt: parked, or queued to be sent again."""
    begin = sqlite.insert(schema.node).values(node=node, epoch=1, started_at=now)
    epoch = connection.scalar(
        begin.on_conflict_do_update(
            index_elements=["node"], set_={"epoch": schema.node.c.epoch + 1, "started_at": now}
        ).returning(schema.node.c.epoch)
    )
    assert epoch is not None
    query = select(*MESSAGE_COLUMNS).where(
        _message.c.final_at.is_(None), _message.c.state == constant(State.SUBMITTING)
    )
    outcomes = [
        Outcome(
            message=message,
            outcome=AttemptOutcome.IN_DOUBT,
            carrier=message.carrier or "",
            bind="",
            sent_at=message.submitted_at,
            due_at=now,
            deadline_at=deadline_at,
            resend=message.account in resend_accounts,
        )
        for message in map(message_of, connection.execute(query))
    ]
    if outcomes:
        record_outcomes(connection, outcomes, means, now)
    resent = sum(outcome.resend for outcome in outcomes)
    queued = connection.execute(
        select(_message.c.account, _message.c.route, func.count())
        .where(_message.c.state == constant(State.QUEUED))
        .group_by(_message.c.account, _message.c.route)
    )
    owed = connection.scalars(
        select(schema.delivery.c.account).where(schema.delivery.c.finished_at.is_(None)).distinct()
    )
    return Recovered(
        epoch=epoch,
        parked=len(outcomes) - resent,
        resent=resent,
        queued=[(row[0], row[1], row[2]) for row in queued],
        owed=list(owed),
    )


def last_id(connection: Connection) -> int:
    """The highest id ever handed out that is still stored."""
    columns = (
        _message.c.message_id,
        schema.delivery.c.delivery_id,
        schema.inbound.c.inbound_id,
        schema.unreadable.c.unreadable_id,
    )
    return max(connection.scalar(select(func.max(column))) or 0 for column in columns)


def end_overdue(connection: Connection, count: int, receipt_wait_ms: int, means: Means, now: int) -> Recorded:
    """End messages whose time is over: never accepted by a carrier EXPIRED, in doubt or unreported UNKNOWN.

    A message on its way has `receipt_wait_ms` more than its validity: the carrier's own receipt of its expiry
    comes after it. So has one that is being submitted: that is left to its outcome, and only if none was ever
    recorded, because nobody knew whether the intent was committed, does it end here.
    """
    here = _message.c.state.in_([constant(State.QUEUED), constant(State.IN_DOUBT)])
    unreported = and_(
        _message.c.state.in_([constant(State.SUBMITTING), constant(State.ENROUTE)]),
        _message.c.deadline_at <= now - receipt_wait_ms,
    )
    query = (
        select(*MESSAGE_COLUMNS)
        .where(
            _message.c.final_at.is_(None),
            _message.c.deadline_at <= now,
            or_(here, unreported),
        )
        .order_by(_message.c.deadline_at)
        .limit(count)
    )
    ends = [
        End(message_of(row), state, "", now, kind)
        for row in connection.execute(query)
        for state, kind in [_OVERDUE[row.state]]
    ]
    return end(connection, ends, means, now)
