"""The operations besides submit_sm and deliver_sm, octet by octet: what is read, refused and written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smpp import codec
from smpp.address import Address
from smpp.commands import RESPONSE_BIT, CommandId
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
    UnparsedPdu,
    UnsuccessSme,
)
from tests.smpp.session_peer import BODIES
from tests.smpp.test_codec import status_of

QUERY_SM, REPLACE_SM, CANCEL_SM, OUTBIND = 0x03, 0x07, 0x08, 0x0B
SUBMIT_MULTI, ALERT_NOTIFICATION, DATA_SM = 0x21, 0x102, 0x103

ACME, NUMBER = Address(5, 0, "ACME"), Address(1, 1, "8613800138000")
FROM, TO = b"\x05\x00" + b"ACME\0", b"\x01\x01" + b"8613800138000\0"
NOWHERE = b"\0\0\0"
LONG = b"\x01\x01" + b"1" * 65 + b"\0"
TIME = b"250131120000000+\0"
PERIOD = b"000001000000000R\0"
PAYLOAD = b"\x04\x24\x00\x04long"
BROKEN_SAR = b"\x02\x0c\x00\x02\x00\x01"

Fields = tuple[bytes, ...]

DATA: Fields = (b"WAP\0", FROM, TO, b"\x40", b"\x11", b"\x08", PAYLOAD)
MULTI: Fields = (
    b"CMT\0",
    FROM,
    b"\x03",
    b"\x01" + TO,
    b"\x02" + b"friends\0",
    b"\x01" + b"\x00\x00" + b"13900139000\0",
    b"\x40\x7f\x03",
    TIME,
    PERIOD,
    b"\x11\x01\x08\x00",
    b"\x04text",
    b"\x02\x04\x00\x02\x12\x34",
)
QUERY: Fields = (b"00B8BE19\0", FROM)
CANCEL: Fields = (b"CMT\0", b"00B8BE19\0", FROM, TO)
REPLACE: Fields = (b"00B8BE19\0", FROM, TIME, PERIOD, b"\x11", b"\x00", b"\x04text", b"")
ALERT: Fields = (TO, FROM, b"\x04\x22\x00\x01\x02")

READ: list[tuple[Fields, Pdu]] = [
    (DATA, DataSm("WAP", ACME, NUMBER, 0x40, 0x11, 8, ((0x0424, b"long"),))),
    (
        MULTI,
        SubmitMulti(
            service_type="CMT",
            source=ACME,
            destinations=(NUMBER, DistributionList("friends"), Address(0, 0, "13900139000")),
            esm_class=0x40,
            protocol_id=0x7F,
            priority_flag=3,
            schedule_delivery_time="250131120000000+",
            validity_period="000001000000000R",
            registered_delivery=0x11,
            replace_if_present_flag=1,
            data_coding=8,
            sm_default_msg_id=0,
            short_message=b"text",
            tlvs=((0x0204, b"\x12\x34"),),
        ),
    ),
    (QUERY, QuerySm("00B8BE19", ACME)),
    (CANCEL, CancelSm("CMT", "00B8BE19", ACME, NUMBER)),
    (
        REPLACE,
        ReplaceSm("00B8BE19", ACME, "250131120000000+", "000001000000000R", 0x11, 0, b"text"),
    ),
    (ALERT, AlertNotification(NUMBER, ACME, ((0x0422, b"\x02"),))),
    ((b"smsc\0", b"secret\0"), Outbind("smsc", "secret")),
]


@pytest.mark.parametrize(("fields", "pdu"), READ, ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("strict", [True, False])
def test_a_request_with_every_field_is_read_and_written(fields: Fields, pdu: Pdu, strict: bool) -> None:
    body = b"".join(fields)
    assert codec.decode(pdu.command_id, body, strict=strict) == pdu
    assert codec.encode_body(pdu) == body


def changed(fields: Fields, at: int, octets: bytes) -> bytes:
    return b"".join((*fields[:at], octets, *fields[at + 1 :]))


# Of what does not fit its field nothing behind it can be read.
LENGTHS: list[tuple[int, bytes, int]] = [
    (DATA_SM, changed(DATA, 0, b"CMTCMT\0"), 0x15),
    (DATA_SM, changed(DATA, 1, LONG), 0x0A),
    (DATA_SM, changed(DATA, 2, LONG), 0x0B),
    (DATA_SM, changed(DATA, 6, b"\x04\x24\x00\x05long"), 0xC0),
    (DATA_SM, changed(DATA, 6, b"\x04\x24\x00"), 0xC0),
    (SUBMIT_MULTI, changed(MULTI, 0, b"CMTCMT\0"), 0x15),
    (SUBMIT_MULTI, changed(MULTI, 1, b"\x01\x01" + b"1" * 21 + b"\0"), 0x0A),
    (SUBMIT_MULTI, changed(MULTI, 2, b"\x00"), 0x33),
    (SUBMIT_MULTI, changed(MULTI, 2, b"\xff"), 0x33),
    (SUBMIT_MULTI, changed(MULTI, 3, b"\x01\x01\x01" + b"1" * 21 + b"\0"), 0x0B),
    (SUBMIT_MULTI, changed(MULTI, 3, b"\x00" + TO), 0x40),
    (SUBMIT_MULTI, changed(MULTI, 3, b"\x03" + TO), 0x40),
    (SUBMIT_MULTI, changed(MULTI, 4, b"\x02" + b"x" * 21 + b"\0"), 0x34),
    (SUBMIT_MULTI, changed(MULTI, 7, b"1" * 17 + b"\0"), 0x61),
    (SUBMIT_MULTI, changed(MULTI, 8, b"1" * 17 + b"\0"), 0x62),
    (SUBMIT_MULTI, changed(MULTI, 10, b"\xff" + bytes(255)), 0x01),
    (SUBMIT_MULTI, changed(MULTI[:-1], 10, b"\x05text"), 0x01),
    (SUBMIT_MULTI, changed(MULTI, 11, b"\x02\x04\x00\x03\x12\x34"), 0xC0),
    (QUERY_SM, changed(QUERY, 0, b"1" * 65 + b"\0"), 0x0C),
    (QUERY_SM, changed(QUERY, 1, b"\x01\x01" + b"1" * 21 + b"\0"), 0x0A),
    (CANCEL_SM, changed(CANCEL, 0, b"CMTCMT\0"), 0x15),
    (CANCEL_SM, changed(CANCEL, 1, b"1" * 65 + b"\0"), 0x0C),
    (CANCEL_SM, changed(CANCEL, 2, b"\x01\x01" + b"1" * 21 + b"\0"), 0x0A),
    (CANCEL_SM, changed(CANCEL, 3, b"\x01\x01" + b"1" * 21 + b"\0"), 0x0B),
    (REPLACE_SM, changed(REPLACE, 0, b"1" * 65 + b"\0"), 0x0C),
    (REPLACE_SM, changed(REPLACE, 1, b"\x01\x01" + b"1" * 21 + b"\0"), 0x0A),
    (REPLACE_SM, changed(REPLACE, 2, b"1" * 17 + b"\0"), 0x61),
    (REPLACE_SM, changed(REPLACE, 3, b"1" * 17 + b"\0"), 0x62),
    (REPLACE_SM, changed(REPLACE, 6, b"\xff" + bytes(255)), 0x01),
    (REPLACE_SM, changed(REPLACE, 6, b"\x05text"), 0x01),
    (REPLACE_SM, changed(REPLACE, 7, b"\x04\x24"), 0xC0),
    (ALERT_NOTIFICATION, changed(ALERT, 0, LONG), 0x0A),
    (ALERT_NOTIFICATION, changed(ALERT, 1, LONG), 0x0B),
    (ALERT_NOTIFICATION, changed(ALERT, 2, b"\x04\x22\x00"), 0xC0),
    (OUTBIND, b"x" * 16 + b"\0secret\0", 0x0F),
    (OUTBIND, b"smsc\0ninechars\0", 0x0E),
]


@pytest.mark.parametrize(("command_id", "body", "expected"), LENGTHS)
@pytest.mark.parametrize("strict", [True, False])
def test_a_field_that_breaks_its_length_is_refused_even_when_values_pass(
    command_id: int, body: bytes, expected: int, strict: bool
) -> None:
    assert status_of(command_id, body, strict=strict) == expected


VALUES: list[tuple[int, bytes, int]] = [
    (DATA_SM, changed(DATA, 1, b"\x01\x01" + b"1" * 21 + b"\0"), 0x0A),
    (DATA_SM, changed(DATA, 2, b"\x01\x01" + b"1" * 21 + b"\0"), 0x0B),
    (DATA_SM, changed(DATA, 2, b"\x05\x00" + b"ACME\0"), 0x0B),
    (DATA_SM, changed(DATA, 2, NOWHERE), 0x0B),
    (DATA_SM, changed(DATA, 4, b"\x03"), 0x07),
    (DATA_SM, changed(DATA, 6, b""), 0xC3),
    (DATA_SM, changed(DATA, 6, PAYLOAD + BROKEN_SAR), 0xC3),
    (DATA_SM, changed(DATA, 6, PAYLOAD + b"\x04\x21\x00\x01\x02"), 0xC4),
    (DATA_SM, changed(DATA, 6, PAYLOAD + b"\x00\x17\x00\x01\x02"), 0xC2),
    (SUBMIT_MULTI, changed(MULTI, 4, b"\x02\x00"), 0x34),
    (SUBMIT_MULTI, changed(MULTI, 6, b"\x00\x00\x04"), 0x06),
    (SUBMIT_MULTI, changed(MULTI, 7, b"250131120000\0"), 0x61),
    (SUBMIT_MULTI, changed(MULTI, 8, b"250131120000\0"), 0x62),
    (SUBMIT_MULTI, changed(MULTI, 9, b"\x03\x00\x00\x00"), 0x07),
    (SUBMIT_MULTI, changed(MULTI, 9, b"\x00\x02\x00\x00"), 0x54),
    (SUBMIT_MULTI, changed(MULTI, 9, b"\x00\x00\x00\x01"), 0x63),
    (SUBMIT_MULTI, changed(MULTI, 11, PAYLOAD), 0xC1),
    (SUBMIT_MULTI, changed(MULTI, 11, BROKEN_SAR), 0xC3),
    (SUBMIT_MULTI, changed(MULTI, 11, b"\x12\x04\x00\x01\x04"), 0xC4),
    (QUERY_SM, changed(QUERY, 0, b"\0"), 0x0C),
    (CANCEL_SM, changed(CANCEL, 3, b"\x05\x00" + b"ACME\0"), 0x0B),
    (CANCEL_SM, b"\0\0" + FROM + NOWHERE, 0x0B),
    (REPLACE_SM, changed(REPLACE, 0, b"\0"), 0x0C),
    (REPLACE_SM, changed(REPLACE, 2, b"250131120000\0"), 0x61),
    (REPLACE_SM, changed(REPLACE, 3, b"250131120000\0"), 0x62),
    (REPLACE_SM, changed(REPLACE, 4, b"\x13"), 0x07),
    (REPLACE_SM, changed(REPLACE, 5, b"\x01"), 0x63),
    (REPLACE_SM, changed(REPLACE, 7, PAYLOAD), 0xC1),
    (ALERT_NOTIFICATION, changed(ALERT, 2, b"\x04\x22\x00\x02\x00\x00"), 0xC2),
    (ALERT_NOTIFICATION, changed(ALERT, 2, b"\x04\x22\x00\x01\x03"), 0xC4),
]


@pytest.mark.parametrize(("command_id", "body", "expected"), VALUES)
def test_a_value_out_of_range_is_refused_only_by_the_strict(
    command_id: int, body: bytes, expected: int
) -> None:
    assert status_of(command_id, body) == expected
    assert status_of(command_id, body, strict=False) == 0


@pytest.mark.parametrize(
    ("command_id", "body"),
    [
        (CANCEL_SM, b"\0" + b"42\0" + NOWHERE + NOWHERE),
        (CANCEL_SM, b"\0\0" + FROM + TO),
        (REPLACE_SM, b"".join(REPLACE[:6]) + b"\0" + PAYLOAD),
        (REPLACE_SM, b"".join(REPLACE[:6]) + b"\0" + PAYLOAD + b"\x02\x0e\x00\x00"),
        (SUBMIT_MULTI, b"\0" + NOWHERE + b"\x01\x02" + b"a\0" + bytes(9) + b"\0" + PAYLOAD),
        (QUERY_SM, b"42\0" + NOWHERE),
        (ALERT_NOTIFICATION, NOWHERE + NOWHERE),
    ],
)
def test_what_need_not_be_said_may_be_left_out(command_id: int, body: bytes) -> None:
    assert status_of(command_id, body) == 0


@pytest.mark.parametrize("destination", [b"\x05\x00" + b"ACME\0", NOWHERE])
def test_a_destination_of_a_submit_multi_that_is_no_number_is_left_to_who_serves_it(
    destination: bytes,
) -> None:
    assert status_of(SUBMIT_MULTI, changed(MULTI, 3, b"\x01" + destination)) == 0


@pytest.mark.parametrize(
    ("command_id", "fields", "text", "tlvs"),
    [
        (DATA_SM, DATA, None, 6),
        (SUBMIT_MULTI, MULTI, 10, 11),
        (QUERY_SM, QUERY, None, None),
        (CANCEL_SM, CANCEL, None, None),
        (REPLACE_SM, REPLACE, 6, 7),
        (ALERT_NOTIFICATION, ALERT, None, 2),
        (OUTBIND, (b"smsc\0", b"secret\0"), None, None),
    ],
)
def test_a_body_cut_anywhere_is_refused_for_what_was_cut(
    command_id: int, fields: Fields, text: int | None, tlvs: int | None
) -> None:
    strings = {0x15, 0x0A, 0x0B, 0x0C, 0x0E, 0x0F, 0x34, 0x61, 0x62}
    end = 0
    for at, field in enumerate(fields):
        for cut in range(len(field)):
            body = b"".join(fields)[: end + cut]
            expected = {0x02} | strings
            if at == text:
                expected = {0x01 if cut else 0x02}
            elif at == tlvs:
                expected = {0xC0 if cut else 0}
            # A TLV area of one NUL is what some senders put behind a text.
            stray = at == tlvs and field[:cut] == b"\0"
            assert status_of(command_id, body, strict=False) in ({0} if stray else expected), (at, cut)
        end += len(field)


def test_submit_multi_goes_to_254_destinations_and_no_more() -> None:
    destinations = tuple(Address(1, 1, f"1380013{n:04}") for n in range(254))
    pdu = SubmitMulti("", ACME, destinations, 0, 0, 0, "", "", 0, 0, 0, 0, b"hi")
    body = codec.encode_body(pdu)
    assert codec.decode(SUBMIT_MULTI, body) == pdu
    for wrong in ((), (*destinations, NUMBER)):
        with pytest.raises(ValueError, match="destinations"):
            codec.encode_body(replace(pdu, destinations=wrong))


def test_long_addresses_pass_where_the_specification_has_room_for_them() -> None:
    longest = Address(1, 1, "1" * 64)
    for pdu in (DataSm("", longest, longest, 0, 0, 0), AlertNotification(longest, longest)):
        assert codec.decode(pdu.command_id, codec.encode_body(pdu), strict=False) == pdu


# ---- responses

RESPONSES: list[tuple[Pdu, bytes]] = [
    (DataSmResp("42", ((0x0425, b"\x02"), (0x001D, b"gone\0"))), b"42\0\x04\x25\0\1\2\x00\x1d\0\5gone\0"),
    (SubmitMultiResp("42"), b"42\0\0"),
    (
        SubmitMultiResp(
            "42",
            (UnsuccessSme(NUMBER, 0x0B), UnsuccessSme(Address(0, 0, ""), 0x12345678)),
            ((0x0428, b"\x63"),),
        ),
        b"42\0\2" + TO + b"\0\0\0\x0b" + b"\0\0\0" + b"\x12\x34\x56\x78" + b"\x04\x28\0\1\x63",
    ),
    (QuerySmResp("42", "", 1, 0), b"42\0\0\1\0"),
    (QuerySmResp("42", "250131120000000+", 8, 255), b"42\0" + TIME + b"\x08\xff"),
    (CancelSmResp(), b""),
    (ReplaceSmResp(), b""),
]


@pytest.mark.parametrize(("pdu", "body"), RESPONSES, ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("strict", [True, False])
def test_a_response_with_every_field_is_read_and_written(pdu: Pdu, body: bytes, strict: bool) -> None:
    assert codec.decode(pdu.command_id, body, strict=strict) == pdu
    assert codec.encode_body(pdu) == body


@pytest.mark.parametrize(
    ("command_id", "expected"),
    [
        (DATA_SM, DataSmResp("")),
        (SUBMIT_MULTI, SubmitMultiResp("")),
        (QUERY_SM, QuerySmResp("", "", 0, 0)),
        (CANCEL_SM, CancelSmResp()),
        (REPLACE_SM, ReplaceSmResp()),
    ],
)
@pytest.mark.parametrize("body", [b"", b"\0"])
def test_a_response_may_have_no_body(command_id: int, expected: Pdu, body: bytes) -> None:
    assert codec.decode(command_id | RESPONSE_BIT, body) == expected


TWO = b"42\0\2" + TO + b"\0\0\0\x0b" + FROM + b"\0\0\0\x0c"
FIRST = UnsuccessSme(NUMBER, 0x0B)


@pytest.mark.parametrize(
    ("command_id", "body", "expected"),
    [
        (DATA_SM, b"unterminated", DataSmResp("unterminated")),
        (DATA_SM, b"42\0\x04\x28\x00\x01\x32\x04", DataSmResp("42", ((0x0428, b"\x32"),))),
        (QUERY_SM, b"42\0", QuerySmResp("42", "", 0, 0)),
        (QUERY_SM, b"42\0" + TIME, QuerySmResp("42", "250131120000000+", 0, 0)),
        (QUERY_SM, b"42\0" + b"2501", QuerySmResp("42", "2501", 0, 0)),
        (QUERY_SM, b"42\0\0\x02", QuerySmResp("42", "", 2, 0)),
        (QUERY_SM, b"42\0\0\x02\x01stray", QuerySmResp("42", "", 2, 1)),
        (SUBMIT_MULTI, b"42\0", SubmitMultiResp("42")),
        (SUBMIT_MULTI, b"42\0\2", SubmitMultiResp("42")),
        (SUBMIT_MULTI, TWO[:-1], SubmitMultiResp("42", (FIRST,))),
        (SUBMIT_MULTI, TWO[:-5], SubmitMultiResp("42", (FIRST,))),
        (SUBMIT_MULTI, TWO, SubmitMultiResp("42", (FIRST, UnsuccessSme(ACME, 0x0C)))),
        (SUBMIT_MULTI, b"42\0\0\x04\x28\x00\x01\x32\x04", SubmitMultiResp("42", (), ((0x0428, b"\x32"),))),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_of_a_response_all_that_can_be_read_is_kept(
    command_id: int, body: bytes, expected: Pdu, strict: bool
) -> None:
    assert codec.decode(command_id | RESPONSE_BIT, body, strict=strict) == expected


@pytest.mark.parametrize(
    ("command_id", "body"),
    [
        (DATA_SM, b"1" * 65 + b"\0"),
        (QUERY_SM, b"1" * 65 + b"\0"),
        (QUERY_SM, b"42\0" + b"1" * 17 + b"\0"),
        (SUBMIT_MULTI, b"1" * 65 + b"\0"),
        (SUBMIT_MULTI, b"42\0\1\1\1" + b"1" * 21 + b"\0\0\0\0\0"),
    ],
)
def test_a_response_with_an_endless_string_is_malformed(command_id: int, body: bytes) -> None:
    assert status_of(command_id | RESPONSE_BIT, body, strict=False) != 0


# ---- what cannot be written

SMALL_MULTI = SubmitMulti("", ACME, (NUMBER,), 0, 0, 0, "", "", 0, 0, 0, 0, b"")
SMALL_REPLACE = ReplaceSm("42", ACME, "", "", 0, 0, b"")
SMALL_DATA = DataSm("", ACME, NUMBER, 0, 0, 0)


@pytest.mark.parametrize(
    "pdu",
    [
        replace(SMALL_DATA, service_type="CMTCMT"),
        replace(SMALL_DATA, source=Address(1, 1, "1" * 65)),
        replace(SMALL_DATA, destination=Address(1, 256, "1")),
        replace(SMALL_DATA, esm_class=-1),
        replace(SMALL_DATA, tlvs=((0x0424, bytes(65_536)),)),
        DataSmResp("1" * 65),
        replace(SMALL_MULTI, destinations=(Address(1, 1, "1" * 21),)),
        replace(SMALL_MULTI, destinations=(DistributionList("x" * 21),)),
        replace(SMALL_MULTI, destinations=(DistributionList("x\0"),)),
        replace(SMALL_MULTI, schedule_delivery_time="1" * 17),
        replace(SMALL_MULTI, validity_period="1" * 17),
        replace(SMALL_MULTI, priority_flag=256),
        replace(SMALL_MULTI, short_message=bytes(255)),
        replace(SMALL_MULTI, tlvs=((0x10000, b""),)),
        SubmitMultiResp("1" * 65),
        SubmitMultiResp("1", (UnsuccessSme(NUMBER, 0),) * 256),
        SubmitMultiResp("1", (UnsuccessSme(NUMBER, 1 << 32),)),
        SubmitMultiResp("1", (UnsuccessSme(Address(1, 1, "1" * 21), 0),)),
        QuerySm("1" * 65, ACME),
        QuerySm("签", ACME),
        QuerySmResp("1", "1" * 17, 0, 0),
        QuerySmResp("1", "", 256, 0),
        CancelSm("CMTCMT", "", ACME, NUMBER),
        CancelSm("", "1", ACME, Address(1, 1, "1" * 21)),
        replace(SMALL_REPLACE, message_id="1" * 65),
        replace(SMALL_REPLACE, registered_delivery=256),
        replace(SMALL_REPLACE, short_message=bytes(255)),
        AlertNotification(Address(1, 1, "1" * 65), ACME),
        Outbind("x" * 16, ""),
        Outbind("x", "p" * 9),
    ],
)
def test_what_does_not_fit_is_refused_and_never_cut(pdu: Pdu) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - no message is promised
        codec.encode_body(pdu)


@pytest.mark.parametrize("command_id", CommandId)
def test_every_command_of_the_specification_is_read(command_id: int) -> None:
    body = BODIES.get(command_id) or (bytes(17) if command_id in (0x04, 0x05) else bytes(7))
    assert type(codec.decode(command_id, body, strict=False)) is not UnparsedPdu
