from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import smpp
from smpplib.client import SimpleSequenceGenerator
from smpplib.consts import SMPP_ESME_ROK

from smpp.address import Address
from smpp.codec import decode, encode, encode_body
from smpp.commands import CommandId
from smpp.message_state import MessageState
from smpp.pdu import DeliverSm, SubmitSm, Tlvs
from smpp.receipt import ALL_TLVS, Receipt, ReceiptTlvs, date_digits, format_receipt, parse, receipt_body

SHANGHAI = ZoneInfo("Asia/Shanghai")
SOURCE, DESTINATION = Address(5, 0, "Signet"), Address(1, 1, "8613800138000")
MESSAGE_ID = "1790000000000000001"
SUBMITTED = datetime(2024, 4, 1, 12, 30, 59, tzinfo=SHANGHAI)
DONE = datetime(2024, 12, 31, 3, 4, 5, 999999, tzinfo=SHANGHAI)


def written(
    state: MessageState = MessageState.DELIVERED, error: str = "000", text: str = "", tlvs: bool = True
) -> DeliverSm:
    return format_receipt(SOURCE, DESTINATION, MESSAGE_ID, state, error, SUBMITTED, DONE, text, tlvs)


def test_a_receipt_is_written_in_the_form_that_every_client_reads() -> None:
    assert written() == DeliverSm(
        service_type="",
        source=DESTINATION,
        destination=SOURCE,
        esm_class=0x04,
        protocol_id=0,
        priority_flag=0,
        schedule_delivery_time="",
        validity_period="",
        registered_delivery=0,
        replace_if_present_flag=0,
        data_coding=0,
        sm_default_msg_id=0,
        short_message=(
            b"id:1790000000000000001 sub:001 dlvrd:001 submit date:2404011230 done date:2412310304"
            b" stat:DELIVRD err:000 text:"
        ),
        tlvs=((0x001E, b"1790000000000000001\0"), (0x0427, b"\x02"), (0x0423, b"\x03\x00\x00")),
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (MessageState.ENROUTE, b"dlvrd:000 stat:ENROUTE"),
        (MessageState.DELIVERED, b"dlvrd:001 stat:DELIVRD"),
        (MessageState.EXPIRED, b"dlvrd:000 stat:EXPIRED"),
        (MessageState.DELETED, b"dlvrd:000 stat:DELETED"),
        (MessageState.UNDELIVERABLE, b"dlvrd:000 stat:UNDELIV"),
        (MessageState.ACCEPTED, b"dlvrd:000 stat:ACCEPTD"),
        (MessageState.UNKNOWN, b"dlvrd:000 stat:UNKNOWN"),
        (MessageState.REJECTED, b"dlvrd:000 stat:REJECTD"),
    ],
)
def test_each_state_is_written_with_its_stat_and_number(state: MessageState, expected: bytes) -> None:
    receipt = written(state)
    words = receipt.short_message.split()
    assert b" ".join(word for word in words if word.startswith((b"dlvrd:", b"stat:"))) == expected
    assert (0x0427, bytes((state,))) in receipt.tlvs


@pytest.mark.parametrize("state", list(MessageState))
def test_only_a_message_on_its_way_makes_an_intermediate_notification(state: MessageState) -> None:
    on_its_way = state in (MessageState.ENROUTE, MessageState.ACCEPTED)
    assert written(state).esm_class == (0x20 if on_its_way else 0x04)


@pytest.mark.parametrize(
    ("error", "err", "network_error_code"),
    [
        ("", b"000", b"\x03\x00\x00"),
        ("0", b"000", b"\x03\x00\x00"),
        ("0000", b"000", b"\x03\x00\x00"),
        ("69", b"069", b"\x03\x00\x45"),
        ("0069", b"069", b"\x03\x00\x45"),
        ("999", b"999", b"\x03\x03\xe7"),
        ("4c1", b"4c1", None),
        ("1044", b"999", b"\x03\x03\xe7"),
        ("M:00181", b"999", b"\x03\x03\xe7"),
        ("a b", b"999", b"\x03\x03\xe7"),
        ("é", b"999", b"\x03\x03\xe7"),
    ],
)
def test_an_error_is_written_in_three_characters(
    error: str, err: bytes, network_error_code: bytes | None
) -> None:
    receipt = written(MessageState.UNDELIVERABLE, error)
    assert b" err:" + err + b" text:" in receipt.short_message
    assert dict(receipt.tlvs).get(0x0423) == network_error_code


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ("", b""),
        ("hello", b"hello"),
        ("twenty characters ok, the rest is cut", b"twenty characters ok"),
        ("【中国银行】您好", b""),
        ("caf\xe9", b""),
        ("5 $ @ home_", b""),
        ("[a]", b""),
        ("two\nlines", b""),
        ("nul\0", b""),
    ],
)
def test_a_text_is_shown_only_where_ascii_and_gsm_agree(text: str, sample: bytes) -> None:
    assert written(text=text).short_message.partition(b" text:")[2] == sample


def test_a_bind_below_3_4_gets_no_tlvs() -> None:
    assert written(tlvs=False).tlvs == ()
    assert written(tlvs=False).short_message == written().short_message


