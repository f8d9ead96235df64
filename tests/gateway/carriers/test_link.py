"""The life of a link: its bind, its keep-alive, the faults it survives and those that end it."""

from __future__ import annotations

import struct

import pytest
from structlog.testing import capture_logs

from gateway.settings import BindType, Timers
from tests.gateway.carriers.link_ends import Ends, bound_ends
from tests.gateway.carriers.peer import ENQUIRE_LINK_RESP, UNBIND_RESP, bind_resp, deliver, submit_resp
from tests.gateway.carriers.samples import TIMERS
from tests.gateway.raw_pdus import BIND_TRANSCEIVER, ENQUIRE_LINK, GENERIC_NACK, RESP, UNBIND, Raw, raw

RBINDFAIL, RALYBND, RINVCMDLEN, RINVCMDID = 0x0D, 0x05, 0x02, 0x03


def enquiries(ends: Ends) -> list[int]:
    return [pdu.sequence_number for pdu in ends.peer.read() if pdu.command_id == ENQUIRE_LINK]


# -- binding


def test_a_link_binds_as_soon_as_it_is_connected() -> None:
    ends = Ends()
    assert ends.peer.read() == [Raw(BIND_TRANSCEIVER, 0, 1, b"signet\0sesame\0\0\x34\0\0\0")]
    assert not ends.link.transmits


def test_a_link_sends_small_pdus_at_once() -> None:
    assert Ends().connection.no_delay


def test_an_accepted_bind_transmits() -> None:
    ends = bound_ends()
    assert ends.link.transmits
    assert not ends.connection.closing


def test_a_receiver_never_transmits() -> None:
    assert not bound_ends(bind_type=BindType.RECEIVER).link.transmits


def test_a_refused_bind_is_told_and_ends_the_connection() -> None:
    ends = Ends()
    ends.peer.send(bind_resp(ends.peer.read()[0], RBINDFAIL))
    ends.clock.advance(0)
    assert ends.heard.refusals == [RBINDFAIL]
    assert ends.heard.bounds == 0
    assert ends.heard.reason == "bind refused"


def test_a_bind_answered_by_a_generic_nack_is_refused() -> None:
    ends = Ends()
    ends.peer.send(raw(GENERIC_NACK, b"", ends.peer.read()[0].sequence_number, RINVCMDID))
    ends.clock.advance(0)
    assert ends.heard.refusals == [RINVCMDID]
    assert ends.connection.over


@pytest.mark.parametrize("off", [-1, 1])
def test_a_generic_nack_of_something_else_refuses_no_bind(off: int) -> None:
    ends = Ends()
    bind = ends.peer.read()[0]
    ends.peer.send(raw(GENERIC_NACK, b"", bind.sequence_number + off, RINVCMDID))
    assert ends.heard.refusals == []
    ends.peer.send(bind_resp(bind), raw(GENERIC_NACK, b"", bind.sequence_number, RINVCMDID))
    assert ends.heard.refusals == []
    assert ends.link.transmits


def test_a_bind_response_after_a_refusal_does_not_bind() -> None:
    ends = Ends()
    bind = ends.peer.read()[0]
    ends.peer.send(bind_resp(bind, RALYBND), bind_resp(bind))
    assert not ends.link.transmits
    assert ends.heard.refusals == [RALYBND]
    assert ends.heard.bounds == 0


@pytest.mark.parametrize("command_status", [0, RBINDFAIL])
def test_a_bind_response_with_another_number_is_ignored(command_status: int) -> None:
    ends = Ends()
    bind = ends.peer.read()[0]
    ends.peer.send(bind_resp(Raw(bind.command_id, 0, bind.sequence_number + 1, b""), command_status))
    assert not ends.link.transmits
    assert ends.heard.refusals == []
    ends.peer.send(bind_resp(bind))
    assert ends.link.transmits


def test_a_bind_response_of_another_type_is_ignored() -> None:
    ends = Ends()
    bind = ends.peer.read()[0]
    ends.peer.send(raw(RESP | 2, b"SMSC\0", bind.sequence_number))
    assert ends.heard.bounds == 0
    ends.peer.send(bind_resp(bind))
    assert ends.heard.bounds == 1


def test_a_second_bind_response_changes_nothing() -> None:
    ends = Ends()
    bind = ends.peer.read()[0]
    ends.peer.send(bind_resp(bind), bind_resp(bind), bind_resp(bind, RBINDFAIL))
    assert ends.heard.bounds == 1
    assert ends.heard.refusals == []
    assert ends.link.transmits


def test_a_bind_that_nobody_answers_ends_the_connection() -> None:
    ends = Ends()
    ends.clock.advance(TIMERS.session_init_s - 0.1)
    assert not ends.connection.closing
    ends.clock.advance(0.1)
    assert ends.connection.aborted
    assert ends.heard.reason == "no bind in time: close"
    assert ends.heard.losses == [[]]


