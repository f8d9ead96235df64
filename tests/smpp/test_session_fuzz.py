"""Rubbish, and valid PDUs in any order, against an owner that does all it may do."""

from __future__ import annotations

from collections import Counter
from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from smpp.events import (
    BindRequested,
    Event,
    LateResponse,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
)
from smpp.pdu import (
    CancelSmResp,
    DataSmResp,
    DeliverSmResp,
    Pdu,
    QuerySmResp,
    ReplaceSmResp,
    SubmitMultiResp,
    SubmitSmResp,
)
from smpp.session import Role, State
from smpp.timers import TimerSettings
from tests.smpp.session_peer import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    BODIES,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    OUTBIND,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    bind_pdu,
    bind_resp,
    deliver_sm,
    deliver_sm_resp,
    feed,
    raw,
    sent,
    session_in,
    submit_sm,
    submit_sm_resp,
)

OPEN, TX, RX, TRX = State.OPEN, State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX
BODY = {SUBMIT_SM: submit_sm(1)[16:], DELIVER_SM: deliver_sm(1)[16:]}
RESPONSES: dict[int, Pdu] = {
    SUBMIT_SM: SubmitSmResp("id"),
    DELIVER_SM: DeliverSmResp(),
    DATA_SM: DataSmResp("id"),
    SUBMIT_MULTI: SubmitMultiResp("id"),
    QUERY_SM: QuerySmResp("id", "", 1, 0),
    CANCEL_SM: CancelSmResp(),
    REPLACE_SM: ReplaceSmResp(),
}


class Owner:
    """Does what an owner may do, checks what it may rely on."""

    def __init__(self, role: Role, state: State) -> None:
        timers = TimerSettings(inactivity_s=200)
        self.role = role
        self.session = session_in(role, state, timers=timers, window_max=3, inbound_window_max=4, late_max=5)
        self.now = 0.0
        self.in_hand: list[tuple[int, int]] = []
        self.binds: list[int] = []
        self.sent_contexts: list[int] = []
        self.settled: Counter[object] = Counter()
        self.answered: Counter[int] = Counter()

    def hear(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, RequestReceived):
                self.in_hand.append((event.sequence_number, event.pdu.command_id))
            elif isinstance(event, BindRequested):
                self.binds.append(event.sequence_number)
            elif isinstance(event, ResponseReceived | RequestTimedOut):
                self.settled[event.context] += 1
            elif isinstance(event, LateResponse):
                self.settled[("late", event.context)] += 1
        for wire in sent(self.session):
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
        if self.in_hand:
            number, command_id = self.in_hand.pop(0)
            self.session.respond(number, RESPONSES[command_id])
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
        REPLACE_SM,
        SUBMIT_MULTI,
        DATA_SM,
        ALERT_NOTIFICATION,
        OUTBIND,
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
        command_id = draw(REQUESTS)
        return raw(command_id, number, BODIES.get(command_id, b"") if draw(st.booleans()) else b"")
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
