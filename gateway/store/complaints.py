"""The register of complaints: who was complained of, about which message, and what was done (clause 五(2)).

A complaint begins with a recipient's number. Whose message it is about may be found out later, and until it
is closed it keeps that message, or else all that is known of the number, from the purge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import BigInteger, Connection, Text, bindparam, distinct, func, or_, select, update

from gateway.message import State
from gateway.number import plain
from gateway.store import schema
from gateway.store.dialect import constant
from gateway.store.evidence import Span
from gateway.store.schema_records import complaint
from ledger.prepared import Prepared
from ledger.rows import dumps, integers
from ledger.schema import ledger_transfer
from ledger.transfer import Kind, Stage

_complaint = complaint.c
_message = schema.message.c
_transfer = ledger_transfer.c
# Who complains has read something: what waits, or was never let go, is not it.
_UNREAD = frozenset({State.QUEUED, State.COLLECTING, State.JOINED, State.DELETED, State.REJECTED})

_id = bindparam("id", type_=BigInteger)
_CLOSE = Prepared(
    update(complaint)
    .where(_complaint.complaint_id == _id, _complaint.closed_at.is_(None))
    .values(closed_at=bindparam("now", type_=BigInteger), outcome=bindparam("note", type_=Text))
)
_LINK = Prepared(
    update(complaint)
    .where(_complaint.complaint_id == _id)
    .values(account=bindparam("whose", type_=Text), message_id=bindparam("message", type_=BigInteger))
)
_asked = integers("ids")
_WRITTEN = Prepared(
    select(
        _message.message_id,
        _message.whole_id,
        _message.account,
        _message.destination_addr,
        _message.state,
        _message.signature,
        _message.submitted_at,
    )
    .where(
        or_(
            _message.message_id.in_(_asked),
            _message.whole_id.in_(
                select(_message.whole_id).where(
                    _message.message_id.in_(_asked), _message.whole_id.is_not(None)
                )
            ),
        )
    )
    .order_by(_message.message_id)
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """A row. `number` is as `gateway.number.plain` writes it; account and message are None until known.

    `source` is who passed it on, "" for the recipient himself; `outcome` is what was done in the end.
    Instants are unix milliseconds.
    """

    complaint_id: int
    number: str
    account: str | None
    message_id: int | None
    source: str
    received_at: int
    note: str
    recorded_at: int
    closed_at: int | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Written:
    """A message to somebody who complains: of one in segments, its first. `number` is "" of a purged one.

    `state` is that of a part which may have been read, if the message has one.
    """

    message_id: int
    account: str
    number: str
    state: State
    signature: str
    submitted_at: int

    @property
    def may_be_read(self) -> bool:
        """Whether it can have reached its recipient."""
        return self.state not in _UNREAD


def written(connection: Connection, message_ids: Sequence[int], country_code: str) -> list[Written]:
    """The messages that these ids belong to, each of them once however many parts it has."""
    found: dict[int, Written] = {}
    for message_id, whole_id, account, addr, state, signature, at in _WRITTEN.fetch(
        connection, ids=dumps(list(message_ids))
    ):
        number = plain(addr, country_code)
        one = Written(message_id, account, number, State(state), signature, at)
        first = found.setdefault(whole_id or message_id, one)
        if first.state is State.JOINED or (one.may_be_read and not first.may_be_read):
            found[whole_id or message_id] = replace(first, state=one.state)
    return list(found.values())


def add(
    connection: Connection,
    number: str,
    account: str | None,
    message_id: int | None,
    source: str,
    received_at: int,
    note: str,
    now: int,
) -> Complaint:
    """Write a complaint down."""
    values = {
        "number": number,
        "account": account,
        "message_id": message_id,
        "source": source,
        "received_at": received_at,
        "note": note,
        "recorded_at": now,
    }
    return Complaint(*connection.execute(complaint.insert().values(values).returning(*_complaint)).one())


def link(connection: Connection, complaint_id: int, account: str, message_id: int | None) -> None:
    """Write down whose message it is about, and which, once that is known."""
    _LINK.change(connection, id=complaint_id, whose=account, message=message_id)


def close(connection: Connection, complaint_id: int, outcome: str, now: int) -> bool:
    """Write down what was done; whether there was such a complaint that was not closed."""
    return bool(_CLOSE.change(connection, id=complaint_id, note=outcome, now=now))


def one(connection: Connection, complaint_id: int) -> Complaint | None:
    """The complaint of that id."""
    row = connection.execute(select(complaint).where(_complaint.complaint_id == complaint_id)).one_or_none()
    return None if row is None else Complaint(*row)


def complaints(
    connection: Connection, account: str | None = None, *, only_open: bool = False
) -> list[Complaint]:
    """All of them, or those about an account, in the order in which they were written down."""
    query = select(complaint).order_by(_complaint.complaint_id)
    if account is not None:
        query = query.where(_complaint.account == account)
    if only_open:
        query = query.where(_complaint.closed_at.is_(None))
    return [Complaint(*row) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Count:
    """What an account was complained of in some time, and the messages of that time that a carrier took.

    `account` is None for complaints of which it is not known whom they are about.
    """

    account: str | None
    complaints: int
    sent: int

    @property
    def per_ten_thousand(self) -> float | None:
        """Complaints on every ten thousand messages; None where nothing was sent."""
        return round(self.complaints * 10_000 / self.sent, 2) if self.sent else None


def counts(connection: Connection, since: int, until: int) -> list[Count]:
    """By account, what was received from `since` on and before `until` (unix milliseconds)."""
    query = (
        select(_complaint.account, func.count())
        .where(_complaint.received_at >= since, _complaint.received_at < until)
        .group_by(_complaint.account)
    )
    received: dict[str | None, int] = dict(map(tuple, connection.execute(query)))
    sent = _sent(connection, Span(since, until))
    known = sorted({*sent, *(account for account in received if account is not None)})
    names = [*known, *(account for account in received if account is None)]
    return [Count(name, received.get(name, 0), 0 if name is None else sent.get(name, 0)) for name in names]


def _sent(connection: Connection, span: Span) -> dict[str, int]:
    """How many messages of that time a carrier took, by account; a long one is one."""
    whole = func.coalesce(_message.whole_id, _message.message_id)
    query = (
        select(_message.account, func.count(distinct(whole)))
        .join_from(
            schema.message,
            ledger_transfer,
            (_transfer.source_id == _message.message_id) & (_transfer.stage == constant(Stage.RESOLUTION)),
        )
        .where(span.of(_message.message_id), _transfer.kind == constant(Kind.SETTLE))
        .group_by(_message.account)
    )
    return dict(map(tuple, connection.execute(query)))
