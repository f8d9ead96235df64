from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from smpplib.smpp import make_pdu, parse_pdu

from gateway.delivery import receipt_body, wants_end, wants_news
from gateway.message import Message
from gateway.settings import IdForm, ReceiptFormat
from smpp.message_state import MessageState
from smpp.receipt import ReceiptTlvs
from tests.gateway.carriers.samples import a_message
from tests.gateway.raw_pdus import DELIVER_SM, raw

DELIVERED = MessageState.DELIVERED
FAILURES = [state for state in MessageState if state.is_final and state is not DELIVERED]


class TestWhoIsTold:
    """registered_delivery, SMPP 3.4, 5.2.17."""

    @pytest.mark.parametrize("registered_delivery", [0, 0x10, 0x04, 0xFC])
    def test_nobody_who_did_not_ask(self, registered_delivery: int) -> None:
        assert not any(wants_end(registered_delivery, state) for state in MessageState)

    @pytest.mark.parametrize("registered_delivery", [1, 0x11, 0x05])
    def test_of_every_end_who_asked_for_all(self, registered_delivery: int) -> None:
        assert all(wants_end(registered_delivery, state) for state in [DELIVERED, *FAILURES])

    @pytest.mark.parametrize("registered_delivery", [2, 0x12, 0x0E])
    def test_of_failures_only_who_asked_for_failures(self, registered_delivery: int) -> None:
        assert not wants_end(registered_delivery, DELIVERED)
        assert all(wants_end(registered_delivery, state) for state in [*FAILURES, MessageState.UNKNOWN])

    @pytest.mark.parametrize(
        ("registered_delivery", "wants"), [(0, False), (1, False), (0x0F, False), (0x10, True), (0x11, True)]
    )
    def test_of_states_on_the_way_who_set_that_bit(self, registered_delivery: int, wants: bool) -> None:
        assert wants_news(registered_delivery) is wants


def from_smpplib(**fields: Any) -> Message:
    """A message whose body smpplib wrote."""
    pdu = make_pdu("submit_sm", client=None, sequence=0, **{"short_message": b"hi"} | fields)
    return replace(a_message(1234567890123456789), body=cast(bytes, pdu.generate())[16:])


def read(body: bytes) -> Any:
    """What smpplib makes of it."""
    return parse_pdu(raw(DELIVER_SM, body), client=None, sequence=0, allow_unknown_opt_params=False)


UTC = ZoneInfo("UTC")
SUBMITTED = int(datetime(2026, 3, 4, 23, 59, 58, tzinfo=UTC).timestamp() * 1000) + 999
DONE = int(datetime(2026, 3, 5, 0, 1, 2, tzinfo=UTC).timestamp() * 1000) + 999


class TestTheReceipt:
    def receipt(self, state: MessageState, error: str = "000", zone: str = "UTC") -> Any:
        message = from_smpplib(
            source_addr_ton=5,
            source_addr_npi=0,
            source_addr="BANK",
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr="8613800138000",
        )
        message = replace(message, submitted_at=SUBMITTED)
        return read(receipt_body(message, state, error, DONE, ZoneInfo(zone)))

    def test_it_goes_the_other_way(self) -> None:
        pdu = self.receipt(DELIVERED)
        assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (1, 1, b"8613800138000")
        assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (5, 0, b"BANK")

    def test_its_text_is_that_of_appendix_b(self) -> None:
        assert self.receipt(DELIVERED).short_message == (
            b"id:1234567890123456789 sub:001 dlvrd:001 submit date:2603042359 done date:2603050001"
            b" stat:DELIVRD err:000 text:"
        )

    def test_its_dates_are_of_the_zone_asked_for(self) -> None:
        text = self.receipt(DELIVERED, zone="Asia/Shanghai").short_message
        assert b"submit date:2603050759 done date:2603050801" in text

    @pytest.mark.parametrize("state", [DELIVERED, *FAILURES, MessageState.UNKNOWN])
    def test_an_end_is_marked_as_a_receipt_and_says_its_state_twice(self, state: MessageState) -> None:
        pdu = self.receipt(state)
        assert pdu.esm_class == 0x04
        assert pdu.message_state == state
        assert f"stat:{state.stat} ".encode() in pdu.short_message
        assert pdu.receipted_message_id == b"1234567890123456789"

    def test_it_is_written_in_the_form_of_its_account(self) -> None:
        message = replace(from_smpplib(source_addr="BANK", destination_addr="138"), submitted_at=SUBMITTED)
        form = ReceiptFormat(IdForm.HEX, 14, ReceiptTlvs(message_state=False))
        pdu = read(receipt_body(message, DELIVERED, "", DONE, UTC, form))
        assert pdu.short_message == (
            b"id:112210f47de98115 sub:001 dlvrd:001 submit date:20260304235958 done date:20260305000102"
            b" stat:DELIVRD err:000 text:"
        )
        assert pdu.receipted_message_id == b"112210f47de98115"
        assert pdu.message_state is None

    def test_it_names_the_id_that_the_customer_was_given(self) -> None:
        message = replace(from_smpplib(source_addr="BANK", destination_addr="138"), submitted_at=SUBMITTED)
        pdu = read(receipt_body(replace(message, told_as="0badcafe"), DELIVERED, "", DONE, UTC))
        assert pdu.short_message.startswith(b"id:0badcafe ")
        assert pdu.receipted_message_id == b"0badcafe"

    def test_news_is_marked_as_an_intermediate_notification(self) -> None:
        assert self.receipt(MessageState.ENROUTE).esm_class == 0x20

    @pytest.mark.parametrize(
        ("error", "err"), [("", "000"), ("7", "007"), ("00b", "00b"), ("M:00181", "999")]
    )
    def test_its_error_has_three_characters(self, error: str, err: str) -> None:
        assert f" err:{err} ".encode() in self.receipt(MessageState.REJECTED, error).short_message

    def test_it_has_the_reference_that_the_sender_gave_its_message(self) -> None:
        message = from_smpplib(source_addr="BANK", destination_addr="138", user_message_reference=4711)
        pdu = read(receipt_body(message, DELIVERED, "", DONE, UTC))
        assert (pdu.user_message_reference, pdu.message_state) == (4711, DELIVERED)
        plain = ReceiptFormat(tlvs=None)
        assert receipt_body(message, DELIVERED, "", DONE, UTC, plain).endswith(b" text:")

    def test_it_has_none_where_only_the_text_reads_like_one(self) -> None:
        text = b"\x02\x04\x00\x02\x12\x67"
        message = from_smpplib(source_addr="BANK", destination_addr="138", short_message=text)
        assert read(receipt_body(message, DELIVERED, "", DONE, UTC)).user_message_reference is None

    def test_a_sender_without_an_address_is_answered_too(self) -> None:
        message = from_smpplib(source_addr="", destination_addr="13800138000")
        pdu = read(receipt_body(message, DELIVERED, "", DONE, UTC))
        assert pdu.source_addr == b"13800138000"
        assert not pdu.destination_addr
