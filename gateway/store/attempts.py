"""Submits upstream in the database: the intent before, the outcome after.

The intent is the message itself: SUBMITTING, with carrier, epoch and the number of the attempt. The attempt
has a row of its own once its outcome is known, which is also the map from the carrier's id to ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, bindparam, select, update

from gateway.message import Message, State, sources
from gateway.store import receipts, recipients, schema
from gateway.store.dialect import Bulk, constant, upsert_rows
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, end, end_fallen, message_of, messages_of
from gateway.stored import AttemptOutcome, Claimed, Outcome, Recorded
from ledger import sql as ledger
from ledger.prepared import Prepared
from ledger.rows import dumps, integers, texts
from ledger.schema import ledger_account
from ledger.states import AccountState
from ledger.transfer import Hold, Kind
from smpp.message_id import look_up_key
from smpp.value import changed

_message = schema.message
_this = _message.c.message_id == bindparam("_message_id")
_same_attempt = _message.c.attempts == bindparam("_attempts")


def _in_state(*states: State) -> ColumnElement[bool]:
    return _message.c.state.in_([constant(state) for state in states])


_waiting = (
    _message.c.state == constant(State.QUEUED),
    _message.c.route == bindparam("route"),
    _message.c.deadline_at > bindparam("now", type_=BigInteger),
)
_DUE = Prepared(
    select(*MESSAGE_COLUMNS)
    .where(*_waiting, _message.c.due_at <= bindparam("now", type_=BigInteger))
    .order_by(_message.c.due_at, _message.c.message_id)
    .limit(bindparam("count", type_=Integer))
)
_NEXT_DUE = Prepared(select(_message.c.due_at).where(*_waiting).order_by(_message.c.due_at).limit(1))
_ENDED = Prepared(
    select(ledger_account.c.account).where(
        ledger_account.c.account.in_(texts("names")),
        ledger_account.c.state == constant(AccountState.TERMINATED),
    )
)
_INTENT = Bulk(
    update(_message)
    .values(
        state=constant(State.SUBMITTING),
        carrier=bindparam("carrier"),
        epoch=bindparam("epoch"),
        attempts=bindparam("attempts"),
    )
    .where(_this),
    ("carrier", "epoch", "attempts", "_message_id"),
)
# The parts of a long message go where its first one has gone.
_KEEP_TO = Bulk(
    update(_message)
    .values(route=bindparam("route"))
    .where(_message.c.whole_id == bindparam("_whole_id"), _in_state(State.QUEUED)),
    ("route", "_whole_id"),
)
_UNDER_WAY = Prepared(
    select(_message.c.whole_id)
    .where(
        _message.c.whole_id.is_not(None),
        _message.c.whole_id.in_(integers("ids")),
        _in_state(State.SUBMITTING),
    )
    .distinct()
)
# How long a part waits to see the one before it answered.
_IN_TURN_MS = 50
_PUT_OFF = Bulk(update(_message).values(due_at=bindparam("due_at")).where(_this), ("due_at", "_message_id"))
# Whatever is answered later, what a carrier has accepted it has.
_ATTEMPT = upsert_rows(schema.attempt, lasting=("outcome", AttemptOutcome.ACCEPTED))
_ENROUTE = Bulk(
    update(_message).values(state=constant(State.ENROUTE)).where(_this, _in_state(*sources(State.ENROUTE))),
    ("_message_id",),
)
_REQUEUE = Bulk(
    update(_message)
    .values(
        state=constant(State.QUEUED),
        resends=bindparam("resends"),
        due_at=bindparam("due_at"),
        # While it was parked, it had another.
        deadline_at=bindparam("deadline_at"),
    )
    .where(_this, _same_attempt, _in_state(State.SUBMITTING, State.IN_DOUBT)),
    ("resends", "due_at", "deadline_at", "_message_id", "_attempts"),
)
_PARK = Bulk(
    update(_message)
    .values(state=constant(State.IN_DOUBT), deadline_at=bindparam("deadline_at"))
    .where(_this, _same_attempt, _in_state(State.SUBMITTING)),
    ("deadline_at", "_message_id", "_attempts"),
)


def claim(
    connection: Connection,
    routes: Collection[str],
    carrier: str,
    epoch: int,
    count: int,
    opens_at: Callable[[Message, int], int],
    means: Means,
    now: int,
) -> Claimed:
    """Take due messages for a carrier, the longest due first; those whose hours are closed are put off.

    So are the parts of a long message while others of it have no answer, so that they stay in order.
    One that its recipient's records do not allow any more, as they did when it was admitted, ends here. So
    does one of an account at its end (contract clause 七): a command is deleting those meanwhile.
    """
    taken: list[Message] = []
    put_off = []
    withdrawn: list[End] = []
    for route in routes:
        due = list(map(message_of, _DUE.fetch(connection, route=route, now=now, count=count - len(taken))))
        not_any_more = _of_ended_accounts(connection, due).union(
            recipients.withdrawn(connection, due, means, now).rules
        )
        under_way = _under_way(connection, due)
        for message in due:
            if message.message_id in not_any_more:
                withdrawn.append(End(message, State.DELETED, "", now, Kind.VOID))
                continue
            opens = opens_at(message, now)
            if message.part and message.whole_id in under_way:
                opens = max(opens, now + _IN_TURN_MS)
            if opens > now:
                put_off.append((opens, message.message_id))
            else:
                taken.append(
                    changed(
                        message,
                        state=State.SUBMITTING,
                        carrier=carrier,
                        epoch=epoch,
                        attempts=message.attempts + 1,
                        route=carrier if message.part else message.route,
                    )
                )
    _PUT_OFF.run(connection, put_off)
    wholes = {m.whole_id for m in taken if m.part}
    _KEEP_TO.run(connection, [(carrier, whole_id) for whole_id in wholes])
    _INTENT.run(connection, [(carrier, epoch, m.attempts, m.message_id) for m in taken])
    recorded = end(connection, withdrawn, means, now)
    due_routes = {*routes, carrier} if wholes else routes
    next_due = {r: row[0] for r in due_routes for row in _NEXT_DUE.fetch(connection, route=r, now=now)}
    return Claimed(taken, next_due, recorded)


def _of_ended_accounts(connection: Connection, messages: Collection[Message]) -> set[int]:
    """The ids of those whose accounts are TERMINATED."""
    names = {message.account for message in messages}
    ended = {row[0] for row in _ENDED.fetch(connection, names=dumps(list(names)))} if names else set()
    return {message.message_id for message in messages if message.account in ended}


def _under_way(connection: Connection, due: Sequence[Message]) -> set[int]:
    """The wholes of these parts of which others have no answer yet: they might be overtaken."""
    wholes = [message.whole_id for message in due if message.part and message.whole_id is not None]
    return {row[0] for row in _UNDER_WAY.fetch(connection, ids=dumps(wholes))} if wholes else set()


def record_outcomes(connection: Connection, outcomes: Sequence[Outcome], means: Means, now: int) -> Recorded:
    """Write attempts down, move their messages, resolve holds; receipts that came first are joined now."""
    by_kind: dict[AttemptOutcome, list[Outcome]] = {kind: [] for kind in AttemptOutcome}
    for outcome in outcomes:
        by_kind[outcome.outcome].append(outcome)
    moving = [o.message.message_id for o in outcomes if o.due_at or o.late]
    before = messages_of(connection, moving) if moving else {}
    _ATTEMPT.run(connection, [_attempt_row(o) for o in outcomes if o.outcome is not AttemptOutcome.NOT_SENT])

    accepted = by_kind[AttemptOutcome.ACCEPTED]
    in_doubt = by_kind[AttemptOutcome.IN_DOUBT]
    joined = Recorded()
    if accepted:
        _ENROUTE.run(connection, [(o.message.message_id,) for o in accepted])
        holds = [Hold(o.message.message_id, o.message.account, o.message.units) for o in accepted]
        ledger.resolve(connection, Kind.SETTLE, holds, now)
        joined = receipts.join(connection, accepted, means, now)
    _REQUEUE.run(
        connection,
        [
            (
                o.message.resends + o.resend,
                o.due_at,
                o.message.deadline_at,
                o.message.message_id,
                o.message.attempts,
            )
            for o in (
                *by_kind[AttemptOutcome.TEMPORARY],
                *by_kind[AttemptOutcome.NOT_SENT],
                *(o for o in in_doubt if o.resend),
            )
        ],
    )
    _PARK.run(
        connection,
        [(o.deadline_at, o.message.message_id, o.message.attempts) for o in in_doubt if not o.resend],
    )
    refused = _refuse(connection, by_kind[AttemptOutcome.REFUSED], means, now)
    fallen = _withdraw(connection, list(before.values()), means, now)
    after = messages_of(connection, moving) if moving else {}
    queued = [m for m in after.values() if m.state is State.QUEUED is not before[m.message_id].state]
    # What has come back and ended at once was never counted as waiting.
    ended = [
        changed(end, was_queued=False)
        if end.was_queued and end.message_id in before and before[end.message_id].state is not State.QUEUED
        else end
        for end in (*joined.ended, *refused.ended, *fallen.ended)
    ]
    # One that was accepted and ended at once was on its way in between.
    counted = {end.message_id for end in ended if end.was_queued}
    unqueued = [
        m
        for m in before.values()
        if m.state is State.QUEUED is not after[m.message_id].state and m.message_id not in counted
    ]
    deliveries = [*joined.deliveries, *refused.deliveries, *fallen.deliveries]
    return Recorded(deliveries, ended, queued=queued, unqueued=unqueued)


def _refuse(connection: Connection, refused: Sequence[Outcome], means: Means, now: int) -> Recorded:
    """A carrier's permanent no ends the message, unless another attempt has fared better meanwhile."""
    if not refused:
        return Recorded()
    messages = messages_of(connection, [o.message.message_id for o in refused])
    ends = []
    for o in refused:
        message = messages[o.message.message_id]
        if message.attempts == o.message.attempts and message.state in (State.SUBMITTING, State.IN_DOUBT):
            ends.append(
                End(message, State.REJECTED, f"{(o.command_status or 0) & 0xFFF:03x}", now, Kind.VOID)
            )
    return end(connection, ends, means, now)


