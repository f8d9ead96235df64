"""From the queue to the carriers, and their answers back to the store.

A message leaves in one of two ways. Where a carrier has room at admission and nothing waits on the route,
admission commits the intent to submit together with the message, and the message goes out at once. Everything
else is claimed: the store commits the intent for as many due messages as there are free slots.

Either way a slot is taken before the intent is committed, and given back after the outcome is: see
`outcomes`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred

from gateway import in_doubt, task
from gateway.backoff import delay_s
from gateway.carriers.bind import CarrierBind
from gateway.carriers.link import Answer
from gateway.carriers.outcomes import Ending, Outcomes
from gateway.carriers.placing import place
from gateway.carriers.pool import CarrierPool
from gateway.clock import Clock
from gateway.message import Message
from gateway.metrics import Metrics
from gateway.ports import CommitUnknown, Slot, Store, StoreUnable
from gateway.reactor import ReactorTime
from gateway.settings import Account, Limits
from gateway.stored import Attempt, AttemptOutcome, Claimed, Delivery, Ended, Outcome, Recorded
from policy.facts import MessageClass
from smpp.status import CommandStatus
from smpp.status import name as status_name

log = structlog.get_logger()

# The time of day may be set forward while we wait for it.
_LOOK_AGAIN_MAX_S = 30.0


class Dispatcher:
    """Sends messages out. `owe` is told of deliveries that a customer is now due."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        limits: Limits,
        reactor: ReactorTime,
        clock: Clock,
        random: Callable[[], float],
        store: Store,
        pool: CarrierPool,
        metrics: Metrics,
        owe: Callable[[Sequence[Delivery]], None],
    ) -> None:
        self._accounts = accounts
        self._limits = limits
        self._reactor = reactor
        self._clock = clock
        self._random = random
        self._store = store
        self._pool = pool
        self._metrics = metrics
        self._log = log.bind()
        # Said for every message: asked once whether anybody listens.
        self._says_all = self._log.is_enabled_for(logging.DEBUG)
        self._owe = owe
        self._outcomes = Outcomes(limits, reactor, clock, self._wait_s, store, metrics, self._recorded)
        # When something on a route is next due, in unix milliseconds; a route without an entry has no queue.
        self._due: dict[str, int] = {}
        self._claiming: dict[str, list[str]] = {}
        self._claims: dict[str, Deferred[object]] = {}
        self._timer: DelayedCall | None = None
        self._stopping = False
        self._waiting: Counter[str] = Counter()

    # -- admission

    def queues(self) -> Mapping[str, int]:
        """How many messages wait, by account."""
        # Those that a commit of unknown outcome has left are counted when the store is asked again.
        return {account: max(0, count) for account, count in self._waiting.items()}

    def waiting(self, account: str) -> int:
        """How many messages of an account wait in the queue, for the account's limit."""
        return self._waiting[account]

    @property
    def unrecorded(self) -> int:
        """Outcomes that the store does not have yet."""
        return len(self._outcomes)

    def take_slots(self, route: str, count: int) -> list[Slot]:
        """Up to `count` slots for messages that are about to be admitted; the others have to queue."""
        if self._stopping or self._has_queue(route, self._now()):
            return []
        carrier = self._pool.preferred(route)
        return [] if carrier is None else self._pool.take(carrier, count)

    def take_together(self, route: str, count: int) -> Slot | None:
        """See `gateway.ports.Outlet`."""
        if self._stopping or self._has_queue(route, self._now()):
            return None
        carrier = self._pool.preferred(route)
        return None if carrier is None else self._pool.take_together(carrier, count)

    def queued(self, messages: Sequence[Message]) -> None:
        """These messages now wait."""
        for message in messages:
            self._waiting[message.account] += 1
            self._note_due(message.route, message.due_at)
        self._pump()

    def perhaps_queued(self, messages: Sequence[Message]) -> None:
        """These may wait: they are looked for when they would be due."""
        for message in messages:
            self._note_due(message.route, message.due_at)
        self._pump()

    def found(self, account: str, route: str, count: int) -> None:
        """`count` messages wait on a route: since an earlier life of the gateway, or as a new count says."""
        self._waiting[account] += count
        self._note_due(route, self._now())

    def look_again(self) -> None:
        """Look into the store for what waits.

        A commit of unknown outcome may have left a false count, or a command that has ended an account.
        """
        task.start(self._recount(), "recount")

    async def _recount(self) -> None:
        try:
            queued = await self._store.recount([name for name, count in self._waiting.items() if count > 0])
        except (StoreUnable, CommitUnknown) as error:
            log.warning("recount.failed", error=str(error))
            return
        # What the store answered before is counted already, what it answers later is not in there.
        if queued is not None:
            self._waiting.clear()
            for account, route, count in queued:
                self.found(account, route, count)
            self._pump()

    def ended(self, ended: Sequence[Ended]) -> None:
        """Messages have reached their end."""
        self._waiting.subtract(end.account for end in ended if end.was_queued)
        told = Counter([(end.account, end.state) for end in ended if not end.is_part])
        for (account, state), count in told.items():
            self._metrics.messages_ended[account, state.name] += count
        for end in ended if self._says_all else ():
            self._log.debug("message.ended", message_id=end.message_id, state=end.state)

    def send(self, messages: Sequence[tuple[Message, Slot]]) -> None:
        """Submit messages whose intent is committed, each in its slot."""
        now = self._now()
        by_bind: dict[Slot, list[Attempt]] = {}
        # The hours may have ended since these were judged: commits take their time.
        kinds = {(message.account, message.message_class): message for message, _ in messages}
        closed = {kind for kind, message in kinds.items() if self._opens_at(message, now) > now}
        if closed:
            still = [(m.account, m.message_class) not in closed for m, _ in messages]
            self.unsent([pair for pair, may in zip(messages, still, strict=True) if not may])
            messages = [pair for pair, may in zip(messages, still, strict=True) if may]
        for message, bind in messages:
            by_bind.setdefault(bind, []).append(Attempt(message, bind.name, now))
        for bind, attempts in by_bind.items():
            if bind.is_bound:
                self._submit(bind, attempts)
            else:
                self.unsent([(attempt.message, bind) for attempt in attempts])

    def _submit(self, bind: Slot, attempts: list[Attempt]) -> None:
        """Send these; what cannot be sent goes back to the queue, alone and for longer each time."""
        try:
            bind.submit(attempts)
        except Exception:
            if len(attempts) > 1:
                for attempt in attempts:
                    self._submit(bind, [attempt])
                return
            message = attempts[0].message
            log.exception("submit.failed", message_id=message.message_id, bind=bind.name)
            self._metrics.put_aside["submit"] += 1
            self.unsent([(message, bind)], self._wait_s(message.attempts))
            return
        for attempt in attempts if self._says_all else ():
            self._log.debug("message.submitted", message_id=attempt.message.message_id, bind=attempt.bind)

    def unsent(self, messages: Sequence[tuple[Message, Slot]], wait_s: float = 0.0) -> None:
        """These are not submitted after all, although their intent is committed, or may be."""
        for message, bind in messages:
            self._outcomes.add(self._not_sent(message, bind, wait_s), bind)

    # -- what the binds tell

    def changed(self, bind: CarrierBind) -> None:
        """A bind has come, gone, or has room again."""
        if self._due:
            self._pump()

    def answered(self, bind: CarrierBind, answers: list[Answer], late: bool) -> None:
        """A carrier has answered. Late answers have no slot to give back: `unanswered` did that."""
        now = self._now()
        slot = None if late else bind
        outcomes = [self._judge(bind, answer, now, late) for answer in answers]
        for outcome in outcomes:
            self._outcomes.add(outcome, slot)
        for outcome in outcomes:
            if outcome.outcome is AttemptOutcome.REFUSED:
                log.info(
                    "submit.refused",
                    bind=bind.name,
                    message_id=outcome.message.message_id,
                    status=status_name(outcome.command_status or 0),
                )

    def unanswered(self, bind: CarrierBind, attempts: list[Attempt]) -> None:
        """Submits have no answer: their messages are in doubt."""
        now = self._now()
        for attempt in attempts:
            message = attempt.message
            outcome = in_doubt.unanswered(
                message,
                self._account(message.account),
                bind.name,
                attempt.sent_at,
                now,
                self._limits.in_doubt_s,
                self._wait_s(message.attempts),
            )
            self._outcomes.add(outcome, bind)
            if outcome.resend:
                self._metrics.resends[bind.carrier.name] += 1

    # -- stopping

    async def stop(self) -> None:
        """Claim nothing more; returns when what was claimed has left and every outcome so far is recorded."""
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for claim in list(self._claims.values()):
            await claim
        await self._outcomes.idle()

    # -- outcomes

    def _judge(self, bind: CarrierBind, answer: Answer, now: int, late: bool) -> Outcome:
        status = answer.command_status
        if status == CommandStatus.ESME_ROK:
            kind, due_at = AttemptOutcome.ACCEPTED, 0
        elif status in bind.carrier.temporary_statuses:
            kind = AttemptOutcome.TEMPORARY
            due_at = now + int(self._wait_s(answer.attempt.message.attempts) * 1000)
        else:
            kind, due_at = AttemptOutcome.REFUSED, 0
        attempt = answer.attempt
        return self._outcome(attempt, kind, now, answer.carrier_message_id or None, status, due_at, late)

    def _outcome(
        self,
        attempt: Attempt,
        kind: AttemptOutcome,
        answered_at: int | None = None,
        carrier_message_id: str | None = None,
        command_status: int | None = None,
        due_at: int = 0,
        late: bool = False,
    ) -> Outcome:
        return Outcome(
            attempt.message,
            kind,
            attempt.message.carrier or "",
            attempt.bind,
            attempt.sent_at,
            answered_at,
            carrier_message_id,
            command_status,
            due_at,
            late=late,
        )

    def _recorded(self, endings: Sequence[Ending], recorded: Recorded) -> None:
        """After the commit: what nobody else would make good comes first."""
        for message in recorded.queued:
            self._waiting[message.account] += 1
            self._note_due(message.route, message.due_at)
        self._waiting.subtract(message.account for message in recorded.unqueued)
        for bind, count in Counter(bind for _, bind in endings if bind is not None).items():
            task.safely(bind.give_back, count)
        task.safely(self.ended, recorded.ended)
        task.safely(self._owe, recorded.deliveries)
        task.safely(self._count, [outcome for outcome, _ in endings])
        if recorded.queued:
            # A late answer puts a message back without a slot that would become free.
            self._pump()

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        for (carrier, kind), count in Counter([(o.carrier, o.outcome) for o in outcomes]).items():
            self._metrics.submits[carrier, kind.name] += count
        for outcome in outcomes if self._says_all else ():
            self._log.debug(
                "submit.answered",
                message_id=outcome.message.message_id,
                outcome=outcome.outcome,
                carrier_message_id=outcome.carrier_message_id,
                status=outcome.command_status,
            )

    # -- the queue

    def _pump(self) -> None:
        """Claim what is due for every carrier that has room, and look again when more is due."""
        if self._stopping:
            return
        now = self._now()
        by_carrier: dict[str, list[str]] = {}
        for route, due_at in self._due.items():
            if due_at <= now and not self._is_claimed(route):
                carrier = self._pool.preferred(route)
                if carrier is not None and carrier not in self._claiming:
                    by_carrier.setdefault(carrier, []).append(route)
        for carrier, routes in by_carrier.items():
            slots = self._pool.take(carrier, self._limits.batch_max)
            if slots:
                self._claiming[carrier] = routes
                for route in routes:
                    del self._due[route]
                self._claims[carrier] = task.start(self._claim(carrier, routes, slots), "claim")
        self._look_again(now)

    async def _claim(self, carrier: str, routes: list[str], slots: list[Slot]) -> None:
        try:
            claimed = await self._store.claim(routes, carrier, len(slots), self._opens_at)
        except Exception as error:
            log.error("claim.failed", carrier=carrier, error=str(error))
            perhaps = error.result if isinstance(error, CommitUnknown) else None
            await self._take_back(perhaps.messages if isinstance(perhaps, Claimed) else (), slots)
            claimed = Claimed((), dict.fromkeys(routes, self._now() + int(self._wait_s(1) * 1000)))
            slots = []
        del self._claiming[carrier]
        for route, due_at in claimed.due.items():
            self._note_due(route, due_at)
        self._left(claimed.messages)
        sent, unsent = place(claimed.messages, slots)
        task.safely(self.send, sent)
        if unsent:
            self.unsent(unsent)
        self._give_back_unused(slots[len(claimed.messages) :])
        task.safely(self.ended, claimed.recorded.ended)
        task.safely(self._owe, claimed.recorded.deliveries)
        self._pump()

    def _not_sent(self, message: Message, slot: Slot, wait_s: float) -> Outcome:
        now = self._now()
        attempt = Attempt(message, slot.name, now)
        return self._outcome(attempt, AttemptOutcome.NOT_SENT, due_at=now + int(wait_s * 1000))

    async def _take_back(self, messages: Sequence[Message], slots: list[Slot]) -> None:
        """Undo a claim that may have been committed, before anybody claims the same.

        A word of it that came later would be taken for one of the next claim, and undo that.
        """
        self._give_back_unused(slots[len(messages) :])
        self._left(messages)
        taken = zip(messages, slots, strict=False)
        if endings := [(self._not_sent(message, slot, 0.0), slot) for message, slot in taken]:
            await self._outcomes.record(endings)

    def _left(self, messages: Sequence[Message]) -> None:
        """These have left the queue."""
        for message in messages:
            self._waiting[message.account] = max(0, self._waiting[message.account] - 1)

    def _give_back_unused(self, slots: Sequence[Slot]) -> None:
        for bind, count in Counter(slots).items():
            task.safely(bind.give_back, count, unused=True)

    def _opens_at(self, message: Message, now: int) -> int:
        """From when on a message may be sent: hours are checked at release, too."""
        found = self._account(message.account)
        if found is None:
            return now
        return int(found.ruleset.opens_at(now / 1000, MessageClass(message.message_class)) * 1000)

    def _note_due(self, route: str, due_at: int) -> None:
        self._due[route] = min(due_at, self._due.get(route, due_at))

    def _has_queue(self, route: str, now: int) -> bool:
        due_at = self._due.get(route)
        return (due_at is not None and due_at <= now) or self._is_claimed(route)

    def _is_claimed(self, route: str) -> bool:
        """Whether a claim of the route is under way."""
        return any(route in routes for routes in self._claiming.values())

    def _look_again(self, now: int) -> None:
        """Arm the timer for what is due later, and for carriers that want to be left alone for a while."""
        waits = [(due_at - now) / 1000 for due_at in self._due.values() if due_at > now]
        if len(waits) < len(self._due):
            waits += [wait for bind in self._pool.binds if (wait := bind.opens_in_s()) > 0 and bind.is_bound]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if waits:
            self._timer = self._reactor.callLater(min(*waits, _LOOK_AGAIN_MAX_S), self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self._pump()

    def _account(self, name: str) -> Account | None:
        return self._accounts.get(name)

    def _wait_s(self, tries: int) -> float:
        return delay_s(tries, self._limits.retry_min_s, self._limits.retry_max_s, self._random)

    def _now(self) -> int:
        return int(self._clock.now() * 1000)
