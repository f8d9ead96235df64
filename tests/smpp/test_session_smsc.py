"""The SMSC's end: what an ESME may do when, and what it hears."""

from __future__ import annotations

import pytest
from smpplib.smpp import parse_pdu

from smpp.events import (
    BindRequested,
    CloseReason,
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
from smpp.pdu import DeliverSm, DeliverSmResp, GenericNack, SubmitSm, SubmitSmResp, UnparsedPdu
from smpp.session import Role, Session, State
from smpp.timers import TimerSettings
from tests.smpp.session_peer import (
    ALERT_NOTIFICATION,
    BIND_NAMES,
    BIND_OF,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    ESME_RALYBND,
    ESME_RINVBNDSTS,
    ESME_RINVCMDID,
    ESME_RSYSERR,
    GENERIC_NACK,
    OUTBIND,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE,
    SUBMIT_MULTI,
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

OPEN, TX, RX, TRX = State.OPEN, State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX
UNBINDING, PEER_UNBINDING = State.UNBINDING, State.PEER_UNBINDING
STATES = (OPEN, TX, RX, TRX, UNBINDING, PEER_UNBINDING)
BOUND = (TX, RX, TRX)

SEQUENCE = 77


def smsc(state: State = TRX) -> Session:
    return session_in(Role.SMSC, state)


def body_of_a_deliver_sm() -> bytes:
    return deliver_sm(1)[16:]


# ---- the table: one test a row, one case a state


def own_response(command_id: int, command_status: int) -> list[Wire]:
    return [Wire(command_id | RESPONSE, command_status, SEQUENCE)]


def nack() -> list[Wire]:
    return [Wire(GENERIC_NACK, ESME_RINVCMDID, SEQUENCE)]


@pytest.mark.parametrize("bind_type", [BIND_TRANSMITTER, BIND_RECEIVER, BIND_TRANSCEIVER])
@pytest.mark.parametrize("state", STATES)
def test_a_bind_is_for_the_owner_when_open_and_refused_afterwards(state: State, bind_type: int) -> None:
    session = smsc(state)
    (event,) = feed(session, bind_pdu(bind_type, SEQUENCE))
    if state is OPEN:
        assert isinstance(event, BindRequested)
        assert (event.sequence_number, event.bind.command_id) == (SEQUENCE, bind_type)
        assert sent(session) == []
    else:
        status = ESME_RINVBNDSTS if state is PEER_UNBINDING else ESME_RALYBND
        assert isinstance(event, ProtocolFault)
        assert sent(session) == own_response(bind_type, status)
    assert session.state is state


@pytest.mark.parametrize("state", STATES)
def test_a_submit_sm_is_a_request_for_transmitters_and_refused_otherwise(state: State) -> None:
    session = smsc(state)
    (event,) = feed(session, submit_sm(SEQUENCE, b"hello"))
    if state in (TX, TRX):
        assert isinstance(event, RequestReceived)
        assert isinstance(event.pdu, SubmitSm)
        assert (event.sequence_number, event.pdu.short_message) == (SEQUENCE, b"hello")
        assert event.pdu.destination.addr == "8613800138000"
        assert sent(session) == []
    else:
        status = ESME_RSYSERR if state is UNBINDING else ESME_RINVBNDSTS
        assert isinstance(event, ProtocolFault)
        assert (event.command_status, event.command_id) == (status, SUBMIT_SM)
        assert sent(session) == own_response(SUBMIT_SM, status)
    assert session.state is state


@pytest.mark.parametrize("command_id", [SUBMIT_MULTI, QUERY_SM, CANCEL_SM, REPLACE_SM, DATA_SM])
@pytest.mark.parametrize("state", STATES)
def test_an_operation_that_is_not_offered_is_nacked_where_it_is_legal(state: State, command_id: int) -> None:
    session = smsc(state)
    (event,) = feed(session, raw(command_id, SEQUENCE, b"1\0\0\0\0"))
    assert isinstance(event, ProtocolFault)
    if state in (TX, TRX, UNBINDING):
        assert sent(session) == nack()
    else:
        assert sent(session) == own_response(command_id, ESME_RINVBNDSTS)
    assert session.state is state


@pytest.mark.parametrize("command_id", [DELIVER_SM, DATA_SM])
@pytest.mark.parametrize("state", STATES)
def test_a_response_to_a_delivery_counts_for_receivers_and_is_ignored_otherwise(
    state: State, command_id: int
) -> None:
    session = smsc(state)
    sequence_number = SEQUENCE
    if state in (RX, TRX):
        sequence_number = session.request_body(command_id, body_of_a_deliver_sm(), 0.0, "mine")
        session.data_to_send()
    (event,) = feed(session, raw(command_id | RESPONSE, sequence_number, b"\0"))
    if state in (RX, TRX):
        assert isinstance(event, ResponseReceived)
        assert (event.command_status, event.context) == (0, "mine")
    else:
        assert isinstance(event, ProtocolFault)
        assert event.command_status == 0
    assert sent(session) == []
    assert session.state is state


@pytest.mark.parametrize("state", STATES)
def test_an_unbind_is_answered_in_every_state(state: State) -> None:
    session = smsc(state)
    events = feed(session, raw(UNBIND, SEQUENCE))
    if state is UNBINDING:
        assert events == []
        assert sent(session) == own_response(UNBIND, 0)
        assert session.state is UNBINDING
    elif state is PEER_UNBINDING:
        assert sent(session) == own_response(UNBIND, ESME_RINVBNDSTS)
    else:
        assert events == [PeerUnbound()]
        assert sent(session) == []
        session.finish_unbind()
        assert sent(session) == own_response(UNBIND, 0)
        assert session.state is State.UNBOUND


@pytest.mark.parametrize("state", STATES)
def test_an_enquire_link_is_answered_in_every_state(state: State) -> None:
    session = smsc(state)
    assert feed(session, raw(ENQUIRE_LINK, SEQUENCE)) == []
    assert sent(session) == own_response(ENQUIRE_LINK, 0)
    assert session.state is state


@pytest.mark.parametrize(
    "command_id",
    [
        GENERIC_NACK,
        BIND_TRANSMITTER | RESPONSE,
        BIND_RECEIVER | RESPONSE,
        BIND_TRANSCEIVER | RESPONSE,
        SUBMIT_SM | RESPONSE,
        SUBMIT_MULTI | RESPONSE,
        DELIVER_SM | RESPONSE,
        DATA_SM | RESPONSE,
        QUERY_SM | RESPONSE,
        CANCEL_SM | RESPONSE,
        REPLACE_SM | RESPONSE,
        UNBIND | RESPONSE,
        ENQUIRE_LINK | RESPONSE,
    ],
)
@pytest.mark.parametrize("state", STATES)
def test_a_response_nobody_asked_for_is_counted_and_never_answered(state: State, command_id: int) -> None:
    session = smsc(state)
    (event,) = feed(session, raw(command_id, SEQUENCE))
    assert isinstance(event, ProtocolFault)
    assert (event.command_status, event.command_id) == (0, command_id)
    assert sent(session) == []
    assert session.state is state


@pytest.mark.parametrize("state", STATES)
def test_a_deliver_sm_from_an_esme_is_refused(state: State) -> None:
    session = smsc(state)
    (event,) = feed(session, deliver_sm(SEQUENCE))
    assert isinstance(event, ProtocolFault)
    assert sent(session) == own_response(DELIVER_SM, ESME_RINVBNDSTS)
    assert session.state is state


@pytest.mark.parametrize("command_id", [ALERT_NOTIFICATION, OUTBIND])
@pytest.mark.parametrize("state", STATES)
def test_requests_without_a_response_are_nacked(state: State, command_id: int) -> None:
    session = smsc(state)
    (event,) = feed(session, raw(command_id, SEQUENCE, b"\0\0"))
    assert isinstance(event, ProtocolFault)
    assert sent(session) == nack()
    assert session.state is state


@pytest.mark.parametrize("command_id", [0, 0x0A, 0x111, 0x7FFFFFFF])
@pytest.mark.parametrize("state", STATES)
def test_an_unknown_request_is_nacked_with_its_sequence_number(state: State, command_id: int) -> None:
    session = smsc(state)
    assert feed(session, raw(command_id, SEQUENCE, b"??")) != []
    assert sent(session) == nack()
    assert session.state is state


@pytest.mark.parametrize("command_id", [0x8000000A, 0x80000102, 0xFFFFFFFF])
@pytest.mark.parametrize("state", STATES)
def test_an_unknown_response_is_ignored(state: State, command_id: int) -> None:
    session = smsc(state)
    (event,) = feed(session, raw(command_id, SEQUENCE, b"??"))
    assert isinstance(event, ProtocolFault)
    assert sent(session) == []
    assert session.state is state


@pytest.mark.parametrize("pdu", [submit_sm(1), raw(ENQUIRE_LINK, 2), raw(0x0A, 3), raw(UNBIND, 4)])
def test_nothing_is_read_after_the_unbind_response(pdu: bytes) -> None:
    session = smsc(PEER_UNBINDING)
    session.finish_unbind()
    session.data_to_send()
    assert feed(session, pdu) == []
    assert sent(session) == []
    assert session.tick(1e9) == []
    assert session.next_deadline() is None


# ---- binding


@pytest.mark.parametrize("state", BOUND)
def test_an_accepted_bind_leads_to_its_state(state: State) -> None:
    session = open_session(Role.SMSC)
    feed(session, bind_pdu(BIND_OF[state], SEQUENCE))
    session.accept_bind(SEQUENCE, 0.0)
    data = session.data_to_send()
    response = parse_pdu(data, client=None, sequence=0)
    assert (response.command, response.status) == (f"{BIND_NAMES[BIND_OF[state]]}_resp", 0)
    assert response.system_id == b"signet"
    assert data[12:16] == SEQUENCE.to_bytes(4)
    assert (session.state, session.bind_type, session.interface_version) == (state, BIND_OF[state], 0x34)


@pytest.mark.parametrize(
    ("version", "tlvs"),
    [
        (0x00, b""),
        (0x03, b""),
        (0x33, b""),
        (0x34, b"\x02\x10\x00\x01\x34"),
        (0x50, b"\x02\x10\x00\x01\x34"),
    ],
)
def test_sc_interface_version_is_told_to_those_who_know_tlvs(version: int, tlvs: bytes) -> None:
    session = open_session(Role.SMSC)
    feed(session, bind_pdu(BIND_TRANSCEIVER, interface_version=version))
    session.accept_bind(1, 0.0)
    assert sent(session) == [Wire(BIND_TRANSCEIVER | RESPONSE, 0, 1, b"signet\0" + tlvs)]
    assert session.interface_version == version


def test_a_refused_bind_leaves_the_session_open_for_another_try() -> None:
    session = open_session(Role.SMSC)
    feed(session, bind_pdu(BIND_RECEIVER, 1))
    assert session.refuse_bind(1, 0x0E, 1.0) == []
    assert sent(session) == [Wire(BIND_RECEIVER | RESPONSE, 0x0E, 1)]
    feed(session, bind_pdu(BIND_RECEIVER, 2))
    session.accept_bind(2, 2.0)
    assert session.state is RX


def test_requests_before_the_answer_to_the_bind_are_refused() -> None:
    session = open_session(Role.SMSC)
    events = feed(session, bind_pdu(BIND_TRANSCEIVER, 1), submit_sm(2), bind_pdu(BIND_TRANSCEIVER, 3))
    assert [type(event) for event in events] == [BindRequested, ProtocolFault, ProtocolFault]
    assert sent(session) == [
        Wire(SUBMIT_SM | RESPONSE, ESME_RINVBNDSTS, 2),
        Wire(BIND_TRANSCEIVER | RESPONSE, ESME_RINVBNDSTS, 3),
    ]
    session.accept_bind(1, 0.0)
    assert session.state is TRX


@pytest.mark.parametrize("forged", [BIND_TRANSCEIVER | RESPONSE, GENERIC_NACK, UNBIND | RESPONSE])
def test_a_peer_cannot_answer_its_own_bind(forged: int) -> None:
    session = open_session(Role.SMSC)
    events = feed(session, bind_pdu(BIND_TRANSCEIVER, 1), raw(forged, 1, b"me\0"), submit_sm(2))
    assert [type(event) for event in events] == [BindRequested, ProtocolFault, ProtocolFault]
    assert session.state is OPEN


def test_answering_a_bind_that_does_not_wait_is_a_mistake() -> None:
    session = open_session(Role.SMSC)
    with pytest.raises(ValueError, match="no bind 1"):
        session.accept_bind(1, 0.0)
    feed(session, bind_pdu(BIND_TRANSCEIVER, 1))
    with pytest.raises(ValueError, match="no bind 2"):
        session.refuse_bind(2, 0x0E, 0.0)
    with pytest.raises(ValueError, match="error status"):
        session.refuse_bind(1, 0, 0.0)
    session.accept_bind(1, 0.0)
    with pytest.raises(ValueError, match="no bind 1"):
        session.accept_bind(1, 0.0)


@pytest.mark.parametrize("farewell", ["unbind", "close"])
def test_an_answer_to_a_bind_whose_sender_has_left_has_no_effect(farewell: str) -> None:
    session = open_session(Role.SMSC)
    feed(session, bind_pdu(BIND_TRANSCEIVER, 1))
    if farewell == "unbind":
        feed(session, raw(UNBIND, 2))
    else:
        session.connection_lost()
    state = session.state
    session.accept_bind(1, 0.0)
    assert session.refuse_bind(1, 0x0E, 0.0) == []
    assert session.state is state
    assert sent(session) == []


def test_only_an_esme_binds() -> None:
    session = open_session(Role.SMSC)
    feed(session, bind_pdu(BIND_TRANSCEIVER, 1))
    (event,) = feed(open_session(Role.SMSC), bind_pdu(BIND_TRANSCEIVER, 1))
    assert isinstance(event, BindRequested)
    with pytest.raises(ValueError, match="no bind_transceiver"):
        session.bind(event.bind, 0.0)


# ---- requests of the peer


def test_a_request_is_answered_under_its_own_sequence_number() -> None:
    session = smsc()
    feed(session, submit_sm(0), submit_sm(0xFFFFFFFF))
    assert session.unanswered == 2
    session.respond(0xFFFFFFFF, SubmitSmResp("b"))
    session.respond(0, SubmitSmResp("a"))
    assert sent(session) == [
        Wire(SUBMIT_SM | RESPONSE, 0, 0xFFFFFFFF, b"b\0"),
        Wire(SUBMIT_SM | RESPONSE, 0, 0, b"a\0"),
    ]
    assert session.unanswered == 0


@pytest.mark.parametrize("status", [0x45, 0x58, 0x08, 0x403])
def test_an_error_response_is_a_header_only(status: int) -> None:
    session = smsc()
    feed(session, submit_sm(9))
    session.respond(9, SubmitSmResp("unused"), status)
    assert sent(session) == [Wire(SUBMIT_SM | RESPONSE, status, 9)]


def test_an_invalid_command_id_is_answered_with_a_generic_nack() -> None:
    session = smsc()
    feed(session, submit_sm(9))
    session.respond(9, None, ESME_RINVCMDID)
    assert sent(session) == [Wire(GENERIC_NACK, ESME_RINVCMDID, 9)]


def test_a_request_is_answered_once() -> None:
    session = smsc()
    feed(session, submit_sm(9))
    session.respond(9, SubmitSmResp("a"))
    with pytest.raises(ValueError, match="no unanswered request 9"):
        session.respond(9, SubmitSmResp("a"))
    assert len(sent(session)) == 1


@pytest.mark.parametrize("pdu", [None, DeliverSmResp(), GenericNack(), SubmitSmResp("x" * 65)])
def test_an_answer_that_does_not_fit_leaves_the_request_unanswered(
    pdu: DeliverSmResp | GenericNack | SubmitSmResp | None,
) -> None:
    session = smsc()
    feed(session, submit_sm(9))
    with pytest.raises(ValueError, match=r".+"):
        session.respond(9, pdu)
    assert session.unanswered == 1
    session.respond(9, None, ESME_RSYSERR)
    assert sent(session) == [Wire(SUBMIT_SM | RESPONSE, ESME_RSYSERR, 9)]


def test_a_sequence_number_in_use_is_refused_and_free_again_after_the_answer() -> None:
    session = smsc()
    events = feed(session, submit_sm(9, b"first"), submit_sm(9, b"second"))
    assert [type(event) for event in events] == [RequestReceived, ProtocolFault]
    assert sent(session) == [Wire(SUBMIT_SM | RESPONSE, ESME_RSYSERR, 9)]
    session.respond(9, SubmitSmResp("a"))
    (event,) = feed(session, submit_sm(9, b"third"))
    assert isinstance(event, RequestReceived)


def test_a_malformed_submit_sm_gets_its_own_response_and_the_session_lives() -> None:
    session = smsc()
    cut_short = raw(SUBMIT_SM, 5, submit_sm(5)[16:-20])
    sm_length_past_the_end = raw(SUBMIT_SM, 6, submit_sm(6)[16:-1])
    events = feed(session, cut_short, sm_length_past_the_end, submit_sm(7))
    assert [type(event) for event in events] == [ProtocolFault, ProtocolFault, RequestReceived]
    first, second = sent(session)
    assert (first.command_id, first.sequence_number, first.body) == (SUBMIT_SM | RESPONSE, 5, b"")
    assert first.command_status != 0
    assert second == Wire(SUBMIT_SM | RESPONSE, 0x01, 6)
    assert (session.state, session.unanswered) == (TRX, 1)


def test_an_answer_after_the_end_is_dropped() -> None:
    session = smsc()
    feed(session, submit_sm(1))
    session.connection_lost()
    session.respond(1, SubmitSmResp("a"))
    assert sent(session) == []


# ---- own requests


def delivery() -> DeliverSm:
    session = session_in(Role.ESME, TRX)
    (event,) = feed(session, deliver_sm(1, b"receipt"))
    assert isinstance(event, RequestReceived)
    assert isinstance(event.pdu, DeliverSm)
    return event.pdu


def test_a_delivery_goes_out_whole_and_comes_back_with_its_context() -> None:
    session = smsc()
    context = object()
    number = session.request(delivery(), 0.0, context)
    (wire,) = sent(session)
    assert (wire.command_id, wire.command_status, wire.sequence_number) == (DELIVER_SM, 0, number)
    assert wire.body == deliver_sm(1, b"receipt")[16:]
    assert feed(session, deliver_sm_resp(number)) == [
        ResponseReceived(number, 0, DeliverSmResp(), context),
    ]


@pytest.mark.parametrize("state", STATES)
def test_deliveries_go_to_receivers_only(state: State) -> None:
    session = smsc(state)
    if state in (RX, TRX):
        assert session.window_room == 10
        session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 0.0)
        assert session.window_room == 9
    else:
        assert session.window_room == 0
        with pytest.raises(ValueError, match="no deliver_sm"):
            session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 0.0)
    assert session.outstanding == (1 if state in (RX, TRX) else 0)


