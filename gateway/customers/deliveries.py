"""What customers are owed, on its way to them: at least once, oldest first, until acknowledged.

Everything owed is in the store; here is only what is in hand. While an account keeps up, a new delivery goes
straight to a bind. Once there is more than its binds take, the rest is left in the store and read in pages
when there is room again: an account that is away, or reads slowly, costs no memory and delays nobody else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from twisted.internet.base import DelayedCall

from gateway import task
from gateway.backoff import delay_s
from gateway.batch import Batch
from gateway.clock import Clock
from gateway.insist import fault, in_parts, insist
from gateway.metrics import Metrics
from gateway.ports import Store, StoreClosed
from gateway.reactor import ReactorTime
from gateway.settings import Limits
from gateway.stored import Delivery, DeliveryOutcome, FinishedDelivery
from smpp.status import CommandStatus

log = structlog.get_logger()

_TAKEN = (CommandStatus.ESME_ROK,)
_NEVER = (CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN)


class Receiver(Protocol):
    """A customer's bind that takes deliver_sm."""

    @property
    def delivery_room(self) -> int:
        """How many more it takes now."""

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Send these; each is answered by `Deliveries.answered` or `Deliveries.unanswered`."""


class _Outbox:
    """One account's: what is at hand, what is with its binds, and whether the store has more."""

    __slots__ = ("at_hand", "in_flight", "meanwhile", "more", "reading", "receivers", "timer", "turn")

    def __init__(self) -> None:
        self.receivers: list[Receiver] = []
        self.at_hand: deque[Delivery] = deque()
        # Owed while a page is read, and newer than all that is in it.
        self.meanwhile: list[Delivery] = []
        self.in_flight: set[int] = set()
        self.more = False
        self.reading = False
        self.timer: DelayedCall | None = None
        self.turn = 0


