"""What customers ask of what they have sent: query_sm, cancel_sm and replace_sm (SMPP 3.4, 4.8 to 4.10).

Served in the order of their arrival, and answered after the commit of what was done. A message is theirs if
the account is, and the sender's address is the one that it was submitted with. Another text is judged as the
first one was, and charged for what it is; if a rule refuses it, that is written down, too, before it is
answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import structlog
from twisted.internet.defer import Deferred

from gateway import task
from gateway.admission import Reading, Refusal, alphabet_of, read, refusal
from gateway.batch import Batch
from gateway.clock import Clock
from gateway.customers.submitter import Sender, evidence_of
from gateway.insist import fault
from gateway.message import Message, State
from gateway.parting import is_too_long, parts_of
from gateway.ports import CommitUnknown, Outlet, Store
from gateway.reactor import ReactorTime
from gateway.settings import Account, Limits, LongForm
from gateway.statuses import GatewayError
from gateway.stored import (
    Asked,
    Delivery,
    Ended,
    Found,
    Recorded,
    RefusedSubmit,
    Replaced,
    Replacement,
    refusal_of,
)
from gateway.told_id import read as read_id
from smpp import codec, smpptime, spec
from smpp.message_state import MessageState
from smpp.pdu import CancelSm, CancelSmResp, Pdu, QuerySm, QuerySmResp, ReplaceSm, ReplaceSmResp, SubmitSm

log = structlog.get_logger()

Operation = QuerySm | CancelSm | ReplaceSm

_ERROR_CODE_MAX = 255


class Asker(Sender, Protocol):
    """The bind that an operation came from."""

    def answer(self, sequence_number: int, pdu: Pdu) -> None: ...

    def refuse(self, sequence_number: int, refusal: Refusal) -> None: ...

    def flush(self) -> None: ...

    def abort(self, reason: str) -> None: ...


@dataclass(slots=True)
class _Asked:
    asker: Asker
    sequence_number: int
    pdu: Operation
    asked: Asked
    is_answered: bool = False

    def answer(self, pdu: Pdu) -> None:
        self.is_answered = True
        task.safely(self.asker.answer, self.sequence_number, pdu)

    def refuse(self, refused: Refusal) -> None:
        self.is_answered = True
        task.safely(self.asker.refuse, self.sequence_number, refused)


class Operations:
    """`form` tells how a route wants long messages; `owe` and `ended` hear what a cancel_sm brings about."""

    def __init__(
        self,
        limits: Limits,
        reactor: ReactorTime,
        clock: Clock,
        new_id: Callable[[], int],
        store: Store,
        outlet: Outlet,
        form: Callable[[str], LongForm],
        owe: Callable[[Sequence[Delivery]], None],
        ended: Callable[[Sequence[Ended]], None],
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._new_id = new_id
        self._store = store
        self._outlet = outlet
        self._form = form
        self._owe = owe
        self._ended = ended
        self._asked: Batch[_Asked] = Batch(reactor, limits.batch_max, self._serve)

    def __len__(self) -> int:
        """How many operations await their answer."""
        return len(self._asked)

    def offer(self, asker: Asker, sequence_number: int, pdu: Operation) -> None:
        """Take one operation; it is answered when the store has."""
        if len(self._asked) >= self._limits.intake_max:
            asker.refuse(sequence_number, refusal(asker.account, GatewayError.QUEUE_FULL))
            return
        self._asked.add(_Asked(asker, sequence_number, pdu, _meant(asker.account, pdu, self._new_id)))

    async def stop(self) -> None:
        """Returns when everything so far is answered."""
        await self._asked.idle()

    async def _serve(self, operations: Sequence[_Asked]) -> None:
        for run in _runs(operations):
            await self._serve_run(run)

    async def _serve_run(self, run: Sequence[_Asked]) -> None:
        serve = {CancelSm: self._cancel, ReplaceSm: self._replace, QuerySm: self._query}[type(run[0].pdu)]
        try:
            await serve(run)
        except Exception as error:
            self._failed([one for one in run if not one.is_answered], error)
        for asker in dict.fromkeys(one.asker for one in run):
            task.safely(asker.flush)

    def _failed(self, unanswered: Sequence[_Asked], error: Exception) -> None:
        if isinstance(error, CommitUnknown):
            log.error("operations.unknown", count=len(unanswered), error=str(error))
            for asker in dict.fromkeys(one.asker for one in unanswered):
                task.safely(asker.abort, "nobody knows whether the last operations were stored")
            return
        log.error("operations.failed", count=len(unanswered), error=fault(error))
        for one in unanswered:
            self._refuse(one, GatewayError.STORE_DOWN)

    # -- query_sm

    async def _query(self, items: Sequence[_Asked]) -> None:
        found = await self._store.look_up([one.asked for one in items])
        for one, there in zip(items, found, strict=True):
            if there is None:
                self._refuse(one, GatewayError.MESSAGE_UNKNOWN)
            else:
                one.answer(_told(one.pdu.message_id, there))

    # -- cancel_sm

    async def _cancel(self, items: Sequence[_Asked]) -> None:
        rules, recorded = await self._store.cancel([one.asked for one in items])
        for one, rule in zip(items, rules, strict=True):
            self._answer(one, rule, CancelSmResp())
        self._tell(recorded)

    def _tell(self, recorded: Recorded) -> None:
        task.safely(self._ended, recorded.ended)
        task.safely(self._owe, recorded.deliveries)

    # -- replace_sm

    async def _replace(self, items: Sequence[_Asked]) -> None:
        found = await self._store.look_up([one.asked for one in items])
        wanted: list[tuple[_Asked, Replacement]] = []
        refused: list[tuple[_Asked, Refusal, RefusedSubmit]] = []
        for one, there in zip(items, found, strict=True):
            judged = self._judge(one, there)
            if isinstance(judged, Replacement):
                wanted.append((one, judged))
            elif there is not None and judged.evidence is not None:
                refused.append((one, judged, self._kept(one, judged, there.message)))
            else:
                one.refuse(judged)
        if wanted or refused:
            await self._swap(wanted, refused)

    def _kept(self, one: _Asked, refused: Refusal, message: Message) -> RefusedSubmit:
        """What is kept of another text for `message` that a rule of the contract refuses."""
        first = codec.submit_sm(message.body)
        kept = evidence_of(one.asker, refused, first, self._new_id(), self._clock.now())
        assert kept is not None
        return kept

    async def _swap(
        self,
        wanted: Sequence[tuple[_Asked, Replacement]],
        refused: Sequence[tuple[_Asked, Refusal, RefusedSubmit]],
    ) -> None:
        done: Deferred[list[Replaced]] = self._store.replace(
            [replacement for _, replacement in wanted], [kept for _, _, kept in refused]
        )
        swapped = await done
        for one, judged, _ in refused:
            one.refuse(judged)
        for (one, replacement), replaced in zip(wanted, swapped, strict=True):
            if replaced.rule is None:
                task.safely(self._ended, replaced.gone)
                task.safely(self._outlet.queued, replacement.parts)
            self._answer(one, replaced.rule, ReplaceSmResp())

    def _judge(self, one: _Asked, there: Found | None) -> Replacement | Refusal:
        """What the message becomes, or why it stays what it is."""
        account, pdu = one.asker.account, one.pdu
        assert isinstance(pdu, ReplaceSm)
        if there is None:
            return refusal(account, GatewayError.MESSAGE_UNKNOWN)
        message = there.message
        if there.state is not None or there.destinations > 1 or message.is_segment:
            return refusal(account, GatewayError.NOT_REPLACED)
        now = self._clock.now()
        other = _other(pdu, message, now)
        reading = read(account, other, codec.encode_body(other), now, self._limits.message_ttl_s)
        if isinstance(reading, Refusal):
            return reading
        if not isinstance(reading, Reading):
            return refusal(account, GatewayError.NOT_REPLACED)
        # Without a new start or a new end, the message lives no longer than it would have.
        is_as_long = not pdu.validity_period and (other.validity_period or not pdu.schedule_delivery_time)
        deadline_at = message.deadline_at if is_as_long else reading.deadline_at
        return self._replacement(one.asker, pdu, message, replace(reading, deadline_at=deadline_at), now)

    def _replacement(
        self, asker: Asker, pdu: ReplaceSm, message: Message, reading: Reading, now: float
    ) -> Replacement | Refusal:
        account = asker.account
        whole_id = message.message_id if message.whole_id is None else message.whole_id
        waiting = replace(
            message,
            state=State.QUEUED,
            units=reading.units,
            body=reading.body,
            carrier=None,
            attempts=0,
            due_at=reading.due_at,
            deadline_at=reading.deadline_at,
            ruleset=account.ruleset.version,
            message_class=reading.message_class,
            signature=reading.signature,
            submitted_body=reading.submitted_body,
        )
        form = LongForm.PAYLOAD if reading.units == 1 else self._form(message.route)
        if is_too_long(reading.units, form, self._limits):
            return refusal(account, GatewayError.MESSAGE_TOO_LONG)
        try:
            alphabet = alphabet_of(account, codec.submit_sm(reading.body))
            parts = parts_of(waiting, whole_id, alphabet, form, self._new_id)
        except ValueError:
            return refusal(account, GatewayError.MESSAGE_TOO_LONG)
        came = replace(
            waiting, message_id=self._new_id(), submitted_by=asker.label, submitted_at=int(now * 1000)
        )
        evidence = refusal_of(came, "")
        return Replacement(message.message_id, pdu.registered_delivery, reading.body, parts, evidence)

    # -- answers

    def _answer(self, one: _Asked, rule: str | None, pdu: Pdu) -> None:
        if rule is None:
            one.answer(pdu)
        else:
            self._refuse(one, rule)

    def _refuse(self, one: _Asked, rule: str) -> None:
        one.refuse(refusal(one.asker.account, rule))


def _runs(operations: Sequence[_Asked]) -> Iterator[list[_Asked]]:
    """What one transaction may serve: those of one kind in a row, but one replace_sm of a message."""
    run: list[_Asked] = []
    swapped: set[int | str] = set()
    for one in operations:
        named = one.asked.told_as if one.asked.message_id is None else one.asked.message_id
        # A second text is judged by the times that the first one left.
        is_second = isinstance(one.pdu, ReplaceSm) and named in swapped
        if run and (is_second or type(one.pdu) is not type(run[0].pdu)):
            yield run
            run, swapped = [], set()
        run.append(one)
        swapped.add(named)
    if run:
        yield run


def _meant(account: Account, pdu: Operation, new_id: Callable[[], int]) -> Asked:
    """The message that an operation is about; its id is in the form of the account's responses."""
    message_id = read_id(pdu.message_id, account.message_ids) if pdu.message_id else None
    sources: tuple[str, ...] = (pdu.source.addr,)
    if not pdu.source.addr and account.source_addrs:
        # A submit_sm without a sender was given the account's (SMPP 3.4, 4.4.1.1).
        sources = ("", account.source_addrs[0])
    if isinstance(pdu, CancelSm):
        to, service_type = pdu.destination.addr, pdu.service_type
        before_id = None if pdu.message_id else new_id()
        return Asked(account.name, sources, message_id, pdu.message_id, to, service_type, before_id)
    return Asked(account.name, sources, message_id, pdu.message_id)


