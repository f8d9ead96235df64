"""Long messages that come in segments: collected, judged as one, and sent on in parts.

A customer may wait for the answer to each segment before it sends the next, so every segment but the last is
stored and answered at once, with an id and a hold of its own. The last one waits until the others are stored;
then the joined text is judged, and its answer is the verdict. If that is a refusal, the store ends the others
REJECTED, as it does when the last one does not come in time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from twisted.internet.defer import Deferred

from gateway import task
from gateway.admission import Evidence, Reading, Refusal, Segment, alphabet_of, read_whole, refusal
from gateway.batch import Batch
from gateway.clock import Clock
from gateway.customers.collector import Collector, Gathered, Gathering, Step, key_of
from gateway.customers.submitter import Submitter, accept, evidence_of, refuse, tell_shadowed
from gateway.insist import fault, in_parts
from gateway.message import Message, State
from gateway.metrics import Metrics
from gateway.parting import bodies_of, is_too_long, joined, leaving, parts_with
from gateway.ports import CommitUnknown, Outlet, Slot, Store
from gateway.reactor import ReactorTime
from gateway.settings import Account, Limits, LongForm
from gateway.statuses import GatewayError
from gateway.stored import Delivery, Ended, Joined, Whole, refusal_of
from policy.clauses import MESSAGE_INCOMPLETE, TEXT_UNREADABLE
from smpp import codec, segments
from smpp.errors import PduError
from smpp.value import changed, value

log = structlog.get_logger()


@value(frozen=True, slots=True)
class _Offer:
    """A segment and who waits for its answer."""

    submitter: Submitter
    sequence_number: int
    account: Account
    segment: Segment
    route: str
    told_as: str | None
    gathering: Gathering


_Early = tuple[_Offer, Message]


@value(frozen=True, slots=True)
class _Last:
    """A message whose segments have all come; `slot` stands for as many as it has parts."""

    offer: _Offer
    whole: Whole
    refused: Refusal | None = None
    slot: Slot | None = None

    def give_back(self) -> None:
        """Nothing is sent."""
        if self.slot is not None:
            task.safely(self.slot.give_back, len(self.whole.parts), unused=True)


class LongMessages:
    """`form` tells how a route wants long messages; `owe` and `ended` hear what a refusal brings about."""

    def __init__(
        self,
        limits: Limits,
        reactor: ReactorTime,
        clock: Clock,
        new_id: Callable[[], int],
        epoch: int,
        store: Store,
        outlet: Outlet,
        metrics: Metrics,
        form: Callable[[str], LongForm],
        owe: Callable[[Sequence[Delivery]], None],
        ended: Callable[[Sequence[Ended]], None],
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._new_id = new_id
        self._epoch = epoch
        self._store = store
        self._outlet = outlet
        self._metrics = metrics
        self._form = form
        self._owe = owe
        self._ended = ended
        self._collector = Collector(limits, new_id)
        self._early: Batch[_Offer] = Batch(reactor, limits.batch_max, self._collect)
        self._last: Batch[_Offer] = Batch(reactor, limits.batch_max, self._join)
        # The last segments of sets whose others are not stored yet, and repeats of segments that are not.
        self._waiting: dict[Gathering, list[_Offer]] = {}
        self._waiting_count = 0

    def __len__(self) -> int:
        """How many segments await their answer."""
        return len(self._early) + len(self._last) + self._waiting_count

    @property
    def collector(self) -> Collector:
        """The sets that wait for a segment."""
        self._collector.forget_old(self._clock.now())
        return self._collector

    def restore(self, messages: Sequence[Message], accounts: Callable[[str], Account | None]) -> None:
        """Take up the segments that an earlier life has stored."""
        for message in messages:
            account = accounts(message.account)
            pdu = codec.submit_sm(message.body)
            place = segments.concat(pdu)
            if account is None or place is None or message.whole_id is None:
                continue
            key = key_of(account.name, pdu, place, alphabet_of(account, pdu))
            self._collector.restore(
                key,
                place.seq,
                message.whole_id,
                message.deadline_at / 1000,
                Gathered(pdu, message),
            )

    def is_expected(self, account: Account, segment: Segment) -> bool:
        """Whether a set waits for such a segment: a throttle lets it in then."""
        key = key_of(account.name, segment.pdu, segment.place, segment.alphabet)
        return self._collector.expects(key, segment.place.seq, self._clock.now())

    def offer(
        self,
        submitter: Submitter,
        sequence_number: int,
        segment: Segment,
        route: str,
        told_as: str | None = None,
    ) -> None:
        """Take a segment; it is answered when it is stored, or the whole is."""
        account = submitter.account
        if segment.place.total > self._limits.segments_max:
            refused = refusal(account, GatewayError.MESSAGE_TOO_LONG)
            refuse(submitter, sequence_number, refused, self._metrics)
            return
        key = key_of(account.name, segment.pdu, segment.place, segment.alphabet)
        step, gathering = self._collector.place(
            key, segment.place.seq, segment.pdu, self._clock.now(), submitter
        )
        if gathering is None:
            refused = refusal(account, GatewayError.QUEUE_FULL)
            refuse(submitter, sequence_number, refused, self._metrics)
            return
        offer = _Offer(submitter, sequence_number, account, segment, route, told_as, gathering)
        if step is Step.COLLECT:
            self._early.add(offer)
        elif step is Step.REPEAT:
            self._repeat(offer)
        else:
            self._place_last(offer)

    async def stop(self) -> None:
        """Returns when everything so far is answered."""
        await self._early.idle()
        await self._last.idle()

    # -- all but the last

    async def _collect(self, offers: Sequence[_Offer]) -> None:
        candidates = [(offer, self._segment(offer)) for offer in offers]
        async for part, told in in_parts(candidates, self._store_early):
            for index, (offer, message) in enumerate(part):
                if isinstance(told, CommitUnknown):
                    task.safely(offer.submitter.abort, "nobody knows whether the last messages were stored")
                    self._not_collected(offer, None)
                elif isinstance(told, Exception):
                    self._not_collected(offer, refusal(offer.account, GatewayError.STORE_DOWN))
                elif (said := told[index]) is None:
                    self._collected(offer, message)
                elif isinstance(said, Message):
                    accept(offer.submitter, offer.sequence_number, said)
                    self._not_collected(offer, None)
                else:
                    self._not_collected(offer, refusal(offer.account, said))
            if isinstance(told, Exception):
                log.error("admission.failed", count=len(part), error=fault(told))
        _flush(offers)

    def _store_early(self, candidates: Sequence[_Early]) -> Deferred[list[Message | str | None]]:
        # Of what the store has nothing yet, it may have had all before.
        beginning = {message.message_id for offer, message in candidates if offer.gathering.is_new}
        since = int((self._clock.now() - self._limits.reassembly_s) * 1000)
        return self._store.collect([message for _, message in candidates], beginning, since)

    def _collected(self, offer: _Offer, message: Message) -> None:
        gathering = offer.gathering
        gathering.segments[offer.segment.place.seq].message = message
        accept(offer.submitter, offer.sequence_number, message)
        self._metrics.messages_accepted[message.account] += 1
        self._wake(gathering)

    def _not_collected(self, offer: _Offer, refused: Refusal | None) -> None:
        self._collector.remove(offer.gathering, offer.segment.place.seq)
        if refused is not None:
            refuse(offer.submitter, offer.sequence_number, refused, self._metrics)
        self._wake(offer.gathering)

    def _wake(self, gathering: Gathering, refused: Refusal | None = None) -> None:
        """Something has become of a segment that others have waited for: see to them again.

        `refused` is why, if the whole is.
        """
        for offer in self._released(gathering):
            known = gathering.segments.get(offer.segment.place.seq)
            if known is not None and known.message is not None:
                self._repeat(offer)
            elif known is None:
                self.offer(offer.submitter, offer.sequence_number, offer.segment, offer.route, offer.told_as)
            elif gathering.is_closed:
                answer = refused or refusal(offer.account, MESSAGE_INCOMPLETE)
                refuse(offer.submitter, offer.sequence_number, answer, self._metrics)
                task.safely(offer.submitter.flush)
            elif known.pdu is not offer.segment.pdu:
                self._wait(offer)
            else:
                self._place_last(offer)

    def _wait(self, offer: _Offer) -> None:
        self._waiting.setdefault(offer.gathering, []).append(offer)
        self._waiting_count += 1

    def _released(self, gathering: Gathering) -> Sequence[_Offer]:
        """Those that have waited for segments of a set."""
        offers = self._waiting.pop(gathering, ())
        self._waiting_count -= len(offers)
        return offers

    def _place_last(self, offer: _Offer) -> None:
        """The segment that made its set whole; if another was refused meanwhile, it waits like the rest."""
        gathering = offer.gathering
        if not gathering.is_whole:
            self._early.add(offer)
        elif gathering.is_stored:
            self._last.add(offer)
        elif any(_is_first(other) for other in self._waiting.get(gathering, ())):
            # One waits already: two would wait for each other.
            self._early.add(offer)
        else:
            self._wait(offer)

    def _repeat(self, offer: _Offer) -> None:
        """A segment that is here already: its answer is that of the first one."""
        known = offer.gathering.segments[offer.segment.place.seq]
        if known.message is None:
            self._wait(offer)
            return
        accept(offer.submitter, offer.sequence_number, known.message)
        task.safely(offer.submitter.flush)

    def _segment(self, offer: _Offer) -> Message:
        """The row of a segment that waits, until the set's time is over."""
        message = self._message(offer, offer.segment.reading)
        return changed(
            message,
            state=State.COLLECTING,
            whole_id=offer.gathering.whole_id,
            segment=offer.segment.place.seq,
            deadline_at=int(offer.gathering.deadline * 1000),
        )

    # -- the last

    async def _join(self, offers: Sequence[_Offer]) -> None:
        candidates = [self._whole(offer) for offer in offers]
        async for part, told in in_parts(candidates, self._tell):
            if isinstance(told, CommitUnknown):
                self._put_down(part, told)
            elif isinstance(told, Exception):
                log.error("joining.failed", count=len(part), error=fault(told))
                for last in part:
                    last.give_back()
                    self._not_collected(last.offer, refusal(last.offer.account, GatewayError.STORE_DOWN))
            else:
                self._answer(part, told)
        _flush(offers)

    def _tell(self, candidates: Sequence[_Last]) -> Deferred[Joined]:
        return self._store.join([last.whole for last in candidates])

    def _whole(self, offer: _Offer) -> _Last:
        """Judge a message whose segments have all come."""
        gathering, reading = offer.gathering, offer.segment.reading
        collected = tuple(s.message.message_id for s in gathering.in_order if s.message is not None)
        last = joined(self._message(offer, reading), gathering.whole_id, offer.segment.place.seq)
        try:
            judged = read_whole(offer.account, [s.pdu for s in gathering.in_order], reading)
            tell_shadowed(offer.account.name, judged.shadowed, self._metrics)
            if isinstance(judged, Refusal):
                return self._refused(offer, collected, last, judged)
            whole, form = self._message(offer, judged), self._form(offer.route)
            if is_too_long(judged.units, form, self._limits):
                raise ValueError(f"{judged.units} units")
            alphabet = offer.segment.alphabet
            if judged.submitted_body is not None:
                alphabet = alphabet_of(offer.account, codec.submit_sm(judged.body))
            bodies = bodies_of(whole.body, alphabet, form)
            slot = self._slot(whole, len(bodies))
            going = whole if slot is None else leaving(whole, slot)
            parts = parts_with(bodies, going, gathering.whole_id, form, self._new_id)
            return _Last(offer, Whole(collected, last, parts, evidence=refusal_of(whole, "")), slot=slot)
        except PduError as error:
            evidence = Evidence(reading.message_class, reading.body, 1)
            refused = Refusal(TEXT_UNREADABLE, error.command_status, evidence=evidence)
            return self._refused(offer, collected, last, refused)
        except ValueError:
            refused = refusal(offer.account, GatewayError.MESSAGE_TOO_LONG)
        except Exception:
            # One message that cannot be judged must not keep the others of the batch from their answers.
            log.exception("joining.failed", account=offer.account.name)
            refused = refusal(offer.account, GatewayError.STORE_DOWN)
        return self._refused(offer, collected, last, refused)

    def _refused(self, offer: _Offer, collected: tuple[int, ...], last: Message, refused: Refusal) -> _Last:
        """A long message that is refused, with what is kept of it."""
        pdu, now = offer.segment.pdu, last.submitted_at / 1000
        evidence = evidence_of(offer.submitter, refused, pdu, last.message_id, now)
        return _Last(offer, Whole(collected, last, rule=refused.rule, evidence=evidence), refused)

    def _slot(self, whole: Message, count: int) -> Slot | None:
        """Slots for all parts of a message, if it may leave at once."""
        if whole.due_at > self._clock.now() * 1000:
            return None
        return self._outlet.take_together(whole.route, count)

    def _answer(self, candidates: Sequence[_Last], told: Joined) -> None:
        sends: list[tuple[Message, Slot]] = []
        for candidate, rule, parts in zip(candidates, told.rules, told.parts, strict=True):
            offer, whole, refused = candidate.offer, candidate.whole, candidate.refused
            if rule is None:
                offer.gathering.segments[offer.segment.place.seq].message = whole.last
                self._collector.close(offer.gathering)
                accept(offer.submitter, offer.sequence_number, whole.last)
                self._metrics.messages_accepted[offer.account.name] += 1
                self._metrics.units_accepted[offer.account.name] += sum(p.units for p in whole.parts)
                if candidate.slot is None:
                    task.safely(self._outlet.queued, whole.parts)
                else:
                    sends += [(part, candidate.slot) for part in parts]
            else:
                candidate.give_back()
                self._collector.drop(offer.gathering)
                if refused is None or refused.rule != rule:
                    refused = refusal(offer.account, rule)
                refuse(offer.submitter, offer.sequence_number, refused, self._metrics)
            self._wake(offer.gathering, refused)
        if sends:
            task.safely(self._outlet.send, sends)
        task.safely(self._ended, told.recorded.ended)
        task.safely(self._owe, told.recorded.deliveries)

    def _put_down(self, candidates: Sequence[_Last], error: CommitUnknown) -> None:
        """Nobody knows what the store has done: leave what may wait to the queue, and say nothing."""
        log.error("joining.unknown", count=len(candidates), error=str(error))
        for candidate in candidates:
            offer, parts, slot = candidate.offer, candidate.whole.parts, candidate.slot
            self._collector.drop(offer.gathering)
            task.safely(offer.submitter.abort, "nobody knows whether the last messages were stored")
            if slot is None:
                self._outlet.perhaps_queued(parts)
            else:
                self._outlet.unsent([(part, slot) for part in parts])
            for other in self._released(offer.gathering):
                task.safely(other.submitter.abort, "nobody knows whether the last messages were stored")

    def _message(self, offer: _Offer, reading: Reading) -> Message:
        return Message(
            self._new_id(),
            offer.account.name,
            State.QUEUED,
            reading.units,
            reading.source_addr,
            reading.destination_addr,
            reading.registered_delivery,
            reading.body,
            offer.route,
            None,
            self._epoch,
            0,
            0,
            int(self._clock.now() * 1000),
            reading.due_at,
            reading.deadline_at,
            offer.account.ruleset.version,
            offer.submitter.label,
            told_as=offer.told_as,
            message_class=reading.message_class,
            signature=reading.signature,
            submitted_body=reading.submitted_body,
        )


def _is_first(offer: _Offer) -> bool:
    """Whether it is the segment of its set, and no repeat of it."""
    known = offer.gathering.segments.get(offer.segment.place.seq)
    return known is not None and known.pdu is offer.segment.pdu


def _flush(offers: Sequence[_Offer]) -> None:
    for submitter in dict.fromkeys(offer.submitter for offer in offers):
        task.safely(submitter.flush)