def test_an_smsc_submits_nothing() -> None:
    with pytest.raises(ValueError, match="no submit_sm"):
        smsc().request_body(SUBMIT_SM, b"", 0.0)


def test_a_deliver_sm_resp_without_its_message_id_is_a_response() -> None:
    session = smsc()
    number = session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 0.0, "mine")
    (event,) = feed(session, raw(DELIVER_SM | RESPONSE, number, b"", 0x64))
    assert isinstance(event, ResponseReceived)
    assert (event.command_status, event.context) == (0x64, "mine")


def test_a_response_of_another_command_answers_nothing() -> None:
    session = smsc()
    number = session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 0.0, "mine")
    (stray,) = feed(session, raw(DATA_SM | RESPONSE, number, b"\0"))
    assert isinstance(stray, ProtocolFault)
    assert session.outstanding == 1
    (event,) = feed(session, deliver_sm_resp(number))
    assert isinstance(event, ResponseReceived)


def test_an_unanswered_delivery_times_out_and_the_session_lives() -> None:
    session = smsc()
    number = session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 5.0, "mine")
    assert session.next_deadline() == 15.0
    assert session.tick(14.9) == []
    assert session.tick(15.0) == [RequestTimedOut(number, "mine")]
    assert (session.outstanding, session.state) == (0, TRX)
    assert feed(session, deliver_sm_resp(number), now=16.0) == [LateResponse(0, DeliverSmResp(), "mine")]
    (repeat,) = feed(session, deliver_sm_resp(number), now=17.0)
    assert isinstance(repeat, ProtocolFault)


