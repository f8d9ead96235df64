"""The ESME's end: binding to an SMSC, submitting, and what an SMSC may send when."""

from __future__ import annotations

import pytest
from smpplib.smpp import parse_pdu

from smpp.errors import WindowFull
from smpp.events import (
    BindRefused,
    Bound,
    CloseReason,
    CloseRequired,
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
    bind_as,
    bind_pdu,
    bind_resp,
    deliver_sm,
    feed,
    open_session,
    own_bind,
    raw,
    sent,
    session_in,
    submit_sm,
    submit_sm_resp,
)

OPEN, TX, RX, TRX = State.OPEN, State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX
UNBINDING, PEER_UNBINDING = State.UNBINDING, State.PEER_UNBINDING
STATES = (OPEN, TX, RX, TRX, UNBINDING, PEER_UNBINDING)

SEQUENCE = 77
BODY = submit_sm(1)[16:]


def esme(state: State = TRX) -> Session:
    return session_in(Role.ESME, state)


def submit(session: Session, context: object = None, now: float = 0.0) -> int:
    return session.request_body(SUBMIT_SM, BODY, now, context)


# ---- the table: one test a row, one case a state


def own_response(command_id: int, command_status: int) -> list[Wire]:
    return [Wire(command_id | RESPONSE, command_status, SEQUENCE)]


def nack() -> list[Wire]:
    return [Wire(GENERIC_NACK, ESME_RINVCMDID, SEQUENCE)]


@pytest.mark.parametrize(
    "command_id",
    [
        BIND_TRANSMITTER,
        BIND_RECEIVER,
        BIND_TRANSCEIVER,
        SUBMIT_SM,
        SUBMIT_MULTI,
        QUERY_SM,
        CANCEL_SM,
        REPLACE_SM,
    ],
)
@pytest.mark.parametrize("state", STATES)
def test_a_request_in_the_wrong_direction_is_refused(state: State, command_id: int) -> None:
    session = esme(state)
    pdu = {SUBMIT_SM: submit_sm(SEQUENCE)}.get(command_id) or raw(command_id, SEQUENCE, b"\0\0\0")
    (event,) = feed(session, pdu)
    assert isinstance(event, ProtocolFault)
    assert sent(session) == own_response(command_id, ESME_RINVBNDSTS)
    assert session.state is state


@pytest.mark.parametrize("state", STATES)
def test_a_deliver_sm_is_a_request_for_receivers_and_refused_otherwise(state: State) -> None:
    session = esme(state)
    (event,) = feed(session, deliver_sm(SEQUENCE, b"hello"))
    if state in (RX, TRX):
        assert isinstance(event, RequestReceived)
        assert isinstance(event.pdu, DeliverSm)
        assert (event.sequence_number, event.pdu.short_message) == (SEQUENCE, b"hello")
        session.respond(SEQUENCE, DeliverSmResp())
        assert sent(session) == [Wire(DELIVER_SM | RESPONSE, 0, SEQUENCE, b"\0")]
    else:
        assert isinstance(event, ProtocolFault)
        status = ESME_RSYSERR if state is UNBINDING else ESME_RINVBNDSTS
        assert sent(session) == own_response(DELIVER_SM, status)
    assert session.state is state


@pytest.mark.parametrize("state", STATES)
def test_a_data_sm_is_nacked_where_it_is_legal(state: State) -> None:
    session = esme(state)
    (event,) = feed(session, raw(DATA_SM, SEQUENCE, b"\0"))
    assert isinstance(event, ProtocolFault)
    if state in (RX, TRX, UNBINDING):
        assert sent(session) == nack()
    else:
        assert sent(session) == own_response(DATA_SM, ESME_RINVBNDSTS)


@pytest.mark.parametrize("command_id", [SUBMIT_SM, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM, SUBMIT_MULTI])
@pytest.mark.parametrize("state", STATES)
def test_a_response_counts_where_its_request_was_legal(state: State, command_id: int) -> None:
    session = esme(state)
    if state not in (TX, TRX):
        with pytest.raises(ValueError, match="in state"):
            session.request_body(command_id, BODY, 0.0)
        (stray,) = feed(session, raw(command_id | RESPONSE, SEQUENCE, b"id\0"))
        assert isinstance(stray, ProtocolFault)
    else:
        number = session.request_body(command_id, BODY, 0.0, "mine")
        assert sent(session) == [Wire(command_id, 0, number, BODY)]
        (event,) = feed(session, raw(command_id | RESPONSE, number, b"id\0"))
        assert isinstance(event, ResponseReceived)
        assert (event.sequence_number, event.command_status, event.context) == (number, 0, "mine")
    assert sent(session) == []
    assert session.state is state


