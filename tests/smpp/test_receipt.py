from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib.command import DeliverSM

from smpp.address import Address
from smpp.codec import decode
from smpp.message_state import MessageState
from smpp.pdu import DeliverSm, Tlvs
from smpp.receipt import Receipt, parse

SHANGHAI = ZoneInfo("Asia/Shanghai")
PLAIN = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2404011230 done date:2404011231"
    b" stat:DELIVRD err:000 text:hi"
)
PLAIN_RECEIPT = Receipt(
    message_id="0123456789",
    state=MessageState.DELIVERED,
    error="000",
    submitted=datetime(2024, 4, 1, 12, 30, tzinfo=SHANGHAI),
    done=datetime(2024, 4, 1, 12, 31, tzinfo=SHANGHAI),
    intermediate=False,
)


def deliver_sm(
    short_message: bytes, esm_class: int = 0x04, tlvs: Tlvs = (), data_coding: int = 0
) -> DeliverSm:
    source, destination = Address(1, 1, "8613800138000"), Address(5, 0, "Signet")
    return DeliverSm(
        "", source, destination, esm_class, 0, 0, "", "", 0, 0, data_coding, 0, short_message, tlvs
    )


def read(short_message: bytes, esm_class: int = 0x04, tlvs: Tlvs = (), *, data_coding: int = 0) -> Receipt:
    receipt = parse(deliver_sm(short_message, esm_class, tlvs, data_coding), SHANGHAI)
    assert receipt is not None
    return receipt


# -- Which PDU is a receipt ----------------------------------------------------------------------------------


@pytest.mark.parametrize("esm_class", [0x04, 0x44, 0x07, 0x84])
def test_esm_class_marks_a_receipt_whatever_its_other_bits(esm_class: int) -> None:
    assert read(PLAIN, esm_class) == PLAIN_RECEIPT


@pytest.mark.parametrize("esm_class", [0x20, 0x60, 0x24])
def test_an_intermediate_notification_is_never_final(esm_class: int) -> None:
    receipt = read(PLAIN, esm_class)
    assert receipt.intermediate
    assert receipt.state is MessageState.DELIVERED
    assert not receipt.is_final
    assert read(PLAIN).is_final


@pytest.mark.parametrize("esm_class", [0x08, 0x10, 0x18, 0x48, 0x50])
def test_acknowledgements_of_the_recipient_and_conversation_aborts_are_no_receipts(esm_class: int) -> None:
    assert parse(deliver_sm(PLAIN, esm_class, ((0x001E, b"7\0"),)), SHANGHAI) is None


@pytest.mark.parametrize(
    "short_message",
    [
        b"TD",
        b"",
        b"\0",
        b"my id:123 is stat:lost",
        b"id:123 please",
        b"stat:DELIVRD id:123",
        "回复TD退订".encode("utf-16-be"),
        b"00,0210021543,0210021500,,447700900000,8000,we23",
    ],
)
def test_a_message_from_a_mobile_is_no_receipt(short_message: bytes) -> None:
    assert parse(deliver_sm(short_message, 0), SHANGHAI) is None


def test_a_text_that_only_looks_like_a_receipt_is_presumed_to_be_one() -> None:
    receipt = read(PLAIN, 0)
    assert receipt.presumed
    assert receipt.message_id == "0123456789"
    assert not read(PLAIN, 4).presumed
    assert read(b"ID:77 Stat:DELIVRD", 0).presumed


def test_a_receipted_message_id_makes_a_receipt_of_an_unmarked_pdu() -> None:
    receipt = read(b"", 0, ((0x001E, b"abc\0"), (0x0427, b"\x02")))
    assert receipt == Receipt("abc", MessageState.DELIVERED, "", None, None, False)


def test_an_empty_receipted_message_id_marks_nothing() -> None:
    assert parse(deliver_sm(b"hello", 0, ((0x001E, b"\0"),)), SHANGHAI) is None


@pytest.mark.parametrize(
    "short_message", [b"", b"00,0210021543,0210021500,,447700900000,8000,we23", b"thanks!", b"\xff\x00\xfe"]
)
def test_a_marked_receipt_that_names_no_message_has_an_empty_id(short_message: bytes) -> None:
    assert read(short_message) == Receipt("", MessageState.UNKNOWN, "", None, None, False, understood=False)


