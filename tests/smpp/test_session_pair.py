"""A customer's session and a gateway's, joined by two wires that cut, delay and may be lost.

Both owners do what owners may do, in any order and at any time. Each request has one response, one time-out
or the end of the connection; what was asked is what is answered; windows hold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from smpp.address import Address
from smpp.commands import CommandId
from smpp.events import (
    BindRefused,
    BindRequested,
    Bound,
    CloseRequired,
    Event,
    LateResponse,
    PeerUnbound,
    ProtocolFault,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
    Unbound,
)
from smpp.pdu import Bind, DeliverSm, DeliverSmResp, SubmitSm, SubmitSmResp
from smpp.session import Role, Session, SessionSettings, State
from smpp.status import CommandStatus
from smpp.timers import TimerSettings

WINDOW, INBOUND_WINDOW, LATE_MAX, PDU_MAX = 4, 2, 3, 300
TIMERS = TimerSettings(enquire_link_s=20, response_s=10, inactivity_s=60, unbind_s=5)
REFUSED_BY_SESSION = CommandStatus.ESME_RSYSERR
TRX = CommandId.BIND_TRANSCEIVER
BINDS = (TRX, TRX, CommandId.BIND_TRANSMITTER, CommandId.BIND_RECEIVER)
ADDRESS = Address(1, 1, "8613800138000")
ALL = 100_000
OCTETS = st.sampled_from([ALL, ALL, 0, 7, 60])
SECONDS = st.sampled_from([1, 2, 4, 11])
OTHER = {Role.ESME: Role.SMSC, Role.SMSC: Role.ESME}


@dataclass
class End:
    """One session, its owner's notes, and the wire that leads away from it."""

    session: Session
    role: Role
    wire: bytearray = field(default_factory=bytearray)
    in_hand: list[tuple[int, str]] = field(default_factory=list)
    binds: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answered: dict[str, int] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    late: list[str] = field(default_factory=list)
    heard: dict[str, int] = field(default_factory=dict)

    def note(self, events: list[Event]) -> None:
        for event in events:
            self._note(event)
        self.wire += self.session.data_to_send()

    def _note(self, event: Event) -> None:
        match event:
            case BindRequested():
                self.binds.append(event.sequence_number)
            case RequestReceived(pdu=SubmitSm() | DeliverSm() as pdu):
                self.in_hand.append((event.sequence_number, pdu.short_message.decode()))
            case ResponseReceived():
                self._hear(self.tell(event.context), event)
            case RequestTimedOut():
                self.late = [*self.late, self.tell(event.context)][-LATE_MAX:]
            case LateResponse(context=str() as name):
                self.late.remove(name)
                self._hear(name, event)
            case ProtocolFault():
                # A request that met our unbind, a response that came when nobody remembered its request.
                assert event.command_status in (REFUSED_BY_SESSION, 0)
            case PeerUnbound():
                self.binds.clear()
            case Bound() | BindRefused() | Unbound() | CloseRequired():
                pass
            case _:
                raise AssertionError(event)

    def tell(self, context: object) -> str:
        """The fate of an own request."""
        assert isinstance(context, str)
        self.told[context] += 1
        return context

    def _hear(self, name: str, event: ResponseReceived | LateResponse) -> None:
        self.heard[name] = event.command_status
        if event.command_status == 0:
            assert isinstance(event.pdu, SubmitSmResp | DeliverSmResp)
            assert event.pdu.message_id == name, "it answers what was asked"


def session_of(role: Role) -> Session:
    return Session(
        SessionSettings(
            role,
            timers=TIMERS,
            window_max=WINDOW,
            inbound_window_max=INBOUND_WINDOW,
            late_max=LATE_MAX,
            pdu_max=PDU_MAX,
        ),
        0.0,
    )