@pytest.mark.parametrize("state", STATES)
def test_an_alert_notification_has_no_response(state: State) -> None:
    session = esme(state)
    (event,) = feed(session, raw(ALERT_NOTIFICATION, SEQUENCE, b"\0\0\0\0\0\0"))
    assert isinstance(event, ProtocolFault)
    assert (event.command_status, event.command_id) == (0, ALERT_NOTIFICATION)
    assert sent(session) == []


@pytest.mark.parametrize("command_id", [OUTBIND, 0x00, 0x0A, 0x111, 0x7FFFFFFF])
@pytest.mark.parametrize("state", STATES)
def test_an_unknown_request_or_an_outbind_is_nacked(state: State, command_id: int) -> None:
    session = esme(state)
    (event,) = feed(session, raw(command_id, SEQUENCE, b"a\0b\0"))
    assert isinstance(event, ProtocolFault)
    assert sent(session) == nack()
    assert session.state is state


@pytest.mark.parametrize("state", STATES)
def test_an_enquire_link_is_answered_in_every_state(state: State) -> None:
    session = esme(state)
    assert feed(session, raw(ENQUIRE_LINK, SEQUENCE)) == []
    assert sent(session) == own_response(ENQUIRE_LINK, 0)


@pytest.mark.parametrize("state", STATES)
def test_an_unbind_is_answered_in_every_state(state: State) -> None:
    session = esme(state)
    events = feed(session, raw(UNBIND, SEQUENCE))
    if state is UNBINDING:
        assert events == []
    elif state is PEER_UNBINDING:
        assert sent(session) == own_response(UNBIND, ESME_RINVBNDSTS)
        return
    else:
        assert events == [PeerUnbound()]
        session.finish_unbind()
        assert session.state is State.UNBOUND
    assert sent(session) == own_response(UNBIND, 0)


@pytest.mark.parametrize(
    "command_id",
    [
        GENERIC_NACK,
        BIND_TRANSMITTER | RESPONSE,
        BIND_RECEIVER | RESPONSE,
        BIND_TRANSCEIVER | RESPONSE,
        DELIVER_SM | RESPONSE,
        UNBIND | RESPONSE,
        ENQUIRE_LINK | RESPONSE,
        OUTBIND | RESPONSE,
        0xFFFFFFFF,
    ],
)
@pytest.mark.parametrize("state", STATES)
def test_a_response_nobody_asked_for_is_counted_and_never_answered(state: State, command_id: int) -> None:
    session = esme(state)
    (event,) = feed(session, raw(command_id, SEQUENCE))
    assert isinstance(event, ProtocolFault)
    assert (event.command_status, event.command_id) == (0, command_id)
    assert sent(session) == []
    assert session.state is state


# ---- binding


@pytest.mark.parametrize("state", [TX, RX, TRX])
def test_a_bind_goes_out_as_smpplib_reads_it_and_its_answer_binds(state: State) -> None:
    session = open_session(Role.ESME)
    bind_type = BIND_OF[state]
    session.bind(own_bind(bind_type), 0.0)
    data = session.data_to_send()
    request = parse_pdu(data, client=None, sequence=0)
    assert (request.command, request.system_id, request.password) == (
        BIND_NAMES[bind_type],
        b"signet",
        b"secret",
    )
    assert request.sequence == 1
    assert feed(session, bind_resp(bind_type, 1), now=1.0) == [Bound(bind_type, 0x34)]
    assert (session.state, session.bind_type, session.interface_version) == (state, bind_type, 0x34)
    assert session.next_deadline() == 31.0


@pytest.mark.parametrize(
    ("tlvs", "version"),
    [
        (b"\x02\x10\x00\x01\x33", 0x33),
        (b"\x02\x10\x00\x01\x50", 0x50),
        (b"\x14\x00\x00\x02ab\x02\x10\x00\x01\x34", 0x34),
        (b"", 0x21),
        (b"\x02\x10\x00\x00", 0x21),
    ],
)
def test_the_interface_version_is_the_one_told_or_else_the_configured_one(tlvs: bytes, version: int) -> None:
    session = open_session(Role.ESME, silent_version=0x21)
    session.bind(own_bind(), 0.0)
    assert feed(session, bind_resp(BIND_TRANSCEIVER, 1, tlvs)) == [Bound(BIND_TRANSCEIVER, version)]
    assert session.interface_version == version


