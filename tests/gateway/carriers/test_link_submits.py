"""Submits on a link: the window, answers in any order, late, wrong or never, and the sender of a carrier."""

from __future__ import annotations

import pytest
from smpplib import smpp
from smpplib.smpp import parse_pdu

from gateway.settings import BindType, Timers
from gateway.stored import Attempt
from smpp.errors import WindowFull
from tests.gateway.carriers.link_ends import LATE_MAX, bound_ends, ids
from tests.gateway.carriers.peer import SUBMIT_SM_RESP, submit_resp, tlv
from tests.gateway.carriers.samples import TIMERS, a_message
from tests.gateway.raw_pdus import DELIVER_SM, ENQUIRE_LINK, GENERIC_NACK, RESP, SUBMIT_SM, raw

RTHROTTLED, RINVDSTADR, RUNKNOWNERR = 0x58, 0x0B, 0xFF


def test_submits_go_out_with_the_bodies_that_were_admitted() -> None:
    ends = bound_ends()
    ends.link.submit([Attempt(a_message(n, body=bytes((n,))), "north/0", 0) for n in (1, 2)])
    sent = ends.peer.read()
    assert [(pdu.command_id, pdu.command_status, pdu.body) for pdu in sent] == [
        (SUBMIT_SM, 0, b"\1"),
        (SUBMIT_SM, 0, b"\2"),
    ]
    assert sent[0].sequence_number != sent[1].sequence_number


def test_a_submit_beyond_the_window_is_a_mistake_of_the_owner() -> None:
    ends = bound_ends(window_max=2)
    ends.submit(1, 2)
    with pytest.raises(WindowFull):
        ends.submit(3)


def test_an_answer_makes_room_in_the_window() -> None:
    ends = bound_ends(window_max=1)
    (number,) = ends.submit(1)
    ends.peer.send(submit_resp(number))
    ends.submit(2)


def test_an_answer_is_told_with_its_attempt_status_and_id() -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.peer.send(submit_resp(number, b"00B8BE19"))
    (answer,) = ends.heard.answers
    assert answer.attempt.message.message_id == 1
    assert answer.command_status == 0
    assert answer.carrier_message_id == "00B8BE19"


def test_an_answer_written_by_smpplib_is_read() -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    answer = smpp.make_pdu("submit_sm_resp", message_id="17f8a")
    answer.sequence = number
    ends.peer.send(answer.generate())
    assert [a.carrier_message_id for a in ends.heard.answers] == ["17f8a"]


def test_answers_out_of_order_find_their_messages() -> None:
    ends = bound_ends()
    numbers = ends.submit(1, 2, 3)
    for number, status in zip(reversed(numbers), (0x58, 0, 0x0B), strict=True):
        ends.peer.send(submit_resp(number, command_status=status))
    assert ends.statuses() == {3: 0x58, 2: 0, 1: 0x0B}


def test_an_answer_that_comes_while_its_submit_is_written_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = bound_ends()
    number = ends.submit(1)[0] + 1

    def write(octets: bytes) -> None:
        assert octets[12:16] == number.to_bytes(4)
        ends.peer.send(submit_resp(number))

    monkeypatch.setattr(ends.connection, "write", write)
    ends.link.submit([Attempt(a_message(2), "north/0", 0)])
    assert ends.statuses() == {2: 0}


@pytest.mark.parametrize("command_id", [DELIVER_SM | RESP, ENQUIRE_LINK | RESP, 0x80000103, 0x80000003])
def test_a_response_of_another_command_answers_no_submit(command_id: int) -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.peer.send(raw(command_id, b"c1\0", number))
    assert ends.heard.answers == []
    ends.peer.send(submit_resp(number))
    assert ends.statuses() == {1: 0}


def test_the_answers_of_one_read_are_told_together() -> None:
    ends = bound_ends()
    numbers = ends.submit(1, 2, 3)
    ends.peer.send(*(submit_resp(number) for number in numbers))
    assert ids([answer.attempt for answer in ends.heard.answers]) == [1, 2, 3]
    assert ends.heard.tellings == 1


