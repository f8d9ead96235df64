"""What a session bears: floods, faults of framing, and octets in any chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smpp.events import (
    BindRequested,
    CloseReason,
    CloseRequired,
    Event,
    ProtocolFault,
    RequestReceived,
    ResponseReceived,
    Unbound,
)
from smpp.pdu import DeliverSmResp, SubmitSmResp
from smpp.session import Role, Session, SessionSettings, State
from smpp.timers import TimerSettings
from tests.smpp.session_peer import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
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
    deliver_sm,
    deliver_sm_resp,
    feed,
    open_session,
    raw,
    sent,
    session_in,
    submit_sm,
)

TRX = State.BOUND_TRX
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


# ---- settings adopted with the bind


def adopted(**changes: object) -> Session:
    """A session that learns its settings when it knows who binds."""
    session = open_session(Role.SMSC)
    feed(session, bind_pdu(BIND_TRANSCEIVER, 1))
    session.adopt(replace(SessionSettings(Role.SMSC), **changes))  # type: ignore[arg-type]  # by name
    session.accept_bind(1, 0.0)
    session.data_to_send()
    return session


def test_adopted_windows_hold() -> None:
    session = adopted(inbound_window_max=1, window_max=2)
    assert numbers(feed(session, submit_sm(1), submit_sm(2))) == [1]
    assert session.window_room == 2


def test_an_adopted_size_of_pdus_holds() -> None:
    session = adopted(pdu_max=300)
    assert feed(session, pack(">I", 300)) == []
    assert feed(adopted(pdu_max=300), pack(">I", 301))[-1] == CloseRequired(CloseReason.FRAMING_LOST)


def test_adopted_timers_hold() -> None:
    session = adopted(timers=TimerSettings(enquire_link_s=7, response_s=3))
    assert session.next_deadline() == 7.0
    session.request_body(DELIVER_SM, BODY[DELIVER_SM], 0.0)
    assert session.next_deadline() == 3.0


def test_session_init_that_runs_already_keeps_its_end() -> None:
    session = open_session(Role.SMSC)
    session.adopt(SessionSettings(Role.SMSC, timers=TimerSettings(session_init_s=99)))
    assert session.next_deadline() == 10.0


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
