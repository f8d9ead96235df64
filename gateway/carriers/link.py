"""One connection to a carrier, from its bind to its end.

smpplib's `Client` keeps the session (see `client`); this protocol keeps the octets: framing, the window of
outstanding submits, the timers, and the hot PDUs by our own codec. What happens is told to an `Upstream`,
which never hears of a PDU that cannot be read: a carrier's fault ends in an answer or in the end of the
connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol as Interface
from typing import cast

import structlog
from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IHandshakeListener, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]  # it has no types

from gateway import task
from gateway.addressing import address
from gateway.carriers.client import CarrierClient
from gateway.carriers.submit_body import in_form, packed, sent_by, without_tlvs
from gateway.carriers.submit_resp import is_congested, message_id
from gateway.data_sm import as_deliver_sm
from gateway.reactor import ReactorTime
from gateway.settings import Carrier, InterfaceVersion, Limits
from gateway.stored import Attempt
from gateway.tls import has_tls, reason_of
from gateway.transport import Transport
from smpp import codec, packing
from smpp.commands import RESPONSE_BIT, CommandId
from smpp.commands import name as command_name
from smpp.errors import PduError
from smpp.framer import Frame, Framer
from smpp.pdu import DataSm, DeliverSm
from smpp.status import CommandStatus
from smpp.timers import Due, Timers, TimerSettings
from smpp.value import value
from smpp.window import Window

log = structlog.get_logger()

_NO_MESSAGE_ID = b"\0"
# The bits of esm_class that tell a receipt, whose text is written by no phone (SMPP 3.4, 5.2.12).
_MESSAGE_TYPE = 0x3C


@value(frozen=True, slots=True)
class Answer:
    """A carrier's answer to an attempt; `carrier_message_id` is None where it gave none."""

    attempt: Attempt
    command_status: int
    carrier_message_id: str | None


class Upstream(Interface):
    """Who is told what happens on a link."""

    def bound(self, link: CarrierLink) -> None:
        """The carrier accepted our bind."""

    def bind_refused(self, link: CarrierLink, command_status: int) -> None:
        """The carrier refused our bind; the connection ends."""

    def answered(self, link: CarrierLink, answers: list[Answer], late: bool) -> None:
        """The carrier answered these; `late`, after `timed_out` had been told."""

    def congested(self, link: CarrierLink) -> None:
        """A carrier of SMPP 5.0 told with an answer that it is nearly full."""

    def timed_out(self, link: CarrierLink, attempts: list[Attempt]) -> None:
        """No answer to these within response_s."""

    def delivered(self, link: CarrierLink, sequence_number: int, pdu: DeliverSm) -> None:
        """A deliver_sm, to be answered with `respond`."""

    def lost(self, link: CarrierLink, attempts: list[Attempt], reason: str) -> None:
        """The connection is gone; these attempts have no answer."""