def test_data_sm_travels_as_it_is() -> None:
    session = smsc()
    number = session.request(UnparsedPdu(DATA_SM, b"as it is"), 0.0)
    assert sent(session) == [Wire(DATA_SM, 0, number, b"as it is")]


# ---- unbinding


def test_requests_in_flight_finish_before_the_peers_unbind_is_answered() -> None:
    session = smsc()
    number = session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 0.0, "mine")
    session.data_to_send()
    events = feed(session, submit_sm(1), raw(UNBIND, 2), submit_sm(3))
    assert [type(event) for event in events] == [RequestReceived, PeerUnbound, ProtocolFault]
    session.respond(1, SubmitSmResp("a"))
    (event,) = feed(session, deliver_sm_resp(number))
    assert isinstance(event, ResponseReceived)
    session.finish_unbind()
    assert sent(session) == [
        Wire(SUBMIT_SM | RESPONSE, ESME_RINVBNDSTS, 3),
        Wire(SUBMIT_SM | RESPONSE, 0, 1, b"a\0"),
        Wire(UNBIND | RESPONSE, 0, 2),
    ]
    session.finish_unbind()
    assert sent(session) == []


def test_nothing_more_is_asked_of_a_peer_that_unbinds() -> None:
    session = smsc(PEER_UNBINDING)
    assert session.next_deadline() is None
    assert times(session, 30.0, 40.0, 50.0) == [[], [], []]
    assert sent(session) == []


