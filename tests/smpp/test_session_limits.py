"""What a session bears: floods, faults of framing, rubbish, and octets in any chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smpp.events import (
    BindRequested,
    CloseReason,
    CloseRequired,
    Event,
    LateResponse,
    ProtocolFault,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
    Unbound,
)
from smpp.pdu import DeliverSmResp, Pdu, SubmitSmResp
from smpp.session import Role, Session, SessionSettings, State
from smpp.timers import TimerSettings
from tests.smpp.session_peer import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    ESME_RALYBND,
    ESME_RINVBNDSTS,
    ESME_RINVCMDLEN,
    ESME_RSYSERR,
    GENERIC_NACK,
    QUERY_SM,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    Wire,
    bind_pdu,
    bind_resp,
    deliver_sm,
    deliver_sm_resp,
    feed,
    open_session,
    raw,
    sent,
    session_in,
    submit_sm,
    submit_sm_resp,
)

OPEN, TX, RX, TRX = State.OPEN, State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX
BODY = {SUBMIT_SM: submit_sm(1)[16:], DELIVER_SM: deliver_sm(1)[16:]}


def numbers(events: list[Event]) -> list[int]:
    return [event.sequence_number for event in events if isinstance(event, RequestReceived)]


# ---- the inbound window


def narrow(role: Role = Role.SMSC, inbound_window_max: int = 2) -> Session:
    return session_in(role, TRX, inbound_window_max=inbound_window_max)


def test_requests_beyond_the_inbound_window_wait_until_one_is_answered() -> None:
    session = narrow()
    assert numbers(feed(session, *(submit_sm(n) for n in range(1, 6)))) == [1, 2]
    assert (session.blocked, session.unanswered) == (True, 2)
    assert feed(session) == []
    session.respond(2, SubmitSmResp("b"))
    assert session.blocked
    assert numbers(feed(session)) == [3]
    assert session.blocked
    session.respond(1, SubmitSmResp("a"))
    session.respond(3, SubmitSmResp("c"))
    assert numbers(feed(session)) == [4, 5]
    assert not session.blocked


def test_an_esme_holds_deliveries_back_in_the_same_way() -> None:
    session = narrow(Role.ESME)
    assert numbers(feed(session, *(deliver_sm(n) for n in range(1, 4)))) == [1, 2]
    session.respond(1, DeliverSmResp())
    assert numbers(feed(session)) == [3]


def test_a_window_that_is_exactly_full_does_not_block() -> None:
    session = narrow()
    feed(session, submit_sm(1), submit_sm(2))
    assert not session.blocked


def test_responses_and_enquire_links_pass_while_the_inbound_window_is_full() -> None:
    session = narrow()
    number = session.request_body(DELIVER_SM, BODY[DELIVER_SM], 0.0, "mine")
    session.data_to_send()
    events = feed(
        session, submit_sm(1), submit_sm(2), deliver_sm_resp(number), raw(ENQUIRE_LINK, 7), submit_sm(3)
    )
    assert [type(event) for event in events] == [RequestReceived, RequestReceived, ResponseReceived]
    assert sent(session) == [Wire(ENQUIRE_LINK | RESPONSE, 0, 7)]
    assert session.blocked


def test_what_comes_while_blocked_is_kept_in_order() -> None:
    session = narrow()
    feed(session, *(submit_sm(n) for n in (1, 2, 3)))
    for octet in submit_sm(4) + raw(UNBIND, 5):
        assert session.receive_data(bytes((octet,)), 0.0) == []
    seen = []
    for answered in (1, 2, 3, 4):
        session.respond(answered, SubmitSmResp("x"))
        seen += feed(session)
    assert numbers(seen) == [3, 4]
    assert session.state is State.PEER_UNBINDING


def test_a_refused_request_takes_no_place_in_the_inbound_window() -> None:
    session = narrow(inbound_window_max=1)
    events = feed(session, raw(SUBMIT_SM, 1, b"rubbish"), raw(QUERY_SM, 2), submit_sm(3))
    assert numbers(events) == [3]
    assert not session.blocked


def test_a_blocked_peer_is_not_taken_for_a_silent_one() -> None:
    session = narrow()
    session.tick(30.0)
    assert [wire.command_id for wire in sent(session)] == [ENQUIRE_LINK]
    feed(session, *(submit_sm(n) for n in (1, 2, 3)), now=31.0)
    for instant in range(40, 200, 10):
        assert session.tick(float(instant)) == []
        deadline = session.next_deadline()
        assert deadline is not None
        assert deadline > instant
    session.respond(1, SubmitSmResp("a"))
    assert numbers(feed(session, now=200.0)) == [3]
    assert session.state is TRX


def test_what_was_held_back_is_refused_after_our_unbind() -> None:
    session = narrow()
    feed(session, *(submit_sm(n) for n in (1, 2, 3, 4)))
    session.unbind(0.0)
    (unbind,) = sent(session)
    events = feed(session, raw(UNBIND | RESPONSE, unbind.sequence_number))
    assert [type(event) for event in events] == [ProtocolFault, ProtocolFault, Unbound]
    assert sent(session) == [Wire(SUBMIT_SM | RESPONSE, ESME_RSYSERR, n) for n in (3, 4)]
    assert not session.blocked


def test_a_session_that_ends_while_blocked_is_not_blocked() -> None:
    session = narrow()
    feed(session, *(submit_sm(n) for n in (1, 2, 3)))
    session.connection_lost()
    assert (session.blocked, session.unanswered) == (False, 0)


# ---- bind tries


def test_the_last_refused_bind_closes_the_session() -> None:
    session = open_session(Role.SMSC)
    for number in (1, 2):
        feed(session, bind_pdu(BIND_TRANSCEIVER, number))
        assert session.refuse_bind(number, 0x0F, 0.0) == []
    feed(session, bind_pdu(BIND_TRANSCEIVER, 3))
    assert session.refuse_bind(3, 0x0F, 0.0) == [CloseRequired(CloseReason.BIND_TRIES)]
    assert sent(session) == [Wire(BIND_TRANSCEIVER | RESPONSE, 0x0F, number) for number in (1, 2, 3)]
    assert session.state is State.CLOSED
    assert feed(session, bind_pdu(BIND_TRANSCEIVER, 4)) == []


def test_malformed_binds_are_tries_too() -> None:
    session = open_session(Role.SMSC)
    malformed = raw(BIND_TRANSCEIVER, 1, b"no end")
    events = feed(session, malformed, malformed, malformed, malformed)
    assert [type(event) for event in events] == [ProtocolFault] * 3 + [CloseRequired]
    assert [wire.command_id for wire in sent(session)] == [BIND_TRANSCEIVER | RESPONSE] * 3


def test_the_number_of_tries_is_a_setting() -> None:
    session = Session(SessionSettings(Role.SMSC, bind_tries_max=1), 0.0)
    feed(session, bind_pdu(BIND_TRANSCEIVER, 1))
    assert session.refuse_bind(1, 0x0F, 0.0) == [CloseRequired(CloseReason.BIND_TRIES)]


@pytest.mark.parametrize("field", ["inbound_window_max", "bind_tries_max", "window_max"])
def test_a_limit_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=r"at least 1|window of 0"):
        Session(SessionSettings(Role.SMSC, **{field: 0}), 0.0)  # type: ignore[arg-type]  # all three are int


# ---- framing


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("length", [0, 15, 70_001, 0x7FFFFFFF, 0x80000009, 0xFFFFFFFF])
def test_a_length_that_cannot_be_is_nacked_under_sequence_zero_and_closes(role: Role, length: int) -> None:
    session = session_in(role, TRX)
    fault, close = session.receive_data(pack(">I", length), 0.0)
    assert isinstance(fault, ProtocolFault)
    assert (fault.command_status, fault.command_id) == (ESME_RINVCMDLEN, 0)
    assert close == CloseRequired(CloseReason.FRAMING_LOST)
    assert sent(session) == [Wire(GENERIC_NACK, ESME_RINVCMDLEN, 0)]
    assert session.state is State.CLOSED
    assert session.receive_data(submit_sm(1), 0.0) == []


@pytest.mark.parametrize("length", [16, 256])
def test_an_open_session_takes_pdus_of_its_own_size_only(length: int) -> None:
    session = open_session(Role.SMSC)
    events = session.receive_data(raw(0x0A, 1, bytes(length - 16)), 0.0)
    assert [type(event) for event in events] == [ProtocolFault]
    events = session.receive_data(pack(">I", 257), 0.0)
    assert events[-1] == CloseRequired(CloseReason.FRAMING_LOST)


def test_a_bound_session_takes_a_whole_message_payload() -> None:
    session = session_in(Role.SMSC, TRX)
    payload = b"\x04\x24\xff\xdc" + bytes(65_500)
    (event,) = feed(session, raw(SUBMIT_SM, 1, submit_sm(1, b"")[16:] + payload))
    assert isinstance(event, RequestReceived)


def test_what_came_before_the_fault_is_still_read() -> None:
    session = session_in(Role.SMSC, TRX)
    events = feed(session, submit_sm(1), b"GET / HTTP/1.1\r\n\r\n")
    assert [type(event) for event in events] == [RequestReceived, ProtocolFault, CloseRequired]


def test_own_requests_survive_lost_framing_until_the_connection_is_lost() -> None:
    session = session_in(Role.ESME, TRX)
    session.request_body(SUBMIT_SM, BODY[SUBMIT_SM], 0.0, "mine")
    feed(session, b"\0\0\0\0")
    assert session.window_room == 0
    assert session.connection_lost() == ["mine"]


# ---- chunks

LIFE = (
    submit_sm(1)
    + bind_pdu(BIND_TRANSCEIVER, 2)
    + raw(ENQUIRE_LINK, 3)
    + raw(QUERY_SM, 4, b"1\0\0\0\0")
    + raw(0x0A, 5)
    + raw(0x8000000A, 6)
    + deliver_sm_resp(1)
    + raw(UNBIND, 7)
    + submit_sm(8)
)
BOUND_LIFE = (
    b"".join(submit_sm(n, b"x" * (n * 9 % 200)) for n in range(10, 30))
    + deliver_sm_resp(1)
    + raw(SUBMIT_SM, 30, b"short")
    + bind_pdu(BIND_RECEIVER, 31)
    + deliver_sm_resp(2)
    + raw(ENQUIRE_LINK, 32)
    + raw(UNBIND, 33)
    + submit_sm(34)
)
FRAMING_LOST = b"\0\0\0\x0f"


def play(session: Session, chunks: Iterator[bytes]) -> tuple[list[Event], list[Wire]]:
    """Feed chunks, answering each request at once and resuming whenever the session is blocked."""
    events: list[Event] = []
    wires: list[Wire] = []
    for chunk in chunks:
        new = session.receive_data(chunk, 0.0)
        while True:
            events += new
            for number in numbers(new):
                session.respond(number, SubmitSmResp("id"))
            if not session.blocked:
                break
            new = session.receive_data(b"", 0.0)
        wires += sent(session)
    return events, wires


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    start = turn = 0
    while start < len(data):
        size = sizes[turn % len(sizes)]
        yield data[start : start + size]
        start += size
        turn += 1


def test_one_chunk_and_single_octets_give_the_same_events_before_a_bind() -> None:
    whole = play(open_session(Role.SMSC), iter([LIFE]))
    assert whole == play(open_session(Role.SMSC), pieces(LIFE, [1]))
    assert any(isinstance(event, BindRequested) for event in whole[0])


def bound_with_deliveries() -> Session:
    session = session_in(Role.SMSC, TRX, inbound_window_max=3)
    for context in ("a", "b"):
        session.request_body(DELIVER_SM, BODY[DELIVER_SM], 0.0, context)
    session.data_to_send()
    return session


@settings(max_examples=40)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_any_chunks_give_the_same_events(sizes: list[int]) -> None:
    events, wires = play(bound_with_deliveries(), iter([BOUND_LIFE]))
    chunked_events, chunked_wires = play(bound_with_deliveries(), pieces(BOUND_LIFE, sizes))
    assert events == chunked_events
    # Answers of the session and of its owner are queued by turns, so only their order differs.
    assert sorted(wires) == sorted(chunked_wires)


def test_single_octets_give_the_same_events_when_bound() -> None:
    events, wires = play(bound_with_deliveries(), pieces(BOUND_LIFE, [1]))
    assert (events, len(wires)) == (play(bound_with_deliveries(), iter([BOUND_LIFE]))[0], 24)
    assert numbers(events) == list(range(10, 30))
    assert [event.context for event in events if isinstance(event, ResponseReceived)] == ["a", "b"]
    assert session_statuses(wires) == {30: 0x15, 31: ESME_RALYBND, 32: 0, 34: ESME_RINVBNDSTS}


def session_statuses(wires: list[Wire]) -> dict[int, int]:
    return {wire.sequence_number: wire.command_status for wire in wires if wire.sequence_number >= 30}


@settings(max_examples=40)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_lost_framing_gives_the_same_events_in_any_chunks(sizes: list[int]) -> None:
    data = BOUND_LIFE + FRAMING_LOST + submit_sm(35)
    events, _ = play(bound_with_deliveries(), iter([data]))
    assert events == play(bound_with_deliveries(), pieces(data, sizes))[0]
    assert events[-1] == CloseRequired(CloseReason.FRAMING_LOST)


# ---- rubbish, and valid PDUs in any order


class Owner:
    """Does what an owner may do, checks what it may rely on."""

    def __init__(self, role: Role, state: State) -> None:
        timers = TimerSettings(inactivity_s=200)
        self.role = role
        self.session = session_in(role, state, timers=timers, window_max=3, inbound_window_max=4, late_max=5)
        self.now = 0.0
        self.in_hand: list[int] = []
        self.binds: list[int] = []
        self.sent_contexts: list[int] = []
        self.settled: Counter[object] = Counter()
        self.received: Counter[int] = Counter()
        self.answered: Counter[int] = Counter()
        self.fed = 0
        self.out = 0

    def hear(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, RequestReceived):
                self.in_hand.append(event.sequence_number)
            elif isinstance(event, BindRequested):
                self.binds.append(event.sequence_number)
            elif isinstance(event, ResponseReceived | RequestTimedOut):
                self.settled[event.context] += 1
            elif isinstance(event, LateResponse):
                self.settled[("late", event.context)] += 1
        for wire in sent(self.session):
            self.out += 16 + len(wire.body)
            if wire.command_id & RESPONSE:
                self.answered[wire.sequence_number] += 1
        self.check()

    def check(self) -> None:
        session = self.session
        assert session.unanswered <= 4
        assert session.outstanding <= 3
        assert session._window.late <= 5
        assert len(session._enquiries) <= 2
        if not session.state.is_over:
            assert session.unanswered == len(self.in_hand)
        assert all(count == 1 for count in self.settled.values())

    def step(self, step: bytes | str) -> None:
        if isinstance(step, bytes):
            self.fed += len(step)
            self.hear(self.session.receive_data(step, self.now))
        else:
            getattr(self, step)()

    def wait(self) -> None:
        self.now += 7.0
        self.hear(self.session.tick(self.now))
        assert (
            self.session.state.is_over
            or self.session.next_deadline() is not None
            or (self.session.state is State.PEER_UNBINDING)
        )

    def answer(self) -> None:
        pdu: Pdu = SubmitSmResp("id") if self.role is Role.SMSC else DeliverSmResp()
        if self.in_hand:
            self.session.respond(self.in_hand.pop(0), pdu)
        self.hear(self.session.receive_data(b"", self.now))

    def request(self) -> None:
        if self.session.window_room:
            context = len(self.sent_contexts)
            self.sent_contexts.append(context)
            command_id = DELIVER_SM if self.role is Role.SMSC else SUBMIT_SM
            self.session.request_body(command_id, BODY[command_id], self.now, context)
        self.hear([])

    def accept(self) -> None:
        if self.binds:
            self.session.accept_bind(self.binds.pop(), self.now)
        self.hear([])

    def refuse(self) -> None:
        if self.binds:
            self.hear(self.session.refuse_bind(self.binds.pop(), 0x0E, self.now))

    def unbind(self) -> None:
        if self.session.state.is_bound:
            self.session.unbind(self.now)
        self.hear([])

    def finish_unbind(self) -> None:
        if self.session.state is State.PEER_UNBINDING:
            self.session.finish_unbind()
        self.hear([])

    def lose(self) -> None:
        self.settled.update(self.session.connection_lost())
        self.check()
        assert self.settled.total() >= len(self.sent_contexts)
        assert all(self.settled[context] == 1 for context in self.sent_contexts)


OWNER_STEPS = st.sampled_from(
    ["wait", "answer", "answer", "request", "request", "accept", "refuse", "unbind", "finish_unbind"]
)
REQUESTS = st.sampled_from(
    [
        BIND_TRANSMITTER,
        BIND_RECEIVER,
        BIND_TRANSCEIVER,
        QUERY_SM,
        CANCEL_SM,
        DATA_SM,
        ALERT_NOTIFICATION,
        ENQUIRE_LINK,
        0x0A,
    ]
)
SMALL = st.integers(0, 9)


@st.composite
def valid_pdus(draw: st.DrawFn) -> bytes:
    """One valid PDU of any kind, of either direction; every request under a number of its own."""
    kind = draw(st.integers(0, 6))
    number = draw(st.integers(0x1000, 0xFFFFFFFF))
    if kind == 0:
        return submit_sm(number, draw(st.binary(max_size=20)))
    if kind == 1:
        return deliver_sm(number, draw(st.binary(max_size=20)))
    if kind == 2:
        return bind_pdu(draw(st.sampled_from([BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER])), number)
    if kind == 3:
        return raw(draw(REQUESTS), number)
    small = draw(SMALL)
    if kind == 4:
        return submit_sm_resp(small) if draw(st.booleans()) else deliver_sm_resp(small)
    if kind == 5:
        return bind_resp(BIND_TRANSCEIVER, small)
    command_id = draw(st.sampled_from([GENERIC_NACK, ENQUIRE_LINK | RESPONSE, UNBIND, UNBIND | RESPONSE]))
    return raw(command_id, number if command_id == UNBIND else small)


PLACES = st.tuples(st.sampled_from(list(Role)), st.sampled_from([OPEN, TX, RX, TRX]))


@settings(max_examples=60, deadline=None)
@given(PLACES, st.lists(st.one_of(valid_pdus(), valid_pdus(), OWNER_STEPS), max_size=40))
def test_valid_pdus_in_any_order_never_raise_and_each_request_has_at_most_one_response(
    place: tuple[Role, State], steps: list[bytes | str]
) -> None:
    owner = Owner(*place)
    requests: Counter[int] = Counter()
    for step in steps:
        if isinstance(step, bytes) and not step[4] & 0x80:
            requests[int.from_bytes(step[12:16])] += 1
        owner.step(step)
        assert all(count <= requests[number] for number, count in owner.answered.items())
    owner.lose()


@settings(max_examples=60, deadline=None)
@given(PLACES, st.lists(st.one_of(st.binary(max_size=60), OWNER_STEPS), max_size=30))
def test_random_octets_never_raise(place: tuple[Role, State], steps: list[bytes | str]) -> None:
    owner = Owner(*place)
    for step in steps:
        owner.step(step)
    owner.lose()


@settings(max_examples=60, deadline=None)
@given(
    PLACES,
    st.lists(
        st.tuples(
            st.one_of(REQUESTS, st.sampled_from([SUBMIT_SM, DELIVER_SM]), st.integers(0, 0xFFFFFFFF)),
            st.integers(0, 0xFFFFFFFF),
            SMALL,
            st.binary(max_size=80),
        ),
        max_size=30,
    ),
)
def test_well_framed_rubbish_never_raises(
    place: tuple[Role, State], pdus: list[tuple[int, int, int, bytes]]
) -> None:
    owner = Owner(*place)
    for command_id, command_status, number, body in pdus:
        owner.request()
        owner.step(raw(command_id, number, body, command_status))
        owner.wait()
    owner.lose()


def test_a_flood_of_small_requests_is_answered_with_no_more_than_it_cost() -> None:
    session = session_in(Role.SMSC, TRX)
    flood = raw(ENQUIRE_LINK, 1) * 1_000 + raw(0x0A, 2) * 1_000 + raw(DATA_SM, 3) * 1_000
    session.receive_data(flood, 0.0)
    assert len(session.data_to_send()) == len(flood)
    assert session._framer.buffered == 0


def test_an_announced_length_is_never_waited_for_in_memory() -> None:
    session = session_in(Role.SMSC, TRX)
    session.receive_data(pack(">I", 70_000), 0.0)
    assert session._framer.buffered == 4


def test_late_requests_and_enquiries_stay_bounded_over_a_long_life() -> None:
    session = session_in(Role.ESME, TRX, window_max=5, late_max=7)
    now = 0.0
    for n in range(200):
        for _ in range(session.window_room):
            session.request_body(SUBMIT_SM, BODY[SUBMIT_SM], now, n)
        now += 31.0
        session.tick(now)
        session.tick(now)
        feed(session, raw(0x8000000A, 1), now=now)
        session.data_to_send()
    assert session._window.late == 7
    assert session.outstanding == 0
    assert len(session._enquiries) <= 2
    assert session.state is TRX
