"""The purge: what is older than its class is kept for, finished and under no legal hold, is taken away.

A purge is a few walks, each along the key of one table in small steps, so that whoever writes waits for one
step at the longest. A record goes when it is old enough itself; what hangs on a message goes after it.

A message leaves a bare row: id, account, class, state, units, times and rules, without text and numbers. So
each hold of the ledger still has its message, and the audit can tell. An empty body marks such a row.

A walk along ids begins where the last one of its kind has left nothing behind: the table `purge` remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    tuple_,
    update,
)

from gateway.ids import first_id, made_at
from gateway.number import plain
from gateway.store import schema
from gateway.store.legal_holds import Held, held
from gateway.store.schema_broadcasts import broadcast, broadcast_recipient
from gateway.store.schema_recipients import contact
from gateway.store.schema_records import purge, refusal
from ledger.prepared import Prepared
from ledger.rows import Rows, dumps, integers, texts

# Rows that one step looks at.
LOOK = 200

Row = Sequence[Any]
Key = tuple[int | str, ...]


class What(StrEnum):
    """A table to walk along. The values are stored."""

    MESSAGES = "messages"
    DELIVERIES = "deliveries"
    RECEIPTS = "receipts"
    REFUSALS = "refusals"
    BROADCASTS = "broadcasts"
    REPLIES = "replies"
    UNREADABLE = "unreadable"


OF_A_CLASS = (What.MESSAGES, What.DELIVERIES, What.REFUSALS, What.BROADCASTS)
OF_NO_CLASS = (What.REPLIES, What.UNREADABLE)
# Their keys tell no time: all of them are looked at, every time.
TIMELESS = (What.RECEIPTS, What.BROADCASTS)


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk along one table for what is of `message_class` ("": what has none) and older than `before`.

    `after` is the key of the last row that was looked at; `left_at` is when the first row was made that had
    to stay, None if there is none yet. Instants are unix milliseconds.
    """

    what: What
    message_class: str
    before: int
    after: Key
    purged: int = 0
    left_at: int | None = None
    is_over: bool = False

    @property
    def clear_before(self) -> int:
        """Before that instant this walk has left nothing."""
        return self.before if self.left_at is None else min(self.before, self.left_at)


@dataclass(frozen=True, slots=True)
class Purged:
    """A row of the table `purge`: before that instant nothing of that kind is left."""

    what: str
    message_class: str
    before: int
    purged: int
    at: int


_message = schema.message.c
_delivery = schema.delivery.c
_receipt = schema.receipt.c
_inbound = schema.inbound.c
_unreadable = schema.unreadable.c
_refusal = refusal.c
_recipient = broadcast_recipient.c
_broadcast = broadcast.c
_contact = contact.c
_others = schema.message.alias("other").c

_after = bindparam("after", type_=BigInteger)
_end = bindparam("end", type_=BigInteger)
_before = bindparam("before", type_=BigInteger)
_look = bindparam("look", type_=Integer)
_place = bindparam("place", type_=Integer)
_class = bindparam("message_class", type_=Text)

_is_bare = func.length(_message.body) == 0
_goes_on = or_(
    _message.final_at.is_(None),
    select(_others.message_id)
    .where(_others.whole_id == _message.whole_id, _others.final_at.is_(None))
    .exists(),
)


def _along(key: Any, *columns: Any) -> Select[*tuple[Any, ...]]:
    """The next rows of a table whose key is an id, which tells its time."""
    return select(key, *columns).where(key > _after, key < _end).order_by(key).limit(_look)


