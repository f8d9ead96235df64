"""The life of a session: bind, enquire_link, unbind (SMPP 3.4, sections 2.2, 2.9 and 4.1 to 4.3, 4.11).

    OPEN -> BOUND_TX | BOUND_RX | BOUND_TRX -> UNBINDING | PEER_UNBINDING -> UNBOUND, and CLOSED from anywhere

Whatever the protocol alone decides is answered here: enquire_link, and PDUs that are malformed, not legal in
the state, or unknown. The messages that a bound session carries are the business of `Session`.
"""

from __future__ import annotations

from collections.abc import Callable

from smpp import codec, spec
from smpp.commands import RESPONSE_BIT, CommandId
from smpp.commands import name as command_name
from smpp.errors import PduError
from smpp.events import (
    BindRefused,
    BindRequested,
    Bound,
    CloseReason,
    CloseRequired,
    Event,
    OutbindReceived,
    PeerUnbound,
    ProtocolFault,
    Unbound,
)
from smpp.framer import Frame, Framer
from smpp.pdu import Bind, BindResp, GenericNack, Outbind, Pdu, tlv
from smpp.session_settings import VERSION_34, SessionSettings
from smpp.status import CommandStatus
from smpp.timers import Due, Timers
from smpp.transitions import BOUND_STATE, REFUSALS, Action, Role, State, actions, sendable
from smpp.window import Window


def response_id_for(command_id: int, command_status: int) -> int:
    """What carries a status: the request's own response, or generic_nack where its header is at fault."""
    if command_status == CommandStatus.ESME_RINVCMDID:
        return CommandId.GENERIC_NACK
    return command_id | RESPONSE_BIT


