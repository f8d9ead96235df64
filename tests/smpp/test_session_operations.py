"""The other operations of table 2-1, row by row and at both ends: data_sm, submit_multi, query_sm, cancel_sm,
replace_sm, and the two requests that have no response, alert_notification and outbind."""

from __future__ import annotations

import pytest

from smpp.address import Address
from smpp.events import (
    AlertReceived,
    BindRequested,
    Bound,
    Event,
    OutbindReceived,
    ProtocolFault,
    RequestReceived,
    ResponseReceived,
)
from smpp.pdu import (
    AlertNotification,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    DistributionList,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessSme,
)
from smpp.session import Role, Session, State
from smpp.timers import TimerSettings
from tests.smpp.session_peer import (
    ALERT_NOTIFICATION,
    BODIES,
    CANCEL_SM,
    DATA_SM,
    ESME_RINVBNDSTS,
    ESME_RINVCMDID,
    ESME_RSYSERR,
    GENERIC_NACK,
    OUTBIND,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE,
    SUBMIT_MULTI,
    Wire,
    feed,
    own_bind,
    raw,
    sent,
    session_in,
)

OPEN, TX, RX, TRX = State.OPEN, State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX
UNBINDING, PEER_UNBINDING = State.UNBINDING, State.PEER_UNBINDING
STATES = (OPEN, TX, RX, TRX, UNBINDING, PEER_UNBINDING)
SMSC, ESME = Role.SMSC, Role.ESME

SEQUENCE = 77
SOURCE, NUMBER = Address(1, 1, "106900001234"), Address(1, 1, "8613800138000")
NOWHERE = Address(0, 0, "")
REQUESTS: dict[int, Pdu] = {
    SUBMIT_MULTI: SubmitMulti(
        "", SOURCE, (NUMBER, DistributionList("list")), 0, 0, 0, "", "", 0, 0, 0, 0, b"hi"
    ),
    QUERY_SM: QuerySm("42", SOURCE),
    CANCEL_SM: CancelSm("", "42", SOURCE, NOWHERE),
    REPLACE_SM: ReplaceSm("42", SOURCE, "", "", 0, 0, b"hi"),
    DATA_SM: DataSm("", SOURCE, NUMBER, 0, 0, 0, ((0x0424, b"hi"),)),
}
RESPONSES: dict[int, tuple[Pdu, bytes]] = {
    SUBMIT_MULTI: (
        SubmitMultiResp("43", (UnsuccessSme(NUMBER, 0x0B),)),
        b"43\0" + b"\1" + b"\x01\x01" + b"8613800138000\0" + b"\0\0\0\x0b",
    ),
    QUERY_SM: (QuerySmResp("42", "250131120000000+", 2, 7), b"42\0" + b"250131120000000+\0" + b"\2\7"),
    CANCEL_SM: (CancelSmResp(), b""),
    REPLACE_SM: (ReplaceSmResp(), b""),
    DATA_SM: (DataSmResp("44"), b"44\0"),
}
ALERT = AlertNotification(NUMBER, SOURCE)
ASKED_TO_BIND = Outbind("smsc", "secret")


def refused(session: Session, events: list[Event], command_id: int, command_status: int) -> bool:
    (event,) = events
    assert isinstance(event, ProtocolFault)
    assert (event.command_status, event.command_id) == (command_status, command_id)
    response_id = GENERIC_NACK if command_status == ESME_RINVCMDID else command_id | RESPONSE
    return sent(session) == [Wire(response_id, command_status, SEQUENCE)]


def ignored(session: Session, events: list[Event], command_id: int) -> bool:
    (event,) = events
    assert isinstance(event, ProtocolFault)
    assert (event.command_status, event.command_id) == (0, command_id)
    return sent(session) == []


# ---- requests


@pytest.mark.parametrize("command_id", sorted(REQUESTS))
@pytest.mark.parametrize("state", STATES)
def test_an_operation_of_an_esme_is_a_request_for_transmitters_and_refused_otherwise(
    state: State, command_id: int
) -> None:
    session = session_in(SMSC, state)
    events = feed(session, raw(command_id, SEQUENCE, BODIES[command_id]))
    if state in (TX, TRX):
        assert events == [RequestReceived(SEQUENCE, REQUESTS[command_id])]
        pdu, body = RESPONSES[command_id]
        session.respond(SEQUENCE, pdu)
        assert sent(session) == [Wire(command_id | RESPONSE, 0, SEQUENCE, body)]
    else:
        status = ESME_RSYSERR if state is UNBINDING else ESME_RINVBNDSTS
        assert refused(session, events, command_id, status)
    assert (session.unanswered, session.state) == (0, state)


@pytest.mark.parametrize("state", STATES)
def test_a_data_sm_of_an_smsc_is_a_request_for_receivers_and_refused_otherwise(state: State) -> None:
    session = session_in(ESME, state)
    events = feed(session, raw(DATA_SM, SEQUENCE, BODIES[DATA_SM]))
    if state in (RX, TRX):
        assert events == [RequestReceived(SEQUENCE, REQUESTS[DATA_SM])]
        session.respond(SEQUENCE, DataSmResp(""))
        assert sent(session) == [Wire(DATA_SM | RESPONSE, 0, SEQUENCE, b"\0")]
    else:
        status = ESME_RSYSERR if state is UNBINDING else ESME_RINVBNDSTS
        assert refused(session, events, DATA_SM, status)
    assert session.state is state


