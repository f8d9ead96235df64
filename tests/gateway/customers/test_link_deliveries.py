"""What a customer's connection does with deliver_sm, and tells of them."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from gateway.customers.without_tlvs import without_tlvs
from gateway.ids import MessageIds
from gateway.settings import Limits, Timers
from gateway.stored import Delivery
from smpp import codec, segments
from smpp.pdu import DeliverSm
from smpp.status import CommandStatus
from tests.gateway.customers.linked import Linked, bound
from tests.gateway.customers.samples import a_delivery, deliver_body, submit
from tests.gateway.raw_pdus import (
    BIND_RECEIVER,
    BIND_TRANSMITTER,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESP,
    Raw,
    raw,
)

RECEIPT = deliver_body("id:7 stat:DELIVRD", esm_class=4, receipted_message_id="7", message_state=2)
PLAIN_RECEIPT = deliver_body("id:7 stat:DELIVRD", esm_class=4)


class TestADelivery:
    @pytest.mark.parametrize("version", [0x34, 0x50])
    def test_goes_out_as_it_is(self, version: int) -> None:
        linked = bound({"interface_version": version})
        linked.owes(a_delivery(1, body=RECEIPT))
        assert linked.customer.read() == [Raw(DELIVER_SM, 0, 1, RECEIPT)]

    @pytest.mark.parametrize("version", [0x00, 0x33])
    def test_goes_to_an_older_version_without_tlvs(self, version: int) -> None:
        assert RECEIPT.startswith(PLAIN_RECEIPT)
        assert len(RECEIPT) > len(PLAIN_RECEIPT)
        linked = bound({"interface_version": version})
        linked.owes(a_delivery(1, body=RECEIPT))
        assert linked.customer.read() == [Raw(DELIVER_SM, 0, 1, PLAIN_RECEIPT)]

    def test_goes_to_a_receiver(self) -> None:
        linked = bound({"command_id": BIND_RECEIVER})
        linked.owes(a_delivery(1))
        assert len(linked.customer.delivered()) == 1

    def test_does_not_go_to_a_transmitter(self) -> None:
        linked = bound({"command_id": BIND_TRANSMITTER})
        linked.owes(a_delivery(1))
        assert linked.customer.read() == []
        assert linked.store.calls == []

    def test_waits_while_the_window_of_the_account_is_full(self) -> None:
        linked = bound(delivery_window_max=2)
        linked.owes(*map(a_delivery, (1, 2, 3)))
        first, second = linked.customer.delivered()
        assert linked.customer.delivered() == []
        linked.customer.acknowledge(first)
        assert len(linked.customer.delivered()) == 1
        linked.customer.acknowledge(second)
        assert linked.customer.delivered() == []

    def test_waits_for_no_customer_that_is_leaving(self) -> None:
        linked = bound()
        linked.customer.send(submit())
        linked.customer.unbind()
        linked.owes(a_delivery(1))
        assert linked.customer.read() == []


LONG = "".join(chr(0x4E00 + n) for n in range(300))


class TestALongText:
    """in message_payload, to a version without TLVs"""

    def owed(self, delivery_id: int = 1, text: str = LONG, **fields: Any) -> Delivery:
        usual = {"data_coding": 8, "message_payload": text.encode("utf-16-be")}
        return a_delivery(delivery_id, body=deliver_body("", **usual | fields))

    def bound(self, **account: Any) -> Linked:
        return bound({"interface_version": 0x33}, **account)

    def received(self, linked: Linked) -> list[DeliverSm]:
        """All parts, each acknowledged when it came."""
        parts = []
        while delivered := linked.customer.delivered():
            for one in delivered:
                pdu = codec.decode(DELIVER_SM, one.body)
                assert isinstance(pdu, DeliverSm)
                parts.append(pdu)
            linked.customer.acknowledge(*delivered)
        return parts

    def test_that_fits_is_one_short_message(self) -> None:
        linked = self.bound()
        linked.owes(self.owed(text=LONG[:127]))
        (part,) = self.received(linked)
        assert (part.short_message, part.esm_class) == (LONG[:127].encode("utf-16-be"), 0)
        assert linked.finished() == [(1, "ACKNOWLEDGED")]

    def test_comes_in_parts_that_are_joined_by_their_headers(self) -> None:
        linked = self.bound()
        linked.owes(self.owed())
        parts = self.received(linked)
        assert [segments.concat(part) for part in parts] == [
            segments.Concat("udh8", 1, 5, seq) for seq in range(1, 6)
        ]
        assert b"".join(map(segments.user_text, parts)).decode("utf-16-be") == LONG
        assert {(part.tlvs, part.data_coding, part.source.addr) for part in parts} == {((), 8, "13800138000")}
        assert linked.finished() == [(1, "ACKNOWLEDGED")]

    @pytest.mark.parametrize(
        "header", [b"\x06\x05\x04\x0b\x84\x23\xf0", b"\x02\x24\x00"], ids=["ports", "empty"]
    )
    def test_keeps_the_elements_of_its_header_in_every_part(self, header: bytes) -> None:
        linked = self.bound()
        payload = header + LONG.encode("utf-16-be")
        linked.owes(self.owed(esm_class=0x40, message_payload=payload))
        parts = self.received(linked)
        for part in parts:
            elements, _ = segments.read_udh(part.short_message)
            assert elements[0] == (header[1], header[3:])
        assert b"".join(map(segments.user_text, parts)).decode("utf-16-be") == LONG

    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param(b"\xff" + b"x" * 250 + b"y" * 4, id="a header longer than the text"),
            pytest.param(b"\x03\x00\x09" + b"x" * 300, id="an element longer than the header"),
            pytest.param(b"\x7d\x70\x7b" + b"x" * 323, id="a header that leaves no room"),
        ],
    )
    def test_with_a_header_that_is_none_or_too_long_loses_nothing(self, payload: bytes) -> None:
        linked = self.bound()
        linked.owes(self.owed(esm_class=0x40, data_coding=4, message_payload=payload))
        parts = self.received(linked)
        assert b"".join(map(segments.user_text, parts)) == payload

    def test_is_sent_part_by_part_within_the_window(self) -> None:
        linked = self.bound(delivery_window_max=1)
        linked.owes(self.owed(1), self.owed(2))
        for _ in range(9):
            (part,) = linked.customer.delivered()
            linked.customer.acknowledge(part)
        assert linked.finished() == [(1, "ACKNOWLEDGED")]
        assert len(linked.customer.delivered()) == 1

    def test_is_acknowledged_when_its_last_part_is(self) -> None:
        linked = self.bound()
        linked.owes(self.owed())
        for _ in range(4):
            linked.customer.acknowledge(*linked.customer.delivered())
            assert linked.finished() == []
        linked.customer.acknowledge(*linked.customer.delivered())
        assert linked.finished() == [(1, "ACKNOWLEDGED")]

    @pytest.mark.parametrize(
        ("command_status", "outcome"),
        [(CommandStatus.ESME_RX_R_APPN, "REFUSED"), (CommandStatus.ESME_RX_T_APPN, "RETRY")],
    )
    def test_ends_with_the_first_part_that_is_not_taken(self, command_status: int, outcome: str) -> None:
        linked = self.bound()
        linked.owes(self.owed())
        linked.customer.acknowledge(*linked.customer.delivered())
        linked.customer.acknowledge(*linked.customer.delivered(), command_status=command_status)
        assert linked.finished() == [(1, outcome)]
        assert linked.customer.delivered() == []

    def test_is_not_acknowledged_by_a_nack_of_a_part(self) -> None:
        linked = self.bound()
        linked.owes(self.owed())
        (part,) = linked.customer.delivered()
        linked.customer.send(raw(GENERIC_NACK, b"", part.sequence_number, 0))
        assert linked.finished() == [(1, "RETRY")]
        assert linked.customer.delivered() == []

    def test_goes_out_again_whole_if_a_part_is_not_answered(self) -> None:
        linked = self.bound(timers=Timers(response_s=2.0))
        linked.owes(self.owed())
        (part,) = linked.customer.delivered()
        linked.pass_time(2.0)
        assert linked.finished() == [(1, "RETRY")]
        linked.customer.acknowledge(part)
        assert (linked.finished(), linked.customer.delivered()) == ([], [])

    def test_goes_out_again_whole_if_the_connection_is_lost(self) -> None:
        linked = self.bound()
        linked.owes(self.owed())
        linked.customer.acknowledge(*linked.customer.delivered())
        linked.customer.lose()
        assert linked.finished() == [(1, "RETRY")]
        assert len(linked.deliveries) == 0

    def test_goes_out_again_whole_if_we_part_meanwhile(self) -> None:
        linked = self.bound()
        linked.owes(self.owed())
        (part,) = linked.customer.delivered()
        linked.listener.part()
        linked.customer.acknowledge(part)
        assert linked.finished() == [(1, "RETRY")]

    def test_has_the_same_reference_when_it_is_sent_again_and_hardly_that_of_another(self) -> None:
        ids = MessageIds(0, count(1_795_335_600_000).__next__)
        owed = [self.owed(ids.next()) for _ in range(200)]
        references = [without_tlvs(delivery)[0].partition(b"\x05\x00\x03")[2][0] for delivery in owed]
        assert references == [
            without_tlvs(delivery)[-1].partition(b"\x05\x00\x03")[2][0] for delivery in owed
        ]
        assert len(set(references)) == 200


class TestAnAnswer:
    def test_with_status_0_acknowledges(self) -> None:
        linked = bound()
        linked.owes(a_delivery(1), a_delivery(2))
        _, second = linked.customer.delivered()
        linked.customer.acknowledge(second)
        assert linked.finished() == [(2, "ACKNOWLEDGED")]

    def test_without_a_body_acknowledges(self) -> None:
        linked = bound()
        linked.owes(a_delivery(1))
        (delivery,) = linked.customer.delivered()
        linked.customer.send(raw(DELIVER_SM | RESP, b"", delivery.sequence_number))
        assert linked.finished() == [(1, "ACKNOWLEDGED")]

    def test_that_names_an_id_acknowledges(self) -> None:
        linked = bound()
        linked.owes(a_delivery(1))
        (delivery,) = linked.customer.delivered()
        linked.customer.send(raw(DELIVER_SM | RESP, b"their id\0", delivery.sequence_number))
        assert linked.finished() == [(1, "ACKNOWLEDGED")]

    @pytest.mark.parametrize("command_status", [0, CommandStatus.ESME_RINVCMDID])
    def test_that_is_a_generic_nack_does_not_acknowledge(self, command_status: int) -> None:
        linked = bound()
        linked.owes(a_delivery(1))
        (delivery,) = linked.customer.delivered()
        linked.customer.send(raw(GENERIC_NACK, b"", delivery.sequence_number, command_status))
        assert linked.finished() == [(1, "RETRY")]

    def test_to_nothing_that_was_asked_finishes_nothing(self) -> None:
        linked = bound()
        linked.owes(a_delivery(1))
        (delivery,) = linked.customer.delivered()
        linked.customer.send(raw(DELIVER_SM | RESP, b"\0", delivery.sequence_number + 1))
        assert linked.finished() == []
        assert linked.metrics.protocol_faults == {("customer", "bank"): 1}

    def test_is_still_taken_after_our_unbind(self) -> None:
        linked = bound()
        linked.owes(a_delivery(1))
        (delivery,) = linked.customer.delivered()
        linked.listener.part()
        linked.customer.acknowledge(delivery)
        assert linked.finished() == [(1, "ACKNOWLEDGED")]


class TestNoAnswer:
    """within the response_s of the account"""

    TIMERS = Timers(response_s=2.0)

    def test_is_told_when_its_time_is_over(self) -> None:
        linked = bound(timers=self.TIMERS)
        linked.owes(a_delivery(1))
        linked.pass_time(1.75)
        assert linked.finished() == []
        linked.pass_time(0.25)
        assert linked.finished() == [(1, "RETRY")]
        assert not linked.customer.connection.over

    def test_leaves_room_for_the_next(self) -> None:
        linked = bound(timers=self.TIMERS, delivery_window_max=1)
        linked.owes(a_delivery(1), a_delivery(2))
        linked.pass_time(2.0)
        assert len(linked.customer.delivered()) == 1
        assert linked.finished() == [(1, "RETRY")]
        assert len(linked.customer.delivered()) == 1

    def test_may_become_one_after_all(self) -> None:
        linked = bound(timers=self.TIMERS)
        linked.owes(a_delivery(1))
        (delivery,) = linked.customer.delivered()
        linked.pass_time(2.0)
        linked.customer.acknowledge(delivery)
        assert linked.finished() == [(1, "RETRY"), (1, "ACKNOWLEDGED")]

    def test_does_not_become_one_by_a_late_refusal(self) -> None:
        linked = bound(timers=self.TIMERS)
        linked.owes(a_delivery(1), a_delivery(2))
        first, second = linked.customer.delivered()
        linked.pass_time(2.0)
        linked.customer.acknowledge(first, command_status=CommandStatus.ESME_RX_R_APPN)
        linked.customer.send(raw(GENERIC_NACK, b"", second.sequence_number))
        assert linked.finished() == [(1, "RETRY"), (2, "RETRY")]

    def test_is_no_reason_to_stop_asking_whether_the_customer_is_there(self) -> None:
        linked = bound(timers=Timers(response_s=2.0, enquire_link_s=3.0))
        linked.owes(a_delivery(1))
        linked.pass_time(3.0)
        assert [pdu.command_id for pdu in linked.customer.read()] == [DELIVER_SM, ENQUIRE_LINK]


class TestALostConnection:
    def test_leaves_its_deliveries_unanswered(self) -> None:
        linked = bound(delivery_window_max=2)
        linked.owes(*map(a_delivery, (1, 2, 3)))
        first, _ = linked.customer.delivered()
        linked.customer.acknowledge(first)
        linked.customer.lose()
        assert linked.finished() == [(1, "ACKNOWLEDGED"), (2, "RETRY"), (3, "RETRY")]
        assert len(linked.deliveries) == 0

    def test_gets_no_delivery_any_more(self) -> None:
        linked = bound()
        linked.owes()
        linked.customer.lose()
        linked.owes(a_delivery(1))
        assert linked.customer.read() == []
        assert len(linked.deliveries) == 0

    def test_is_that_of_a_customer_that_does_not_read(self) -> None:
        linked = bound(limits=Limits(send_stall_s=3.0), delivery_window_max=2)
        linked.owes(*(a_delivery(n, body=RECEIPT) for n in (1, 2, 3)))
        linked.customer.connection.fill()
        linked.customer.acknowledge(*linked.customer.delivered()[:1])
        linked.pass_time(3.0)
        assert linked.customer.connection.aborted
        assert linked.finished() == [(1, "RETRY"), (2, "RETRY")]
        assert linked.binds.counts()["bank"] == 0
