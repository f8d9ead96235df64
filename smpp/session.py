"""One SMPP session as a value: octets and instants go in, events and octets come out.

    octets in -> Framer -> transition table (role, state, command_id) -> events, octets out
                                             instants in -> timers, window

The same class serves both ends. Each request of the peer's is answered at most once; the owner's requests are
matched with their responses by sequence_number, in whatever order those come. Nothing that the peer sends
makes a method raise.

At most `inbound_window_max` requests of the peer's are in the owner's hands. The one beyond is held back, and
with it all that follows it, so reading stops; responses and enquire_links ahead of it still pass.
"""

from __future__ import annotations

from smpp import codec
from smpp.commands import RESPONSE_BIT, CommandId
from smpp.commands import name as command_name
from smpp.errors import PduError
from smpp.events import (
    AlertReceived,
    CloseReason,
    Event,
    LateResponse,
    ProtocolFault,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
)
from smpp.framer import Frame
from smpp.lifecycle import Lifecycle, response_id_for
from smpp.pdu import AlertNotification, Pdu
from smpp.session_settings import SessionSettings
from smpp.status import CommandStatus
from smpp.transitions import Action, Role, State, may_notify, unknown

__all__ = ["Role", "Session", "SessionSettings", "State"]


class Session(Lifecycle):
    """A session from the connection to its end. `now` is a monotonic clock in seconds."""

    __slots__ = ("_held", "_inbound_window_max", "_response_s", "_unanswered")

    def __init__(self, settings: SessionSettings, now: float) -> None:
        super().__init__(settings, now)
        self._inbound_window_max = settings.inbound_window_max
        self._response_s = settings.timers.response_s
        # The peer's requests in the owner's hands: sequence_number to command_id.
        self._unanswered: dict[int, int] = {}
        self._held: Frame | None = None

    def adopt(self, settings: SessionSettings) -> None:
        """Hold to these settings from now on: an SMSC learns only from the bind whom it talks to.

        Windows and timers change at once, the size of PDUs when the session is bound.
        """
        self._settings = settings
        self._inbound_window_max = settings.inbound_window_max
        self._response_s = settings.timers.response_s
        self._window.size = settings.window_max
        self._timers.adopt(settings.timers)

    @property
    def blocked(self) -> bool:
        """Whether a request is held back: pause reading, then respond and call `receive_data(b"", now)`."""
        return self._held is not None and not self._over

    @property
    def unanswered(self) -> int:
        """How many of the peer's requests are in the owner's hands."""
        return len(self._unanswered)

    @property
    def outstanding(self) -> int:
        """How many of the owner's requests await their response."""
        return self._window.outstanding

    @property
    def late(self) -> int:
        """How many of the owner's requests have timed out and would still be matched with a response."""
        return self._window.late

    @property
    def window_room(self) -> int:
        """How many requests the owner may send now: 0 in a state that does not allow any."""
        return self._window.room if self._sendable else 0

    # ---- input

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets from the peer, in any chunks. Once the session is over they are dropped."""
        events: list[Event] = []
        if self._over:
            return events
        self._framer.feed(data)
        try:
            self._read(now, events)
        except PduError as error:
            # What cannot be framed has no sequence_number to echo (SMPP 3.4, 4.3.1).
            self._send(CommandId.GENERIC_NACK, 0, error.command_status)
            events.append(ProtocolFault(error.command_status, error.reason, 0))
            self._close(CloseReason.FRAMING_LOST, events)
        return events

    def tick(self, now: float) -> list[Event]:
        """Do what is due. Call it at `next_deadline`; earlier or later does no harm."""
        events: list[Event] = []
        if self._over:
            return events
        for sequence_number, (_, context) in self._window.expired(now):
            events.append(RequestTimedOut(sequence_number, context))
        if self.blocked:
            # The peer's silence is our doing as long as we do not listen.
            self._timers.last_received = now
        due = self._timers.due(now)
        if due is not None:
            self._run(due, now, events)
        return events

    def next_deadline(self) -> float | None:
        """When to call `tick` next; any other call may change it."""
        if self._over:
            return None
        request, other = self._window.deadline, self._timers.deadline()
        if request is None or other is None:
            return other if request is None else request
        return min(request, other)

    def connection_lost(self) -> list[object]:
        """The transport is gone. The contexts of the requests left without a response, oldest first."""
        self._enter(State.CLOSED)
        self._unanswered.clear()
        return [context for _, context in self._window.clear()]

    # ---- the owner's side

    def request(self, pdu: Pdu, now: float, context: object = None) -> int:
        """Send a request; its sequence_number. Raises WindowFull, ValueError if illegal or not encodable."""
        return self.request_body(pdu.command_id, codec.encode_body(pdu), now, context)

    def request_body(self, command_id: int, body: bytes, now: float, context: object = None) -> int:
        """`request` for a body that is already encoded."""
        if command_id not in self._sendable:
            raise ValueError(f"no {command_name(command_id)} in state {self._state.value}")
        sequence_number = self._window.open((command_id | RESPONSE_BIT, context), now + self._response_s)
        self._timers.last_transaction = now
        self._out.append(codec.frame(command_id, 0, sequence_number, body))
        return sequence_number

    def asked(self, sequence_number: int) -> int:
        """The command_id of an unanswered request of the peer's; 0 if there is none of that number."""
        return self._unanswered.get(sequence_number, 0)

    def respond(self, sequence_number: int, pdu: Pdu | None, command_status: int = 0) -> None:
        """Answer a request of the peer's: with `pdu`, or with an error status and no body.

        With both, the error carries the body, for peers that read the TLVs of an error (SMPP 5.0); but
        ESME_RINVCMDID always goes out as a bare generic_nack. No effect once the session is over.
        ValueError if no such request is unanswered, or if `pdu` does not answer it or cannot be encoded; then
        it stays unanswered.
        """
        if self._over:
            return
        command_id = self._unanswered.get(sequence_number)
        if command_id is None:
            raise ValueError(f"no unanswered request {sequence_number}")
        response_id = response_id_for(command_id, command_status)
        if command_status and (pdu is None or response_id == CommandId.GENERIC_NACK):
            octets = codec.frame(response_id, command_status, sequence_number, b"")
        elif pdu is not None and pdu.command_id == response_id:
            octets = codec.encode(pdu, sequence_number, command_status)
        else:
            raise ValueError(f"{pdu} does not answer a {command_name(command_id)}")
        del self._unanswered[sequence_number]
        self._out.append(octets)

    def respond_body(self, sequence_number: int, body: bytes) -> None:
        """`respond` with status 0 for a body that is already encoded; no such request: no effect."""
        command_id = self._unanswered.pop(sequence_number, None)
        if command_id is not None and not self._over:
            self._out.append(codec.frame(command_id | RESPONSE_BIT, 0, sequence_number, body))

    def notify(self, pdu: AlertNotification, now: float) -> None:
        """As an SMSC: send an alert_notification, which is never answered.

        ValueError unless the peer receives, or if it cannot be encoded.
        """
        if not may_notify(self._settings.role, self._state):
            raise ValueError(f"no {command_name(pdu.command_id)} in state {self._state.value}")
        body = codec.encode_body(pdu)
        self._timers.last_transaction = now
        self._out.append(codec.frame(pdu.command_id, 0, self._window.next_sequence_number(), body))

    # ---- reading

    def _read(self, now: float, events: list[Event]) -> None:
        while not self._over:
            frame = self._held or self._framer.next_frame()
            if frame is None:
                return
            self._timers.last_received = now
            action = self._actions.get(frame.command_id) or unknown(frame.command_id)
            if action is Action.REQUEST and len(self._unanswered) >= self._inbound_window_max:
                self._held = frame
                return
            self._held = None
            if action is Action.REQUEST:
                self._on_request(frame, now, events)
            elif action is Action.RESPONSE:
                self._on_response(frame, now, events)
            elif action is Action.GENERIC_NACK:
                if not self._on_generic_nack(frame, events):
                    self._on_response(frame, now, events)
            elif action is Action.ALERT:
                self._on_alert(frame, now, events)
            else:
                self._react(action, frame, now, events)

    def _on_request(self, frame: Frame, now: float, events: list[Event]) -> None:
        if frame.sequence_number in self._unanswered:
            self._refuse(frame, CommandStatus.ESME_RSYSERR, "sequence_number is in use", events)
            return
        pdu = self._decode_request(frame, events)
        if pdu is not None:
            self._unanswered[frame.sequence_number] = frame.command_id
            self._timers.last_transaction = now
            events.append(RequestReceived(frame.sequence_number, pdu, frame.body))

    def _on_alert(self, frame: Frame, now: float, events: list[Event]) -> None:
        pdu = self._decode_notice(frame, events)
        if isinstance(pdu, AlertNotification):
            self._timers.last_transaction = now
            events.append(AlertReceived(pdu))

    def _on_response(self, frame: Frame, now: float, events: list[Event]) -> None:
        sequence_number = frame.sequence_number
        request = self._window.find(sequence_number)
        late = request is None
        if late:
            request = self._window.find_late(sequence_number)
        if request is None or frame.command_id not in (request[0], CommandId.GENERIC_NACK):
            self._ignore(frame, now, events)
            return
        self._timers.last_transaction = now
        pdu = self._decode_response(frame)
        if late:
            self._window.close_late(sequence_number)
            events.append(LateResponse(frame.command_status, pdu, request[1]))
        else:
            self._window.close(sequence_number)
            events.append(ResponseReceived(sequence_number, frame.command_status, pdu, request[1]))