@implementer(IHandshakeListener)
class CarrierLink(Protocol):
    """A connection that binds as soon as it is made. `unanswered_max` bounds the deliver_sm in our hands."""

    def __init__(self, carrier: Carrier, reactor: ReactorTime, upstream: Upstream, limits: Limits) -> None:
        self._carrier = carrier
        self._reactor = reactor
        self._upstream = upstream
        self._is_50 = carrier.interface_version is InterfaceVersion.V50
        self._sender = None if carrier.source_addr is None else address(carrier.source_addr)
        self._framer = Framer(limits.pdu_max)
        self._window: Window[Attempt] = Window(carrier.window_max, late_max=limits.late_max)
        self._unanswered = 0
        self._data_sm: set[int] = set()
        self._unanswered_max = limits.inbound_max
        self._choked = False
        self._reading = True
        self._open = False
        self._answers: list[Answer] = []
        self._late: list[Answer] = []
        self._timer: DelayedCall | None = None
        self._timer_at = 0.0
        self._unbinding = False
        self._reason = ""

    # -- for the owner

    @property
    def transmits(self) -> bool:
        """Whether a submit_sm may be sent now."""
        return self._open and self._client.transmits and not self._unbinding and not self._reason

    @property
    def was_cut(self) -> bool:
        """Whether it ended, if it has, without an unbind of either side."""
        return self._client.is_bound() and not self._unbinding

    def submit(self, attempts: Sequence[Attempt]) -> None:
        """Send these in one write. The owner sees to it that the window has room and the link transmits.

        What is too long for a carrier without TLVs is answered here, with ESME_RINVMSGLEN. Raises PduError or
        ValueError, and sends none of them, if one cannot be written as the carrier wants it.
        """
        deadline = self._reactor.seconds() + self._carrier.timers.response_s
        bodies = [
            in_form(self._carrier.long_messages, attempt.message.body)
            if attempt.message.part
            else attempt.message.body
            for attempt in attempts
        ]
        if self._carrier.septets_packed:
            bodies = list(map(packed, bodies))
        if self._sender is not None:
            bodies = [sent_by(self._sender, body) for body in bodies]
        if self._carrier.interface_version is InterfaceVersion.V33:
            attempts, bodies = self._for_33(attempts, bodies)
        frames = [
            codec.frame(CommandId.SUBMIT_SM, 0, self._window.open(attempt, deadline), body)
            for attempt, body in zip(attempts, bodies, strict=True)
        ]
        self._timers.last_transaction = self._reactor.seconds()
        self._transport.write(b"".join(frames))
        self._look_at_timer()
        if self._carrier.interface_version is InterfaceVersion.V33:
            # What was answered here: a failure to tell it must not pass for one to send.
            task.safely(self._tell_answers)

    def respond(self, sequence_numbers: Iterable[int], command_status: int = 0) -> None:
        """Answer deliver_sm requests."""
        body = b"" if command_status else _NO_MESSAGE_ID
        frames = [codec.frame(self._response_to(n), command_status, n, body) for n in sequence_numbers]
        self._unanswered -= len(frames)
        if self._open:
            self._transport.write(b"".join(frames))
            self._balance_reading()

    def _response_to(self, sequence_number: int) -> int:
        if sequence_number in self._data_sm:
            self._data_sm.discard(sequence_number)
            return CommandId.DATA_SM_RESP
        return CommandId.DELIVER_SM_RESP

    def unbind(self) -> None:
        """Part in good order; the connection ends when the carrier has answered, or its time is over."""
        if self._client.is_bound() and not self._unbinding:
            self._unbinding = True
            self._timers.unbinding(self._reactor.seconds())
            self._client.send_unbind()
            self._look_at_timer()
        elif not self._unbinding:
            self.close("stopped")

    def close(self, reason: str) -> None:
        """Write what is queued and end the connection, within unbind_s even if the carrier does not read."""
        if self._reason:
            return
        self._reason = reason
        self._timers.unbinding(self._reactor.seconds())
        self._transport.unregisterProducer()
        self._transport.loseConnection()
        self._look_at_timer()

    def abort(self, reason: str) -> None:
        """End the connection now."""
        self._reason = self._reason or reason
        self._transport.abortConnection()

    # -- Twisted's Protocol

    def connectionMade(self) -> None:
        transport = self._transport = cast(Transport, self.transport)
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        transport.registerProducer(self, True)
        self._open = True
        timers = self._carrier.timers
        self._timers = Timers(
            TimerSettings(
                timers.session_init_s,
                timers.enquire_link_s,
                timers.response_s,
                timers.inactivity_s,
                timers.unbind_s,
            ),
            self._reactor.seconds(),
        )
        self._client = CarrierClient(self._carrier, transport, self._window.next_sequence_number)
        if not has_tls(transport):
            self._client.send_bind()
        self._look_at_timer()

    def handshakeCompleted(self) -> None:
        """TLS knows who the carrier is.

        What is written before makes Twisted pause its producer, and we would not read the handshake then.
        """
        self._client.send_bind()

    def dataReceived(self, data: bytes) -> None:
        self._framer.feed(data)
        self._timers.last_received = self._reactor.seconds()
        try:
            while (frame := self._framer.next_frame()) is not None:
                self._take(frame)
        except PduError as error:
            self._transport.write(codec.frame(CommandId.GENERIC_NACK, error.command_status, 0, b""))
            self.close(error.reason)
        except Exception:
            log.exception("link.failed", carrier=self._carrier.name)
            self.abort("internal error")
        self._tell_answers()
        self._balance_reading()
        self._look_at_timer()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._open = False
        task.safely(self._tell_answers)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._reason:
            self._reason = reason_of(reason)
        self._upstream.lost(self, self._window.clear(), self._reason)

    # -- IPushProducer: a carrier that does not read our answers is not read either

    def pauseProducing(self) -> None:
        self._choked = True
        self._balance_reading()

    def resumeProducing(self) -> None:
        self._choked = False
        self._balance_reading()

    def stopProducing(self) -> None:
        pass

    # -- inside

    def _for_33(
        self, attempts: Sequence[Attempt], bodies: Sequence[bytes]
    ) -> tuple[list[Attempt], list[bytes]]:
        """Those that can be said without TLVs, and how; the others are answered."""
        short = [without_tlvs(body) for body in bodies]
        sayable = [(attempt, body) for attempt, body in zip(attempts, short, strict=True) if body is not None]
        self._answers += [
            Answer(attempt, CommandStatus.ESME_RINVMSGLEN, None)
            for attempt, body in zip(attempts, short, strict=True)
            if body is None
        ]
        return [attempt for attempt, _ in sayable], [body for _, body in sayable]

    def _take(self, frame: Frame) -> None:
        command_id = frame.command_id
        if command_id == CommandId.SUBMIT_SM_RESP:
            self._on_submit_resp(frame)
        elif command_id in (CommandId.DELIVER_SM, CommandId.DATA_SM):
            self._on_deliver(frame)
        elif command_id == CommandId.ENQUIRE_LINK:
            self._nack(CommandId.ENQUIRE_LINK_RESP, CommandStatus.ESME_ROK, frame)
        elif command_id == CommandId.GENERIC_NACK:
            self._on_nack(frame)
        elif command_id == CommandId[f"BIND_{self._carrier.bind_type.upper()}_RESP"]:
            self._on_bind_resp(frame)
        elif command_id == CommandId.UNBIND:
            self._on_unbind(frame)
        elif command_id == CommandId.UNBIND_RESP and self._unbinding:
            self._client.take(frame)
            self.close("unbound")
        elif command_id in (CommandId.ALERT_NOTIFICATION, CommandId.OUTBIND):
            # They have no response (SMPP 3.4 sections 4.1.7 and 4.12), and tell nothing that we act upon.
            log.info("notice.received", carrier=self._carrier.name, command=command_name(command_id))
        elif not command_id & RESPONSE_BIT:
            self._nack(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVCMDID, frame)

    def _on_submit_resp(self, frame: Frame) -> None:
        if self._is_50 and is_congested(frame.body):
            self._upstream.congested(self)
        status = frame.command_status
        self._answer(frame, status, None if status else message_id(frame.body, self._carrier.name))

    def _answer(self, frame: Frame, command_status: int, message_id: str | None) -> None:
        attempt = self._window.close(frame.sequence_number)
        if attempt is not None:
            self._answers.append(Answer(attempt, command_status, message_id))
            return
        attempt = self._window.close_late(frame.sequence_number)
        if attempt is not None:
            self._late.append(Answer(attempt, command_status, message_id))

    def _on_nack(self, frame: Frame) -> None:
        if frame.sequence_number == self._client.bind_sequence and not self._client.is_bound():
            self._refused(frame.command_status)
        else:
            # A nack that says no reason is a nack all the same.
            self._answer(frame, frame.command_status or CommandStatus.ESME_RUNKNOWNERR, None)

    def _on_deliver(self, frame: Frame) -> None:
        try:
            pdu = codec.decode(frame.command_id, frame.body, strict=False)
        except PduError as error:
            log.warning("deliver_sm.malformed", carrier=self._carrier.name, reason=error.reason)
            self._nack(frame.command_id | RESPONSE_BIT, error.command_status, frame)
            return
        if isinstance(pdu, DataSm):
            pdu = as_deliver_sm(pdu)
            self._data_sm.add(frame.sequence_number)
        assert isinstance(pdu, DeliverSm)
        if self._carrier.septets_packed and not pdu.esm_class & _MESSAGE_TYPE:
            # A header that cannot be read leaves the text as it came.
            with suppress(PduError):
                pdu = packing.unpacked(pdu)
        self._unanswered += 1
        self._timers.last_transaction = self._reactor.seconds()
        self._upstream.delivered(self, frame.sequence_number, pdu)

    def _on_bind_resp(self, frame: Frame) -> None:
        if frame.sequence_number != self._client.bind_sequence or self._client.is_bound() or self._reason:
            return
        if frame.command_status:
            self._refused(frame.command_status)
            return
        self._client.take(frame)
        self._timers.bound(self._reactor.seconds())
        self._upstream.bound(self)

    def _refused(self, command_status: int) -> None:
        self._upstream.bind_refused(self, command_status)
        self.close("bind refused")

    def _on_unbind(self, frame: Frame) -> None:
        self._unbinding = True
        if self._client.is_bound():
            self._client.send_unbind_resp(frame.sequence_number)
        self.close("unbound by the carrier")

    def _nack(self, command_id: int, command_status: int, frame: Frame) -> None:
        self._transport.write(codec.frame(command_id, command_status, frame.sequence_number, b""))

    def _tell_answers(self) -> None:
        """Answers are told once a read, for a read may hold hundreds."""
        if self._answers:
            answers, self._answers = self._answers, []
            self._upstream.answered(self, answers, False)
        if self._late:
            answers, self._late = self._late, []
            self._upstream.answered(self, answers, True)

    def _balance_reading(self) -> None:
        wanted = not self._choked and self._unanswered < self._unanswered_max
        if wanted == self._reading or not self._open:
            return
        self._reading = wanted
        if wanted:
            self._transport.resumeProducing()
        else:
            self._transport.pauseProducing()

    def _look_at_timer(self) -> None:
        deadlines = [d for d in (self._window.deadline, self._timers.deadline()) if d is not None]
        if not deadlines or not self._open:
            return
        deadline = min(deadlines)
        delay = max(0.0, deadline - self._reactor.seconds())
        if self._timer is None:
            self._timer = self._reactor.callLater(delay, self._timer_fired)
            self._timer_at = deadline
        elif deadline < self._timer_at:
            self._timer.reset(delay)
            self._timer_at = deadline

    def _timer_fired(self) -> None:
        self._timer = None
        now = self._reactor.seconds()
        expired = [attempt for _, attempt in self._window.expired(now)]
        if expired:
            task.safely(self._upstream.timed_out, self, expired)
        if self._unanswered >= self._unanswered_max:
            # The carrier's silence is our doing as long as we do not listen.
            self._timers.last_received = now
        due = self._timers.due(now)
        if due is Due.ENQUIRE_LINK:
            self._timers.enquired(now)
            self._client.send_enquire_link()
        elif due is Due.INACTIVITY:
            self.unbind()
        elif due is not None:
            self.abort(due.value)
        self._look_at_timer()