# -- The text ------------------------------------------------------------------------------------------------


def test_the_receipt_of_smpplibs_encoder_is_read() -> None:
    pdu = DeliverSM(
        "deliver_sm",
        sequence=1,
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr="8613800138000",
        destination_addr="10690001",
        esm_class=4,
        data_coding=0,
        short_message=PLAIN,
        receipted_message_id="0123456789",
        message_state=2,
    )
    received = decode(0x05, pdu.generate()[16:], strict=False)
    assert isinstance(received, DeliverSm)
    assert parse(received, SHANGHAI) == PLAIN_RECEIPT


@pytest.mark.parametrize(
    "message_id",
    [
        "1",
        "00B8BE19",
        "b8be19",
        "812FC7470000001B",
        "9308878062554710043",
        "0e990000-e29b-41d4-a716-446655440000",
        "a-b_c",
        "msg.1/2@smsc",
    ],
)
def test_the_id_is_kept_exactly_as_it_came(message_id: str) -> None:
    assert read(PLAIN.replace(b"0123456789", message_id.encode())).message_id == message_id
    assert read(b"stat:DELIVRD id:" + message_id.encode()).message_id == message_id


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            b"id:0123456789 submit date:2404011230 done date:2404011231 stat:DELIVRD err:000 text:hi",
            id="without sub and dlvrd",
        ),
        pytest.param(PLAIN.replace(b"dlvrd:001", b"dlvrd:000"), id="dlvrd 000"),
        pytest.param(PLAIN.replace(b"sub:001 dlvrd:001", b"sub:x dlvrd:-"), id="sub and dlvrd not numeric"),
        pytest.param(PLAIN.replace(b"sub:001 dlvrd:001", b"sub: dlvrd:"), id="sub and dlvrd empty"),
        pytest.param(
            b"stat:DELIVRD err:000 done date:2404011231 submit date:2404011230 id:0123456789 text:hi",
            id="other order",
        ),
        pytest.param(PLAIN.replace(b" ", b"  "), id="extra blanks"),
        pytest.param(PLAIN.replace(b":", b": "), id="blanks behind the colons"),
        pytest.param(b" " + PLAIN, id="blank in front"),
        pytest.param(PLAIN.replace(b" ", b"\r\n").replace(b"\r\ndate", b" date"), id="one a line"),
        pytest.param(
            b"id:0123456789,sub:001,dlvrd:001,submit date:2404011230,done date:2404011231,"
            b"stat:DELIVRD,err:000,text:hi",
            id="commas",
        ),
        pytest.param(PLAIN.replace(b" sub:", b" vendor:7 sub:"), id="another field"),
        pytest.param(PLAIN.replace(b"text:", b"Text:"), id="capital text"),
        pytest.param(PLAIN.replace(b"text:", b"TEXT:"), id="upper case text"),
        pytest.param(PLAIN.upper().replace(b"TEXT:HI", b"text:hi"), id="upper case"),
        pytest.param(PLAIN.replace(b" text:hi", b""), id="without text"),
        pytest.param(PLAIN.replace(b" text:hi", b" "), id="blank at the end"),
        pytest.param(PLAIN.replace(b" text:hi", b"\0"), id="NUL at the end"),
        pytest.param(PLAIN + b"\0", id="NUL behind the text"),
        pytest.param(PLAIN + b" stat:UNDELIV id:9 err:099 done date:2501010000", id="fields in the text"),
        pytest.param(PLAIN.replace(b"text:hi", b"Text: text:id:9 stat:EXPIRED"), id="text in the text"),
        pytest.param(PLAIN + b"\x00\xff\xfe\x1b\x80", id="binary text"),
        pytest.param(PLAIN + b" \xe4\xb8", id="text cut inside a character"),
        pytest.param(PLAIN.replace(b" err", b" id:99 stat:EXPIRED err"), id="repeated fields"),
    ],
)
def test_a_receipt_is_read_in_every_form_seen(text: bytes) -> None:
    assert read(text) == PLAIN_RECEIPT


def test_a_receipt_in_message_payload_is_read() -> None:
    assert read(b"", 0x04, ((0x0424, PLAIN),)) == PLAIN_RECEIPT