def test_our_unbind_ends_with_its_answer_and_answers_flow_until_then() -> None:
    session = smsc()
    feed(session, submit_sm(1))
    number = session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 0.0, "mine")
    session.data_to_send()
    session.unbind(1.0)
    (unbind,) = sent(session)
    assert unbind == Wire(UNBIND, 0, unbind.sequence_number)
    assert session.window_room == 0
    session.respond(1, SubmitSmResp("a"))
    events = feed(
        session, deliver_sm_resp(number), submit_sm(2), raw(UNBIND | RESPONSE, unbind.sequence_number)
    )
    assert [type(event) for event in events] == [ResponseReceived, ProtocolFault, Unbound]
    assert sent(session) == [
        Wire(SUBMIT_SM | RESPONSE, 0, 1, b"a\0"),
        Wire(SUBMIT_SM | RESPONSE, ESME_RSYSERR, 2),
    ]
    assert session.state is State.UNBOUND


def test_our_unbind_ends_when_nobody_answers_it() -> None:
    session = smsc()
    session.unbind(100.0)
    assert session.next_deadline() == 105.0
    assert session.tick(104.9) == []
    assert session.tick(105.0) == [Unbound()]
    assert session.state is State.UNBOUND


def test_a_generic_nack_answers_our_unbind_too() -> None:
    session = smsc()
    session.unbind(0.0)
    (unbind,) = sent(session)
    assert feed(session, raw(GENERIC_NACK, unbind.sequence_number, b"", 3)) == [Unbound()]


