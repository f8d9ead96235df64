"""One bind to a carrier, kept up: connected, bound, and connected again after a wait when it is lost.

A bind lends slots. A slot is taken before the intent to submit is committed and given back after the outcome
is: so at every moment the messages at the carrier that the store knows no outcome of are at most the window,
whatever crashes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol as Interface

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from gateway import task
from gateway.backoff import delay_s
from gateway.carriers.link import Answer, CarrierLink
from gateway.metrics import Metrics
from gateway.reactor import ReactorTime
from gateway.settings import Carrier, Limits
from gateway.stored import Attempt
from policy.throttle import TokenBucket
from smpp.pdu import DeliverSm
from smpp.status import CommandStatus
from smpp.status import name as status_name

log = structlog.get_logger()

# Opens a connection: given a factory, a Deferred of the protocol that it made.
Connect = Callable[[Factory], Deferred[CarrierLink]]


_THROTTLING = (CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL)


class Submits(Interface):
    """Who hears how submits end, and when there is room for more."""

    def changed(self, bind: CarrierBind) -> None:
        """The bind has come, gone, or may have room again."""

    def answered(self, bind: CarrierBind, answers: list[Answer], late: bool) -> None:
        """The carrier answered these; `late`, after they had been told as `unanswered`."""

    def unanswered(self, bind: CarrierBind, attempts: list[Attempt]) -> None:
        """These have no answer: response_s is over, or the connection is."""


class Deliveries(Interface):
    """Who takes a carrier's deliver_sm, and answers it on the link it came from."""

    def offer(self, carrier: Carrier, link: CarrierLink, sequence_number: int, pdu: DeliverSm) -> None: ...


class _LinkFactory(Factory):
    noisy = False

    def __init__(self, make: Callable[[], CarrierLink]) -> None:
        self._make = make

    def buildProtocol(self, addr: object) -> CarrierLink:
        return self._make()