def test_an_error_is_told_with_or_without_a_body() -> None:
    ends = bound_ends()
    one, other = ends.submit(1, 2)
    ends.peer.send(
        raw(SUBMIT_SM_RESP, b"", one, RTHROTTLED), raw(SUBMIT_SM_RESP, b"junk" * 30, other, RINVDSTADR)
    )
    assert ends.statuses() == {1: RTHROTTLED, 2: RINVDSTADR}
    assert [answer.carrier_message_id for answer in ends.heard.answers] == [None, None]


@pytest.mark.parametrize(
    ("body", "message_id"),
    [
        (b"", ""),
        (b"\0", ""),
        (b"no NUL", "no NUL"),
        (b"x" * 64 + b"\0", "x" * 64),
        (b"c1\0" + tlv(0x1400, b"vendor"), "c1"),
        (b"c1\0" + tlv(0x001D, b"additional_status_info_text\0"), "c1"),
        (b"c1\0\x02", "c1"),
        # Accepted all the same, but by what name nobody knows.
        (b"x" * 65 + b"\0", None),
        (b"\xff" * 300, None),
    ],
)
def test_an_accepted_submit_is_accepted_whatever_stands_in_the_answer(
    body: bytes, message_id: str | None
) -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.peer.send(raw(SUBMIT_SM_RESP, body, number))
    assert [(a.command_status, a.carrier_message_id) for a in ends.heard.answers] == [(0, message_id)]
    assert ends.link.transmits


def test_a_second_answer_to_the_same_submit_is_ignored() -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.peer.send(submit_resp(number), submit_resp(number, command_status=RINVDSTADR))
    assert ends.statuses() == {1: 0}
    assert ends.heard.late_answers == []


def test_an_answer_to_a_number_that_was_never_used_is_ignored() -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.peer.send(submit_resp(number + 1), submit_resp(0), submit_resp(0xFFFFFFFF))
    assert ends.heard.answers == []
    ends.peer.lose()
    assert [ids(lost) for lost in ends.heard.losses] == [[1]]


def test_a_generic_nack_answers_the_submit_that_it_names() -> None:
    ends = bound_ends()
    one, other = ends.submit(1, 2)
    ends.peer.send(raw(GENERIC_NACK, b"", other, RTHROTTLED))
    assert ends.statuses() == {2: RTHROTTLED}
    ends.peer.send(submit_resp(one))
    assert ends.statuses() == {2: RTHROTTLED, 1: 0}


def test_a_generic_nack_never_means_yes() -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.peer.send(raw(GENERIC_NACK, b"", number, 0))
    assert ends.statuses() == {1: RUNKNOWNERR}


def test_a_generic_nack_of_an_enquiry_answers_no_submit() -> None:
    ends = bound_ends()
    ends.clock.advance(TIMERS.enquire_link_s)
    (enquiry,) = ends.peer.read()
    assert enquiry.command_id == ENQUIRE_LINK
    ends.submit(1)
    ends.peer.send(raw(GENERIC_NACK, b"", enquiry.sequence_number, 3))
    assert ends.heard.answers == []
    assert ends.heard.refusals == []
    assert ends.link.transmits


# -- no answer


def test_a_submit_without_an_answer_is_told_once_and_the_link_lives() -> None:
    ends = bound_ends()
    ends.submit(1)
    ends.clock.advance(1)
    ends.submit(2)
    ends.clock.advance(TIMERS.response_s - 1.1)
    assert ends.heard.timeouts == []
    ends.clock.advance(0.1)
    assert ids(ends.heard.timeouts) == [1]
    ends.clock.advance(1)
    assert ids(ends.heard.timeouts) == [1, 2]
    assert ends.link.transmits
    ends.peer.lose()
    assert ends.heard.losses == [[]]