def test_an_id_beyond_latin_1_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="latin-1"):
        format_receipt(SOURCE, DESTINATION, "中", MessageState.DELIVERED, "0", SUBMITTED, DONE)


def test_smpplib_reads_what_is_written() -> None:
    octets = encode(written(MessageState.UNDELIVERABLE, "69"), 7)
    pdu = smpp.parse_pdu(octets, client=SimpleSequenceGenerator(), allow_unknown_opt_params=True)
    assert (pdu.command, pdu.status, pdu.sequence) == ("deliver_sm", SMPP_ESME_ROK, 7)
    assert (pdu.source_addr, pdu.destination_addr) == (b"8613800138000", b"Signet")
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.dest_addr_ton) == (1, 1, 5)
    assert pdu.receipted_message_id == MESSAGE_ID.encode()
    assert (pdu.esm_class, pdu.message_state) == (0x04, 5)
    assert pdu.short_message == written(MessageState.UNDELIVERABLE, "69").short_message


@given(
    st.text("0123456789", min_size=1, max_size=19),
    st.sampled_from(MessageState),
    st.integers(0, 999),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31)),
    st.text(max_size=30),
    st.booleans(),
)
def test_what_is_written_reads_back(
    message_id: str, state: MessageState, error: int, date: datetime, text: str, tlvs: bool
) -> None:
    date = date.replace(second=0, microsecond=0, tzinfo=UTC)
    receipt = format_receipt(SOURCE, DESTINATION, message_id, state, str(error), date, date, text, tlvs)
    intermediate = receipt.esm_class == 0x20
    assert parse(receipt, UTC) == Receipt(message_id, state, f"{error:03d}", date, date, intermediate)


@pytest.mark.parametrize("state", MessageState)
@pytest.mark.parametrize("error", ["", "0", "5", "042", "4c1", "12345"])
def test_the_short_way_to_a_receipt_writes_the_same_octets_as_the_long_one(
    state: MessageState, error: str
) -> None:
    submit = SubmitSm(
        "CMT", Address(5, 0, "Bank"), Address(1, 1, "13800138000"), 0, 0, 0, "", "", 1, 0, 8, 0, b"\x4f\x60"
    )
    dates = (datetime(2026, 11, 22, 9, 5, tzinfo=UTC), datetime(2026, 11, 22, 10, 15, tzinfo=UTC))
    long_way = format_receipt(submit.source, submit.destination, "1882547523931865088", state, error, *dates)
    submitted, done = map(date_digits, dates)
    written_short = receipt_body(encode_body(submit), "1882547523931865088", state, error, submitted, done)
    assert written_short == encode_body(long_way)


def tlvs_of(tlvs: ReceiptTlvs | None = ALL_TLVS, more: Tlvs = (), error: str = "5") -> Tlvs:
    submit = SubmitSm("", SOURCE, DESTINATION, 0, 0, 0, "", "", 1, 0, 8, 0, b"\x4f\x60")
    state = MessageState.UNDELIVERABLE
    body = receipt_body(encode_body(submit), "1f", state, error, "2404011230", "241231030405", tlvs, more)
    pdu = decode(CommandId.DELIVER_SM, body)
    assert isinstance(pdu, DeliverSm)
    assert pdu.short_message == (
        b"id:1f sub:001 dlvrd:000 submit date:2404011230 done date:241231030405 stat:UNDELIV err:%s text:"
        % error.zfill(3).encode()
    )
    return pdu.tlvs


def test_a_receipt_carries_the_tlvs_that_are_wanted() -> None:
    message_id, state, error = (0x001E, b"1f\0"), (0x0427, b"\5"), (0x0423, b"\3\0\5")
    assert tlvs_of() == (message_id, state, error)
    assert tlvs_of(ReceiptTlvs(message_state=False)) == (message_id, error)
    assert tlvs_of(ReceiptTlvs(network_error_code=False)) == (message_id, state)
    assert tlvs_of(ReceiptTlvs(False, False)) == (message_id,)
    assert tlvs_of(ReceiptTlvs(message_state=False), error="4c1") == (message_id,)
    assert tlvs_of(None) == ()


def test_more_tlvs_go_behind_those_of_our_own() -> None:
    vendors = ((0x1400, b"vendor"), (0x2001, b""))
    assert tlvs_of(more=vendors) == (*tlvs_of(), *vendors)
    assert tlvs_of(ReceiptTlvs(False, False), vendors) == ((0x001E, b"1f\0"), *vendors)
    assert tlvs_of(None, vendors) == ()


@pytest.mark.parametrize(
    ("digits", "written"), [(10, "2412310304"), (12, "241231030405"), (14, "20241231030405")]
)
def test_a_date_has_as_many_digits_as_are_wanted_and_reads_back(digits: int, written: str) -> None:
    assert date_digits(DONE, digits) == written
    text = b"id:1 stat:DELIVRD done date:" + written.encode()
    receipt = parse(DeliverSm("", DESTINATION, SOURCE, 4, 0, 0, "", "", 0, 0, 0, 0, text), SHANGHAI)
    assert receipt is not None
    assert receipt.done == DONE.replace(microsecond=0, second=0 if digits == 10 else DONE.second)
