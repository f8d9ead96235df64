"""From a submit_sm to its answer: limits, judgement, and one transaction for all that came meanwhile.

A status 0 is sent after the commit of message and hold, never before. If the store says no, nothing was
stored and the status says why. If nobody can say whether COMMIT happened, the bind is closed unanswered: the
customer then knows as little as we do, which is the truth. A submit that the store will not take, though it
takes the others, is refused alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from twisted.internet.defer import Deferred

from gateway import task
from gateway.admission import Reading, Refusal, read, refusal
from gateway.batch import Batch
from gateway.clock import Clock
from gateway.insist import fault, in_parts
from gateway.message import Message, State
from gateway.metrics import Metrics
from gateway.ports import CommitUnknown, Outlet, Slot, Store
from gateway.reactor import ReactorTime
from gateway.routing import find
from gateway.settings import Account, Limits, Route
from gateway.statuses import GatewayError
from policy.throttle import TokenBucket
from smpp.pdu import SubmitSm
from smpp.value import value

log = structlog.get_logger()


class Submitter(Protocol):
    """The bind that a submit_sm came from, and that its answer goes to."""

    @property
    def account(self) -> Account: ...

    @property
    def label(self) -> str:
        """What the records say about who submitted."""

    def accept(self, sequence_number: int, message_id: int) -> None: ...

    def refuse(self, sequence_number: int, refusal: Refusal) -> None: ...

    def flush(self) -> None: ...

    def abort(self, reason: str) -> None: ...


@value(frozen=True, slots=True)
class _Offer:
    submitter: Submitter
    sequence_number: int
    account: Account
    reading: Reading
    route: str


_Candidate = tuple[_Offer, Slot | None, Message]


class Intake:
    """Takes every customer's submit_sm. `epoch` is this life of the gateway, `new_id` gives message ids."""

    def __init__(
        self,
        routes: Sequence[Route],
        limits: Limits,
        reactor: ReactorTime,
        clock: Clock,
        new_id: Callable[[], int],
        epoch: int,
        store: Store,
        outlet: Outlet,
        metrics: Metrics,
    ) -> None:
        self._routes = routes
        self._limits = limits
        self._reactor = reactor
        self._clock = clock
        self._new_id = new_id
        self._epoch = epoch
        self._store = store
        self._outlet = outlet
        self._metrics = metrics
        self._buckets: dict[str, TokenBucket] = {}
        self._offers: Batch[_Offer] = Batch(reactor, limits.batch_max, self._admit)
        self._stopping = False

    def __len__(self) -> int:
        """How many submit_sm await their answer."""
        return len(self._offers)

    def offer(self, submitter: Submitter, sequence_number: int, pdu: SubmitSm, body: bytes) -> None:
        """Take one submit_sm; it is refused at once, or answered when the store has decided.

        `body` is what `pdu` was read from.
        """
        account = submitter.account
        taken = self._read(account, pdu, body)
        if isinstance(taken, Refusal):
            self._refuse(submitter, sequence_number, taken)
            return
        reading, route = taken
        self._offers.add(_Offer(submitter, sequence_number, account, reading, route))

    async def stop(self) -> None:
        """Refuse what comes from now on; returns when everything so far is answered."""
        self._stopping = True
        await self._offers.idle()

    # -- before the store

    def _read(self, account: Account, pdu: SubmitSm, body: bytes) -> tuple[Reading, str] | Refusal:
        if self._stopping:
            return refusal(account, GatewayError.STOPPING)
        if len(self._offers) >= self._limits.intake_max:
            return refusal(account, GatewayError.QUEUE_FULL)
        if self._outlet.waiting(account.name) >= account.queue_max:
            return refusal(account, GatewayError.QUEUE_FULL)
        reading = read(account, pdu, body, self._clock.now(), self._limits.message_ttl_s)
        if isinstance(reading, Refusal):
            return reading
        route = find(self._routes, account.name, reading.destination_addr)
        if route is None:
            return refusal(account, GatewayError.NO_ROUTE)
        if not self._within_throttle(account, reading.units):
            return refusal(account, GatewayError.THROTTLED)
        return reading, route

    def _within_throttle(self, account: Account, units: int) -> bool:
        if account.throttle is None:
            return True
        bucket = self._buckets.get(account.name)
        if bucket is None:
            throttle = account.throttle
            bucket = self._buckets[account.name] = TokenBucket(throttle.rate_per_s, throttle.burst)
        return bucket.take(units, self._reactor.seconds())

    # -- at the store

    async def _admit(self, offers: Sequence[_Offer]) -> None:
        now = int(self._clock.now() * 1000)
        slots: list[Slot | None] = []
        try:
            slots = self._slots(offers, now)
            candidates = [
                (offer, slot, self._message(offer, slot, now))
                for offer, slot in zip(offers, slots, strict=True)
            ]
        except Exception as error:
            self._turn_away(offers, slots, error)
        else:
            async for part, rules in in_parts(candidates, self._tell_store):
                if isinstance(rules, CommitUnknown):
                    self._put_down(part, rules)
                elif isinstance(rules, Exception):
                    self._turn_away([offer for offer, _, _ in part], [slot for _, slot, _ in part], rules)
                else:
                    self._answer(part, rules)
        for submitter in dict.fromkeys(offer.submitter for offer in offers):
            task.safely(submitter.flush)

    def _tell_store(self, candidates: Sequence[_Candidate]) -> Deferred[list[str | None]]:
        return self._store.admit([message for _, _, message in candidates])

    def _slots(self, offers: Sequence[_Offer], now: int) -> list[Slot | None]:
        """A slot for each message that may go out at once, as far as there are slots."""
        wanted = Counter(offer.route for offer in offers if offer.reading.due_at <= now)
        taken = {route: self._outlet.take_slots(route, count) for route, count in wanted.items()}
        return [
            taken[offer.route].pop() if offer.reading.due_at <= now and taken[offer.route] else None
            for offer in offers
        ]

    def _message(self, offer: _Offer, slot: Slot | None, now: int) -> Message:
        reading, account = offer.reading, offer.account
        return Message(
            self._new_id(),
            account.name,
            State.QUEUED if slot is None else State.SUBMITTING,
            reading.units,
            reading.source_addr,
            reading.destination_addr,
            reading.registered_delivery,
            reading.body,
            offer.route,
            None if slot is None else slot.carrier_name,
            self._epoch,
            0 if slot is None else 1,
            0,
            now,
            reading.due_at,
            reading.deadline_at,
            account.ruleset.version,
            offer.submitter.label,
        )

    # -- after the commit

    def _answer(self, candidates: Sequence[_Candidate], rules: Sequence[str | None]) -> None:
        sends, queued = [], []
        for (offer, slot, message), rule in zip(candidates, rules, strict=True):
            try:
                if rule is None:
                    offer.submitter.accept(offer.sequence_number, message.message_id)
                else:
                    self._refuse(offer.submitter, offer.sequence_number, refusal(offer.account, rule))
            except Exception:
                self._cut(offer)
            if rule is not None:
                if slot is not None:
                    task.safely(slot.give_back, unused=True)
            elif slot is None:
                queued.append(message)
            else:
                sends.append((message, slot))
        if sends:
            task.safely(self._outlet.send, sends)
        if queued:
            task.safely(self._outlet.queued, queued)
        task.safely(self._count, [*(message for message, _ in sends), *queued])

    def _count(self, accepted: Sequence[Message]) -> None:
        for account, count in Counter([message.account for message in accepted]).items():
            self._metrics.messages_accepted[account] += count
        for message in accepted:
            self._metrics.units_accepted[message.account] += message.units

    def _turn_away(self, offers: Sequence[_Offer], slots: Sequence[Slot | None], error: Exception) -> None:
        """Nothing of these is stored, and for no fault of theirs that they could know of."""
        log.error("admission.failed", count=len(offers), error=fault(error))
        for slot in slots:
            if slot is not None:
                task.safely(slot.give_back, unused=True)
        for offer in offers:
            refused = refusal(offer.account, GatewayError.STORE_DOWN)
            try:
                self._refuse(offer.submitter, offer.sequence_number, refused)
            except Exception:
                self._cut(offer)

    def _cut(self, offer: _Offer) -> None:
        """An answer could not be sent: its customer, too, has to know that it knows nothing."""
        log.exception("answer.failed", account=offer.account.name)
        task.safely(offer.submitter.abort, "an answer could not be sent")

    def _refuse(self, submitter: Submitter, sequence_number: int, refused: Refusal) -> None:
        submitter.refuse(sequence_number, refused)
        self._metrics.messages_refused[submitter.account.name, refused.rule] += 1

    def _put_down(self, candidates: Sequence[_Candidate], error: CommitUnknown) -> None:
        """Leave messages that may be stored to the queue, and tell their senders nothing."""
        log.error("admission.unknown", count=len(candidates), error=str(error))
        for submitter in dict.fromkeys(offer.submitter for offer, _, _ in candidates):
            task.safely(submitter.abort, "nobody knows whether the last messages were stored")
        self._outlet.unsent([(message, slot) for _, slot, message in candidates if slot is not None])
        self._outlet.perhaps_queued([message for _, slot, message in candidates if slot is None])
