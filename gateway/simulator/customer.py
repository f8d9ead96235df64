"""A customer's ESME to try the gateway with: it binds, submits, and waits for what comes back.

Every wait is a Deferred, so it can be awaited in a coroutine and given up with `addTimeout`. When the
connection is lost, every wait that is still open fails with `LinkLostError`. Receipts, and messages from
phones that nobody waits for yet, are kept, the latest `kept_max` of each.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, tzinfo
from typing import NamedTuple, cast

from twisted.internet.defer import Deferred, fail, succeed

from gateway.addressing import address
from gateway.reactor import ReactorTime
from gateway.simulator.inbox import Inbound, Inbounds, Receipts
from gateway.transport import SessionProtocol
from smpp import segments, spec, text
from smpp.address import Address
from smpp.codec import encode_body
from smpp.commands import CommandId
from smpp.errors import PduError
from smpp.events import (
    BindRefused,
    Bound,
    Event,
    PeerUnbound,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
)
from smpp.message_state import MessageState
from smpp.pdu import Bind, DeliverSm, DeliverSmResp, SubmitSm, SubmitSmResp, Tlvs
from smpp.receipt import Receipt, parse
from smpp.session import Role, Session, SessionSettings, State
from smpp.status import CommandStatus
from smpp.timers import TimerSettings

SHORT_MESSAGE_MAX = 254
_NOT_YET = (MessageState.ENROUTE, MessageState.ACCEPTED)


class BindRefusedError(Exception):
    """The other side refused the bind with `command_status`."""

    def __init__(self, command_status: int) -> None:
        super().__init__(f"bind refused with command_status 0x{command_status:08X}")
        self.command_status = command_status


class NotAnsweredError(Exception):
    """No response within response_s: whether the message was taken is not known."""


class LinkLostError(Exception):
    """The connection is gone, or there was none."""


class Submitted(NamedTuple):
    """The answer to a submit_sm; `message_id` is empty unless `command_status` is 0."""

    command_status: int
    message_id: str


class SimulatedCustomer(SessionProtocol):
    """One bind of a customer. Connect it first (`connectProtocol`), then `bind`.

    `zone` is that of the dates in the receipts. Submits beyond `window_max` outstanding ones wait for room.
    """

    def __init__(
        self,
        reactor: ReactorTime,
        system_id: str,
        password: str,
        *,
        window_max: int = 10,
        kept_max: int = 10_000,
        timers: TimerSettings | None = None,
        zone: tzinfo = UTC,
    ) -> None:
        settings = SessionSettings(
            role=Role.ESME, timers=timers or TimerSettings(), window_max=window_max, strict=False
        )
        super().__init__(lambda now: Session(settings, now), reactor, unbind_s=settings.timers.unbind_s)
        self._system_id = system_id
        self._password = password
        self._zone = zone
        self._binding: Deferred[None] | None = None
        self._ending: list[Deferred[None]] = []
        self._waiting: deque[tuple[bytes, Deferred[Submitted]]] = deque()
        self._receipts = Receipts(kept_max)
        self._inbounds = Inbounds(kept_max)

    def bind(self, bind_type: int = CommandId.BIND_TRANSCEIVER) -> Deferred[None]:
        """Bind; fails with `BindRefusedError`."""
        bind = Bind(bind_type, self._system_id, self._password, "", 0x34, Address(0, 0, ""))
        self._binding = Deferred()
        self.session.bind(bind, self.reactor.seconds())
        self.flush()
        return self._binding

    def submit(
        self, message: str, destination: str, source: str = "", *, registered_delivery: int = 1
    ) -> Deferred[Submitted]:
        """Submit a text: in the GSM alphabet if that can write it, else in UCS-2; long as message_payload.

        Fails with `NotAnsweredError`; raises `smpp.text.TextError` for a text that neither can write.
        """
        return self.submit_pdu(submit_sm(message, destination, source, registered_delivery))

    def submit_pdu(self, pdu: SubmitSm) -> Deferred[Submitted]:
        """Submit a PDU as it is; raises `ValueError` for one that cannot be encoded."""
        body = encode_body(pdu)
        if self.session.state not in (State.BOUND_TX, State.BOUND_TRX):
            return fail(LinkLostError(f"the session is {self.session.state.name}"))
        answered: Deferred[Submitted] = Deferred()
        self._waiting.append((body, answered))
        self._submit_waiting()
        self.flush()
        return answered

    def receipt(self, message_id: str) -> Deferred[Receipt]:
        """The receipt that ends the message; intermediate ones are passed over."""
        return self._receipts.wait(message_id)

    def inbound(self) -> Deferred[Inbound]:
        """The next message from a phone."""
        return self._inbounds.wait()

    def unbind(self) -> Deferred[None]:
        """Unbind and close; fires when the connection is gone."""
        ended = self.ended()
        self.start_unbind()
        return ended

    def ended(self) -> Deferred[None]:
        """Fires when the connection is gone."""
        if self.session.state is State.CLOSED:
            return succeed(None)
        ended: Deferred[None] = Deferred()
        self._ending.append(ended)
        return ended

    # -- SessionProtocol

    def handle(self, event: Event) -> None:
        if isinstance(event, ResponseReceived):
            self._submitted(event)
        elif isinstance(event, RequestReceived):
            self._take(event)
        elif isinstance(event, RequestTimedOut):
            cast("Deferred[Submitted]", event.context).errback(NotAnsweredError("no submit_sm_resp in time"))
            self._submit_waiting()
        elif isinstance(event, Bound):
            self._bind_answered(None)
        elif isinstance(event, BindRefused):
            self._bind_answered(BindRefusedError(event.command_status))
        elif isinstance(event, PeerUnbound):
            self.finish_unbind()

    def lost(self, contexts: list[object]) -> None:
        error = LinkLostError(self.closed_by)
        self._bind_answered(error)
        waiting = [answered for _, answered in self._waiting]
        self._waiting.clear()
        for answered in [*cast("list[Deferred[Submitted]]", contexts), *waiting]:
            answered.errback(error)
        self._receipts.fail(error)
        self._inbounds.fail(error)
        ending, self._ending = self._ending, []
        for ended in ending:
            ended.callback(None)

    # -- inside

    def _bind_answered(self, error: Exception | None) -> None:
        binding, self._binding = self._binding, None
        if binding is not None:
            binding.callback(None) if error is None else binding.errback(error)

    def _submit_waiting(self) -> None:
        now = self.reactor.seconds()
        while self._waiting and self.session.window_room:
            body, answered = self._waiting.popleft()
            self.session.request_body(CommandId.SUBMIT_SM, body, now, answered)

    def _submitted(self, event: ResponseReceived) -> None:
        answered = cast("Deferred[Submitted]", event.context)
        message_id = event.pdu.message_id if isinstance(event.pdu, SubmitSmResp) else ""
        answered.callback(Submitted(event.command_status, message_id))
        self._submit_waiting()

    def _take(self, event: RequestReceived) -> None:
        if not isinstance(event.pdu, DeliverSm):
            self.session.respond(event.sequence_number, None, CommandStatus.ESME_RINVCMDID)
            return
        self.session.respond(event.sequence_number, DeliverSmResp())
        receipt = parse(event.pdu, self._zone)
        if receipt is None:
            self._inbounds.arrive(_inbound(event.pdu))
        elif not receipt.intermediate and receipt.state not in _NOT_YET:
            self._receipts.arrive(receipt)


def submit_sm(message: str, destination: str, source: str = "", registered_delivery: int = 1) -> SubmitSm:
    """A text as a submit_sm of its own, as `SimulatedCustomer.submit` sends it."""
    data_coding, octets = text.encode(message)
    fits = len(octets) <= SHORT_MESSAGE_MAX
    short_message = octets if fits else b""
    tlvs: Tlvs = () if fits else ((spec.MESSAGE_PAYLOAD, octets),)
    return SubmitSm(
        "",
        address(source),
        address(destination),
        0,
        0,
        0,
        "",
        "",
        registered_delivery,
        0,
        data_coding,
        0,
        short_message,
        tlvs,
    )


def _inbound(pdu: DeliverSm) -> Inbound:
    """The text behind a header, if there is one; in hex when it is none of the alphabet that is announced."""
    try:
        octets = segments.user_text(pdu)
    except PduError:
        octets = pdu.payload
    try:
        message = text.decode(text.alphabet(pdu.data_coding, text.Alphabet.GSM7), octets)
    except text.TextError:
        message = octets.hex()
    return Inbound(pdu.source.addr, pdu.destination.addr, message)