class PairMachine(RuleBasedStateMachine):
    @initialize(bind_type=st.sampled_from(BINDS), quickly=st.sampled_from([True, True, True, False]))
    def connect(self, bind_type: int, quickly: bool) -> None:
        self.now = 0.0
        self.bind_type = bind_type
        self.esme = End(session_of(Role.ESME), Role.ESME)
        self.smsc = End(session_of(Role.SMSC), Role.SMSC)
        self.ends = {Role.ESME: self.esme, Role.SMSC: self.smsc}
        if quickly:
            for role in Role:
                self.talk(role, 0, ALL, [], ALL, False)

    @rule(
        role=st.sampled_from(Role),
        count=st.integers(0, WINDOW),
        there=OCTETS,
        places=st.lists(st.integers(0, WINDOW), max_size=WINDOW),
        back=OCTETS,
        byte_by_byte=st.booleans(),
    )
    def talk(
        self, role: Role, count: int, there: int, places: list[int], back: int, byte_by_byte: bool
    ) -> None:
        """Some requests, some octets, some responses in any order, some octets."""
        if any(end.session.state.is_over for end in self.ends.values()):
            self.lose_the_connection()
            self.connect(self.bind_type, quickly=True)
        here, other = self.ends[role], self.ends[OTHER[role]]
        self.bind()
        self.request(here, count)
        self.carry(here, other, there, byte_by_byte)
        self.answer_bind(welcome=True)
        for place in places:
            if other.in_hand:
                self.respond(other, place % len(other.in_hand), status=0x58 if place == WINDOW else 0)
        self.carry(other, here, back, byte_by_byte)

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.now += seconds
        for end in self.ends.values():
            end.note(end.session.tick(self.now))

    @rule(role=st.sampled_from(Role), sure=st.integers(0, 3))
    def leave(self, role: Role, sure: int) -> None:
        """Unbind, or let the other go; a bind that waits is refused."""
        end = self.ends[role]
        self.answer_bind(welcome=False)
        if end.session.state is State.PEER_UNBINDING:
            end.session.finish_unbind()
        elif end.session.state.is_bound and sure == 3:
            end.session.unbind(self.now)
        end.note(end.session.receive_data(b"", self.now))

    def bind(self) -> None:
        session = self.esme.session
        if session.state is State.OPEN and session._own_bind is None:
            session.bind(Bind(self.bind_type, "alice", "secret", "", 0x34, ADDRESS), self.now)
            self.esme.note([])

    def answer_bind(self, welcome: bool) -> None:
        session = self.smsc.session
        if self.smsc.binds and not session.state.is_over:
            number = self.smsc.binds.pop()
            if welcome:
                session.accept_bind(number, self.now)
            self.smsc.note([] if welcome else session.refuse_bind(number, 0x0D, self.now))

    def request(self, end: End, count: int) -> None:
        make = SubmitSm if end.role is Role.ESME else DeliverSm
        for _ in range(min(count, end.session.window_room)):
            name = f"{end.role.value}-{len(end.asked)}"
            pdu = make("", ADDRESS, ADDRESS, 0, 0, 0, "", "", 0, 0, 0, 0, name.encode())
            end.asked.append(name)
            end.session.request(pdu, self.now, name)
        end.note([])

    def respond(self, end: End, place: int, status: int) -> None:
        number, name = end.in_hand.pop(place)
        make = SubmitSmResp if end.role is Role.SMSC else DeliverSmResp
        end.answered[name] = status
        end.session.respond(number, None if status else make(name), status)
        end.note(end.session.receive_data(b"", self.now))

    def carry(self, here: End, there: End, octets: int, byte_by_byte: bool) -> None:
        """Octets arrive, unless the session does not want to read."""
        if there.session.blocked:
            return
        chunk = bytes(here.wire[:octets])
        del here.wire[:octets]
        for piece in [chunk[at : at + 1] for at in range(len(chunk))] if byte_by_byte else [chunk]:
            there.note(there.session.receive_data(piece, self.now))

    def lose_the_connection(self) -> None:
        for end in self.ends.values():
            for context in end.session.connection_lost():
                end.tell(context)
            assert end.told == Counter(end.asked), "each request has its one end"

    # ---- what holds

    @invariant()
    def windows_hold(self) -> None:
        for end in self.ends.values():
            session = end.session
            assert session.outstanding <= WINDOW
            assert session.unanswered <= INBOUND_WINDOW
            assert session.late == len(end.late)
            assert session.outstanding == len(end.asked) - len(end.told)

    @invariant()
    def nothing_is_told_twice_or_out_of_nowhere(self) -> None:
        for end, peer in ((self.esme, self.smsc), (self.smsc, self.esme)):
            assert set(end.told) <= set(end.asked)
            assert all(count == 1 for count in end.told.values())
            for name, status in end.heard.items():
                assert status in (peer.answered.get(name), REFUSED_BY_SESSION)

    def teardown(self) -> None:
        if hasattr(self, "ends"):
            self.lose_the_connection()


TestPair = PairMachine.TestCase
TestPair.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