def _other(pdu: ReplaceSm, message: Message, now: float) -> SubmitSm:
    """The submit_sm with the other text and times; what replace_sm does not name stays as it was."""
    first = codec.submit_sm(message.body)
    schedule = pdu.schedule_delivery_time
    if not schedule and message.due_at > now * 1000:
        schedule = smpptime.format_absolute(datetime.fromtimestamp(message.due_at / 1000, UTC))
    payload = tuple((tag, octets) for tag, octets in pdu.tlvs if tag == spec.MESSAGE_PAYLOAD)
    kept = tuple((tag, octets) for tag, octets in first.tlvs if tag != spec.MESSAGE_PAYLOAD)
    return replace(
        first,
        schedule_delivery_time=schedule,
        validity_period=pdu.validity_period or first.validity_period,
        registered_delivery=pdu.registered_delivery,
        short_message=pdu.short_message,
        tlvs=(*kept, *payload),
    )


def _told(message_id: str, found: Found) -> QuerySmResp:
    """What query_sm is told: a message is ENROUTE until its end, wherever it waits."""
    if found.state is None or found.final_at is None:
        return QuerySmResp(message_id, "", MessageState.ENROUTE, 0)
    final_date = smpptime.format_absolute(datetime.fromtimestamp(found.final_at / 1000, UTC))
    code = int(found.error) if found.error.isascii() and found.error.isdigit() else 0
    return QuerySmResp(
        message_id, final_date, MessageState(found.state), code if code <= _ERROR_CODE_MAX else 0
    )