def test_nothing_but_the_bind_is_sent_before_its_answer() -> None:
    ends = Ends(timers=Timers(session_init_s=10, enquire_link_s=2))
    assert [pdu.command_id for pdu in ends.peer.read()] == [BIND_TRANSCEIVER]
    ends.clock.advance(9.9)
    assert ends.peer.read() == []


# -- keeping alive


@pytest.mark.parametrize("bound", [False, True])
def test_an_enquire_link_is_answered_in_every_state(bound: bool) -> None:
    ends = bound_ends() if bound else Ends()
    ends.peer.read()
    ends.peer.send(raw(ENQUIRE_LINK, b"", 9))
    assert ends.peer.read() == [Raw(ENQUIRE_LINK_RESP, 0, 9, b"")]


def test_an_enquire_link_is_answered_while_we_are_unbinding() -> None:
    ends = bound_ends()
    ends.link.unbind()
    ends.peer.read()
    ends.peer.send(raw(ENQUIRE_LINK, b"", 9))
    assert ends.peer.read() == [Raw(ENQUIRE_LINK_RESP, 0, 9, b"")]


def test_a_silent_carrier_is_asked_twice_and_then_given_up() -> None:
    ends = bound_ends()
    ends.clock.advance(TIMERS.enquire_link_s - 0.1)
    assert enquiries(ends) == []
    ends.clock.advance(0.1)
    assert len(enquiries(ends)) == 1
    ends.clock.advance(TIMERS.response_s)
    assert len(enquiries(ends)) == 1
    assert not ends.connection.closing
    ends.clock.advance(TIMERS.response_s)
    assert ends.connection.aborted
    assert ends.heard.reason == "asked and still no word: close"


def test_a_carrier_may_be_asked_more_often_than_a_bind_takes() -> None:
    ends = bound_ends(timers=Timers(session_init_s=10, enquire_link_s=2))
    ends.clock.advance(2)
    assert len(enquiries(ends)) == 1


def test_any_word_from_the_carrier_counts_as_life() -> None:
    ends = bound_ends()
    ends.clock.advance(TIMERS.enquire_link_s - 1)
    ends.peer.send(raw(ENQUIRE_LINK, b"", 1))
    ends.peer.read()
    ends.clock.advance(TIMERS.enquire_link_s - 1)
    assert enquiries(ends) == []
    ends.clock.advance(1)
    assert len(enquiries(ends)) == 1


def test_a_carrier_that_answers_is_asked_again_only_after_the_next_silence() -> None:
    ends = bound_ends()
    ends.clock.advance(TIMERS.enquire_link_s)
    ends.peer.send(raw(ENQUIRE_LINK_RESP, b"", enquiries(ends)[0]))
    ends.clock.advance(TIMERS.enquire_link_s - 0.1)
    assert enquiries(ends) == []
    ends.clock.advance(0.1)
    assert len(enquiries(ends)) == 1
    assert not ends.connection.closing


def test_enquiries_draw_their_numbers_from_those_of_the_submits() -> None:
    ends = bound_ends()
    (submitted,) = ends.submit(1)
    ends.peer.send(submit_resp(submitted))
    ends.clock.advance(TIMERS.enquire_link_s)
    assert enquiries(ends) == [submitted + 1]


# -- unbinding


def test_unbinding_waits_for_the_carriers_answer() -> None:
    ends = bound_ends()
    ends.link.unbind()
    (unbind,) = ends.peer.read()
    assert unbind.command_id == UNBIND
    assert not ends.link.transmits
    assert not ends.connection.closing
    ends.peer.send(raw(UNBIND_RESP, b"", unbind.sequence_number))
    ends.clock.advance(0)
    assert ends.heard.reason == "unbound"


def test_answers_to_submits_are_still_taken_while_unbinding() -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.link.unbind()
    ends.peer.send(submit_resp(number))
    assert ends.statuses() == {1: 0}


def test_an_unbind_that_nobody_answers_ends_the_connection() -> None:
    ends = bound_ends()
    ends.link.unbind()
    ends.clock.advance(TIMERS.unbind_s - 0.1)
    assert not ends.connection.closing
    ends.clock.advance(0.1)
    assert ends.connection.aborted


def test_unbinding_twice_asks_once() -> None:
    ends = bound_ends()
    ends.link.unbind()
    ends.link.unbind()
    assert len(ends.peer.read()) == 1


def test_unbinding_before_the_bind_is_answered_closes_the_connection() -> None:
    ends = Ends()
    ends.peer.read()
    ends.link.unbind()
    ends.clock.advance(0)
    assert ends.peer.read() == []
    assert ends.heard.reason == "stopped"


def test_an_unbind_response_that_we_did_not_ask_for_is_ignored() -> None:
    ends = bound_ends()
    ends.peer.send(raw(UNBIND_RESP, b"", 1))
    assert ends.link.transmits
    assert not ends.connection.closing


def test_the_carriers_unbind_is_granted_and_ends_the_connection() -> None:
    ends = bound_ends()
    ends.peer.send(raw(UNBIND, b"", 5))
    assert not ends.link.transmits
    ends.clock.advance(0)
    assert ends.peer.read() == [Raw(UNBIND_RESP, 0, 5, b"")]
    assert ends.heard.reason == "unbound by the carrier"


