"""Broadcasts on their way in: what the operator sends for a customer goes through the intake like any submit.

A broadcast is fed in batches, and only as fast as the carriers take them: what is due on its routes stays
below a limit, so that a customer's own messages never stand behind a long queue of it, and a pause or the
end of the hours stops it at once. Who is refused for a reason that may pass is offered again until the
deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred

from gateway import task
from gateway.addressing import address
from gateway.admission import Refusal
from gateway.broadcasts.broadcast import (
    IN_HAND_MAX,
    Broadcast,
    BroadcastState,
    BroadcastStore,
    RefusedRecipient,
    Step,
)
from gateway.clock import Clock
from gateway.customers.intake import Intake
from gateway.explanation import explain
from gateway.insist import fault
from gateway.message import Message
from gateway.reactor import ReactorTime
from gateway.routing import routes_of
from gateway.settings import Account, Settings
from gateway.statuses import GatewayError
from gateway.stored import Delivery, Ended
from policy.clauses import ACCOUNT_NOT_OPEN, ACCOUNT_SUSPENDED, OUTSIDE_HOURS, QUOTA_EXHAUSTED
from smpp import codec, smpptime
from smpp.pdu import SubmitSm

log = structlog.get_logger()

# How often to look for broadcasts that are to begin, and for room while one runs.
_LOOK_S = 5.0
_ROOM_S = 0.5
# How long to wait before one recipient tries whether what has kept the others out has passed.
_PATIENCE_S = 30.0

# Reasons that pass by themselves, soon or after a while.
_SOON = frozenset({GatewayError.THROTTLED, GatewayError.QUEUE_FULL, GatewayError.STOPPING, OUTSIDE_HOURS})
_LATER = frozenset(
    {
        GatewayError.STORE_DOWN,
        GatewayError.CAP_REACHED,
        QUOTA_EXHAUSTED,
        ACCOUNT_NOT_OPEN,
        ACCOUNT_SUSPENDED,
    }
)


@dataclass(slots=True)
class _Progress:
    """What is remembered of a running broadcast: when it goes on, and what the store is to be told."""

    not_before: float = 0.0
    count: int = IN_HAND_MAX
    refused: Sequence[RefusedRecipient] = ()


@dataclass(eq=False)
class _Batch:
    """The submitter of some recipients; their places are the sequence_numbers. See `submitter.Submitter`.

    Of one `alone` that the store does not take, though it takes our own words, the fault is its own.
    """

    account: Account
    label: str
    alone: bool
    refused: list[RefusedRecipient] = field(default_factory=list)
    waits: bool = False
    is_kept_out: bool = False
    asked: int = 0
    answered: int = 0
    _done: Deferred[None] = field(default_factory=Deferred)

    def accept(self, sequence_number: int, message: Message) -> None:
        self.answered += 1

    def refuse(self, sequence_number: int, refusal: Refusal) -> None:
        self.answered += 1
        is_final = self.alone and refusal.rule == GatewayError.STORE_DOWN
        if refusal.rule in _SOON:
            self.waits = True
        elif refusal.rule in _LATER:
            self.is_kept_out |= not is_final
        else:
            is_final = True
        self.refused.append(RefusedRecipient(sequence_number, refusal.rule, is_final))

    def flush(self) -> None:
        if self.answered >= self.asked and not self._done.called:
            self._done.callback(None)

    def abort(self, reason: str) -> None:
        """Nobody knows whether some were stored; the store will, at the next look."""
        self.waits = True
        if not self._done.called:
            self._done.callback(None)

    def done(self) -> Deferred[None]:
        """Fires when all are answered, or will not be."""
        self.flush()
        return self._done


class Broadcasts:
    """Runs what is due. `ended` and `owe` hear of messages that a cancellation deletes."""

    def __init__(
        self,
        settings: Settings,
        reactor: ReactorTime,
        clock: Clock,
        store: BroadcastStore,
        intake: Intake,
        ended: Callable[[Sequence[Ended]], None],
        owe: Callable[[Sequence[Delivery]], None],
    ) -> None:
        self._settings = settings
        self._accounts: Mapping[str, Account] = {a.name: a for a in settings.accounts.values()}
        self._count_max = min(IN_HAND_MAX, settings.limits.batch_max)
        self._reactor = reactor
        self._clock = clock
        self._store = store
        self._intake = intake
        self._ended = ended
        self._owe = owe
        self._progress: dict[int, _Progress] = {}
        self._in_hand = 0
        self._timer: DelayedCall | None = None
        self._round: Deferred[object] | None = None
        self._stopping = False

    def __len__(self) -> int:
        """How many recipients have been offered and not answered."""
        return self._in_hand

    async def cancel_left(self) -> None:
        """Finish the cancellations of an earlier life, before any message leaves."""
        for broadcast in await self._store.running_broadcasts():
            if broadcast.state is BroadcastState.CANCELLING:
                await self._cancel(broadcast)

    def start(self) -> None:
        """Look for what is due from now on."""
        self._timer = self._reactor.callLater(_LOOK_S, self._look)

    async def stop(self) -> None:
        """Offer nothing more; returns when what was offered is answered."""
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._round is not None:
            await self._round

    def _look(self) -> None:
        self._timer = None
        self._round = task.start(self._run_all(), "broadcasts")

    async def _run_all(self) -> None:
        wait_s = _LOOK_S
        try:
            broadcasts = await self._store.running_broadcasts()
            running = {broadcast.broadcast_id for broadcast in broadcasts}
            self._progress = {i: known for i, known in self._progress.items() if i in running}
            for broadcast in broadcasts:
                if not self._stopping:
                    wait_s = min(wait_s, await self._run_safely(broadcast))
        except Exception as error:
            log.error("broadcasts.failed", error=fault(error))
        self._round = None
        if not self._stopping:
            self._timer = self._reactor.callLater(wait_s, self._look)

    async def _run_safely(self, broadcast: Broadcast) -> float:
        """One that cannot be gone on with must not keep the others from it."""
        try:
            return await self._run(broadcast)
        except Exception as error:
            log.error("broadcast.failed", broadcast_id=broadcast.broadcast_id, error=fault(error))
            return _LOOK_S

    async def _run(self, broadcast: Broadcast) -> float:
        """Go on with one of them; how long to wait then."""
        if broadcast.state is BroadcastState.CANCELLING:
            await self._cancel(broadcast)
            return 0.0
        now = self._clock.now()
        account = self._accounts.get(broadcast.account)
        opens = now
        if account is not None:
            opens = account.ruleset.hours.next_open(now, account.ruleset.message_class)
        if opens * 1000 >= broadcast.deadline_at:
            is_left = await self._store.give_up_recipients(broadcast.broadcast_id, self._count_max)
            return 0.0 if is_left else _LOOK_S
        progress = self._progress.setdefault(broadcast.broadcast_id, _Progress(count=self._count_max))
        if account is None or opens > now or self._reactor.seconds() < progress.not_before:
            return _LOOK_S
        return await self._go_on(broadcast, account, progress)

    async def _go_on(self, broadcast: Broadcast, account: Account, progress: _Progress) -> float:
        routes = routes_of(self._settings.routes, account.name)
        step = await self._store.next_recipients(
            broadcast.broadcast_id, progress.refused, progress.count, routes, self._count_max
        )
        progress.refused = ()
        if step.state is not BroadcastState.READY:
            log.info(
                "broadcast.left",
                broadcast_id=broadcast.broadcast_id,
                account=account.name,
                state=step.state.name,
            )
            return 0.0
        if not step.recipients:
            return _ROOM_S
        batch = await self._offer(broadcast, account, step)
        progress.refused = batch.refused
        progress.count = 1 if batch.is_kept_out else self._count_max
        if batch.is_kept_out:
            progress.not_before = self._reactor.seconds() + _PATIENCE_S
            rule = next(r.rule for r in batch.refused if not r.is_final)
            log.warning("broadcast.kept_out", broadcast_id=broadcast.broadcast_id, rule=rule)
            return _LOOK_S
        return _ROOM_S if batch.waits else 0.0

    async def _offer(self, broadcast: Broadcast, account: Account, step: Step) -> _Batch:
        alone = len(step.recipients) == 1
        batch = _Batch(account, f"broadcast/{broadcast.broadcast_id}", alone)
        template = self._template(broadcast, account, step.recipients[0].number)
        for recipient in step.recipients:
            if batch.waits:
                break
            pdu = replace(template, destination=address(recipient.number))
            body = codec.encode_body(pdu)
            batch.asked += 1
            self._intake.offer(batch, recipient.place, pdu, body, message_id=recipient.message_id)
        self._in_hand = batch.asked
        await batch.done()
        self._in_hand = 0
        return batch

    def _template(self, broadcast: Broadcast, account: Account, number: str) -> SubmitSm:
        """What is submitted, with a recipient still to be put into it; no receipts, for there is no bind."""
        now, text = self._clock.now(), broadcast.text
        written = explain(self._settings, account, text, now, number, broadcast.source_addr).pdu
        deadline = datetime.fromtimestamp(broadcast.deadline_at / 1000, UTC)
        validity_period = smpptime.format_absolute(deadline)
        return replace(written, registered_delivery=0, validity_period=validity_period)

    async def _cancel(self, broadcast: Broadcast) -> None:
        """Delete what waits of it."""
        place: int | None = -1
        while place is not None:
            place, recorded = await self._store.cancel_recipients(
                broadcast.broadcast_id, place, self._count_max
            )
            self._ended(recorded.ended)
            self._owe(recorded.deliveries)
        log.info("broadcast.cancelled", broadcast_id=broadcast.broadcast_id, account=broadcast.account)
