"""What a session does by the clock, and what is left when the connection is lost."""

from __future__ import annotations

import pytest

from smpp.events import (
    CloseReason,
    CloseRequired,
    Event,
    ProtocolFault,
)
from smpp.session import Role, Session, State
from smpp.timers import TimerSettings
from tests.smpp.session_peer import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESPONSE,
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


def smsc(state: State = TRX) -> Session:
    return session_in(Role.SMSC, state)


def body_of_a_deliver_sm() -> bytes:
    return deliver_sm(1)[16:]


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
    assert (unbind.command_id, session.state) == (UNBIND, State.UNBINDING)
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


def test_nothing_more_is_asked_of_a_peer_that_unbinds() -> None:
    session = session_in(Role.SMSC, State.PEER_UNBINDING)
    assert session.next_deadline() is None
    assert times(session, 30.0, 40.0, 50.0) == [[], [], []]
    assert sent(session) == []


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