# What a window shows of a row: key, class, whether it is gone already, whether it must stay, and whose it is.
_WINDOWS = {
    What.MESSAGES: _along(
        _message.message_id,
        _message.message_class,
        _is_bare,
        _goes_on,
        _message.account,
        _message.destination_addr,
        _message.message_id,
        _message.whole_id,
    ),
    What.DELIVERIES: _along(
        _delivery.delivery_id,
        _message.message_class,
        _message.message_id.is_(None),
        or_(~_is_bare, _delivery.finished_at.is_(None)),
        _delivery.account,
        null(),
        _delivery.message_id,
        null(),
    ).outerjoin_from(schema.delivery, schema.message, _message.message_id == _delivery.message_id),
    What.REFUSALS: _along(
        _refusal.refusal_id,
        _refusal.message_class,
        null(),
        null(),
        _refusal.account,
        _refusal.destination_addr,
        _refusal.refusal_id,
        null(),
    ),
    What.REPLIES: _along(
        _inbound.inbound_id,
        _class,
        _inbound.opts_out > 0,
        and_(_delivery.delivery_id.is_not(None), _delivery.finished_at.is_(None)),
        _inbound.account,
        _inbound.source_addr,
        null(),
        null(),
    ).outerjoin_from(schema.inbound, schema.delivery, _delivery.delivery_id == _inbound.inbound_id),
    What.UNREADABLE: _along(
        _unreadable.unreadable_id, _class, null(), null(), null(), null(), null(), null()
    ),
    What.BROADCASTS: (
        select(
            _broadcast.broadcast_id,
            _recipient.place,
            _broadcast.message_class,
            _recipient.number == "",
            or_(_broadcast.finished_at.is_(None), _broadcast.finished_at >= _before),
            _broadcast.account,
            _recipient.number,
            _recipient.message_id,
            null(),
        )
        .join_from(broadcast, broadcast_recipient, _recipient.broadcast_id == _broadcast.broadcast_id)
        .where(tuple_(_recipient.broadcast_id, _recipient.place) > tuple_(_after, _place))
        .order_by(_recipient.broadcast_id, _recipient.place)
        .limit(_look)
    ),
    What.RECEIPTS: (
        select(
            _receipt.carrier_message_id,
            _receipt.carrier,
            _receipt.state,
            _class,
            null(),
            or_(
                and_(_receipt.message_id.is_not(None), ~_is_bare),
                and_(_receipt.message_id.is_(None), _receipt.received_at >= _before),
            ),
            _message.account,
            _receipt.destination_addr,
            _receipt.message_id,
            null(),
        )
        .outerjoin_from(schema.receipt, schema.message, _message.message_id == _receipt.message_id)
        .where(
            tuple_(_receipt.carrier_message_id, _receipt.carrier, _receipt.state)
            > tuple_(bindparam("after"), bindparam("carrier"), bindparam("state", type_=Integer))
        )
        .order_by(_receipt.carrier_message_id, _receipt.carrier, _receipt.state)
        .limit(_look)
    ),
}
_KEYS = {
    What.BROADCASTS: (("after", "place"), (0, -1)),
    What.RECEIPTS: (("after", "carrier", "state"), ("", "", -1)),
}
_ID: tuple[tuple[str, ...], Key] = (("after",), (0,))
_LOOKS = {what: Prepared(window) for what, window in _WINDOWS.items()}

_ids = integers("ids")
_BARE = Prepared(
    update(schema.message)
    .values(
        source_addr="", destination_addr="", body=b"", submitted_body=null(), error=null(), told_as=null(),
        signature="", submitted_by="",
    )
    .where(_message.message_id.in_(_ids))
)  # fmt: skip
_ATTEMPTS = Prepared(delete(schema.attempt).where(schema.attempt.c.message_id.in_(_ids)))
_NEWS = Prepared(delete(schema.news).where(schema.news.c.message_id.in_(_ids)))
_CONTACTS = Prepared(
    delete(contact).where(_contact.number.in_(texts("numbers")), _contact.message_id.in_(_ids))
)
_DELIVERIES = Prepared(delete(schema.delivery).where(_delivery.delivery_id.in_(_ids)))
_REFUSALS = Prepared(delete(refusal).where(_refusal.refusal_id.in_(_ids)))
_REPLIES = Prepared(delete(schema.inbound).where(_inbound.inbound_id.in_(_ids)))
_UNREADABLE = Prepared(delete(schema.unreadable).where(_unreadable.unreadable_id.in_(_ids)))
_rows = Rows("rows")
_RECEIPTS = Prepared(
    delete(schema.receipt).where(
        tuple_(_receipt.carrier_message_id, _receipt.carrier, _receipt.state).in_(
            select(_rows.text(0), _rows.text(1), _rows.integer(2)).select_from(_rows.table)
        )
    )
)
_NUMBERS = Prepared(
    update(broadcast_recipient)
    .values(number="")
    .where(
        tuple_(_recipient.broadcast_id, _recipient.place).in_(
            select(_rows.integer(0), _rows.integer(1)).select_from(_rows.table)
        )
    )
)
_of_broadcast = select(_recipient.number).where(_recipient.broadcast_id == _broadcast.broadcast_id)
# Once no recipient is left that it was for. The last is the last to go, so he alone is looked at until then.
_TEXTS = Prepared(
    update(broadcast)
    .values(text="", source_addr="")
    .where(
        _broadcast.broadcast_id.in_(_ids),
        _of_broadcast.order_by(_recipient.place.desc()).limit(1).scalar_subquery() == "",
        ~_of_broadcast.where(_recipient.number != "").exists(),
    )
)
_CLEAR = Prepared(
    select(func.max(purge.c.before)).where(purge.c.what == bindparam("what"), purge.c.message_class == _class)
)


def begin(connection: Connection, befores: dict[str, int], replies_before: int | None) -> list[Walk]:
    """The walks of a purge, in their order.

    `befores` has for each class that is not kept for ever the instant from which on it is kept;
    `replies_before` is that of what recipients send. None of them is kept for ever.
    """
    walks = [(what, name, at) for name, at in befores.items() for what in OF_A_CLASS]
    if walks or replies_before is not None:
        walks.append((What.RECEIPTS, "", replies_before or 0))
    if replies_before is not None:
        walks += [(what, "", replies_before) for what in OF_NO_CLASS]
    return [Walk(what, name, at, _start(connection, what, name)) for what, name, at in walks]