@pytest.mark.parametrize("state", [OPEN, UNBINDING, PEER_UNBINDING])
def test_only_a_bound_session_unbinds(state: State) -> None:
    with pytest.raises(ValueError, match="no unbind"):
        smsc(state).unbind(0.0)


@pytest.mark.parametrize("state", [OPEN, TX, RX, TRX, UNBINDING])
def test_an_unbind_that_did_not_come_is_not_answered(state: State) -> None:
    with pytest.raises(ValueError, match="no unbind to answer"):
        smsc(state).finish_unbind()


# ---- time


def times(session: Session, *instants: float) -> list[list[Event]]:
    return [session.tick(instant) for instant in instants]


def test_a_peer_that_does_not_bind_in_time_is_closed() -> None:
    session = open_session(Role.SMSC, 100.0)
    feed(session, raw(ENQUIRE_LINK, 1), bind_pdu(BIND_TRANSCEIVER, 2), now=109.0)
    session.refuse_bind(2, 0x0E, 109.5)
    assert session.next_deadline() == 110.0
    assert times(session, 109.9, 110.0) == [[], [CloseRequired(CloseReason.SESSION_INIT)]]
    assert session.state is State.CLOSED


def test_a_quiet_peer_is_asked_and_its_answer_is_life() -> None:
    session = smsc()
    assert times(session, 29.9, 30.0) == [[], []]
    (enquiry,) = sent(session)
    assert enquiry == Wire(ENQUIRE_LINK, 0, enquiry.sequence_number)
    assert feed(session, raw(ENQUIRE_LINK | RESPONSE, enquiry.sequence_number), now=31.0) == []
    assert session.next_deadline() == 61.0


