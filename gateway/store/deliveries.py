"""The outbox in the database: what customers are owed, until they have acknowledged it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Connection, Integer, bindparam, select, update

from gateway.store import schema
from gateway.store.dialect import Bulk
from gateway.stored import Delivery, DeliveryOutcome, FinishedDelivery
from ledger.prepared import Prepared

_table = schema.delivery
_FINISH = Bulk(
    update(_table)
    .values(outcome=bindparam("outcome"), finished_at=bindparam("finished_at"))
    .where(_table.c.delivery_id == bindparam("_delivery_id")),
    ("outcome", "finished_at", "_delivery_id"),
)
_RETRY = Bulk(
    update(_table)
    .values(attempts=bindparam("attempts"), due_at=bindparam("due_at"))
    .where(_table.c.delivery_id == bindparam("_delivery_id")),
    ("attempts", "due_at", "_delivery_id"),
)
_now = bindparam("now", type_=BigInteger)
_waiting = (_table.c.account == bindparam("account"), _table.c.finished_at.is_(None))
_COLUMNS = [_table.c[name] for name in Delivery.__dataclass_fields__]

_DUE = Prepared(
    select(*_COLUMNS)
    .where(*_waiting, _table.c.due_at <= _now)
    .order_by(_table.c.due_at, _table.c.delivery_id)
    .limit(bindparam("count", type_=Integer))
)
_NEXT_DUE = Prepared(
    select(_table.c.due_at).where(*_waiting, _table.c.due_at > _now).order_by(_table.c.due_at).limit(1)
)
_OLD = Prepared(
    select(*_COLUMNS)
    .where(_table.c.finished_at.is_(None), _table.c.created_at < bindparam("before", type_=BigInteger))
    .order_by(_table.c.created_at, _table.c.delivery_id)
    .limit(bindparam("count", type_=Integer))
)


def waiting(
    connection: Connection, account: str, count: int, besides: Collection[int], now: int
) -> tuple[list[Delivery], int | None]:
    """The oldest due deliveries besides those named; where they are fewer than `count`, when more are due."""
    rows = _DUE.fetch(connection, account=account, now=now, count=count + len(besides))
    due = [Delivery(*row) for row in rows if row[0] not in besides][:count]
    later = None
    if len(due) < count:
        later = next((row[0] for row in _NEXT_DUE.fetch(connection, account=account, now=now)), None)
    return due, later


def finish(connection: Connection, finished: Sequence[FinishedDelivery], now: int) -> None:
    """Write down acknowledgements, refusals and retries."""
    _FINISH.run(
        connection,
        [
            (int(f.outcome), now, f.delivery.delivery_id)
            for f in finished
            if f.outcome is not DeliveryOutcome.RETRY
        ],
    )
    _RETRY.run(
        connection,
        [
            (f.delivery.attempts + 1, f.due_at, f.delivery.delivery_id)
            for f in finished
            if f.outcome is DeliveryOutcome.RETRY
        ],
    )


def abandon(connection: Connection, created_before: int, count: int, now: int) -> list[Delivery]:
    """Give up what is older than that, however lately it was tried."""
    old = [Delivery(*row) for row in _OLD.fetch(connection, before=created_before, count=count)]
    _FINISH.run(connection, [(int(DeliveryOutcome.ABANDONED), now, d.delivery_id) for d in old])
    return old