@pytest.mark.parametrize("command_id", [SUBMIT_MULTI, QUERY_SM, CANCEL_SM, REPLACE_SM])
@pytest.mark.parametrize("state", STATES)
def test_an_smsc_asks_an_esme_for_none_of_the_others(state: State, command_id: int) -> None:
    session = session_in(ESME, state)
    assert refused(
        session,
        feed(session, raw(command_id, SEQUENCE, BODIES[command_id])),
        command_id,
        ESME_RINVBNDSTS,
    )


@pytest.mark.parametrize("command_id", sorted(REQUESTS))
def test_an_operation_can_be_refused_with_an_error_of_its_own(command_id: int) -> None:
    session = session_in(SMSC, TRX)
    feed(session, raw(command_id, SEQUENCE, BODIES[command_id]))
    session.respond(SEQUENCE, None, 0x0C)
    assert sent(session) == [Wire(command_id | RESPONSE, 0x0C, SEQUENCE)]


@pytest.mark.parametrize("command_id", sorted(REQUESTS))
def test_a_malformed_operation_gets_its_own_response_and_the_session_lives(command_id: int) -> None:
    session = session_in(SMSC, TRX)
    assert refused(session, feed(session, raw(command_id, SEQUENCE)), command_id, 0x02)
    assert (session.state, session.unanswered) == (TRX, 0)


@pytest.mark.parametrize("command_id", sorted(REQUESTS))
def test_an_operation_takes_a_place_in_the_inbound_window(command_id: int) -> None:
    session = session_in(SMSC, TRX, inbound_window_max=1)
    (first,) = feed(session, *(raw(command_id, number, BODIES[command_id]) for number in (1, 2)))
    assert isinstance(first, RequestReceived)
    assert session.blocked
    session.respond(1, RESPONSES[command_id][0])
    assert session.receive_data(b"", 0.0) == [RequestReceived(2, REQUESTS[command_id])]


@pytest.mark.parametrize("command_id", sorted(REQUESTS))
@pytest.mark.parametrize("status", [0, 0x45])
def test_an_operation_of_ours_comes_back_with_its_response(command_id: int, status: int) -> None:
    session = session_in(ESME, TRX)
    number = session.request(REQUESTS[command_id], 0.0, "mine")
    assert sent(session) == [Wire(command_id, 0, number, BODIES[command_id])]
    pdu, body = RESPONSES[command_id]
    assert feed(session, raw(command_id | RESPONSE, number, body, status)) == [
        ResponseReceived(number, status, pdu, "mine")
    ]


@pytest.mark.parametrize("command_id", sorted(REQUESTS))
def test_an_error_response_may_have_no_body(command_id: int) -> None:
    session = session_in(ESME, TRX)
    number = session.request(REQUESTS[command_id], 0.0)
    (event,) = feed(session, raw(command_id | RESPONSE, number, b"", 0x0C))
    assert isinstance(event, ResponseReceived)
    assert event.command_status == 0x0C
    assert event.pdu is not None
    assert event.pdu.command_id == command_id | RESPONSE


# ---- alert_notification


@pytest.mark.parametrize("state", STATES)
def test_an_alert_is_told_to_receivers_and_answered_nowhere(state: State) -> None:
    session = session_in(ESME, state)
    events = feed(session, raw(ALERT_NOTIFICATION, SEQUENCE, BODIES[ALERT_NOTIFICATION]))
    if state in (RX, TRX, UNBINDING):
        assert events == [AlertReceived(ALERT)]
        assert sent(session) == []
    else:
        assert ignored(session, events, ALERT_NOTIFICATION)
    assert (session.unanswered, session.state) == (0, state)


def test_an_alert_says_how_the_subscriber_is() -> None:
    session = session_in(ESME, RX)
    octets = BODIES[ALERT_NOTIFICATION] + b"\x04\x22\0\1\2"
    (event,) = feed(session, raw(ALERT_NOTIFICATION, SEQUENCE, octets))
    assert event == AlertReceived(AlertNotification(NUMBER, SOURCE, ((0x0422, b"\2"),)))


def test_a_malformed_alert_is_ignored() -> None:
    session = session_in(ESME, TRX)
    assert ignored(session, feed(session, raw(ALERT_NOTIFICATION, SEQUENCE, b"\1\1")), ALERT_NOTIFICATION)


def test_alerts_take_no_place_in_the_inbound_window() -> None:
    session = session_in(ESME, TRX, inbound_window_max=1)
    alerts = [raw(ALERT_NOTIFICATION, number, BODIES[ALERT_NOTIFICATION]) for number in range(5)]
    assert feed(session, *alerts) == [AlertReceived(ALERT)] * 5
    assert (session.blocked, session.unanswered) == (False, 0)


