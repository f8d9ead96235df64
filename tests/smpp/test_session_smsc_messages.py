"""The SMSC's end of a bound session: submit_sm in, deliver_sm out, and both ways to unbind."""

from __future__ import annotations

import pytest

from smpp.events import (
    LateResponse,
    PeerUnbound,
    ProtocolFault,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
    Unbound,
)
from smpp.pdu import DeliverSm, DeliverSmResp, GenericNack, SubmitSmResp, UnparsedPdu
from smpp.session import Role, Session, State
from tests.smpp.session_peer import (
    DATA_SM,
    DELIVER_SM,
    ESME_RINVBNDSTS,
    ESME_RINVCMDID,
    ESME_RSYSERR,
    GENERIC_NACK,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    Wire,
    deliver_sm,
    deliver_sm_resp,
    feed,
    raw,
    sent,
    session_in,
    submit_sm,
)

OPEN, TX, RX, TRX = State.OPEN, State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX
UNBINDING, PEER_UNBINDING = State.UNBINDING, State.PEER_UNBINDING
STATES = (OPEN, TX, RX, TRX, UNBINDING, PEER_UNBINDING)


def smsc(state: State = TRX) -> Session:
    return session_in(Role.SMSC, state)


def body_of_a_deliver_sm() -> bytes:
    return deliver_sm(1)[16:]


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
    session.respond(9, None, status)
    assert sent(session) == [Wire(SUBMIT_SM | RESPONSE, status, 9)]


def test_an_error_response_carries_a_body_where_the_owner_gives_one() -> None:
    session = smsc()
    feed(session, submit_sm(9))
    session.respond(9, SubmitSmResp("", ((0x001D, b"why\0"),)), 0x45)
    assert sent(session) == [Wire(SUBMIT_SM | RESPONSE, 0x45, 9, b"\0\x00\x1d\x00\x04why\0")]


def test_an_invalid_command_id_is_answered_with_a_generic_nack() -> None:
    session = smsc()
    feed(session, submit_sm(9))
    session.respond(9, SubmitSmResp("unused"), ESME_RINVCMDID)
    assert sent(session) == [Wire(GENERIC_NACK, ESME_RINVCMDID, 9)]


def test_a_request_is_answered_once() -> None:
    session = smsc()
    feed(session, submit_sm(9))
    session.respond(9, SubmitSmResp("a"))
    with pytest.raises(ValueError, match="no unanswered request 9"):
        session.respond(9, SubmitSmResp("a"))
    assert len(sent(session)) == 1


@pytest.mark.parametrize("status", [0, 0x45])
@pytest.mark.parametrize("pdu", [DeliverSmResp(), GenericNack(), SubmitSmResp("x" * 65)])
def test_an_answer_that_does_not_fit_leaves_the_request_unanswered(
    pdu: DeliverSmResp | GenericNack | SubmitSmResp, status: int
) -> None:
    session = smsc()
    feed(session, submit_sm(9))
    with pytest.raises(ValueError, match=r".+"):
        session.respond(9, pdu, status)
    assert session.unanswered == 1
    session.respond(9, None, ESME_RSYSERR)
    assert sent(session) == [Wire(SUBMIT_SM | RESPONSE, ESME_RSYSERR, 9)]


def test_a_success_needs_a_body() -> None:
    session = smsc()
    feed(session, submit_sm(9))
    with pytest.raises(ValueError, match="does not answer a submit_sm"):
        session.respond(9, None)


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