def test_an_answer_after_its_time_is_told_as_late_and_once() -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.clock.advance(TIMERS.response_s)
    ends.peer.send(submit_resp(number, b"c9"))
    ends.peer.send(submit_resp(number, b"c9"))
    assert ends.heard.answers == []
    (late,) = ends.heard.late_answers
    assert (late.attempt.message.message_id, late.carrier_message_id) == (1, "c9")


def test_no_more_overdue_submits_are_remembered_than_late_max() -> None:
    ends = bound_ends(window_max=LATE_MAX + 2)
    numbers = ends.submit(*range(1, LATE_MAX + 3))
    ends.clock.advance(TIMERS.response_s)
    ends.peer.send(*(submit_resp(number, b"c") for number in numbers))
    assert ids([answer.attempt for answer in ends.heard.late_answers]) == [*range(3, LATE_MAX + 3)]


def test_late_and_timely_answers_of_one_read_are_told_apart() -> None:
    ends = bound_ends()
    (slow,) = ends.submit(1)
    ends.clock.advance(TIMERS.response_s)
    (quick,) = ends.submit(2)
    ends.peer.send(submit_resp(slow), submit_resp(quick))
    assert ids([answer.attempt for answer in ends.heard.answers]) == [2]
    assert ids([answer.attempt for answer in ends.heard.late_answers]) == [1]


def test_a_lost_connection_tells_its_unanswered_submits_once() -> None:
    ends = bound_ends()
    numbers = ends.submit(1, 2, 3)
    ends.peer.send(submit_resp(numbers[1]))
    ends.peer.lose()
    assert [ids(lost) for lost in ends.heard.losses] == [[1, 3]]
    ends.clock.advance(100)
    assert ends.heard.timeouts == []


def test_submits_keep_a_bind_from_being_idle() -> None:
    ends = bound_ends(timers=Timers(enquire_link_s=0, response_s=5, inactivity_s=100))
    ends.clock.advance(60)
    (number,) = ends.submit(1)
    ends.peer.send(submit_resp(number))
    ends.clock.advance(60)
    assert ends.peer.read() == []


# -- the sender of a carrier


@pytest.mark.parametrize(
    ("source_addr", "ton", "npi", "addr"),
    [
        ("106900000001", 0, 1, b"106900000001"),
        ("+85261234567", 1, 1, b"85261234567"),
        ("BankOfChina", 5, 0, b"BankOfChina"),
    ],
)
def test_a_carrier_with_a_sender_of_its_own_is_sent_that_sender(
    source_addr: str, ton: int, npi: int, addr: bytes
) -> None:
    ends = bound_ends(source_addr=source_addr)
    message = a_message(1)
    ends.link.submit([Attempt(message, "north/0", 0)])
    (sent,) = ends.peer.read()
    start = message.body.index(b"\0\x01" + b"10690001\0")
    end = start + len(b"\0\x01" + b"10690001\0")
    assert sent.body == message.body[:start] + bytes((ton, npi)) + addr + b"\0" + message.body[end:]


def test_the_sender_of_a_carrier_is_read_by_smpplib_and_the_rest_is_untouched() -> None:
    ends = bound_ends(source_addr="106900000001")
    ends.link.submit([Attempt(a_message(1), "north/0", 0)])
    pdu = parse_pdu(ends.connection.written, client=None, need_sequence=False, allow_unknown_opt_params=True)
    assert pdu.command == "submit_sm"
    assert pdu.source_addr == b"106900000001"
    assert pdu.destination_addr == b"13800138000"
    assert pdu.short_message == b"hello"


def test_without_a_sender_of_the_carriers_the_admitted_body_is_not_even_read() -> None:
    ends = bound_ends()
    ends.link.submit([Attempt(a_message(1, body=b"no submit_sm at all"), "north/0", 0)])
    assert ends.peer.read()[0].body == b"no submit_sm at all"


def test_a_transmitter_submits() -> None:
    ends = bound_ends(bind_type=BindType.TRANSMITTER)
    (number,) = ends.submit(1)
    ends.peer.send(raw(RESP | SUBMIT_SM, b"c1\0", number))
    assert ends.statuses() == {1: 0}