def test_a_peer_that_answers_no_enquire_link_twice_is_closed() -> None:
    session = smsc()
    assert times(session, 30.0, 39.9) == [[], []]
    assert len(sent(session)) == 1
    assert session.tick(40.0) == []
    assert len(sent(session)) == 1
    assert times(session, 49.9, 50.0) == [[], [CloseRequired(CloseReason.PEER_SILENT)]]
    assert session.state is State.CLOSED


def test_any_pdu_is_life() -> None:
    session = smsc()
    times(session, 30.0, 40.0)
    feed(session, submit_sm(1), now=49.0)
    assert session.tick(50.0) == []
    assert session.next_deadline() == 79.0


def test_octets_that_are_no_pdu_are_not_life() -> None:
    session = smsc()
    session.receive_data(submit_sm(1)[:20], 29.0)
    session.tick(30.0)
    assert [wire.command_id for wire in sent(session)] == [ENQUIRE_LINK]


def test_both_answers_to_a_repeated_enquire_link_are_expected() -> None:
    session = smsc()
    times(session, 30.0, 40.0)
    first, second = sent(session)
    for enquiry in (first, second):
        assert feed(session, raw(ENQUIRE_LINK | RESPONSE, enquiry.sequence_number), now=45.0) == []
    (repeat,) = feed(session, raw(ENQUIRE_LINK | RESPONSE, second.sequence_number), now=46.0)
    assert isinstance(repeat, ProtocolFault)