@pytest.mark.parametrize("body", [b"", b"smsc", b"smsc\0\x02", b"x" * 100])
def test_an_accepting_answer_binds_whatever_its_body(body: bytes) -> None:
    session = open_session(Role.ESME)
    session.bind(own_bind(), 0.0)
    assert feed(session, raw(BIND_TRANSCEIVER | RESPONSE, 1, body)) == [Bound(BIND_TRANSCEIVER, 0x34)]


@pytest.mark.parametrize("answer", [BIND_TRANSCEIVER | RESPONSE, GENERIC_NACK])
@pytest.mark.parametrize("body", [b"", b"smsc\0", b"\xff\xff"])
def test_a_refused_bind_can_be_tried_again(answer: int, body: bytes) -> None:
    session = open_session(Role.ESME)
    session.bind(own_bind(), 0.0)
    assert feed(session, raw(answer, 1, body, 0x05)) == [BindRefused(0x05)]
    assert session.state is OPEN
    sent(session)
    session.bind(own_bind(BIND_RECEIVER), 1.0)
    assert [wire.sequence_number for wire in sent(session)] == [2]
    assert feed(session, bind_resp(BIND_RECEIVER, 2)) == [Bound(BIND_RECEIVER, 0x34)]


@pytest.mark.parametrize(
    "answer", [bind_resp(BIND_TRANSCEIVER, 2), bind_resp(BIND_RECEIVER, 1), submit_sm_resp(1)]
)
def test_only_the_answer_to_our_own_bind_binds(answer: bytes) -> None:
    session = open_session(Role.ESME)
    session.bind(own_bind(), 0.0)
    (stray,) = feed(session, answer)
    assert isinstance(stray, ProtocolFault)
    assert session.state is OPEN
    assert feed(session, bind_resp(BIND_TRANSCEIVER, 1)) == [Bound(BIND_TRANSCEIVER, 0x34)]


def test_one_bind_at_a_time() -> None:
    session = open_session(Role.ESME)
    session.bind(own_bind(), 0.0)
    with pytest.raises(ValueError, match="no bind_transceiver"):
        session.bind(own_bind(), 0.0)


def test_what_follows_the_answer_in_the_same_chunk_is_read_as_bound() -> None:
    session = open_session(Role.ESME)
    session.bind(own_bind(), 0.0)
    large = deliver_sm(9, b"x" * 250)
    assert len(large) > 256
    events = feed(session, bind_resp(BIND_TRANSCEIVER, 1), large)
    assert [type(event) for event in events] == [Bound, RequestReceived]


def test_a_bind_that_is_not_answered_in_time_ends_the_session() -> None:
    session = open_session(Role.ESME, 100.0)
    session.bind(own_bind(), 101.0)
    assert session.tick(109.9) == []
    assert session.tick(110.0) == [CloseRequired(CloseReason.SESSION_INIT)]
    assert feed(session, bind_resp(BIND_TRANSCEIVER, 1)) == []


def test_no_enquire_link_goes_out_before_the_answer_to_the_bind() -> None:
    session = open_session(Role.ESME)
    session.bind(own_bind(), 0.0)
    sent(session)
    for instant in range(10):
        session.tick(float(instant))
    assert sent(session) == []


@pytest.mark.parametrize("answer", [bind_resp(BIND_TRANSCEIVER, 1), raw(GENERIC_NACK, 1, b"", 3)])
def test_an_answer_to_a_bind_that_an_unbind_overtook_changes_nothing(answer: bytes) -> None:
    session = open_session(Role.ESME)
    session.bind(own_bind(), 0.0)
    first, second = feed(session, raw(UNBIND, 5), answer)
    assert first == PeerUnbound()
    assert isinstance(second, ProtocolFault)
    assert session.state is PEER_UNBINDING


def test_an_esme_verifies_no_bind() -> None:
    session = open_session(Role.ESME)
    feed(session, bind_pdu(BIND_TRANSCEIVER, 1))
    with pytest.raises(ValueError, match="no bind 1"):
        session.accept_bind(1, 0.0)


# ---- submitting


def message() -> SubmitSm:
    (event,) = feed(session_in(Role.SMSC, TRX), submit_sm(1, b"hello"))
    assert isinstance(event, RequestReceived)
    assert isinstance(event.pdu, SubmitSm)
    return event.pdu


def test_a_submit_sm_goes_out_whole_and_its_answer_comes_back_with_its_context() -> None:
    session = esme()
    context = object()
    number = session.request(message(), 0.0, context)
    assert sent(session) == [Wire(SUBMIT_SM, 0, number, submit_sm(1, b"hello")[16:])]
    assert feed(session, submit_sm_resp(number, b"b8be19")) == [
        ResponseReceived(number, 0, SubmitSmResp("b8be19"), context)
    ]


