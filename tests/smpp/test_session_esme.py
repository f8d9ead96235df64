"""The ESME's end: what an SMSC may send when, and binding to it."""

from __future__ import annotations

import pytest
from smpplib.smpp import parse_pdu

from smpp.events import (
    BindRefused,
    Bound,
    CloseReason,
    CloseRequired,
    PeerUnbound,
    ProtocolFault,
    RequestReceived,
    ResponseReceived,
)
from smpp.pdu import DeliverSm, DeliverSmResp
from smpp.session import Role, Session, State
from tests.smpp.session_peer import (
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


@pytest.mark.parametrize("command_id", [0x00, 0x0A, 0x111, 0x7FFFFFFF])
@pytest.mark.parametrize("state", STATES)
def test_an_unknown_request_is_nacked(state: State, command_id: int) -> None:
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