def test_a_nacked_enquire_link_is_life() -> None:
    session = smsc()
    session.tick(30.0)
    (enquiry,) = sent(session)
    assert feed(session, raw(GENERIC_NACK, enquiry.sequence_number, b"", 3), now=31.0) == []
    assert session.next_deadline() == 61.0


def test_an_enquire_link_goes_out_beside_a_full_window() -> None:
    session = session_in(Role.SMSC, TRX, window_max=1)
    session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 29.0)
    session.data_to_send()
    session.tick(30.0)
    assert [wire.command_id for wire in sent(session)] == [ENQUIRE_LINK]
    assert session.window_room == 0


def test_an_inactive_session_is_unbound_and_closed() -> None:
    timers = TimerSettings(enquire_link_s=30, inactivity_s=60, unbind_s=5)
    session = session_in(Role.SMSC, TRX, timers=timers)
    feed(session, raw(ENQUIRE_LINK, 1), now=45.0)
    session.data_to_send()
    assert session.tick(60.0) == []
    (unbind,) = sent(session)
    assert (unbind.command_id, session.state) == (UNBIND, UNBINDING)
    assert feed(session, raw(UNBIND | RESPONSE, unbind.sequence_number), now=61.0) == [
        CloseRequired(CloseReason.INACTIVITY)
    ]


@pytest.mark.parametrize("transaction", ["submit_sm", "deliver_sm", "deliver_sm_resp"])
def test_a_transaction_either_way_is_activity(transaction: str) -> None:
    session = session_in(Role.SMSC, TRX, timers=TimerSettings(enquire_link_s=0, inactivity_s=60))
    if transaction == "submit_sm":
        feed(session, submit_sm(1), now=50.0)
    elif transaction == "deliver_sm":
        session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 50.0)
    else:
        number = session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 40.0)
        feed(session, deliver_sm_resp(number), now=50.0)
    session.data_to_send()
    session.tick(109.9)
    assert sent(session) == []
    session.tick(110.0)
    assert [wire.command_id for wire in sent(session)] == [UNBIND]


def test_an_inactive_peer_that_does_not_answer_the_unbind_is_closed_too() -> None:
    session = session_in(Role.SMSC, TRX, timers=TimerSettings(enquire_link_s=0, inactivity_s=60, unbind_s=5))
    assert times(session, 60.0, 64.9, 65.0) == [[], [], [CloseRequired(CloseReason.INACTIVITY)]]


# ---- the end of the connection


def test_a_lost_connection_gives_back_what_was_outstanding() -> None:
    session = smsc()
    for context in ("a", "b", "c"):
        session.request_body(DELIVER_SM, body_of_a_deliver_sm(), 0.0, context)
    (second,) = (wire.sequence_number for wire in sent(session)[1:2])
    feed(session, deliver_sm_resp(second))
    assert session.connection_lost() == ["a", "c"]
    assert session.connection_lost() == []
    assert session.state is State.CLOSED
    assert session.next_deadline() is None
