"""From a submit_sm to its answer: limits, judgement, and one transaction for all that came meanwhile.

A status 0 is sent after the commit of message and hold, never before. If a rule of the contract says no, it
is written down that it did, in the same transaction as the messages that came beside it, and then answered;
nothing else is stored of it. If nobody can say whether COMMIT happened, the bind is closed unanswered: the
customer then knows as little as we do, which is the truth. A submit that the store will not take, though it
takes the others, is refused alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from twisted.internet.defer import Deferred

from gateway import task, tlvs
from gateway.admission import Evidence, Reading, Refusal, Segment, alphabet_of, read, refusal
from gateway.batch import Batch
from gateway.clock import Clock
from gateway.customers.long_messages import LongMessages
from gateway.customers.submitter import Submitter, accept, evidence_of, refuse, tell_shadowed
from gateway.customers.throttles import Throttles
from gateway.ids import ShortIds
from gateway.insist import fault, in_parts
from gateway.message import Message, State
from gateway.metrics import Metrics
from gateway.parting import is_too_long, joined, parts_of
from gateway.ports import CommitUnknown, Outlet, Slot, Store
from gateway.reactor import ReactorTime
from gateway.routing import find
from gateway.settings import Account, Limits, LongForm, Route
from gateway.statuses import GatewayError
from gateway.stored import RefusedSubmit
from policy.clauses import ACCOUNT_NOT_OPEN
from smpp import codec
from smpp.pdu import SubmitSm
from smpp.value import value

log = structlog.get_logger()


@value(frozen=True, slots=True)
class _Offer:
    message_id: int
    """Given when it came: what comes after it, a cancel_sm say, has a higher one."""
    submitter: Submitter
    sequence_number: int
    account: Account
    reading: Reading
    route: str
    form: LongForm
    """How it is cut into parts; PAYLOAD for one that leaves as it is."""
    told_as: str | None


@value(frozen=True, slots=True)
class _Refused:
    """A submit_sm that a rule of the contract refuses, which is answered once that is written down."""

    submitter: Submitter
    sequence_number: int
    refusal: Refusal
    evidence: RefusedSubmit


@value(frozen=True, slots=True)
class _Candidate:
    offer: _Offer
    slot: Slot | None
    message: Message
    parts: tuple[Message, ...] = ()


class Intake:
    """Takes every customer's submit_sm. `epoch` is this life of the gateway, `new_id` gives message ids.

    `new_short_id` gives those that fit into SMPP 3.3. Segments go to `long_messages`; `form` tells how a
    route wants what is too long for one message.
    """

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
        form: Callable[[str], LongForm],
        long_messages: LongMessages,
    ) -> None:
        self._routes = routes
        self._limits = limits
        self._reactor = reactor
        self._clock = clock
        self.new_id = new_id
        self.new_short_id = ShortIds(lambda: int(clock.now() * 1000)).next
        self._epoch = epoch
        self._store = store
        self._outlet = outlet
        self._metrics = metrics
        self._form = form
        self._long_messages = long_messages
        self.throttles = Throttles(limits)
        self._offers: Batch[_Offer | _Refused] = Batch(reactor, limits.batch_max, self._admit)
        self._stopping = False

    def __len__(self) -> int:
        """How many submit_sm await their answer."""
        return len(self._offers) + len(self._long_messages)

    def congestion(self, account: Account) -> int:
        """How full what the account's messages run into is, 0 to 100 (SMPP 5.0, 4.8.4.18)."""
        intake = len(self) / self._limits.intake_max
        queue = self._outlet.waiting(account.name) / account.queue_max
        return min(100, int(100 * max(intake, queue)))

    def offer(
        self,
        submitter: Submitter,
        sequence_number: int,
        pdu: SubmitSm,
        body: bytes,
        told_as: str | None = None,
        message_id: int | None = None,
    ) -> None:
        """Take one submit_sm; it is refused at once, or answered when the store has decided.

        `body` is what `pdu` was read from; `told_as` is the id to tell, if that is not our own. `message_id`
        is for a sender that has given it one already.
        """
        account = submitter.account
        taken = self._read(account, pdu, body)
        if isinstance(taken, Refusal):
            self._refuse(submitter, sequence_number, taken, pdu)
            return
        reading, route = taken
        if isinstance(reading, Segment):
            self._long_messages.offer(submitter, sequence_number, reading, route, told_as)
            return
        if reading.shadowed:
            tell_shadowed(account.name, reading.shadowed, self._metrics)
        form = LongForm.PAYLOAD if reading.units == 1 else self._form(route)
        if is_too_long(reading.units, form, self._limits):
            refused = refusal(account, GatewayError.MESSAGE_TOO_LONG)
            refuse(submitter, sequence_number, refused, self._metrics)
            return
        if message_id is None:
            message_id = self.new_id()
        self._offers.add(
            _Offer(message_id, submitter, sequence_number, account, reading, route, form, told_as)
        )

    async def stop(self) -> None:
        """Refuse what comes from now on; returns when everything so far is answered."""
        self._stopping = True
        await self._offers.idle()
        await self._long_messages.stop()

    # -- before the store

    def _read(self, account: Account, pdu: SubmitSm, body: bytes) -> tuple[Reading | Segment, str] | Refusal:
        if self._stopping:
            return refusal(account, GatewayError.STOPPING)
        if len(self) >= self._limits.intake_max:
            return refusal(account, GatewayError.QUEUE_FULL)
        if self._outlet.waiting(account.name) >= account.queue_max:
            return refusal(account, GatewayError.QUEUE_FULL)
        if account.contract.expires_on is not None and not self._in_force(account):
            evidence = Evidence(account.ruleset.class_of(pdu.service_type), body, 1)
            return replace(refusal(account, ACCOUNT_NOT_OPEN), evidence=evidence)
        if pdu.tlvs:
            pdu, body = tlvs.of_submit(self._routes, account.name, pdu, body)
        reading = read(account, pdu, body, self._clock.now(), self._limits.message_ttl_s)
        if isinstance(reading, Refusal):
            return reading
        route = find(self._routes, account.name, pdu.destination.addr)
        if route is None:
            return refusal(account, GatewayError.NO_ROUTE)
        if not self._within_throttle(account, reading):
            return refusal(account, GatewayError.THROTTLED)
        return reading, route

    def _in_force(self, account: Account) -> bool:
        """Whether the contract, which ends some day, has not ended while its customer stayed bound."""
        return account.contract.holds_on(
            datetime.fromtimestamp(self._clock.now(), account.ruleset.hours.zone).date()
        )

    def _refuse(self, submitter: Submitter, sequence_number: int, refused: Refusal, pdu: SubmitSm) -> None:
        """Answer at once, or behind the commit of what is kept of it."""
        tell_shadowed(submitter.account.name, refused.shadowed, self._metrics)
        if refused.evidence is None:
            refuse(submitter, sequence_number, refused, self._metrics)
            return
        evidence = evidence_of(submitter, refused, pdu, self.new_id(), self._clock.now())
        assert evidence is not None
        self._offers.add(_Refused(submitter, sequence_number, refused, evidence))

    def _within_throttle(self, account: Account, reading: Reading | Segment) -> bool:
        """Whether the rates allow it; a message whose first segment was taken is taken whole."""
        if account.throttle is None and account.throttle_per_source is None:
            return True
        now = self._reactor.seconds()
        if isinstance(reading, Reading):
            return self.throttles.take(account, reading.source_addr, reading.units, now)
        source_addr, units = reading.reading.source_addr, reading.reading.units
        if self._long_messages.is_expected(account, reading):
            self.throttles.spend(account, source_addr, units, now)
            return True
        return self.throttles.take(account, source_addr, units, now)

    # -- at the store

    async def _admit(self, came: Sequence[_Offer | _Refused]) -> None:
        now = int(self._clock.now() * 1000)
        offers = [one for one in came if isinstance(one, _Offer)]
        slots: list[Slot | None] = []
        candidates: list[_Candidate | _Refused] = [one for one in came if isinstance(one, _Refused)]
        try:
            slots = self._slots(offers, now)
            candidates += [
                candidate
                for offer, slot in zip(offers, slots, strict=True)
                if (candidate := self._candidate(offer, slot, now)) is not None
            ]
        except Exception as error:
            self._turn_away(offers, slots, error)
        if candidates:
            async for part, rules in in_parts(candidates, self._tell_store):
                admitted = [c for c in part if isinstance(c, _Candidate)]
                refused = [c for c in part if isinstance(c, _Refused)]
                if isinstance(rules, CommitUnknown):
                    self._put_down(admitted, refused, rules)
                elif isinstance(rules, Exception):
                    self._turn_away(
                        [*refused, *(c.offer for c in admitted)], [c.slot for c in admitted], rules
                    )
                else:
                    self._answer(admitted, rules)
                    for one in refused:
                        refuse(one.submitter, one.sequence_number, one.refusal, self._metrics)
        for submitter in dict.fromkeys(one.submitter for one in came):
            task.safely(submitter.flush)

    def _tell_store(self, candidates: Sequence[_Candidate | _Refused]) -> Deferred[list[str | None]]:
        return self._store.admit(
            [m for c in candidates if isinstance(c, _Candidate) for m in (c.message, *c.parts)],
            [c.evidence for c in candidates if isinstance(c, _Refused)],
        )

    def _slots(self, offers: Sequence[_Offer], now: int) -> list[Slot | None]:
        """A slot for each message that may go out at once, as far as there are slots."""
        # The parts of a long message wait for each other in the queue.
        leaving = [o.form is LongForm.PAYLOAD and o.reading.due_at <= now for o in offers]
        wanted = Counter(o.route for o, leaves in zip(offers, leaving, strict=True) if leaves)
        taken = {route: self._outlet.take_slots(route, count) for route, count in wanted.items()}
        return [
            taken[o.route].pop() if leaves and taken[o.route] else None
            for o, leaves in zip(offers, leaving, strict=True)
        ]

    def _candidate(self, offer: _Offer, slot: Slot | None, now: int) -> _Candidate | None:
        """What the store is told; None for a message that is too long to be cut, which is refused here."""
        message = self._message(offer, slot, now)
        if offer.form is LongForm.PAYLOAD:
            return _Candidate(offer, slot, message)
        whole_id = message.message_id
        alphabet = alphabet_of(offer.account, codec.submit_sm(message.body))
        try:
            parts = parts_of(message, whole_id, alphabet, offer.form, self.new_id)
        except ValueError:
            refused = refusal(offer.account, GatewayError.MESSAGE_TOO_LONG)
            refuse(offer.submitter, offer.sequence_number, refused, self._metrics)
            return None
        return _Candidate(offer, None, joined(message, whole_id), parts)

    def _message(self, offer: _Offer, slot: Slot | None, now: int) -> Message:
        reading, account = offer.reading, offer.account
        return Message(
            offer.message_id,
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
            told_as=offer.told_as,
            message_class=reading.message_class,
            signature=reading.signature,
            submitted_body=reading.submitted_body,
        )

    # -- after the commit

    def _answer(self, candidates: Sequence[_Candidate], rules: Sequence[str | None]) -> None:
        sends: list[tuple[Message, Slot]] = []
        queued: list[Message] = []
        verdicts = iter(rules)
        for c in candidates:
            rule = next(verdicts)
            for _ in c.parts:
                next(verdicts)  # the same
            if rule is None:
                accept(c.offer.submitter, c.offer.sequence_number, c.message)
            else:
                refused = refusal(c.offer.account, rule)
                refuse(c.offer.submitter, c.offer.sequence_number, refused, self._metrics)
            if rule is not None:
                if c.slot is not None:
                    task.safely(c.slot.give_back, unused=True)
            elif c.slot is None:
                queued += c.parts or (c.message,)
            else:
                sends.append((c.message, c.slot))
        if sends:
            task.safely(self._outlet.send, sends)
        if queued:
            task.safely(self._outlet.queued, queued)
        task.safely(self._count, [*(message for message, _ in sends), *queued])

    def _count(self, accepted: Sequence[Message]) -> None:
        whole = [message.account for message in accepted if message.part <= 1]
        for account, count in Counter(whole).items():
            self._metrics.messages_accepted[account] += count
        for message in accepted:
            self._metrics.units_accepted[message.account] += message.units

    def _turn_away(
        self, offers: Sequence[_Offer | _Refused], slots: Sequence[Slot | None], error: Exception
    ) -> None:
        """Nothing of these is stored, and for no fault of theirs that they could know of."""
        log.error("admission.failed", count=len(offers), error=fault(error))
        for slot in slots:
            if slot is not None:
                task.safely(slot.give_back, unused=True)
        for offer in offers:
            refused = refusal(offer.submitter.account, GatewayError.STORE_DOWN)
            refuse(offer.submitter, offer.sequence_number, refused, self._metrics)

    def _put_down(
        self, candidates: Sequence[_Candidate], refused: Sequence[_Refused], error: CommitUnknown
    ) -> None:
        """Leave messages that may be stored to the queue, and tell their senders nothing."""
        log.error("admission.unknown", count=len(candidates) + len(refused), error=str(error))
        submitters = [*(c.offer.submitter for c in candidates), *(one.submitter for one in refused)]
        for submitter in dict.fromkeys(submitters):
            task.safely(submitter.abort, "nobody knows whether the last messages were stored")
        self._outlet.unsent([(c.message, c.slot) for c in candidates if c.slot is not None])
        waiting = [message for c in candidates if c.slot is None for message in c.parts or (c.message,)]
        self._outlet.perhaps_queued(waiting)