def _withdraw(connection: Connection, moved: Sequence[Message], means: Means, now: int) -> Recorded:
    """End what is not to be sent although it has come back to the queue.

    Those are messages of an account that has ended meanwhile (contract clause 七), and parts of one of which
    another part has failed.
    """
    if not moved:
        return Recorded()
    ids = _of_ended_accounts(connection, moved)
    back = messages_of(connection, sorted(ids)).values() if ids else ()
    ends = [End(m, State.DELETED, "", now, Kind.VOID) for m in back if m.state is State.QUEUED]
    closed, fallen = end(connection, ends, means, now), end_fallen(connection, moved, means, now)
    return Recorded([*closed.deliveries, *fallen.deliveries], [*closed.ended, *fallen.ended])


def _attempt_row(o: Outcome) -> tuple[object, ...]:
    # What a carrier did not accept has no id there, whatever it wrote (SMPP 3.4, 4.4.2).
    key = None
    if o.outcome is AttemptOutcome.ACCEPTED and o.carrier_message_id is not None:
        key = look_up_key(o.carrier_message_id)
    return (
        o.message.message_id,
        o.message.attempts,
        int(o.outcome),
        o.carrier,
        o.bind,
        o.carrier_message_id,
        key,
        o.command_status,
        o.sent_at,
        o.answered_at,
    )
