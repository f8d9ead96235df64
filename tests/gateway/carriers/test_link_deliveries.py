"""deliver_sm on a link: told to the owner, answered when it says so, and no more of them than it can hold."""

from __future__ import annotations

import pytest
from smpplib import smpp

from gateway.settings import BindType, Timers
from tests.gateway.carriers.link_ends import UNANSWERED_MAX, Ends, bound_ends
from tests.gateway.carriers.peer import DELIVER_SM_RESP, deliver, submit_resp, tlv
from tests.gateway.carriers.samples import TIMERS
from tests.gateway.raw_pdus import DELIVER_SM, ENQUIRE_LINK, UNBIND, Raw, raw

RINVCMDLEN, RINVMSGLEN, RX_T_APPN = 0x02, 0x01, 0x64


def test_a_delivery_is_told_with_its_number_and_not_answered_yet() -> None:
    ends = bound_ends()
    ends.peer.send(deliver(7, b"TD", source=b"13900139000", data_coding=8, esm_class=0x40))
    ((number, pdu),) = ends.heard.deliveries
    assert number == 7
    assert (pdu.source.addr, pdu.short_message, pdu.data_coding, pdu.esm_class) == (
        "13900139000",
        b"TD",
        8,
        0x40,
    )
    assert ends.peer.read() == []


def test_a_delivery_written_by_smpplib_is_read() -> None:
    ends = bound_ends()
    pdu = smpp.make_pdu(
        "deliver_sm",
        need_sequence=False,
        source_addr="13900139000",
        destination_addr="10690001",
        short_message=b"hi",
        service_type="",
        schedule_delivery_time="",
        validity_period="",
    )
    pdu.sequence = 12
    ends.peer.send(pdu.generate())
    ((number, read),) = ends.heard.deliveries
    assert (number, read.source.addr, read.destination.addr, read.short_message) == (
        12,
        "13900139000",
        "10690001",
        b"hi",
    )


def test_an_answer_of_success_has_an_empty_message_id_and_one_of_failure_no_body() -> None:
    ends = bound_ends()
    ends.peer.send(deliver(7, b"a"), deliver(8, b"b"), deliver(9, b"c"))
    ends.link.respond([7, 9])
    ends.link.respond([8], RX_T_APPN)
    assert ends.peer.read() == [
        Raw(DELIVER_SM_RESP, 0, 7, b"\0"),
        Raw(DELIVER_SM_RESP, 0, 9, b"\0"),
        Raw(DELIVER_SM_RESP, RX_T_APPN, 8, b""),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", RINVCMDLEN),
        (b"no NUL at all", 0x15),
        (deliver(1, b"hi")[16:-1], RINVMSGLEN),
        (deliver(1, b"hi")[16:] + b"\x04\x24\xff\xff", 0xC0),
    ],
)
def test_a_malformed_delivery_is_answered_and_the_link_lives(body: bytes, status: int) -> None:
    ends = bound_ends()
    ends.peer.send(raw(DELIVER_SM, body, 44), deliver(45, b"hi"))
    assert ends.peer.read() == [Raw(DELIVER_SM_RESP, status, 44, b"")]
    assert [number for number, _ in ends.heard.deliveries] == [45]
    assert ends.link.transmits


def test_vendors_tlvs_and_odd_values_are_no_fault() -> None:
    ends = bound_ends()
    odd = tlv(0x1400, b"vendor") + tlv(0x0381, b"\x71") + tlv(0x0204, b"\0\0\0\x01")
    ends.peer.send(deliver(1, b"hi", esm_class=0xFF, data_coding=0xFF, tlvs=odd))
    assert len(ends.heard.deliveries) == 1


@pytest.mark.parametrize("state", ["unbound", "transmitter", "unbinding"])
def test_a_delivery_is_taken_in_whatever_state_the_bind_is(state: str) -> None:
    ends = Ends() if state == "unbound" else bound_ends(bind_type=BindType.TRANSMITTER)
    if state == "unbinding":
        ends.link.unbind()
    ends.peer.read()
    ends.peer.send(deliver(7, b"hi"))
    ends.link.respond([7])
    assert [number for number, _ in ends.heard.deliveries] == [7]
    assert ends.peer.read() == [Raw(DELIVER_SM_RESP, 0, 7, b"\0")]


