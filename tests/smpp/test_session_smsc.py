"""The SMSC's end: what an ESME may do when, and what it hears."""

from __future__ import annotations

import pytest
from smpplib.smpp import parse_pdu

from smpp.events import (
    BindRequested,
    PeerUnbound,
    ProtocolFault,
    RequestReceived,
    ResponseReceived,
)
from smpp.pdu import SubmitSm
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
