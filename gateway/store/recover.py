"""Opening a store that another life of this gateway left behind, and ending what is overdue."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Connection, Integer, bindparam, func, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError

from gateway.broadcasts.broadcast import RecipientOutcome
from gateway.message import State
from gateway.settings import StatusStyle
from gateway.statuses import err3, status_for
from gateway.store import schema
from gateway.store.attempts import record_outcomes
from gateway.store.dialect import Bulk, constant
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, end, message_of
from gateway.store.schema_broadcasts import broadcast_recipient
from gateway.store.schema_records import refusal
from gateway.stored import AttemptOutcome, Delivery, Ended, Outcome, Recorded, Recovered
from ledger.prepared import Prepared
from ledger.transfer import Kind
from policy.clauses import MESSAGE_INCOMPLETE

_message = schema.message

# How a message ends when its time is over. One that is JOINED ends with its parts.
_OVERDUE = {
    State.COLLECTING: (State.REJECTED, Kind.VOID),
    State.QUEUED: (State.EXPIRED, Kind.VOID),
    State.IN_DOUBT: (State.UNKNOWN, Kind.VOID),
    State.SUBMITTING: (State.UNKNOWN, Kind.VOID),
    State.ENROUTE: (State.UNKNOWN, Kind.SETTLE),
}

# The rest of its message has not come in time.
_INCOMPLETE = err3(status_for(MESSAGE_INCOMPLETE, StatusStyle.VENDOR))
_ON_ITS_WAY = (State.SUBMITTING, State.ENROUTE)
_PAST = Prepared(
    select(*MESSAGE_COLUMNS)
    .where(
        _message.c.final_at.is_(None),
        _message.c.state != constant(State.JOINED),
        _message.c.deadline_at <= bindparam("now", type_=BigInteger),
    )
    .order_by(_message.c.deadline_at)
    .limit(bindparam("count", type_=Integer))
)
_COLLECTING = Prepared(
    select(*MESSAGE_COLUMNS)
    .where(
        _message.c.final_at.is_(None),
        _message.c.state == constant(State.COLLECTING),
        _message.c.deadline_at > bindparam("now", type_=BigInteger),
    )
    .order_by(_message.c.deadline_at, _message.c.message_id)
)
# How long a message that could not be ended is left alone.
_UNENDED_WAIT_MS = 3_600_000

# A deadline is put off once: a due_at just behind it tells, which is read of nothing that is on its way.
_PUT_OFF = Bulk(
    update(_message)
    .values(deadline_at=bindparam("deadline_at"), due_at=bindparam("due_at"))
    .where(_message.c.message_id == bindparam("_message_id")),
    ("due_at", "deadline_at", "_message_id"),
)


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
    owed = connection.scalars(
        select(schema.delivery.c.account).where(schema.delivery.c.finished_at.is_(None)).distinct()
    )
    return Recovered(
        epoch=epoch,
        parked=len(outcomes) - resent,
        resent=resent,
        queued=queued(connection),
        owed=list(owed),
        collecting=[message_of(row) for row in _COLLECTING.fetch(connection, now=now)],
    )


def queued(connection: Connection) -> list[tuple[str, str, int]]:
    """Account, route and how many messages wait there."""
    counts = connection.execute(
        select(_message.c.account, _message.c.route, func.count())
        .where(_message.c.state == constant(State.QUEUED))
        .group_by(_message.c.account, _message.c.route)
    )
    return [(account, route, count) for account, route, count in counts]


def last_id(connection: Connection) -> int:
    """The highest id ever handed out that is still stored, or set aside for a recipient of a broadcast."""
    recipient = broadcast_recipient.c
    undecided = recipient.outcome == constant(RecipientOutcome.UNDECIDED)
    columns = (
        _message.c.message_id,
        schema.delivery.c.delivery_id,
        schema.inbound.c.inbound_id,
        schema.unreadable.c.unreadable_id,
        refusal.c.refusal_id,
    )
    in_hand = select(func.max(recipient.message_id)).where(undecided)
    return max(
        connection.scalar(query) or 0
        for query in (*(select(func.max(column)) for column in columns), in_hand)
    )


def end_overdue(connection: Connection, count: int, receipt_wait_ms: int, means: Means, now: int) -> Recorded:
    """End messages whose time is over: never accepted by a carrier EXPIRED, in doubt or unreported UNKNOWN.

    A message on its way has `receipt_wait_ms` more than its validity: the carrier's own receipt of its expiry
    comes after it. So has one that is being submitted: that is left to its outcome, and only if none was ever
    recorded, because nobody knew whether the intent was committed, does it end here.

    A message that cannot be ended, because the ledger has no hold of it, say, is tried again an hour later.
    """
    ends, put_off = [], []
    for message in map(message_of, _PAST.fetch(connection, now=now, count=count)):
        later = message.deadline_at + receipt_wait_ms
        was_put_off = message.due_at == message.deadline_at + 1
        if message.state in _ON_ITS_WAY and not was_put_off and later > now:
            put_off.append((later + 1, later, message.message_id))
        else:
            state, kind = _OVERDUE[message.state]
            error = _INCOMPLETE if message.state is State.COLLECTING else ""
            ends.append(End(message, state, error, now, kind))
    _PUT_OFF.run(connection, put_off)
    if not ends:
        return Recorded()
    try:
        with connection.begin_nested():
            return end(connection, ends, means, now)
    except OperationalError:
        raise
    except Exception:
        return _end_each(connection, ends, means, now)


def _end_each(connection: Connection, ends: Sequence[End], means: Means, now: int) -> Recorded:
    """One by one: a message that cannot end must not keep the others from it, today or the next time."""
    deliveries: list[Delivery] = []
    ended: list[Ended] = []
    unended: list[int] = []
    for one in ends:
        try:
            with connection.begin_nested():
                recorded = end(connection, [one], means, now)
        except OperationalError:
            raise
        except Exception:
            unended.append(one.message.message_id)
        else:
            deliveries += recorded.deliveries
            ended += recorded.ended
    due_ats = {one.message.message_id: one.message.due_at for one in ends}
    _PUT_OFF.run(connection, [(due_ats[i], now + _UNENDED_WAIT_MS, i) for i in unended])
    return Recorded(deliveries, ended, unended=unended)