class Deliveries:
    """Every account's outbox."""

    def __init__(
        self,
        limits: Limits,
        reactor: ReactorTime,
        clock: Clock,
        random: Callable[[], float],
        store: Store,
        metrics: Metrics,
    ) -> None:
        self._limits = limits
        self._reactor = reactor
        self._clock = clock
        self._random = random
        self._store = store
        self._metrics = metrics
        self._log = log.bind()
        self._outboxes: dict[str, _Outbox] = {}
        self._finished: Batch[FinishedDelivery] = Batch(reactor, limits.batch_max, self._record)
        self._stopping = False

    def __len__(self) -> int:
        """Deliveries in hand: with a bind, waiting for one, or waiting to be written down."""
        return sum(
            len(outbox.in_flight) + len(outbox.at_hand) + len(outbox.meanwhile)
            for outbox in self._outboxes.values()
        )

    # -- binds come and go

    def attach(self, account: str, receiver: Receiver) -> None:
        """A bind of the account takes deliveries from now on."""
        outbox = self._outbox(account)
        outbox.receivers.append(receiver)
        # What was owed before this life of the gateway, or while nobody was here, is in the store.
        outbox.more = True
        self._pump(account, outbox)

    def detach(self, account: str, receiver: Receiver) -> None:
        """It does not any more; what it had in flight has been told as `unanswered`."""
        outbox = self._outbox(account)
        outbox.receivers.remove(receiver)
        if not outbox.receivers:
            outbox.at_hand.clear()
            outbox.meanwhile.clear()

    # -- deliveries

    def owe(self, deliveries: Sequence[Delivery]) -> None:
        """These are owed from now on; the store has them."""
        touched: dict[str, _Outbox] = {}
        for delivery in deliveries:
            outbox = self._outboxes.get(delivery.account)
            if outbox is None or not outbox.receivers:
                continue
            touched[delivery.account] = outbox
            if outbox.more or len(outbox.at_hand) + len(outbox.meanwhile) >= self._limits.deliveries_max:
                outbox.more = True
            elif outbox.reading:
                outbox.meanwhile.append(delivery)
            else:
                outbox.at_hand.append(delivery)
        for account, outbox in touched.items():
            self._pump(account, outbox)

    def answered(self, delivery: Delivery, command_status: int) -> None:
        """A customer answered a delivery."""
        if command_status in _TAKEN:
            self._log.debug("delivery.acknowledged", message_id=delivery.message_id)
            self._finish(delivery, DeliveryOutcome.ACKNOWLEDGED)
        elif command_status in _NEVER:
            log.info("delivery.refused", account=delivery.account, delivery_id=delivery.delivery_id)
            self._finish(delivery, DeliveryOutcome.REFUSED)
        else:
            self._retry(delivery)

    def unanswered(self, deliveries: Sequence[Delivery]) -> None:
        """These were sent and not answered: they go out again."""
        for delivery in deliveries:
            self._retry(delivery)

    def pump(self, account: str) -> None:
        """A bind of the account may have room again."""
        outbox = self._outboxes.get(account)
        if outbox is not None:
            self._pump(account, outbox)

    def look_again(self) -> None:
        """Look into the store for everyone: a commit of unknown outcome may have owed something."""
        for account, outbox in self._outboxes.items():
            outbox.more = True
            self._pump(account, outbox)

    async def stop(self) -> None:
        """Send nothing more; returns when every answer so far is recorded."""
        self._stopping = True
        for outbox in self._outboxes.values():
            if outbox.timer is not None:
                outbox.timer.cancel()
                outbox.timer = None
        await self._finished.idle()

    # -- inside

    def _outbox(self, account: str) -> _Outbox:
        return self._outboxes.setdefault(account, _Outbox())

    def _pump(self, account: str, outbox: _Outbox) -> None:
        """Give the binds what is at hand; fetch more when that runs out."""
        if self._stopping:
            return
        for receiver in self._in_turn(outbox):
            # What is answered counts until it is written down: a store that is slow slows this down, too.
            unrecorded = len(outbox.in_flight)
            room = min(receiver.delivery_room, len(outbox.at_hand), self._limits.deliveries_max - unrecorded)
            if room > 0:
                batch = [outbox.at_hand.popleft() for _ in range(room)]
                outbox.in_flight.update(delivery.delivery_id for delivery in batch)
                self._deliver(receiver, batch)
        runs_out = len(outbox.at_hand) <= self._limits.deliveries_max // 2
        if outbox.more and runs_out and not outbox.reading and outbox.receivers:
            outbox.reading = True
            task.start(self._read_page(account, outbox), "deliveries")

    def _deliver(self, receiver: Receiver, batch: Sequence[Delivery]) -> None:
        try:
            receiver.deliver(batch)
        except Exception:
            log.exception("delivery.failed", account=batch[0].account, count=len(batch))
            self.unanswered(batch)

    def _in_turn(self, outbox: _Outbox) -> list[Receiver]:
        """The receivers, each time beginning with the next one."""
        if len(outbox.receivers) < 2:
            return outbox.receivers
        outbox.turn = (outbox.turn + 1) % len(outbox.receivers)
        return outbox.receivers[outbox.turn :] + outbox.receivers[: outbox.turn]

    async def _read_page(self, account: str, outbox: _Outbox) -> None:
        outbox.more = False
        count = max(1, self._limits.deliveries_max // 2)
        try:
            page, later = await insist(
                lambda: self._store.waiting_deliveries(account, count, _in_hand(outbox)),
                self._reactor,
                self._wait_s,
                "page",
            )
        except StoreClosed:
            return
        except Exception as error:
            log.error("deliveries.unread", account=account, error=fault(error))
            page, later = [], self._now() + int(self._limits.retry_max_s * 1000)
        outbox.reading = False
        meanwhile, outbox.meanwhile = outbox.meanwhile, []
        if not outbox.receivers:
            return
        outbox.more = outbox.more or len(page) == count
        if not outbox.more:
            page += meanwhile
        # What was taken in hand meanwhile, or owed while the page was read, must not come twice.
        known = _in_hand(outbox)
        fresh = {delivery.delivery_id: delivery for delivery in page if delivery.delivery_id not in known}
        outbox.at_hand.extend(fresh.values())
        if later is not None:
            self._look_again(account, outbox, (later - self._now()) / 1000)
        self._pump(account, outbox)

    def _look_again(self, account: str, outbox: _Outbox, wait_s: float) -> None:
        """Read a page after `wait_s`, unless one is read sooner anyway."""
        at = self._reactor.seconds() + max(0.0, wait_s)
        if self._stopping or (outbox.timer is not None and outbox.timer.getTime() <= at):
            return
        if outbox.timer is not None:
            outbox.timer.cancel()
        outbox.timer = self._reactor.callLater(max(0.0, wait_s), self._timer_fired, account, outbox)

    def _timer_fired(self, account: str, outbox: _Outbox) -> None:
        outbox.timer = None
        outbox.more = True
        self._pump(account, outbox)

    def _finish(self, delivery: Delivery, outcome: DeliveryOutcome) -> None:
        self._finished.add(FinishedDelivery(delivery, outcome))
        self._metrics.deliveries[delivery.account, outcome.name] += 1

    def _retry(self, delivery: Delivery) -> None:
        due_at = self._now() + int(self._wait_s(delivery.attempts + 1) * 1000)
        self._finished.add(FinishedDelivery(delivery, DeliveryOutcome.RETRY, due_at))
        self._metrics.deliveries[delivery.account, DeliveryOutcome.RETRY.name] += 1

    async def _record(self, finished: Sequence[FinishedDelivery]) -> None:
        async for part, error in in_parts(finished, self._tell_store):
            if error is None:
                self._recorded(part)
            elif not isinstance(error, StoreClosed):
                self._put_aside(part[0], error)

    async def _tell_store(self, finished: Sequence[FinishedDelivery]) -> None:
        await insist(
            lambda: self._store.finish_deliveries(finished), self._reactor, self._wait_s, "deliveries"
        )

    def _put_aside(self, item: FinishedDelivery, error: Exception) -> None:
        """The store will not take this one: it stays in hand, and goes out again after the next start."""
        log.error(
            "delivery.put_aside",
            account=item.delivery.account,
            delivery_id=item.delivery.delivery_id,
            message_id=item.delivery.message_id,
            outcome=item.outcome.name,
            error=fault(error),
        )
        self._metrics.put_aside["delivery"] += 1

    def _recorded(self, finished: Sequence[FinishedDelivery]) -> None:
        touched = {}
        for item in finished:
            account = item.delivery.account
            outbox = touched[account] = self._outbox(account)
            outbox.in_flight.discard(item.delivery.delivery_id)
            if item.outcome is DeliveryOutcome.RETRY:
                self._look_again(account, outbox, (item.due_at - self._now()) / 1000)
        for account, outbox in touched.items():
            task.safely(self._pump, account, outbox)

    def _wait_s(self, tries: int) -> float:
        return delay_s(tries, self._limits.retry_min_s, self._limits.retry_max_s, self._random)

    def _now(self) -> int:
        return int(self._clock.now() * 1000)


def _in_hand(outbox: _Outbox) -> set[int]:
    return outbox.in_flight | {delivery.delivery_id for delivery in outbox.at_hand}
