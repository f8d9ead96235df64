"""What must be true of a store after whatever happened to it."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, Engine, or_, select

from gateway.message import ENDS, TRANSITIONS, State
from gateway.store import schema
from gateway.stored import AttemptOutcome
from ledger.audit import audit
from ledger.schema import ledger_transfer
from ledger.transfer import Kind, Stage
from tests.gateway.store.told import told

_ESM_CLASS_RECEIPT, _ESM_CLASS_INTERMEDIATE = 0x04, 0x20
_BEGINNINGS = (State.QUEUED, State.SUBMITTING, State.COLLECTING, State.JOINED)
_UNRESOLVED = (State.COLLECTING, State.QUEUED, State.SUBMITTING, State.IN_DOUBT)
# Ends that only a carrier can bring about, after it took the message.
_CARRIED = (State.DELIVERED, State.UNDELIVERABLE)


def check(engine: Engine) -> None:
    """Fail on the first thing that is not as it must be."""
    with engine.begin() as connection:
        assert audit(connection) == []
        _check_moves(connection)
        _check_money(connection)
        _check_receipts(connection)


def _check_moves(connection: Connection) -> None:
    """Only moves of the table, none after the end, and an end has its instant."""
    for message_id, old, new, was_final in connection.exec_driver_sql("SELECT * FROM history"):
        assert not was_final, f"{message_id} changed after its end"
        if old is None:
            assert new in _BEGINNINGS
        else:
            assert State(new) in TRANSITIONS[State(old)], f"{message_id}: {State(old).name} to {new}"
    for row in connection.execute(select(schema.message)):
        assert (row.final_at is not None) == (row.state in ENDS)


def _check_money(connection: Connection) -> None:
    """A message has its hold, resolved when and only when a carrier took it or it ended."""
    kinds = {
        (row.source_id, row.stage): (Kind(row.kind), row.account, row.units)
        for row in connection.execute(select(ledger_transfer))
    }
    messages = {row.message_id: row for row in connection.execute(select(schema.message))}
    attempt = schema.attempt.c
    told_of = or_(attempt.outcome == AttemptOutcome.ACCEPTED, attempt.carrier_key.is_not(None))
    taken = set(connection.scalars(select(attempt.message_id).where(told_of)))
    costly = {message_id: row for message_id, row in messages.items() if row.units}
    for row in costly.values():
        assert kinds[row.message_id, Stage.HOLD] == (Kind.HOLD, row.account, row.units)
        resolved = kinds.get((row.message_id, Stage.RESOLUTION), (None,))[0]
        if row.state in _UNRESOLVED:
            assert resolved is None
        elif row.whole_id is not None and not row.part:
            assert resolved is Kind.VOID, "others carry its text"
        elif row.part and row.state == State.UNDELIVERABLE:
            assert resolved in (Kind.SETTLE, Kind.VOID), "it may have fallen with another part, unsent"
        elif row.state == State.ENROUTE or row.state in _CARRIED:
            assert resolved is Kind.SETTLE
        else:
            assert resolved in (Kind.SETTLE, Kind.VOID)
        assert resolved is not Kind.SETTLE or row.message_id in taken, "paid, and no carrier ever had it"
    held = {source_id for source_id, stage in kinds if stage == Stage.HOLD}
    assert held == set(costly), "a hold without its message"


def _check_receipts(connection: Connection) -> None:
    """No receipt is about what came after it; each end is told once to a customer that asked for it."""
    about = schema.receipt.c.message_id == schema.message.c.message_id
    columns = schema.message.c.submitted_at, schema.receipt.c.received_at
    for submitted_at, received_at in connection.execute(
        select(*columns).join_from(schema.receipt, schema.message, about)
    ):
        assert submitted_at <= received_at
    ends: Counter[int] = Counter()
    news: Counter[int] = Counter()
    for row in connection.execute(select(schema.delivery)):
        if row.message_id is not None:
            esm_class = told(row.message_id, row.body).esm_class
            assert esm_class in (_ESM_CLASS_RECEIPT, _ESM_CLASS_INTERMEDIATE)
            (ends if esm_class == _ESM_CLASS_RECEIPT else news)[row.message_id] += 1
    for row in connection.execute(select(schema.message)):
        wants_any, wants_failure = row.registered_delivery & 3 == 1, row.registered_delivery & 3 == 2
        wanted = wants_any or (wants_failure and row.state != State.DELIVERED)
        assert ends[row.message_id] == int(row.state in ENDS and wanted), f"{row.message_id}: told its end"
        assert not news[row.message_id] or row.registered_delivery & 0x10