def test_reading_stops_at_as_many_deliveries_as_the_owner_can_hold() -> None:
    ends = bound_ends()
    for number in range(1, UNANSWERED_MAX):
        ends.peer.send(deliver(number, b"hi"))
    assert ends.reads()
    ends.peer.send(deliver(UNANSWERED_MAX, b"hi"))
    assert not ends.reads()
    ends.peer.send(deliver(UNANSWERED_MAX + 1, b"hi"))
    assert len(ends.heard.deliveries) == UNANSWERED_MAX
    ends.link.respond([1])
    ends.clock.advance(0)
    assert len(ends.heard.deliveries) == UNANSWERED_MAX + 1


def test_every_answer_makes_room_for_one_more() -> None:
    ends = bound_ends()
    ends.peer.send(*(deliver(number, b"hi") for number in range(1, UNANSWERED_MAX + 1)))
    ends.link.respond(range(1, UNANSWERED_MAX + 1))
    ends.peer.send(*(deliver(number, b"hi") for number in range(1, UNANSWERED_MAX)))
    assert ends.reads()


def test_malformed_deliveries_do_not_fill_the_owners_hands() -> None:
    ends = bound_ends()
    ends.peer.send(*(raw(DELIVER_SM, b"", number) for number in range(1, 2 * UNANSWERED_MAX)))
    assert ends.reads()


def test_a_carrier_that_does_not_read_our_answers_is_not_read() -> None:
    ends = bound_ends()
    producer: object = ends.connection.producer
    assert producer is ends.link
    ends.link.pauseProducing()
    ends.peer.send(deliver(1, b"hi"))
    assert ends.heard.deliveries == []
    ends.link.resumeProducing()
    ends.clock.advance(0)
    assert len(ends.heard.deliveries) == 1


def test_reading_goes_on_only_when_both_reasons_to_stop_are_gone() -> None:
    ends = bound_ends()
    ends.peer.send(*(deliver(number, b"hi") for number in range(1, UNANSWERED_MAX + 1)))
    ends.link.pauseProducing()
    ends.link.resumeProducing()
    assert not ends.reads()
    ends.link.pauseProducing()
    ends.link.respond(range(1, UNANSWERED_MAX + 1))
    assert not ends.reads()
    ends.link.resumeProducing()
    assert ends.reads()


def test_a_carrier_is_not_called_silent_while_we_do_not_listen() -> None:
    ends = bound_ends()
    ends.peer.send(*(deliver(number, b"hi") for number in range(1, UNANSWERED_MAX + 1)))
    for _ in range(20):
        ends.clock.advance(TIMERS.response_s)
    assert not ends.connection.closing
    ends.link.respond(range(1, UNANSWERED_MAX + 1))
    ends.peer.read()
    ends.clock.advance(TIMERS.enquire_link_s)
    assert [pdu.command_id for pdu in ends.peer.read()] == [ENQUIRE_LINK]


def test_a_carrier_that_never_reads_again_is_given_up() -> None:
    ends = bound_ends()
    ends.link.pauseProducing()
    for _ in range(20):
        ends.clock.advance(TIMERS.response_s)
    assert ends.connection.aborted


def test_deliveries_keep_a_bind_from_being_idle() -> None:
    ends = bound_ends(timers=Timers(enquire_link_s=0, inactivity_s=100))
    ends.clock.advance(60)
    ends.peer.send(deliver(1, b"hi"))
    ends.link.respond([1])
    ends.peer.read()
    ends.clock.advance(60)
    assert ends.peer.read() == []


def test_an_answer_to_a_delivery_of_a_lost_connection_goes_nowhere() -> None:
    ends = bound_ends()
    ends.peer.send(deliver(1, b"hi"))
    ends.peer.lose()
    ends.link.respond([1])
    assert ends.peer.read() == []


def test_an_answer_after_the_carriers_unbind_still_leaves_if_the_connection_lasts() -> None:
    ends = bound_ends()
    ends.connection.stuck = True
    ends.peer.send(*(deliver(number, b"hi") for number in range(1, UNANSWERED_MAX + 1)))
    ends.connection.resumeProducing()
    ends.peer.send(raw(UNBIND, b"", 9))
    ends.peer.read()
    ends.link.respond([1])
    assert ends.peer.read() == [Raw(DELIVER_SM_RESP, 0, 1, b"\0")]


def test_submits_are_answered_beside_deliveries() -> None:
    ends = bound_ends()
    (number,) = ends.submit(1)
    ends.peer.send(deliver(number, b"the same number, the other way"), submit_resp(number))
    assert ends.statuses() == {1: 0}
    assert len(ends.heard.deliveries) == 1