class CarrierBind:
    """The `number`-th bind of a carrier. `random` gives numbers in [0, 1) for the waits."""

    def __init__(
        self,
        carrier: Carrier,
        number: int,
        limits: Limits,
        reactor: ReactorTime,
        connect: Connect,
        random: Callable[[], float],
        metrics: Metrics,
        submits: Submits,
        deliveries: Deliveries,
    ) -> None:
        self.carrier = carrier
        self.name = f"{carrier.name}/{number}"
        self.link: CarrierLink | None = None
        self._limits = limits
        self._reactor = reactor
        self._connect = connect
        self._random = random
        self._metrics = metrics
        self._submits = submits
        self._deliveries = deliveries
        rate = carrier.rate
        self._bucket = None if rate is None else TokenBucket(rate.rate_per_s, rate.burst)
        self._taken = 0
        self._tries = 0
        self._paused_until = 0.0
        self._throttled = 0
        self._stopping = False
        self._wake: Deferred[None] | None = None
        self._connecting: Deferred[CarrierLink] | None = None
        self._lost: Deferred[None] | None = None
        self._ended: Deferred[object] | None = None

    # -- keeping it up

    def start(self) -> None:
        """Connect, and stay connected until `stop`."""
        self._ended = task.start(self._keep_up(), f"bind {self.name}")

    async def stop(self) -> None:
        """Unbind and do not come back; returns when the connection has ended."""
        self._stopping = True
        if self._wake is not None:
            wake, self._wake = self._wake, None
            wake.callback(None)
        if self.link is not None:
            self.link.unbind()
        elif self._connecting is not None:
            self._connecting.cancel()
        if self._ended is not None:
            await self._ended

    async def _keep_up(self) -> None:
        while self._is_wanted():
            self._tries += 1
            try:
                lost = self._lost = Deferred()
                self._connecting = self._connect(_LinkFactory(self._make_link))
                self.link = await self._connecting
            except Exception as error:
                log.warning("carrier.unreachable", bind=self.name, error=str(error), tries=self._tries)
            else:
                if not self._is_wanted():
                    self.link.unbind()
                await lost
                self.link = None
            if self._is_wanted():
                await self._pause()

    def _is_wanted(self) -> bool:
        return not self._stopping

    def _make_link(self) -> CarrierLink:
        return CarrierLink(self.carrier, self._reactor, self, self._limits)

    async def _pause(self) -> None:
        wait_s = delay_s(
            max(1, self._tries), self.carrier.reconnect_min_s, self.carrier.reconnect_max_s, self._random
        )
        wake = self._wake = Deferred()
        timer = self._reactor.callLater(wait_s, self._woken)
        await wake
        if timer.active():
            timer.cancel()

    def _woken(self) -> None:
        if self._wake is not None:
            wake, self._wake = self._wake, None
            wake.callback(None)

    # -- slots

    @property
    def carrier_name(self) -> str:
        """The carrier that a slot of this bind leads to."""
        return self.carrier.name

    @property
    def is_bound(self) -> bool:
        """Whether submits may go out here."""
        return self.link is not None and self.link.transmits

    @property
    def taken(self) -> int:
        """Slots taken: submits without a committed outcome, and those about to be made."""
        return self._taken

    @property
    def room(self) -> int:
        """How many slots may be taken now."""
        if not self.is_bound or self.opens_in_s() > 0:
            return 0
        return self.carrier.window_max - self._taken

    def opens_in_s(self) -> float:
        """How long the carrier's rate, or its wish to be left alone, still forbids a submit."""
        now = self._reactor.seconds()
        opens = self._paused_until
        if self._bucket is not None:
            opens = max(opens, self._bucket.next_at(1, now))
        return max(0.0, opens - now)

    def take(self, count: int) -> int:
        """Take up to `count` slots; how many were taken, as room and rate allow."""
        taken = min(count, self.room)
        if self._bucket is not None:
            now, wanted, taken = self._reactor.seconds(), taken, 0
            while taken < wanted and self._bucket.take(1, now):
                taken += 1
        self._taken += taken
        return taken

    def give_back(self, slots: int = 1, *, unused: bool = False) -> None:
        """Give slots back, after the commit of what they were for; `unused`: nothing was sent in them."""
        self._taken -= slots
        if unused and self._bucket is not None:
            self._bucket.spend(-slots, self._reactor.seconds())
        self._submits.changed(self)

    def submit(self, attempts: list[Attempt]) -> None:
        """Send these, whose slots are taken. If it raises, none of them has left."""
        assert self.link is not None
        self.link.submit(attempts)
        if self._bucket is not None:
            more = sum(attempt.message.units - 1 for attempt in attempts)
            if more:
                self._bucket.spend(more, self._reactor.seconds())

    # -- what the link tells

    def bound(self, link: CarrierLink) -> None:
        self._tries = 0
        log.info(
            "carrier.bound",
            bind=self.name,
            host=self.carrier.host,
            port=self.carrier.port,
            bind_type=self.carrier.bind_type.value,
        )
        self._submits.changed(self)

    def bind_refused(self, link: CarrierLink, command_status: int) -> None:
        log.warning("carrier.refused_bind", bind=self.name, status=status_name(command_status))

    def answered(self, link: CarrierLink, answers: list[Answer], late: bool) -> None:
        now = self._reactor.seconds()
        if any(answer.command_status in _THROTTLING for answer in answers):
            self._slow_down(now)
        elif any(answer.command_status == CommandStatus.ESME_ROK for answer in answers):
            self._throttled = 0
        self._submits.answered(self, answers, late)

    def congested(self, link: CarrierLink) -> None:
        """Leave it alone for the shortest while: it still accepts, so the wait does not grow."""
        now = self._reactor.seconds()
        if now >= self._paused_until:
            self._paused_until = now + self._wait_s(1)

    def timed_out(self, link: CarrierLink, attempts: list[Attempt]) -> None:
        self._slow_down(self._reactor.seconds())
        self._submits.unanswered(self, attempts)
        log.warning("submit.unanswered", bind=self.name, count=len(attempts))

    def _slow_down(self, now: float) -> None:
        """Leave the carrier alone for a while, longer each time until it accepts something again."""
        # What was under way when the pause began has the same fate; that is no second reason.
        if now >= self._paused_until:
            self._throttled += 1
            self._paused_until = now + self._wait_s(self._throttled)

    def _wait_s(self, times: int) -> float:
        return delay_s(times, self._limits.retry_min_s, self._limits.retry_max_s, self._random)

    def delivered(self, link: CarrierLink, sequence_number: int, pdu: DeliverSm) -> None:
        self._deliveries.offer(self.carrier, link, sequence_number, pdu)

    def lost(self, link: CarrierLink, attempts: list[Attempt], reason: str) -> None:
        try:
            if attempts:
                self._slow_down(self._reactor.seconds())
                self._submits.unanswered(self, attempts)
            self._submits.changed(self)
            log.info("carrier.unbound", bind=self.name, reason=reason, unanswered=len(attempts))
            if link.was_cut:
                self._metrics.binds_lost["carrier", self.carrier.name] += 1
        finally:
            # Whatever went wrong there, the bind must come back.
            if self._lost is not None:
                lost, self._lost = self._lost, None
                lost.callback(None)
