"""A store to test: a real SQLite file, a clock that stands still, and an observer that reads the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Engine, Row, Table, select
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.clock import StatedClock
from gateway.ids import MessageIds
from gateway.message import Message, State
from gateway.parting import joined
from gateway.settings import Recipients
from gateway.store import schema
from gateway.store.ends import Means
from gateway.store.recover import last_id
from gateway.store.sqlstore import SqlStore
from gateway.store.writer import Writer
from gateway.stored import CarrierReceipt, Claimed, Inbound, Outcome, Recorded, Recovered, Unreadable
from ledger import sql
from ledger.accounts import Balance
from ledger.lots import Lot
from ledger.schema import ledger_transfer
from ledger.standing import open_account
from ledger.transfer import Kind, Stage
from tests.gateway.store import samples
from tests.gateway.store.told import Told, told

Result = TypeVar("Result")
Commit = Callable[[Callable[[], None]], Deferred[None]]

NODE = 1


def at_once(work: Callable[[], None]) -> Deferred[None]:
    """A writer's `elsewhere` that is here and now."""
    return execute(work)


def always_open(_message: Message, now: int) -> int:
    return now


def recorded(found: Recorded) -> Recorded:
    """The same in tuples: `== Recorded()` is nothing at all."""
    return Recorded(
        tuple(found.deliveries),
        tuple(found.ended),
        tuple(found.unknown),
        tuple(found.queued),
        tuple(found.unqueued),
    )


class Rig:
    """A store with `units` on the account "bank", at nine in the morning."""

    def __init__(
        self,
        engine: Engine,
        units: int = 1000,
        commit: Commit = at_once,
        recipients: Mapping[str, Recipients] | None = None,
        opens_at: Callable[[Message, int], int] = always_open,
    ) -> None:
        self.reactor = Clock()
        self.clock = StatedClock(samples.START_S, self.reactor.seconds)
        self.engine = engine
        self.transactions: list[float] = []
        self.writer = Writer(self.reactor, self.engine, commit, self.transactions.append)
        with engine.begin() as connection:
            self.ids = MessageIds(NODE, self.now, last_id(connection))
        means = Means(
            self.ids.next,
            samples.SHANGHAI,
            country_code="86",
            recipients=recipients or {},
            opens_at=opens_at,
        )
        self.store = SqlStore(self.writer, self.clock, NODE, means)
        if units:
            self.top_up("bank", units)

    def now(self) -> int:
        return int(self.clock.now() * 1000)

    def advance(self, seconds: float) -> None:
        self.reactor.advance(seconds)

    def result(self, deferred: Deferred[Result]) -> Result:
        """What the store answers."""
        found: list[Result | Failure] = []
        deferred.addBoth(found.append)
        self.reactor.advance(0)
        [answer] = found
        if isinstance(answer, Failure):
            answer.raiseException()
        return answer

    def close(self) -> None:
        self.result(self.writer.close())

    # -- what the gateway tells the store

    def top_up(self, account: str, units: int) -> None:
        with self.engine.begin() as connection:
            sql.topup(connection, Lot(self.ids.next(), account, units, 0, f"paid {units}", self.now()))
            open_account(connection, account, self.now())

    def recover(self, resend_accounts: Collection[str] = (), in_doubt_deadline_at: int = 0) -> Recovered:
        return self.result(Deferred.fromCoroutine(self.store.recover(resend_accounts, in_doubt_deadline_at)))

    def admit(self, *messages: Message) -> list[str | None]:
        return self.result(self.store.admit(messages))

    def queued(self, **fields: Any) -> Message:
        """A message that is admitted and waits."""
        admitted = samples.message(self.ids.next(), **fields)
        assert self.admit(admitted) == [None]
        return admitted

    def submitting(self, **fields: Any) -> Message:
        """A message that is admitted with the intent to submit it, its first attempt."""
        return self.queued(state=State.SUBMITTING, **fields)

    def long(self, parts: int = 2, whole_id: int | None = None, **fields: Any) -> list[Message]:
        """A long message that is admitted: what the customer has sent, and the parts, which wait."""
        found = self.ids.next() if whole_id is None else whole_id
        whole = joined(samples.message(self.ids.next(), **fields), whole_id=found)
        body = samples.part_body()
        rows = [
            replace(
                whole,
                message_id=self.ids.next(),
                state=State.QUEUED,
                units=1,
                registered_delivery=0,
                body=body,
                part=number,
                segment=0,
            )
            for number in range(1, parts + 1)
        ]
        assert self.admit(whole, *rows) == [None] * (parts + 1)
        return [whole, *rows]

    def enroute(self, carrier_message_id: str, carrier: str = "north", **fields: Any) -> Message:
        """A message that the carrier took under that id."""
        sent = self.submitting(**fields)
        self.record(samples.accepted(sent, carrier_message_id, carrier))
        return sent

    def claim(
        self,
        *routes: str,
        count: int = 100,
        carrier: str = "north",
        opens_at: Callable[[Message, int], int] = always_open,
    ) -> Claimed:
        return self.result(self.store.claim(routes or ("north",), carrier, count, opens_at))

    def record(self, *outcomes: Outcome) -> Recorded:
        return recorded(self.result(self.store.record_outcomes(outcomes)))

    def hear(self, *said: CarrierReceipt | Unreadable) -> Recorded:
        return recorded(self.result(self.store.record_receipts(said)))

    def read(self, *replies: Inbound) -> Recorded:
        return recorded(self.result(self.store.record_inbound(replies)))

    def end_overdue(self, count: int = 100, receipt_wait_s: float = 0.0) -> Recorded:
        return recorded(self.result(self.store.end_overdue(count, receipt_wait_s)))

    # -- what an observer finds

    def rows(self, table: Table) -> Sequence[Row[*tuple[Any, ...]]]:
        with self.engine.begin() as connection:
            return connection.execute(select(table).order_by(*table.primary_key)).all()

    def row(self, of: Message) -> Row[*tuple[Any, ...]]:
        [row] = [row for row in self.rows(schema.message) if row.message_id == of.message_id]
        return row

    def state(self, of: Message) -> State:
        return State(self.row(of).state)

    def attempts(self, of: Message) -> list[Row[*tuple[Any, ...]]]:
        return [row for row in self.rows(schema.attempt) if row.message_id == of.message_id]

    def balance(self, account: str = "bank") -> Balance:
        with self.engine.begin() as connection:
            return sql.balances(connection)[account]

    def resolution(self, of: Message) -> Kind | None:
        """What became of its hold: SETTLE, VOID, or None yet."""
        for row in self.rows(ledger_transfer):
            if (row.source_id, row.stage) == (of.message_id, Stage.RESOLUTION):
                return Kind(row.kind)
        return None

    def told(self, account: str = "bank") -> list[Told]:
        """The receipts owed to an account, the oldest first."""
        return [
            told(row.message_id, row.body)
            for row in self.rows(schema.delivery)
            if row.account == account and row.message_id is not None
        ]

    def stats_told(self, of: Message) -> list[str]:
        """What the receipts of one message say behind `stat:`, in order."""
        return [one.stat for one in self.told(of.account) if one.message_id == of.message_id]