def test_a_receipt_in_utf_16_is_read_whatever_its_label() -> None:
    wide = PLAIN.decode().encode("utf-16-be")
    assert read(wide, data_coding=8) == PLAIN_RECEIPT
    assert read(wide) == PLAIN_RECEIPT
    assert read(b"\xfe\xff" + wide, data_coding=8) == PLAIN_RECEIPT
    assert read(b"\xff\xfe" + PLAIN.decode().encode("utf-16-le"), data_coding=8) == PLAIN_RECEIPT
    assert read("".join((PLAIN.decode(), "中国")).encode("utf-16-be"), data_coding=8) == PLAIN_RECEIPT
    assert read(wide[: -len(" text:hi") * 2] + b"\0", data_coding=8) == PLAIN_RECEIPT


def test_an_ascii_receipt_labelled_ucs_2_is_read() -> None:
    assert read(PLAIN, data_coding=8) == PLAIN_RECEIPT


def test_a_receipt_behind_a_header_is_read() -> None:
    assert read(b"\x05\x00\x03\xa7\x01\x01" + PLAIN, 0x44) == PLAIN_RECEIPT


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("2404011230", (2024, 4, 1, 12, 30, 0)),
        ("240401123059", (2024, 4, 1, 12, 30, 59)),
        ("202404011230", (2024, 4, 1, 12, 30, 0)),
        ("20240401123059", (2024, 4, 1, 12, 30, 59)),
        # A day of 2020 with seconds, whose day is no month.
        ("200513103000", (2020, 5, 13, 10, 30, 0)),
        # A day of 2020 whose day could be a month: 30 o'clock tells.
        ("200512103000", (2020, 5, 12, 10, 30, 0)),
        ("3712312359", (2037, 12, 31, 23, 59, 0)),
        ("3801010000", (1938, 1, 1, 0, 0, 0)),
        ("9912312359", (1999, 12, 31, 23, 59, 0)),
    ],
)
def test_a_date_is_read_by_its_length_in_the_zone_of_the_carrier(
    digits: str, expected: tuple[int, int, int, int, int, int]
) -> None:
    receipt = read(PLAIN.replace(b"2404011231", digits.encode()))
    assert receipt.done == datetime(*expected, tzinfo=SHANGHAI)
    assert receipt.submitted == PLAIN_RECEIPT.submitted


def test_the_zone_is_the_one_handed_in() -> None:
    receipt = parse(deliver_sm(PLAIN), UTC)
    assert receipt is not None
    assert receipt.done == datetime(2024, 4, 1, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "digits",
    [
        "0",
        "",
        "2413011230",
        "2404311230",
        "2404012530",
        "24040112",
        "24-04-01",
        "²404011231",
        "0" * 14,
        "9" * 99,
    ],
)
def test_a_date_that_cannot_be_read_is_none(digits: str) -> None:
    receipt = read(PLAIN.replace(b"2404011231", digits.encode("latin-1")))
    assert receipt.done is None
    assert receipt.submitted == PLAIN_RECEIPT.submitted
    assert (receipt.message_id, receipt.state) == ("0123456789", MessageState.DELIVERED)


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("ENROUTE", MessageState.ENROUTE),
        ("BUFFRED", MessageState.ENROUTE),
        ("DELIVRD", MessageState.DELIVERED),
        ("DELIVERED", MessageState.DELIVERED),
        ("delivrd", MessageState.DELIVERED),
        ("DELIV", MessageState.DELIVERED),
        ("EXPIRED", MessageState.EXPIRED),
        ("DELETED", MessageState.DELETED),
        ("UNDELIV", MessageState.UNDELIVERABLE),
        ("UNDELIVE", MessageState.UNDELIVERABLE),
        ("FAILED", MessageState.UNDELIVERABLE),
        ("ACCEPTD", MessageState.ACCEPTED),
        ("UNKNOWN", MessageState.UNKNOWN),
        ("REJECTD", MessageState.REJECTED),
        ("Rejected", MessageState.REJECTED),
        ("ESME_ROK", MessageState.UNKNOWN),
        ("M:00181", MessageState.UNKNOWN),
        ("", MessageState.UNKNOWN),
    ],
)
def test_stat_is_read_by_its_beginning(stat: str, state: MessageState) -> None:
    assert read(PLAIN.replace(b"DELIVRD", stat.encode())).state is state
    assert read(f"err:1 stat:{stat} id:5".encode()).state is state


