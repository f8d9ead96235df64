"""What customers ask of messages they have sent: what became of them, not to send them, to send another text.

A message is found by the id that its customer was told and by its sender's address (SMPP 3.4, 4.8 to 4.10).
Only what no carrier has can be changed: all of it, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, null, select, update

from gateway.message import ENDS, Message, State
from gateway.statuses import GatewayError
from gateway.store import recipients, schema, usage
from gateway.store.admit import hold, insert, without_hold
from gateway.store.dialect import Bulk, constant
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, end, message_of, messages_of
from gateway.store.references import refer
from gateway.store.refusals import record
from gateway.stored import Asked, Ended, Found, Recorded, RefusedSubmit, Replaced, Replacement
from gateway.whole import Fate, segment_ends
from ledger import sql as ledger
from ledger.prepared import Prepared
from ledger.rows import dumps, integers, texts
from ledger.transfer import Hold, Kind
from smpp.value import changed

_message = schema.message.c
_BY_ID = Prepared(
    select(*MESSAGE_COLUMNS, _message.final_at, _message.error).where(
        _message.message_id.in_(integers("ids"))
    )
)
_BY_TOLD = Prepared(
    select(*MESSAGE_COLUMNS, _message.final_at, _message.error).where(
        _message.told_as.is_not(None), _message.told_as.in_(texts("ids"))
    )
)
_PARTS = Prepared(
    select(*MESSAGE_COLUMNS).where(
        _message.whole_id.is_not(None),
        _message.whole_id.in_(integers("ids")),
        _message.part > constant(0),
    )
)
_WAITING = Prepared(
    select(*MESSAGE_COLUMNS).where(
        _message.state == constant(State.QUEUED), _message.destination_addr.in_(texts("numbers"))
    )
)
_DETACH = Bulk(
    update(schema.message)
    .values(state=constant(State.DELETED), final_at=bindparam("final_at"), whole_id=null())
    .where(_message.message_id == bindparam("_message_id")),
    ("final_at", "_message_id"),
)
_REPLACE = Bulk(
    update(schema.message)
    .values(
        state=constant(State.JOINED),
        registered_delivery=bindparam("registered_delivery"),
        body=bindparam("body"),
        ruleset=bindparam("ruleset"),
        message_class=bindparam("message_class"),
        signature=bindparam("signature"),
        submitted_body=bindparam("submitted_body"),
        due_at=bindparam("due_at"),
        deadline_at=bindparam("deadline_at"),
        whole_id=bindparam("whole_id"),
        segment=constant(1),
    )
    .where(_message.message_id == bindparam("_message_id")),
    (
        "registered_delivery",
        "body",
        "due_at",
        "deadline_at",
        "ruleset",
        "whole_id",
        "message_class",
        "signature",
        "submitted_body",
        "_message_id",
    ),
)


def look_up(connection: Connection, asked: Sequence[Asked]) -> list[Found | None]:
    """What became of each message; None for one that is not there, or not theirs."""
    return [_found(rows) if rows else None for rows in _rows_of(connection, asked)]


def cancel(
    connection: Connection, asked: Sequence[Asked], means: Means, now: int
) -> tuple[list[str | None], Recorded]:
    """End messages that no carrier has, DELETED; for each None, or why it cannot be.

    Without an id, all that wait between two addresses are meant.
    """
    verdicts: list[str | None] = []
    ends: dict[int, End] = {}
    for one, rows in zip(asked, _rows_of(connection, asked), strict=True):
        messages = [message for message, _, _ in rows] if one.has_id else _between(connection, one)
        if one.has_id and not messages:
            verdicts.append(GatewayError.MESSAGE_UNKNOWN)
            continue
        there = _with_parts(connection, messages)
        going = [m for each in there if each is not None for m in each]
        is_all = bool(there) and None not in there
        if is_all or (not one.has_id and going):
            ends.update((m.message_id, End(m, State.DELETED, "", now, Kind.VOID)) for m in going)
            verdicts.append(None)
        else:
            verdicts.append(GatewayError.NOT_CANCELLED)
    return verdicts, end(connection, list(ends.values()), means, now)


def swap(
    connection: Connection,
    wanted: Sequence[Replacement],
    means: Means,
    now: int,
    refused: Sequence[RefusedSubmit] = (),
) -> list[Replaced]:
    """Give messages that wait another text: its parts take their place. What fails leaves all as it was.

    Of a text that a rule refuses it is written down that it was, as of the `refused`.
    """
    record(connection, refused)
    return [_swap(connection, one, means, now) for one in wanted]


def _swap(connection: Connection, wanted: Replacement, means: Means, now: int) -> Replaced:
    message = messages_of(connection, [wanted.message_id]).get(wanted.message_id)
    there = None if message is None else _with_parts(connection, [message])[0]
    if message is None or there is None or message.is_segment:
        return Replaced(GatewayError.NOT_REPLACED)
    if means.caps:
        more = sum(part.units for part in wanted.parts) - sum(m.units for m in there)
        growth = message.account, max(0, more)
        if not usage.fitting(connection, [growth], means, now)[0]:
            return Replaced(GatewayError.CAP_REACHED)
    withdrawn = recipients.withdrawn(connection, wanted.parts, means, now)
    if withdrawn.rules:
        part_id, rule = next(iter(withdrawn.rules.items()))
        return _refused(connection, wanted, rule, withdrawn.passes_at.get(part_id))
    savepoint = connection.begin_nested()
    ledger.resolve(connection, Kind.VOID, [Hold(m.message_id, m.account, m.units) for m in there], now)
    parts = refer(connection, wanted.parts, means.country_code)
    if not all(hold(connection, parts, now)):
        savepoint.rollback()
        return _refused(connection, wanted, without_hold(connection, [message.account])[message.account])
    _DETACH.run(connection, [(now, m.message_id) for m in there if m.part])
    told = wanted.registered_delivery, wanted.body
    first = parts[0]
    times = first.due_at, first.deadline_at
    judged = first.message_class, first.signature, first.submitted_body
    row = (*told, *times, first.ruleset, first.whole_id, *judged, message.message_id)
    _REPLACE.run(connection, [row])
    insert(connection, parts)
    if means.caps:
        usage.count(connection, [growth], means, now)
    savepoint.commit()
    gone = [Ended(m.message_id, m.account, State.DELETED, was_queued=True, is_part=True) for m in there]
    return Replaced(None, gone)


def _refused(
    connection: Connection, wanted: Replacement, rule: str, next_pass_at: int | None = None
) -> Replaced:
    """Write down that a rule of the contract has refused another text."""
    record(connection, [changed(wanted.evidence, rule=rule, next_pass_at=next_pass_at)])
    return Replaced(rule)


def _rows_of(
    connection: Connection, asked: Sequence[Asked]
) -> list[list[tuple[Message, int | None, str | None]]]:
    """The messages that each means, with the instant and error of their ends."""
    ids = [one.message_id for one in asked if one.message_id is not None]
    told = [one.told_as for one in asked if one.told_as]
    found: dict[object, list[tuple[Message, int | None, str | None]]] = {}
    for row in _BY_ID.fetch(connection, ids=dumps(ids)) if ids else ():
        if row[_TOLD_AS] is None:
            found.setdefault(row[0], []).append((message_of(row), row[-2], row[-1]))
    for row in _BY_TOLD.fetch(connection, ids=dumps(told)) if told else ():
        found.setdefault(row[_TOLD_AS], []).append((message_of(row), row[-2], row[-1]))
    return [
        [
            row
            for row in (*found.get(one.message_id, ()), *found.get(one.told_as, ()))
            if row[0].account == one.account
            and row[0].source_addr in one.source_addrs
            and one.destination_addr in ("", row[0].destination_addr)
            and not row[0].part
        ]
        for one in asked
    ]


_TOLD_AS = list(Message.__dataclass_fields__).index("told_as")


def _found(rows: Sequence[tuple[Message, int | None, str | None]]) -> Found:
    """One message, or those of a submit_multi, which have ended when all have."""
    fates = [Fate(message.state, error or "") for message, _, error in rows]
    # As the parts of one: the worst end, once all have ended.
    (fate,) = fates if len(fates) == 1 else segment_ends(1, fates)
    if fate is None or fate.state not in ENDS:
        return Found(rows[0][0], None, "", None, len(rows))
    final_at = max(final_at or 0 for _, final_at, _ in rows)
    return Found(rows[0][0], fate.state, fate.error, final_at, len(rows))


def _between(connection: Connection, asked: Asked) -> list[Message]:
    """What waits of an account from one address to another."""
    waiting = map(message_of, _WAITING.fetch(connection, numbers=dumps([asked.destination_addr])))
    mine = [
        m
        for m in waiting
        if m.account == asked.account
        and m.source_addr in asked.source_addrs
        # A long message is as old as its whole: another text gives it new parts.
        and (asked.before_id is None or (m.whole_id or m.message_id) < asked.before_id)
        and (not asked.service_type or m.body.startswith(asked.service_type.encode("latin-1") + b"\0"))
    ]
    wholes = dict.fromkeys(m.whole_id for m in mine if m.part and m.whole_id is not None)
    firsts = {m.whole_id: m for m in mine if m.part and m.whole_id in wholes}
    return [*(m for m in mine if not m.part), *firsts.values()]


def _with_parts(connection: Connection, messages: Iterable[Message]) -> list[list[Message] | None]:
    """What has to end for each of these to: itself, or its parts; None where a carrier has some of it."""
    messages = list(messages)
    ids = [m.whole_id for m in messages if m.whole_id is not None and m.state is not State.COLLECTING]
    parts: dict[int | None, list[Message]] = {}
    for row in _PARTS.fetch(connection, ids=dumps(ids)) if ids else ():
        part = message_of(row)
        parts.setdefault(part.whole_id, []).append(part)
    found: list[list[Message] | None] = []
    for message in messages:
        is_whole = message.state is State.JOINED or message.part > 0
        rows = parts.get(message.whole_id, []) if is_whole else [message]
        is_here = rows and all(m.state in (State.QUEUED, State.COLLECTING) and not m.resends for m in rows)
        found.append(rows if is_here else None)
    return found