def test_responses_may_come_in_any_order() -> None:
    session = esme()
    numbers = [submit(session, name) for name in "abc"]
    events = feed(session, *(submit_sm_resp(number) for number in reversed(numbers)))
    assert [event.context for event in events if isinstance(event, ResponseReceived)] == ["c", "b", "a"]
    assert session.outstanding == 0


@pytest.mark.parametrize("body", [b"", b"\0", b"rubbish without an end", b"\0\x04\x27"])
@pytest.mark.parametrize("status", [0x58, 0x94, 0x403, 0xFFFFFFFF])
def test_an_error_response_is_one_with_any_body_and_any_status(status: int, body: bytes) -> None:
    session = esme()
    number = submit(session, "mine")
    (event,) = feed(session, raw(SUBMIT_SM | RESPONSE, number, body, status))
    assert isinstance(event, ResponseReceived)
    assert (event.command_status, event.context) == (status, "mine")


def test_a_generic_nack_answers_a_request() -> None:
    session = esme()
    number = submit(session, "mine")
    assert feed(session, raw(GENERIC_NACK, number, b"", 0x03)) == [
        ResponseReceived(number, 0x03, GenericNack(), "mine")
    ]
    assert session.outstanding == 0


def test_a_generic_nack_without_a_sequence_number_answers_nothing() -> None:
    session = esme()
    submit(session, "mine")
    (event,) = feed(session, raw(GENERIC_NACK, 0, b"", 0x02))
    assert isinstance(event, ProtocolFault)
    assert session.outstanding == 1


@pytest.mark.parametrize("name", ["query_sm", "unbind", "enquire_link", "bind_transceiver", "data_sm"])
def test_a_response_of_another_command_answers_nothing(name: str) -> None:
    commands = {
        "query_sm": QUERY_SM,
        "unbind": UNBIND,
        "enquire_link": ENQUIRE_LINK,
        "bind_transceiver": BIND_TRANSCEIVER,
        "data_sm": DATA_SM,
    }
    session = esme()
    number = submit(session, "mine")
    (event,) = feed(session, raw(commands[name] | RESPONSE, number, b"\0"))
    assert isinstance(event, ProtocolFault)
    assert (session.outstanding, session.state) == (1, TRX)


def test_the_same_response_again_is_ignored() -> None:
    session = esme()
    number = submit(session, "mine")
    first, second, third = feed(session, *(submit_sm_resp(number) for _ in range(3)))
    assert isinstance(first, ResponseReceived)
    assert isinstance(second, ProtocolFault)
    assert isinstance(third, ProtocolFault)
    assert sent(session)[1:] == []


def test_a_late_response_still_tells_its_message_id_once() -> None:
    session = esme()
    number = submit(session, "mine")
    assert session.tick(10.0) == [RequestTimedOut(number, "mine")]
    first, second = feed(session, submit_sm_resp(number, b"late"), submit_sm_resp(number, b"late"), now=60.0)
    assert first == LateResponse(0, SubmitSmResp("late"), "mine")
    assert isinstance(second, ProtocolFault)


def test_a_late_generic_nack_is_a_late_response() -> None:
    session = esme()
    number = submit(session, "mine")
    session.tick(10.0)
    assert feed(session, raw(GENERIC_NACK, number, b"", 3)) == [LateResponse(3, GenericNack(), "mine")]


def test_a_late_response_of_another_command_is_ignored_and_the_request_stays_known() -> None:
    session = esme()
    number = submit(session, "mine")
    session.tick(10.0)
    (stray,) = feed(session, raw(QUERY_SM | RESPONSE, number, b"\0"))
    assert isinstance(stray, ProtocolFault)
    (late,) = feed(session, submit_sm_resp(number))
    assert isinstance(late, LateResponse)


def test_only_the_latest_timed_out_requests_are_remembered() -> None:
    session = session_in(Role.ESME, TRX, late_max=2)
    numbers = [submit(session, name) for name in "abc"]
    session.tick(10.0)
    events = feed(session, *(submit_sm_resp(number) for number in numbers))
    assert [type(event) for event in events] == [ProtocolFault, LateResponse, LateResponse]


def test_requests_time_out_oldest_first_and_each_at_its_own_time() -> None:
    session = esme()
    submit(session, "a", 1.0)
    submit(session, "b", 2.0)
    assert session.next_deadline() == 11.0
    assert [event.context for event in session.tick(11.0) if isinstance(event, RequestTimedOut)] == ["a"]
    assert session.next_deadline() == 12.0


