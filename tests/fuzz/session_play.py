"""A session, its owner and its peer's octets, with a count of everything that must come out even.

What the peer sent is read here without the session's own framer and codec. While the session is blocked the
owner does not read, as a socket would not be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from struct import unpack_from

from smpp.address import Address
from smpp.events import (
    BindRequested,
    Event,
    LateResponse,
    OutbindReceived,
    PeerUnbound,
    ProtocolFault,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
)
from smpp.pdu import (
    AlertNotification,
    CancelSmResp,
    DataSmResp,
    DeliverSmResp,
    Outbind,
    Pdu,
    QuerySmResp,
    ReplaceSmResp,
    SubmitMultiResp,
    SubmitSmResp,
    UnsuccessSme,
)
from smpp.session import Role, Session, SessionSettings, State
from smpp.timers import TimerSettings
from tests.smpp.session_peer import (
    ALERT_NOTIFICATION,
    BIND_TRANSCEIVER,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    OUTBIND,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
    bind_as,
    own_bind,
)
from tests.smpp.session_peer import BIND_OF as BIND_TYPE_OF

PDU_MAX, OPEN_PDU_MAX = 1024, 256
_WINDOW, _INBOUND_WINDOW, _LATE = 3, 2, 2
_WAIT_S = 7.0
_TIMERS = TimerSettings(inactivity_s=100.0)
_BODIES = {SUBMIT_SM: bytes(6) + b"18" + bytes(11), DELIVER_SM: bytes(17)}
_ADDRESS = Address(1, 1, "18")
_RESPONSES: dict[int, Pdu] = {
    SUBMIT_SM: SubmitSmResp("1"),
    DELIVER_SM: DeliverSmResp(),
    DATA_SM: DataSmResp("1"),
    SUBMIT_MULTI: SubmitMultiResp("1", (UnsuccessSme(_ADDRESS, 0x0B),)),
    QUERY_SM: QuerySmResp("1", "", 1, 0),
    CANCEL_SM: CancelSmResp(),
    REPLACE_SM: ReplaceSmResp(),
}


class Play:
    """One session; `way` is how the peer's octets are cut."""

    def __init__(self, role: Role, state: State, way: Callable[[bytes], Iterator[bytes]]) -> None:
        self.role = role
        settings = SessionSettings(
            role,
            timers=_TIMERS,
            window_max=_WINDOW,
            inbound_window_max=_INBOUND_WINDOW,
            pdu_max=PDU_MAX,
            open_pdu_max=OPEN_PDU_MAX,
            strict=role is Role.SMSC,
            late_max=_LATE,
        )
        self.session = Session(settings, 0.0)
        self.way = way
        self.now = 0.0
        self.events: list[Event] = []
        self.sent = b""
        self._heard = b""
        self._unread: list[bytes] = []
        self._longest = 0
        self._in_hand: list[tuple[int, int]] = []
        self._binds: list[int] = []
        self._unbinds: list[int] = []
        self._given_up: Counter[int] = Counter()
        self._contexts = 0
        self._settled: Counter[object] = Counter()
        if state is not State.OPEN:
            bind_as(self.session, role, BIND_TYPE_OF[state])

    # ---- the peer

    def hear(self, octets: bytes) -> None:
        """The peer sends."""
        self._unread += self.way(octets)
        self._read()

    def _read(self) -> None:
        self._note(self.session.receive_data(b"", self.now))
        while self._unread and not self.session.blocked and not self.session.state.is_over:
            chunk = self._unread.pop(0)
            self._heard += chunk
            self._longest = max(self._longest, len(chunk))
            self._note(self.session.receive_data(chunk, self.now))
        self._check_answers()

    # ---- the owner

    def accept(self) -> None:
        """Let the peer in."""
        if self._binds and not self.session.state.is_over:
            self.session.accept_bind(self._binds.pop(0), self.now)
        self._read()

    def refuse(self) -> None:
        """Do not."""
        if self._binds and not self.session.state.is_over:
            self._note(self.session.refuse_bind(self._binds.pop(0), 0x0D, self.now))
        self._read()

    def bind(self) -> None:
        """Ask to be bound."""
        if self.role is Role.ESME and self.session.state is State.OPEN and self.session._own_bind is None:
            self.session.bind(own_bind(BIND_TRANSCEIVER), self.now)
        self._read()

    def request(self) -> None:
        """Send a request, if there is room for one."""
        if self.session.window_room:
            command_id = DELIVER_SM if self.role is Role.SMSC else SUBMIT_SM
            self.session.request_body(command_id, _BODIES[command_id], self.now, self._contexts)
            self._contexts += 1
        self._read()

    def notify(self) -> None:
        """Send the request without a response that fits the state, if there is one."""
        state = self.session.state
        if self.role is Role.SMSC and state is State.OPEN:
            self.session.outbind(Outbind("smsc", "secret"))
        elif self.role is Role.SMSC and state in (State.BOUND_RX, State.BOUND_TRX):
            self.session.notify(AlertNotification(_ADDRESS, _ADDRESS), self.now)
        self._read()

    def respond(self) -> None:
        """Answer the oldest request of the peer's."""
        if self._in_hand:
            number, command_id = self._in_hand.pop(0)
            self.session.respond(number, _RESPONSES[command_id])
        self._read()

    def reject(self) -> None:
        """Answer its latest with an error."""
        if self._in_hand:
            self.session.respond(self._in_hand.pop()[0], None, 0x58)
        self._read()

    def unbind(self) -> None:
        """End a bound session."""
        if self.session.state.is_bound:
            self.session.unbind(self.now)
        self._read()

    def finish_unbind(self) -> None:
        """Answer the peer's unbind."""
        if self.session.state is State.PEER_UNBINDING:
            self.session.finish_unbind()
            self._unbinds.clear()
        self._read()

    def wait(self) -> None:
        """Let time go by."""
        self.now += _WAIT_S
        self._note(self.session.tick(self.now))
        deadline = self.session.next_deadline()
        assert deadline is None or deadline > self.now
        self._read()

    def end(self) -> None:
        """The connection is lost."""
        self._settled.update(self.session.connection_lost())
        assert all(self._settled[context] == 1 for context in range(self._contexts))

    # ---- what must come out even

    def _note(self, events: list[Event]) -> None:
        self.events += events
        for event in events:
            match event:
                case RequestReceived():
                    self._in_hand.append((event.sequence_number, event.pdu.command_id))
                case BindRequested():
                    self._binds.append(event.sequence_number)
                case PeerUnbound():
                    self._given_up.update(filter(None, self._binds))
                    self._binds.clear()
                    self._unbinds.append(self.session._unbind_sequence)
                case ResponseReceived() | RequestTimedOut():
                    self._settled[event.context] += 1
                case LateResponse():
                    assert self._settled[event.context] == 1
                    self._settled["late", event.context] += 1
        self.sent += self.session.data_to_send()
        self._check_sizes()
        assert all(count == 1 for count in self._settled.values())

    def _check_sizes(self) -> None:
        session = self.session
        assert session.outstanding <= _WINDOW
        assert session.unanswered <= _INBOUND_WINDOW
        assert session.state.is_over or session.unanswered == len(self._in_hand)
        assert session._window.late <= _LATE
        assert len(session._enquiries) <= 2
        assert session._framer.buffered < PDU_MAX + self._longest

    def _check_answers(self) -> None:
        """Number 0 is not counted: it is also that of the answer to octets that are no PDU.

        An ESME answers no alert_notification, and no outbind while it is OPEN.
        """
        read = list(_frames(self._heard[: self._read_so_far()]))
        silent = ALERT_NOTIFICATION if self.role is Role.ESME else None
        asked = Counter(
            number for command_id, number in read if number and command_id < RESPONSE and command_id != silent
        )
        asked -= Counter(number for command_id, number in self._outbinds(read) if number)
        answered = Counter(
            number for command_id, number in _frames(self.sent) if number and command_id >= RESPONSE
        )
        in_hand = [number for number, _ in self._in_hand]
        owed = Counter(number for number in (*in_hand, *self._binds, *self._unbinds) if number)
        if self.session.state.is_over:
            assert answered <= asked
        else:
            assert asked == answered + owed + self._given_up
        assert len(self.events) <= 2 * (len(read) + self._contexts) + self.now / _WAIT_S + 3

    def _outbinds(self, read: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those that were taken or ignored: the first ones, for a session is OPEN only once."""
        taken = sum(
            isinstance(event, OutbindReceived)
            or (isinstance(event, ProtocolFault) and (event.command_id, event.command_status) == (OUTBIND, 0))
            for event in self.events
        )
        return [frame for frame in read if frame[0] == OUTBIND][:taken]

    def _read_so_far(self) -> int:
        """How many octets the session has taken out of what it was fed."""
        held = self.session._held
        return len(self._heard) - self.session._framer.buffered - (0 if held is None else 16 + len(held.body))


def _frames(stream: bytes) -> Iterator[tuple[int, int]]:
    """command_id and sequence_number of each whole PDU."""
    while len(stream) >= 16:
        length, command_id, _, number = unpack_from(">IIII", stream)
        if not 16 <= length <= len(stream):
            return
        yield command_id, number
        stream = stream[length:]