class Lifecycle:
    """What a session is besides its messages. `now` is a monotonic clock in seconds.

    `interface_version` is the peer's, `bind_type` the command_id of the bind; both are 0 until bound.
    `enquiries_answered` counts the peer's enquire_links, which make no event.
    """

    __slots__ = (
        "_actions",
        "_bind_tries",
        "_enquiries",
        "_framer",
        "_out",
        "_over",
        "_own_bind",
        "_peer_bind",
        "_sendable",
        "_settings",
        "_state",
        "_timers",
        "_unbind_end",
        "_unbind_sequence",
        "_window",
        "bind_type",
        "enquiries_answered",
        "interface_version",
    )

    def __init__(self, settings: SessionSettings, now: float) -> None:
        self._settings = settings
        self._timers = Timers(settings.timers, now)
        self._framer = Framer(settings.open_pdu_max)
        self._out: list[bytes] = []
        # Own requests of the owner's: (command_id of the response, context). Those of the session itself are
        # not in the window, a full window must not keep it from asking whether the peer is there.
        self._window: Window[tuple[int, object]] = Window(settings.window_max, late_max=settings.late_max)
        # Two fields, so that no bind response from a peer can accept the peer's own bind.
        self._own_bind: tuple[int, Bind] | None = None
        self._peer_bind: tuple[int, Bind] | None = None
        self._bind_tries = 0
        self._enquiries: set[int] = set()
        self._unbind_sequence = 0
        self._unbind_end: Event = Unbound()
        self.interface_version = 0
        self.bind_type = 0
        self.enquiries_answered = 0
        self._enter(State.OPEN)

    @property
    def state(self) -> State:
        """Where in its life the session is."""
        return self._state

    @property
    def is_overdue(self) -> bool:
        """Whether the peer has left an enquire_link unanswered for the whole of its time."""
        return self._timers.is_overdue

    def data_to_send(self) -> bytes:
        """Take what is queued for the peer."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    # ---- binding

    def accept_bind(self, sequence_number: int, now: float) -> None:
        """Let the peer in. No effect if it has left meanwhile; ValueError if no such bind waits."""
        bind = self._take_peer_bind(sequence_number)
        if bind is None:
            return
        # An older ESME must not be sent any TLV (SMPP 3.4, 3.4).
        knows_tlvs = bind.interface_version >= VERSION_34
        tlvs = ((spec.SC_INTERFACE_VERSION, bytes((VERSION_34,))),) if knows_tlvs else ()
        response = BindResp(bind.command_id | RESPONSE_BIT, self._settings.system_id, tlvs)
        self._out.append(codec.encode(response, sequence_number))
        self._bound(bind.command_id, bind.interface_version, now)

    def refuse_bind(self, sequence_number: int, command_status: int, now: float) -> list[Event]:
        """Answer the peer's bind with an error; the event CloseRequired says that it was its last try.

        No effect if the peer has left meanwhile; ValueError if no such bind waits or the status is no error.
        """
        if command_status == CommandStatus.ESME_ROK:
            raise ValueError("a refusal needs an error status")
        events: list[Event] = []
        bind = self._take_peer_bind(sequence_number)
        if bind is not None:
            self._send(bind.command_id | RESPONSE_BIT, sequence_number, command_status)
            self._count_refused_bind(events)
        return events

    def bind(self, bind: Bind, now: float) -> None:
        """As an ESME: ask to be bound. ValueError unless OPEN and no bind is on its way."""
        may_bind = self._settings.role is Role.ESME and self._state is State.OPEN
        if not may_bind or self._own_bind is not None or bind.command_id not in BOUND_STATE:
            raise ValueError(f"no {command_name(bind.command_id)} in state {self._state.value}")
        body = codec.encode_body(bind)
        sequence_number = self._window.next_sequence_number()
        self._own_bind = (sequence_number, bind)
        self._out.append(codec.frame(bind.command_id, 0, sequence_number, body))

    def outbind(self, pdu: Outbind) -> None:
        """As an SMSC that has connected: ask for a bind. ValueError unless OPEN, or if not encodable."""
        if self._settings.role is not Role.SMSC or self._state is not State.OPEN:
            raise ValueError(f"no {command_name(pdu.command_id)} in state {self._state.value}")
        body = codec.encode_body(pdu)
        self._out.append(codec.frame(pdu.command_id, 0, self._window.next_sequence_number(), body))

    def _take_peer_bind(self, sequence_number: int) -> Bind | None:
        if self._over or self._state is State.PEER_UNBINDING:
            return None
        if self._peer_bind is None or self._peer_bind[0] != sequence_number:
            raise ValueError(f"no bind {sequence_number} waits for an answer")
        bind = self._peer_bind[1]
        self._peer_bind = None
        return bind

    def _count_refused_bind(self, events: list[Event]) -> None:
        self._bind_tries += 1
        if self._bind_tries >= self._settings.bind_tries_max:
            self._close(CloseReason.BIND_TRIES, events)

    def _bound(self, bind_type: int, interface_version: int, now: float) -> None:
        self.bind_type = bind_type
        self.interface_version = interface_version
        self._framer.pdu_max = self._settings.pdu_max
        self._enter(BOUND_STATE[bind_type])
        self._timers.bound(now)

    def _on_bind(self, frame: Frame, now: float, events: list[Event]) -> None:
        if self._peer_bind is not None:
            self._refuse(frame, CommandStatus.ESME_RINVBNDSTS, "another bind awaits its answer", events)
            return
        bind = self._decode_request(frame, events)
        if bind is None:
            self._count_refused_bind(events)
            return
        assert isinstance(bind, Bind)
        self._peer_bind = (frame.sequence_number, bind)
        events.append(BindRequested(frame.sequence_number, bind))

    def _on_bind_response(self, frame: Frame, now: float, events: list[Event]) -> None:
        sequence_number, bind = self._own_bind or (0, None)
        answers = frame.sequence_number == sequence_number
        if bind is None or not answers or frame.command_id != bind.command_id | RESPONSE_BIT:
            self._ignore(frame, now, events)
            return
        self._own_bind = None
        if frame.command_status:
            events.append(BindRefused(frame.command_status))
            return
        response = self._decode_response(frame)
        told = tlv(response.tlvs, spec.SC_INTERFACE_VERSION) if isinstance(response, BindResp) else None
        version = told[0] if told else self._settings.silent_version
        self._bound(bind.command_id, version, now)
        events.append(Bound(bind.command_id, version))

    def _on_outbind(self, frame: Frame, now: float, events: list[Event]) -> None:
        pdu = self._decode_notice(frame, events)
        if isinstance(pdu, Outbind):
            events.append(OutbindReceived(pdu))

    # ---- enquire_link

    def _enquire(self, now: float) -> None:
        if self._timers.enquired(now) == 1:
            self._enquiries.clear()
        sequence_number = self._window.next_sequence_number()
        self._enquiries.add(sequence_number)
        self._send(CommandId.ENQUIRE_LINK, sequence_number)

    def _on_enquire_link(self, frame: Frame, now: float, events: list[Event]) -> None:
        self.enquiries_answered += 1
        self._send(CommandId.ENQUIRE_LINK_RESP, frame.sequence_number)

    def _on_enquire_link_response(self, frame: Frame, now: float, events: list[Event]) -> None:
        if frame.sequence_number in self._enquiries:
            self._enquiries.remove(frame.sequence_number)
        else:
            self._ignore(frame, now, events)

    # ---- unbinding

    def unbind(self, now: float) -> None:
        """End a bound session; `Unbound` follows. ValueError in another state.

        Until then responses go on both ways, and new requests of the peer's are refused. If the session is
        blocked, call `receive_data(b"", now)`: what was held back is refused too.
        """
        if not self._state.is_bound:
            raise ValueError(f"no unbind in state {self._state.value}")
        self._unbind_sequence = self._window.next_sequence_number()
        self._send(CommandId.UNBIND, self._unbind_sequence)
        self._enter(State.UNBINDING)
        self._timers.unbinding(now)

    def finish_unbind(self) -> None:
        """Answer the peer's unbind; the session is over. ValueError if there was none."""
        if self._over:
            return
        if self._state is not State.PEER_UNBINDING:
            raise ValueError(f"no unbind to answer in state {self._state.value}")
        self._send(CommandId.UNBIND_RESP, self._unbind_sequence)
        self._enter(State.UNBOUND)

    def _on_unbind(self, frame: Frame, now: float, events: list[Event]) -> None:
        if self._state is State.UNBINDING:
            # Both want to leave at once; the peer owes us an answer all the same.
            self._send(CommandId.UNBIND_RESP, frame.sequence_number)
            return
        self._unbind_sequence = frame.sequence_number
        # Whichever bind was on its way has come to nothing.
        self._own_bind = self._peer_bind = None
        self._enter(State.PEER_UNBINDING)
        self._timers.stop()
        events.append(PeerUnbound())

    def _on_unbind_response(self, frame: Frame, now: float, events: list[Event]) -> None:
        if self._answers_unbind(frame):
            self._unbound(events)
        else:
            self._ignore(frame, now, events)

    def _answers_unbind(self, frame: Frame) -> bool:
        return self._state is State.UNBINDING and frame.sequence_number == self._unbind_sequence

    def _unbound(self, events: list[Event]) -> None:
        self._enter(State.UNBOUND)
        events.append(self._unbind_end)

    # ---- generic_nack, refusals, time

    def _on_generic_nack(self, frame: Frame, events: list[Event]) -> bool:
        """Whether it answers a request of the session's own."""
        if self._own_bind is not None and frame.sequence_number == self._own_bind[0]:
            self._own_bind = None
            events.append(BindRefused(frame.command_status))
        elif self._answers_unbind(frame):
            self._unbound(events)
        elif frame.sequence_number in self._enquiries:
            self._enquiries.remove(frame.sequence_number)
        else:
            return False
        return True

    def _react(self, action: Action, frame: Frame, now: float, events: list[Event]) -> None:
        refusal = REFUSALS.get(action)
        if refusal is None:
            _HANDLERS[action](self, frame, now, events)
        else:
            self._refuse(frame, *refusal, events)

    def _run(self, due: Due, now: float, events: list[Event]) -> None:
        match due:
            case Due.ENQUIRE_LINK:
                self._enquire(now)
            case Due.PEER_SILENT:
                self._close(CloseReason.PEER_SILENT, events)
            case Due.SESSION_INIT:
                self._close(CloseReason.SESSION_INIT, events)
            case Due.INACTIVITY:
                self._unbind_end = CloseRequired(CloseReason.INACTIVITY)
                self.unbind(now)
            case Due.UNBIND:
                self._unbound(events)

    # ---- what both halves use

    def _enter(self, state: State) -> None:
        self._state = state
        self._over = state.is_over
        self._actions = actions(self._settings.role, state)
        self._sendable = sendable(self._settings.role, state)

    def _close(self, reason: CloseReason, events: list[Event]) -> None:
        self._enter(State.CLOSED)
        events.append(CloseRequired(reason))

    def _send(self, command_id: int, sequence_number: int, command_status: int = 0) -> None:
        self._out.append(codec.frame(command_id, command_status, sequence_number, b""))

    def _refuse(self, frame: Frame, command_status: int, reason: str, events: list[Event]) -> None:
        self._send(response_id_for(frame.command_id, command_status), frame.sequence_number, command_status)
        events.append(ProtocolFault(command_status, reason, frame.command_id))

    def _ignore(self, frame: Frame, now: float, events: list[Event]) -> None:
        events.append(ProtocolFault(0, f"{command_name(frame.command_id)} ignored", frame.command_id))

    def _decode_request(self, frame: Frame, events: list[Event]) -> Pdu | None:
        try:
            return codec.decode(frame.command_id, frame.body, strict=self._settings.strict)
        except PduError as error:
            self._refuse(frame, error.command_status, error.reason, events)
            return None

    def _decode_notice(self, frame: Frame, events: list[Event]) -> Pdu | None:
        """Of a request that has no response: nothing answers a malformed one either."""
        try:
            return codec.decode(frame.command_id, frame.body, strict=self._settings.strict)
        except PduError as error:
            events.append(ProtocolFault(0, error.reason, frame.command_id))
            return None

    def _decode_response(self, frame: Frame) -> Pdu | None:
        if frame.command_id == CommandId.GENERIC_NACK:
            return GenericNack()
        try:
            return codec.decode(frame.command_id, frame.body, strict=self._settings.strict)
        except PduError:
            return None


_HANDLERS: dict[Action, Callable[[Lifecycle, Frame, float, list[Event]], None]] = {
    Action.BIND: Lifecycle._on_bind,
    Action.BIND_RESPONSE: Lifecycle._on_bind_response,
    Action.ENQUIRE_LINK: Lifecycle._on_enquire_link,
    Action.ENQUIRE_LINK_RESPONSE: Lifecycle._on_enquire_link_response,
    Action.UNBIND: Lifecycle._on_unbind,
    Action.UNBIND_RESPONSE: Lifecycle._on_unbind_response,
    Action.OUTBIND: Lifecycle._on_outbind,
    Action.IGNORE: Lifecycle._ignore,
}