def _start(connection: Connection, what: What, message_class: str) -> Key:
    _, first = _KEYS.get(what, _ID)
    if what in TIMELESS:
        return first
    [(before,)] = _CLEAR.fetch(connection, what=what, message_class=message_class)
    return first if before is None else (max(0, first_id(before) - 1), *first[1:])


def step(connection: Connection, walk: Walk, country_code: str, *, dry: bool = False) -> Walk:
    """Purge what the next rows have to give; the walk as it stands then. `dry` counts and changes nothing."""
    names, _ = _KEYS.get(walk.what, _ID)
    asked: dict[str, Any] = dict(zip(names, walk.after, strict=True))
    asked |= {"end": first_id(walk.before), "before": walk.before, "message_class": walk.message_class}
    rows = _LOOKS[walk.what].fetch(connection, **asked, look=LOOK)
    under_hold = held(connection)
    wide = len(names)
    own = [row for row in rows if row[wide] == walk.message_class and not row[wide + 1]]
    going = [row for row in own if not _stays(row[wide + 2 :], under_hold, country_code)]
    if going and not dry:
        with _overwriting(connection):
            _PURGES[walk.what](connection, going, country_code)
    left_at = walk.left_at
    if left_at is None and len(going) < len(own) and walk.what not in TIMELESS:
        gone = {id(row) for row in going}
        left_at = made_at(next(row[0] for row in own if id(row) not in gone))
    return replace(
        walk,
        after=tuple(rows[-1][:wide]) if rows else walk.after,
        purged=walk.purged + len(going),
        left_at=left_at,
        is_over=len(rows) < LOOK,
    )


def _stays(row: Row, under_hold: Held, country_code: str) -> bool:
    """Whether a row must stay: it goes on, or there is a hold."""
    must, account, addr, message_id, whole_id = row
    return bool(must) or under_hold.has(account, plain(addr or "", country_code), message_id, whole_id)


def finish(connection: Connection, walk: Walk, now: int) -> Purged:
    """Write down what a walk that is over has purged."""
    row = Purged(str(walk.what), walk.message_class, walk.clear_before, walk.purged, now)
    values = {name: getattr(row, name) for name in Purged.__dataclass_fields__}
    connection.execute(insert(purge).values(values))
    return row


@contextmanager
def _overwriting(connection: Connection) -> Iterator[None]:
    """What is taken away is overwritten, not only let go of; nobody else pays for that."""
    connection.exec_driver_sql("PRAGMA secure_delete=ON")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA secure_delete=OFF")


# -- what is done to the rows of each table; the first column is the id


def _purge_messages(connection: Connection, rows: Sequence[Row], country_code: str) -> None:
    ids = _ids_of(rows)
    _ATTEMPTS.change(connection, ids=ids)
    _NEWS.change(connection, ids=ids)
    numbers = dict.fromkeys(plain(row[5], country_code) for row in rows)
    _CONTACTS.change(connection, numbers=dumps(list(numbers)), ids=ids)
    _BARE.change(connection, ids=ids)


def _purge_replies(connection: Connection, rows: Sequence[Row], country_code: str) -> None:
    """A reply's delivery has its id."""
    _DELIVERIES.change(connection, ids=_ids_of(rows))
    _REPLIES.change(connection, ids=_ids_of(rows))


def _purge_receipts(connection: Connection, rows: Sequence[Row], country_code: str) -> None:
    _RECEIPTS.change(connection, rows=dumps([tuple(row[:3]) for row in rows]))


def _purge_broadcasts(connection: Connection, rows: Sequence[Row], country_code: str) -> None:
    _NUMBERS.change(connection, rows=dumps([tuple(row[:2]) for row in rows]))
    _TEXTS.change(connection, ids=_ids_of(rows))


def _deletes(statement: Prepared) -> Callable[[Connection, Sequence[Row], str], None]:
    def purge_rows(connection: Connection, rows: Sequence[Row], country_code: str) -> None:
        statement.change(connection, ids=_ids_of(rows))

    return purge_rows


def _ids_of(rows: Sequence[Row]) -> str:
    return dumps(list(dict.fromkeys(row[0] for row in rows)))


_PURGES: dict[What, Callable[[Connection, Sequence[Row], str], None]] = {
    What.MESSAGES: _purge_messages,
    What.DELIVERIES: _deletes(_DELIVERIES),
    What.RECEIPTS: _purge_receipts,
    What.REFUSALS: _deletes(_REFUSALS),
    What.BROADCASTS: _purge_broadcasts,
    What.REPLIES: _purge_replies,
    What.UNREADABLE: _deletes(_UNREADABLE),
}