def test_an_unbind_before_the_bind_ends_the_connection() -> None:
    ends = Ends()
    ends.peer.send(raw(UNBIND, b"", 5))
    ends.clock.advance(0)
    assert ends.connection.over


def test_a_bind_without_transactions_is_given_up_where_the_settings_say_so() -> None:
    ends = bound_ends(timers=Timers(enquire_link_s=30, response_s=5, inactivity_s=100, unbind_s=3))
    for _ in range(9):
        ends.clock.advance(10)
        ends.peer.send(raw(ENQUIRE_LINK, b"", 1))
    ends.peer.read()
    ends.clock.advance(10)
    assert [pdu.command_id for pdu in ends.peer.read()] == [UNBIND]


# -- faults


@pytest.mark.parametrize("command_length", [0, 15, 1001, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_cannot_be_is_nacked_and_ends_the_connection(command_length: int) -> None:
    ends = bound_ends(pdu_max=1000)
    ends.peer.send(struct.pack(">I", command_length) + b"GET / HTTP/1.1\r\n")
    assert ends.peer.read() == [Raw(GENERIC_NACK, RINVCMDLEN, 0, b"")]
    assert not ends.link.transmits
    ends.clock.advance(0)
    assert str(command_length) in ends.heard.reason


def test_what_comes_before_a_framing_fault_still_counts() -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.peer.send(submit_resp(number), b"\0\0\0\0")
    assert ends.statuses() == {1: 0}


@pytest.mark.parametrize("command_id", [0x00000003, 0x000000FF, 0x00010200])
def test_a_request_that_we_do_not_know_is_nacked_and_the_link_lives(command_id: int) -> None:
    ends = bound_ends()
    ends.peer.send(raw(command_id, b"whatever", 31))
    assert ends.peer.read() == [Raw(GENERIC_NACK, RINVCMDID, 31, b"")]
    assert ends.link.transmits


@pytest.mark.parametrize("command_id", [1, 2, 3, 4, 7, 8, 9, 0x21, 0x111, 0x112, 0x113])
def test_a_request_that_only_a_customer_may_send_is_nacked_and_the_link_lives(command_id: int) -> None:
    ends = bound_ends()
    ends.peer.send(raw(command_id, b"\0" * 20, 31))
    assert ends.peer.read() == [Raw(GENERIC_NACK, RINVCMDID, 31, b"")]
    assert ends.link.transmits


def test_an_alert_has_no_answer() -> None:
    ends = bound_ends()
    ends.peer.send(raw(0x00000102, b"\1\1138\0\1\1139\0", 31))
    assert ends.peer.read() == []
    assert ends.link.transmits


def test_an_outbind_has_no_answer() -> None:
    ends = bound_ends()
    ends.peer.send(raw(0x0000000B, b"smsc\0secret\0", 31))
    assert ends.peer.read() == []
    assert ends.link.transmits


@pytest.mark.parametrize("command_id", [0x80000003, 0x80000103, 0x80000005, 0x800000FF])
def test_a_response_to_nothing_is_ignored(command_id: int) -> None:
    ends = bound_ends()
    ends.peer.send(raw(command_id, b"whatever", 31))
    assert ends.peer.read() == []
    assert ends.link.transmits


def test_pdus_may_come_in_any_pieces() -> None:
    ends = bound_ends()
    numbers = ends.submit(1, 2)
    for octet in b"".join(submit_resp(number) for number in numbers):
        ends.peer.send(bytes((octet,)))
    assert ends.statuses() == {1: 0, 2: 0}


def test_the_first_reason_to_close_is_the_one_that_is_told() -> None:
    ends = bound_ends()
    ends.peer.send(raw(UNBIND, b"", 5), raw(UNBIND, b"", 6), b"\0\0\0\0")
    ends.clock.advance(0)
    assert ends.heard.reason == "unbound by the carrier"
    assert len(ends.heard.losses) == 1


def test_a_closed_connection_ends_though_the_carrier_does_not_read() -> None:
    ends = bound_ends(timers=Timers(enquire_link_s=0, unbind_s=3))
    ends.connection.stuck = True
    ends.peer.send(b"\0\0\0\0")
    ends.clock.advance(2.9)
    assert not ends.connection.aborted
    ends.clock.advance(0.1)
    assert ends.connection.aborted


def test_a_fault_of_our_own_ends_the_link_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = bound_ends()

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(ends.heard, "delivered", fail)
    with capture_logs() as logs:
        ends.peer.send(deliver(1, b"hi"))
        ends.clock.advance(0)
    assert ends.heard.reason == "internal error"
    assert [entry["event"] for entry in logs] == ["link.failed"]


def test_a_lost_connection_leaves_no_timer_behind() -> None:
    ends = bound_ends()
    ends.submit(1)
    ends.peer.lose()
    assert ends.clock.getDelayedCalls() == []
    assert not ends.link.transmits