def test_a_full_window_refuses_and_a_response_makes_room() -> None:
    session = session_in(Role.ESME, TRX, window_max=2)
    first = submit(session)
    submit(session)
    assert session.window_room == 0
    with pytest.raises(WindowFull):
        submit(session)
    assert len(sent(session)) == 2
    feed(session, submit_sm_resp(first))
    assert session.window_room == 1
    submit(session)


def test_a_request_that_cannot_be_encoded_takes_no_slot() -> None:
    session = esme()
    (event,) = feed(session, deliver_sm(1))
    assert isinstance(event, RequestReceived)
    with pytest.raises(ValueError, match="no deliver_sm"):
        session.request(event.pdu, 0.0)
    with pytest.raises(ValueError, match=r".+"):
        session.request(GenericNack(), 0.0)
    assert (session.outstanding, sent(session)) == (0, [])


def test_an_operation_this_package_does_not_read_still_goes_out_and_comes_back() -> None:
    session = esme()
    number = session.request(UnparsedPdu(QUERY_SM, b"1\0\0\0\0"), 0.0, "mine")
    assert feed(session, raw(QUERY_SM | RESPONSE, number, b"1\0\0\2\0")) == [
        ResponseReceived(number, 0, UnparsedPdu(QUERY_SM | RESPONSE, b"1\0\0\2\0"), "mine")
    ]


def test_sequence_numbers_wrap_and_skip_what_is_outstanding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smpp.window.SEQUENCE_NUMBER_MAX", 5)
    session = esme()
    numbers = [submit(session, name) for name in "abcd"]
    assert numbers == [2, 3, 4, 5]
    feed(session, submit_sm_resp(3))
    assert [submit(session, name) for name in "ef"] == [1, 3]
    events = feed(session, *(submit_sm_resp(number) for number in (1, 2, 3, 4, 5)))
    assert [event.context for event in events if isinstance(event, ResponseReceived)] == list("eafcd")


def test_odd_values_from_an_smsc_pass() -> None:
    session = esme()
    odd = b"\0\5\7+86 138\0\6\7sender\0\4\0\7not a date\0soon\0\x07\0\1\1\1x\x14\x00\x00\x01\x99"
    (event,) = feed(session, raw(DELIVER_SM, 3, odd))
    assert isinstance(event, RequestReceived)
    assert isinstance(event.pdu, DeliverSm)
    assert event.pdu.tlvs == ((0x1400, b"\x99"),)


# ---- unbinding and the end


def test_our_unbind_waits_for_its_answer_and_still_takes_responses() -> None:
    session = esme()
    number = submit(session, "mine")
    session.unbind(1.0)
    unbind = sent(session)[-1]
    assert (unbind.command_id, unbind.body) == (UNBIND, b"")
    with pytest.raises(ValueError, match="no submit_sm"):
        submit(session)
    events = feed(session, submit_sm_resp(number), raw(UNBIND | RESPONSE, unbind.sequence_number))
    assert [type(event) for event in events] == [ResponseReceived, Unbound]
    assert session.connection_lost() == []


def test_a_request_still_times_out_while_we_unbind() -> None:
    session = esme()
    submit(session, "mine", -8.0)
    session.unbind(0.0)
    assert session.next_deadline() == 2.0
    (event,) = session.tick(2.0)
    assert isinstance(event, RequestTimedOut)
    assert session.tick(5.0) == [Unbound()]


def test_when_both_unbind_at_once_both_are_answered() -> None:
    session = esme()
    session.unbind(0.0)
    (unbind,) = sent(session)
    assert feed(session, raw(UNBIND, 40)) == []
    assert sent(session) == [Wire(UNBIND | RESPONSE, 0, 40)]
    assert feed(session, raw(UNBIND | RESPONSE, unbind.sequence_number)) == [Unbound()]


def test_what_was_never_answered_comes_back_when_the_connection_is_lost() -> None:
    session = esme()
    for name in "abc":
        submit(session, name)
    session.unbind(0.0)
    assert session.tick(5.0) == [Unbound()]
    assert session.connection_lost() == ["a", "b", "c"]


def test_a_session_can_be_bound_again_only_on_a_new_connection() -> None:
    session = esme()
    session.connection_lost()
    with pytest.raises(ValueError, match="no bind_transceiver"):
        session.bind(own_bind(), 0.0)
    fresh = open_session(Role.ESME)
    bind_as(fresh, Role.ESME, BIND_TRANSCEIVER)
    assert fresh.state is TRX