def test_an_alert_keeps_the_session_from_being_idle() -> None:
    session = session_in(ESME, TRX, timers=TimerSettings(enquire_link_s=0, inactivity_s=60))
    feed(session, raw(ALERT_NOTIFICATION, SEQUENCE, BODIES[ALERT_NOTIFICATION]), now=50.0)
    assert session.next_deadline() == 110.0


@pytest.mark.parametrize("state", STATES)
def test_an_smsc_alerts_receivers_only(state: State) -> None:
    session = session_in(SMSC, state)
    if state in (RX, TRX):
        session.notify(ALERT, 0.0)
        (wire,) = sent(session)
        assert wire[:2] == (ALERT_NOTIFICATION, 0)
        assert wire.body == BODIES[ALERT_NOTIFICATION]
        assert session.outstanding == 0
    else:
        with pytest.raises(ValueError, match="no alert_notification in state"):
            session.notify(ALERT, 0.0)
        assert sent(session) == []


@pytest.mark.parametrize("state", STATES)
def test_an_esme_alerts_nobody(state: State) -> None:
    with pytest.raises(ValueError, match="no alert_notification"):
        session_in(ESME, state).notify(ALERT, 0.0)


def test_alerts_are_numbered_with_the_other_requests_and_need_no_room() -> None:
    session = session_in(SMSC, TRX, window_max=1)
    number = session.request(REQUESTS[DATA_SM], 0.0)
    assert session.window_room == 0
    session.notify(ALERT, 0.0)
    assert [wire.sequence_number for wire in sent(session)] == [number, number + 1]


def test_an_alert_that_cannot_be_written_is_not_sent() -> None:
    session = session_in(SMSC, TRX)
    with pytest.raises(ValueError, match="source_addr"):
        session.notify(AlertNotification(Address(1, 1, "1" * 65), SOURCE), 0.0)
    assert sent(session) == []


# ---- outbind


@pytest.mark.parametrize("state", STATES)
def test_an_outbind_is_told_when_open_and_refused_otherwise(state: State) -> None:
    session = session_in(ESME, state)
    events = feed(session, raw(OUTBIND, SEQUENCE, BODIES[OUTBIND]))
    if state is OPEN:
        assert events == [OutbindReceived(ASKED_TO_BIND)]
        assert sent(session) == []
    else:
        assert refused(session, events, OUTBIND, ESME_RINVCMDID)
    assert (session.unanswered, session.state) == (0, state)


def test_a_malformed_outbind_is_ignored() -> None:
    session = session_in(ESME, OPEN)
    assert ignored(session, feed(session, raw(OUTBIND, SEQUENCE, b"smsc")), OUTBIND)


@pytest.mark.parametrize("state", STATES)
def test_an_smsc_asks_for_a_bind_before_there_is_one(state: State) -> None:
    session = session_in(SMSC, state)
    if state is OPEN:
        session.outbind(ASKED_TO_BIND)
        (wire,) = sent(session)
        assert wire[:2] == (OUTBIND, 0)
        assert wire.body == BODIES[OUTBIND]
    else:
        with pytest.raises(ValueError, match="no outbind in state"):
            session.outbind(ASKED_TO_BIND)


@pytest.mark.parametrize("state", STATES)
def test_an_esme_asks_nobody_for_a_bind_by_outbind(state: State) -> None:
    with pytest.raises(ValueError, match="no outbind"):
        session_in(ESME, state).outbind(ASKED_TO_BIND)


def test_an_outbind_leads_to_a_bind() -> None:
    smsc, esme = session_in(SMSC, OPEN), session_in(ESME, OPEN)
    smsc.outbind(ASKED_TO_BIND)
    assert esme.receive_data(smsc.data_to_send(), 0.0) == [OutbindReceived(ASKED_TO_BIND)]
    esme.bind(own_bind(), 0.0)
    (asked,) = smsc.receive_data(esme.data_to_send(), 0.0)
    assert isinstance(asked, BindRequested)
    smsc.accept_bind(asked.sequence_number, 0.0)
    (bound,) = esme.receive_data(smsc.data_to_send(), 0.0)
    assert isinstance(bound, Bound)
    assert (smsc.state, esme.state) == (TRX, TRX)


# ---- chunks


@pytest.mark.parametrize(
    ("role", "commands"),
    [
        (SMSC, [SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM, ALERT_NOTIFICATION, OUTBIND]),
        (ESME, [ALERT_NOTIFICATION, DATA_SM, OUTBIND, QUERY_SM, ALERT_NOTIFICATION]),
    ],
)
@pytest.mark.parametrize("state", [OPEN, TX, RX, TRX])
def test_one_chunk_and_single_octets_give_the_same_events(
    role: Role, commands: list[int], state: State
) -> None:
    octets = b"".join(raw(command_id, 100 + n, BODIES[command_id]) for n, command_id in enumerate(commands))
    whole, cut = session_in(role, state), session_in(role, state)
    events = whole.receive_data(octets, 0.0)
    assert [e for octet in octets for e in cut.receive_data(bytes((octet,)), 0.0)] == events
    assert len(events) == len(commands)
    assert cut.data_to_send() == whole.data_to_send()