def test_a_carriers_own_words_go_before_the_standard_ones() -> None:
    words = {
        "ESME_ROK": MessageState.DELIVERED,
        "FAILED": MessageState.REJECTED,
        "M:00181": MessageState.REJECTED,
    }
    for stat, state in (
        *words.items(),
        ("esme_rok", MessageState.DELIVERED),
        ("EXPIRED", MessageState.EXPIRED),
    ):
        receipt = parse(deliver_sm(PLAIN.replace(b"DELIVRD", stat.encode())), SHANGHAI, words)
        assert receipt is not None
        assert receipt.state is state


@pytest.mark.parametrize(
    ("err", "error"),
    [
        ("0", "0"),
        ("000", "000"),
        ("0000", "0000"),
        ("1044", "1044"),
        ("4c1", "4c1"),
        ("0x21", "0x21"),
        ("UNKN-7", "UNKN-7"),
        ("M:00181", "M:00181"),
        ("", ""),
        ("12345678901234567890", "1234567890123456"),
    ],
)
def test_err_is_kept_verbatim_up_to_16_characters(err: str, error: str) -> None:
    assert read(PLAIN.replace(b"err:000", b"err:" + err.encode())).error == error


def test_a_missing_err_is_empty() -> None:
    assert read(b"id:5 stat:DELIVRD").error == ""


def test_an_empty_field_does_not_swallow_the_next() -> None:
    receipt = read(b"id:5 sub: dlvrd: submit date: done date:2404011231 stat: err: text:stat:DELIVRD")
    done = PLAIN_RECEIPT.done
    assert receipt == Receipt("5", MessageState.UNKNOWN, "", None, done, False, understood=False)


@pytest.mark.parametrize("stat", ["UNKNOWN", "unknown", "UNKN"])
def test_the_word_unknown_is_understood(stat: str) -> None:
    receipt = read(PLAIN.replace(b"DELIVRD", stat.encode()))
    assert (receipt.state, receipt.word, receipt.understood) == (MessageState.UNKNOWN, "", True)


@pytest.mark.parametrize("stat", ["BLOCKED", "", "a-word-of-more-than-16-letters"])
def test_a_word_that_nobody_understands_is_told_with_the_receipt(stat: str) -> None:
    receipt = read(PLAIN.replace(b"DELIVRD", stat.encode()))
    assert (receipt.state, receipt.word, receipt.understood) == (MessageState.UNKNOWN, stat[:16], False)


def test_where_texts_do_not_make_receipts_a_text_is_a_mobiles_message() -> None:
    assert parse(deliver_sm(PLAIN, 0), SHANGHAI, by_text=False) is None
    by_tlv = parse(deliver_sm(PLAIN, 0, ((0x001E, b"7\0"),)), SHANGHAI, by_text=False)
    assert by_tlv is not None
    assert parse(deliver_sm(PLAIN), SHANGHAI, by_text=False) == PLAIN_RECEIPT


@given(st.binary(max_size=300), st.integers(0, 255))
def test_any_octets_are_a_receipt_or_none(octets: bytes, esm_class: int) -> None:
    receipt = parse(deliver_sm(octets, esm_class), SHANGHAI)
    assert receipt is None or len(receipt.error) <= 16


@given(
    st.text("0123456789abcdefABCDEF-_.", min_size=1),
    st.text("0123456789", min_size=1),
    st.text("ABCDEFabcdef_0123", min_size=1),
    st.text("0123456789ab", min_size=1),
    st.sampled_from([" text:hi", " Text:", ""]),
)
def test_the_common_form_and_the_same_fields_in_another_order_read_alike(
    message_id: str, date: str, stat: str, err: str, end: str
) -> None:
    common = f"id:{message_id} sub:1 dlvrd:1 submit date:{date} done date:{date} stat:{stat} err:{err}{end}"
    other = f"err:{err} stat:{stat} done date:{date} submit date:{date} id:{message_id}{end}"
    assert read(common.encode()) == read(other.encode())
