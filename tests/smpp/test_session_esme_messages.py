"""The ESME's end of a bound session: submit_sm out, its response in whatever shape, and unbinding."""

from __future__ import annotations

import pytest

from smpp.address import Address
from smpp.errors import WindowFull
from smpp.events import (
    LateResponse,
    ProtocolFault,
    RequestReceived,
    RequestTimedOut,
    ResponseReceived,
    Unbound,
)
from smpp.pdu import DeliverSm, GenericNack, QuerySm, QuerySmResp, SubmitSm, SubmitSmResp
from smpp.session import Role, Session, State
from tests.smpp.session_peer import (
    BIND_TRANSCEIVER,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    QUERY_SM,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    Wire,
    bind_as,
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

TRX = State.BOUND_TRX
BODY = submit_sm(1)[16:]


def esme(state: State = TRX) -> Session:
    return session_in(Role.ESME, state)


def submit(session: Session, context: object = None, now: float = 0.0) -> int:
    return session.request_body(SUBMIT_SM, BODY, now, context)


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


def test_a_query_goes_out_and_comes_back() -> None:
    session = esme()
    number = session.request(QuerySm("1", Address(0, 0, "")), 0.0, "mine")
    assert sent(session) == [Wire(QUERY_SM, 0, number, b"1\0\0\0\0")]
    assert feed(session, raw(QUERY_SM | RESPONSE, number, b"1\0\0\2\0")) == [
        ResponseReceived(number, 0, QuerySmResp("1", "", 2, 0), "mine")
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
