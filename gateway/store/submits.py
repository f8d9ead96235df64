"""The submits that are stored, in the order in which they came: those that became messages, and the refused.

Read in pieces from a snapshot, so that any number of them fits into memory. A message that came in segments
is one submit, at its last segment.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from operator import attrgetter

from sqlalchemy import BigInteger, Connection, Integer, bindparam, case, func, null, select

from gateway.ids import first_id
from gateway.store import schema
from gateway.store.dialect import constant
from gateway.store.evidence import Span
from gateway.store.schema_records import refusal
from ledger.prepared import Prepared, Row
from smpp.value import value

_PIECE = 1000
_ID_MAX = (1 << 63) - 1

_message = schema.message.c
_refusal = refusal.c
_after = bindparam("after", type_=BigInteger)
_end = bindparam("end", type_=BigInteger)
_count = bindparam("count", type_=Integer)
# As it came, whatever was done to it.
_body = func.coalesce(_message.submitted_body, _message.body)
_MESSAGES = Prepared(
    select(
        _message.message_id,
        _message.account,
        _message.message_class,
        _message.destination_addr,
        _message.submitted_at,
        _message.units,
        _body,
        null(),
        _message.whole_id,
        _message.segment,
        _message.ruleset,
        # One that was sent again was due again.
        case((_message.attempts <= constant(1), _message.due_at)),
    )
    .where(_message.message_id > _after, _message.message_id < _end, _message.part == constant(0))
    .order_by(_message.message_id)
    .limit(_count)
)
_REFUSALS = Prepared(
    select(
        _refusal.refusal_id,
        _refusal.account,
        _refusal.message_class,
        _refusal.destination_addr,
        _refusal.submitted_at,
        _refusal.units,
        _refusal.body,
        _refusal.rule,
        null(),
        null(),
        _refusal.ruleset,
        null(),
    )
    .where(_refusal.refusal_id > _after, _refusal.refusal_id < _end)
    .order_by(_refusal.refusal_id)
    .limit(_count)
)
_SEGMENTS = Prepared(
    select(_message.message_id, _body)
    .where(_message.whole_id == bindparam("whole_id", type_=BigInteger), _message.segment > constant(0))
    .order_by(_message.message_id)
)
_COUNTS = [
    Prepared(select(func.count()).where(key > _after, key < _end))
    for key in (_message.message_id, _refusal.refusal_id)
]


@value(frozen=True, slots=True)
class Submit:
    """A submit_sm that was answered: accepted if `rule` is None, otherwise refused by it.

    `bodies` are those of its segments, in the order in which they came; one of most. `units` is what it cost,
    0 where parts of it have that. `ruleset` is the version of the rules that it was judged by. `due_at` is
    when it was to be sent, None if that is not known; that and `submitted_at` are in unix milliseconds.
    """

    submit_id: int
    account: str
    message_class: str
    destination_addr: str
    submitted_at: int
    units: int
    bodies: tuple[bytes, ...]
    rule: str | None
    ruleset: str
    due_at: int | None


def submits(connection: Connection, span: Span) -> Iterator[Submit]:
    """All of that time, in the order of their ids."""
    start, end = _limits(span)
    messages = (
        found
        for row in _rows(connection, _MESSAGES, start, end)
        if (found := _submit(row, _bodies(connection, row))) is not None
    )
    refusals = (_of(row, (row[6],)) for row in _rows(connection, _REFUSALS, start, end))
    return heapq.merge(messages, refusals, key=attrgetter("submit_id"))


def rows_of(connection: Connection, span: Span) -> int:
    """How many rows are looked at, about: each submit is one, and each part of it."""
    start, end = _limits(span)
    return sum(int(count.fetch(connection, after=start, end=end)[0][0]) for count in _COUNTS)


def _limits(span: Span) -> tuple[int, int]:
    start = 0 if span.since is None else first_id(span.since) - 1
    return start, _ID_MAX if span.until is None else first_id(span.until)


def _rows(connection: Connection, piece: Prepared, after: int, end: int) -> Iterator[Row]:
    while rows := piece.fetch(connection, after=after, end=end, count=_PIECE):
        yield from rows
        after = rows[-1][0]


def _bodies(connection: Connection, row: Row) -> Sequence[bytes]:
    """The bodies of all segments, if this is the last of them; none for an earlier one."""
    whole_id, segment, *_ = row[8:]
    if whole_id is None or not segment:
        return (row[6],)
    segments = _SEGMENTS.fetch(connection, whole_id=whole_id)
    return [body for _, body in segments] if segments[-1][0] == row[0] else ()


def _submit(row: Row, bodies: Sequence[bytes]) -> Submit | None:
    return _of(row, tuple(bodies)) if bodies else None


def _of(row: Row, bodies: tuple[bytes, ...]) -> Submit:
    submit_id, account, message_class, destination_addr, submitted_at, units, _, rule, _, _, *judged = row
    return Submit(
        submit_id, account, message_class, destination_addr, submitted_at, units, bodies, rule, *judged
    )
