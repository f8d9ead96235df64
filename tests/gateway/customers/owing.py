"""Deliveries in front of the real store: what is owed there, and who takes it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine
from twisted.internet.defer import Deferred

from gateway.customers.deliveries import Deliveries
from gateway.metrics import Metrics
from gateway.settings import Limits
from gateway.store import schema
from gateway.stored import Delivery, DeliveryOutcome
from tests.gateway.customers.receiver import FakeReceiver, ids
from tests.gateway.store import samples
from tests.gateway.store.rig import Rig

LIMITS = Limits(deliveries_max=10, retry_min_s=1.0, retry_max_s=64.0)


class Owing:
    """Chance gives 1, so a wait is as long as it can be."""

    def __init__(self, engine: Engine, limits: Limits = LIMITS) -> None:
        self.rig = Rig(engine, units=0)
        self.metrics = Metrics()
        self.deliveries = Deliveries(
            limits, self.rig.reactor, self.rig.clock, lambda: 1.0, self.rig.store, self.metrics
        )

    # -- what happens

    def keep(self, count: int, account: str = "bank") -> list[Delivery]:
        """The store owes `count` more; nobody here hears of it."""
        replies = [replace(samples.reply(opts_out=False), account=account) for _ in range(count)]
        return list(self.rig.read(*replies).deliveries)

    def owe(self, count: int, account: str = "bank") -> list[int]:
        """The store owes `count` more, and tells."""
        owed = self.keep(count, account)
        self.deliveries.owe(owed)
        return ids(owed)

    def attach(self, window: int = 10, account: str = "bank") -> FakeReceiver:
        receiver = FakeReceiver(self.deliveries, window, account)
        self.deliveries.attach(account, receiver)
        self.turn()
        return receiver

    def turn(self) -> None:
        self.rig.advance(0)

    def pass_time(self, seconds: float, step: float = 0.25) -> None:
        self.turn()
        self.rig.reactor.pump([step] * int(seconds / step))

    def answer_all(self, *receivers: FakeReceiver) -> None:
        """Acknowledge whatever comes until nothing does."""
        while any(receiver.open for receiver in receivers):
            for receiver in receivers:
                receiver.answer(count=len(receiver.open))
            self.turn()

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.deliveries.stop())

    # -- what is stored

    def unfinished(self) -> list[int]:
        return [row.delivery_id for row in self.rig.rows(schema.delivery) if row.finished_at is None]

    def outcomes(self) -> list[tuple[DeliveryOutcome, int]]:
        """Outcome and number of repeats of everything that ever was owed, the oldest first."""
        rows = self.rig.rows(schema.delivery)
        return [(DeliveryOutcome(row.outcome), row.attempts) for row in rows]

    def close(self) -> None:
        self.rig.close()
