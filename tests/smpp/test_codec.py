from __future__ import annotations

from dataclasses import replace
from struct import pack
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import codec
from smpp.address import Address
from smpp.commands import CommandId
from smpp.errors import PduError
from smpp.pdu import (
    Bind,
    BindResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
    UnparsedPdu,
)
from tests.smpp import pdu_strategies

SUBMIT_SM, DELIVER_SM, SUBMIT_SM_RESP, DELIVER_SM_RESP = 0x04, 0x05, 0x80000004, 0x80000005


class Octets(NamedTuple):
    """A submit_sm or deliver_sm body by hand, piece by piece in wire order."""

    service_type: bytes = b"CMT\0"
    source: bytes = b"\x05\x00ACME\0"
    destination: bytes = b"\x01\x01" + b"8613800138000\0"
    classes: bytes = b"\x40\x7f\x03"
    schedule: bytes = b"250131120000000+\0"
    validity: bytes = b"000001000000000R\0"
    registered_delivery: bytes = b"\x11"
    replace_if_present: bytes = b"\x01"
    data_coding: bytes = b"\x08"
    default_msg_id: bytes = b"\x00"
    text: bytes = b"\x04\x4f\x60\x59\x7d"
    tlvs: bytes = b"\x02\x04\x00\x02\x12\x34" + b"\x14\x01\x00\x03abc"

    @property
    def body(self) -> bytes:
        return b"".join(self)


FULL = SubmitSm(
    service_type="CMT",
    source=Address(5, 0, "ACME"),
    destination=Address(1, 1, "8613800138000"),
    esm_class=0x40,
    protocol_id=0x7F,
    priority_flag=3,
    schedule_delivery_time="250131120000000+",
    validity_period="000001000000000R",
    registered_delivery=0x11,
    replace_if_present_flag=1,
    data_coding=8,
    sm_default_msg_id=0,
    short_message=b"\x4f\x60\x59\x7d",
    tlvs=((0x0204, b"\x12\x34"), (0x1401, b"abc")),
)
SHORTEST = bytes(17)


def with_tlvs(tlvs: bytes, text: bytes = b"\0") -> bytes:
    return Octets(tlvs=tlvs, text=text).body


def status_of(command_id: int, body: bytes, *, strict: bool = True) -> int:
    """The status of the PduError that decoding raises, 0 when it raises none."""
    try:
        codec.decode(command_id, body, strict=strict)
    except PduError as error:
        return error.command_status
    return 0


def test_the_specifications_own_example_of_a_bind_is_read_and_written() -> None:
    octets = bytes.fromhex(
        "0000002F 00000002 00000000 00000001 534D5050335445535400 73656372657430 3800"
        "5355424D49543100 00 01 01 00"
    )
    bind = Bind(CommandId.BIND_TRANSMITTER, "SMPP3TEST", "secret08", "SUBMIT1", 0, Address(1, 1, ""))
    assert codec.decode(0x02, octets[16:]) == bind
    assert codec.encode(bind, 1) == octets


def test_a_malformed_body_does_not_end_the_session() -> None:
    with pytest.raises(PduError) as caught:
        codec.decode(SUBMIT_SM, b"")
    assert not caught.value.fatal


def test_a_submit_sm_with_every_field_is_read_and_written() -> None:
    assert codec.decode(SUBMIT_SM, Octets().body) == FULL
    assert codec.encode_body(FULL) == Octets().body


def test_a_deliver_sm_has_the_same_fields() -> None:
    pdu = codec.decode(DELIVER_SM, Octets().body)
    assert isinstance(pdu, DeliverSm)
    assert pdu.destination == FULL.destination
    assert pdu.tlvs == FULL.tlvs
    assert codec.encode_body(pdu) == Octets().body


def test_the_shortest_deliver_sm_is_all_nuls() -> None:
    nowhere = Address(0, 0, "")
    expected = DeliverSm("", nowhere, nowhere, 0, 0, 0, "", "", 0, 0, 0, 0, b"")
    assert codec.decode(DELIVER_SM, SHORTEST) == expected
    assert codec.encode_body(expected) == SHORTEST


def test_strings_are_latin_1() -> None:
    pdu = codec.decode(DELIVER_SM, Octets(source=b"\x05\x00Caf\xe9\0").body)
    assert isinstance(pdu, DeliverSm)
    assert pdu.source.addr == "Café"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (Octets(service_type=b"CMTCMT\0"), 0x15),
        (Octets(source=b"\x01\x01" + b"1" * 21 + b"\0"), 0x0A),
        (Octets(destination=b"\x01\x01" + b"1" * 21 + b"\0"), 0x0B),
        (Octets(schedule=b"250131120000000+0\0"), 0x61),
        (Octets(validity=b"250131120000000+0\0"), 0x62),
        (Octets(text=b"\xff" + bytes(255), tlvs=b""), 0x01),
        (Octets(text=b"\x05text", tlvs=b""), 0x01),
        (Octets(tlvs=b"\x02\x04\x00\x03\x12\x34"), 0xC0),
        (Octets(tlvs=b"\x02\x04\x00"), 0xC0),
        (Octets(tlvs=b"\x01"), 0xC0),
        (Octets(tlvs=b"\x00\x00"), 0xC0),
    ],
)
@pytest.mark.parametrize("command_id", [SUBMIT_SM, DELIVER_SM])
@pytest.mark.parametrize("strict", [True, False])
def test_a_field_that_breaks_its_length_is_refused_even_when_values_pass(
    octets: Octets, expected: int, command_id: int, strict: bool
) -> None:
    assert status_of(command_id, octets.body, strict=strict) == expected


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (Octets(destination=b"\x01\x01\0"), 0x0B),
        (Octets(destination=b"\x01\x01+8613800138000\0"), 0x0B),
        (Octets(destination="\x01\x01²³\0".encode("latin-1")), 0x0B),
        (Octets(classes=b"\x00\x00\x04"), 0x06),
        (Octets(schedule=b"250131120000\0"), 0x61),
        (Octets(validity=b"250131120000\0"), 0x62),
        (Octets(registered_delivery=b"\x03"), 0x07),
        (Octets(registered_delivery=b"\x13"), 0x07),
        (Octets(replace_if_present=b"\x02"), 0x54),
        (Octets(default_msg_id=b"\x01"), 0x63),
    ],
)
def test_a_value_out_of_range_is_refused_only_by_the_strict(octets: Octets, expected: int) -> None:
    assert status_of(SUBMIT_SM, octets.body) == expected
    assert status_of(SUBMIT_SM, octets.body, strict=False) == 0


def test_a_deliver_sm_may_go_to_letters() -> None:
    assert status_of(DELIVER_SM, Octets(destination=b"\x05\x00ACME\0").body) == 0


def test_the_first_fault_in_wire_order_is_told() -> None:
    values = Octets(classes=b"\x00\x00\x04", registered_delivery=b"\x03", tlvs=b"\x02\x04\x00\x00")
    lengths = values._replace(source=b"\x01\x01" + b"1" * 21 + b"\0", validity=b"1" * 20 + b"\0")
    assert status_of(SUBMIT_SM, values.body) == 0x06
    assert status_of(SUBMIT_SM, lengths.body) == 0x0A


def cut_statuses() -> list[int]:
    """What each proper prefix of `Octets().body` deserves, TLVs aside."""
    fields = Octets()
    expected = [0x02]  # the empty body ends before service_type
    expected += [0x15] * (len(fields.service_type) - 1)
    expected += [0x02] * 3 + [0x0A] * (len(fields.source) - 3)
    expected += [0x02] * 3 + [0x0B] * (len(fields.destination) - 3)
    expected += [0x02] * 4 + [0x61] * (len(fields.schedule) - 1)
    expected += [0x02] + [0x62] * (len(fields.validity) - 1)
    return expected + [0x02] * 5 + [0x01] * (len(fields.text) - 1)


@pytest.mark.parametrize("strict", [True, False])
def test_a_body_cut_anywhere_is_refused_for_the_field_that_was_cut(strict: bool) -> None:
    body = Octets(tlvs=b"").body
    statuses = [status_of(SUBMIT_SM, body[:end], strict=strict) for end in range(len(body))]
    assert statuses == cut_statuses()
    assert status_of(SUBMIT_SM, body, strict=strict) == 0


def test_a_tlv_area_cut_anywhere_but_between_tlvs_is_refused() -> None:
    whole, start = Octets().body, len(Octets(tlvs=b"").body)
    statuses = {end: status_of(SUBMIT_SM, whole[:end]) for end in range(start, len(whole))}
    between = {start, start + 6}
    assert statuses == {end: 0 if end in between else 0xC0 for end in statuses}


@pytest.mark.parametrize("tlvs", [b"\x00", b"\x02\x04\x00\x02\x12\x34\x00"])
def test_one_stray_nul_at_the_end_is_tolerated(tlvs: bytes) -> None:
    assert status_of(SUBMIT_SM, with_tlvs(tlvs)) == 0


def test_unknown_and_unexpected_tlvs_keep_their_octets_and_order() -> None:
    pdu = codec.decode(
        SUBMIT_SM, with_tlvs(b"\x30\x00\x00\x01z" + b"\x04\x27\x00\x02\x09\x09" + b"\x14\x00\x00\x00")
    )
    assert isinstance(pdu, SubmitSm)
    assert pdu.tlvs == ((0x3000, b"z"), (0x0427, b"\x09\x09"), (0x1400, b""))


@pytest.mark.parametrize(
    ("command_id", "tlvs", "expected"),
    [
        (SUBMIT_SM, b"\x02\x04\x00\x04\x00\x00\x12\x34", 0xC2),
        (SUBMIT_SM, b"\x13\x0c\x00\x02\x00\x00", 0xC2),
        (SUBMIT_SM, b"\x03\x81\x00\x03\x01\x02\x03", 0xC2),
        (DELIVER_SM, b"\x04\x23\x00\x04\x03\x00\x00\x00", 0xC2),
        (DELIVER_SM, b"\x04\x27\x00\x00", 0xC2),
        (SUBMIT_SM, b"\x02\x0c\x00\x02\x00\x01" + b"\x02\x0e\x00\x01\x02", 0xC3),
        (SUBMIT_SM, b"\x02\x0f\x00\x01\x01", 0xC3),
        (SUBMIT_SM, b"\x02\x0c\x00\x02\x00\x01" + b"\x02\x0e\x00\x01\x02" + b"\x02\x0f\x00\x01\x00", 0xC4),
        (SUBMIT_SM, b"\x02\x0c\x00\x02\x00\x01" + b"\x02\x0e\x00\x01\x02" + b"\x02\x0f\x00\x01\x03", 0xC4),
    ],
)
def test_a_broken_standard_tlv_is_refused_only_by_the_strict(
    command_id: int, tlvs: bytes, expected: int
) -> None:
    assert status_of(command_id, with_tlvs(tlvs)) == expected
    assert status_of(command_id, with_tlvs(tlvs), strict=False) == 0


def test_complete_sar_tlvs_pass_in_any_order() -> None:
    tlvs = b"\x02\x0f\x00\x01\x02" + b"\x02\x0c\x00\x02\x00\x01" + b"\x02\x0e\x00\x01\x02"
    assert status_of(SUBMIT_SM, with_tlvs(tlvs)) == 0


def test_message_payload_is_allowed_only_without_a_short_message() -> None:
    payload = b"\x04\x24\x00\x04long"
    assert status_of(SUBMIT_SM, with_tlvs(payload)) == 0
    assert status_of(SUBMIT_SM, with_tlvs(payload, text=b"\x05short")) == 0xC1
    assert status_of(SUBMIT_SM, with_tlvs(payload, text=b"\x05short"), strict=False) == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", 0x02),
        (b"1234567890123456\0" + b"secret\0" + b"\0" + b"\x34\0\0\0", 0x0F),
        (b"alice", 0x0F),
        (b"alice\0", 0x02),
        (b"alice\0" + b"ninechars\0" + b"\0" + b"\x34\0\0\0", 0x0E),
        (b"alice\0" + b"secret\0" + b"thirteenchars\0" + b"\x34\0\0\0", 0x53),
        (b"alice\0" + b"secret\0" + b"\0" + b"\x34\0", 0x02),
        (b"alice\0" + b"secret\0" + b"\0" + b"\x34\0\0", 0x02),
        (b"alice\0" + b"secret\0" + b"\0" + b"\x34\0\0" + b"1" * 41 + b"\0", 0x02),
    ],
)
@pytest.mark.parametrize("command_id", [0x01, 0x02, 0x09])
def test_a_malformed_bind_is_refused_for_its_field(command_id: int, body: bytes, expected: int) -> None:
    assert status_of(command_id, body) == expected


def test_every_kind_of_bind_has_fields_up_to_their_limits() -> None:
    body = b"x" * 15 + b"\0" + b"p" * 8 + b"\0" + b"t" * 12 + b"\0" + b"\x50\x01\x02" + b"9" * 40 + b"\0"
    for command_id in (0x01, 0x02, 0x09):
        bind = Bind(command_id, "x" * 15, "p" * 8, "t" * 12, 0x50, Address(1, 2, "9" * 40))
        assert codec.decode(command_id, body) == bind
        assert codec.encode_body(bind) == body


@pytest.mark.parametrize("command_id", [0x80000001, 0x80000002, 0x80000009])
def test_a_bind_resp_may_carry_the_interface_version(command_id: int) -> None:
    with_version = BindResp(command_id, "smsc", ((0x0210, b"\x34"),))
    assert codec.decode(command_id, b"smsc\0\x02\x10\x00\x01\x34") == with_version
    assert codec.encode_body(with_version) == b"smsc\0\x02\x10\x00\x01\x34"
    assert codec.decode(command_id, b"smsc\0") == BindResp(command_id, "smsc")


@pytest.mark.parametrize(
    ("command_id", "expected"),
    [
        (0x80000009, BindResp(0x80000009, "")),
        (SUBMIT_SM_RESP, SubmitSmResp("")),
        (DELIVER_SM_RESP, DeliverSmResp("")),
    ],
)
def test_a_response_may_have_no_body(command_id: int, expected: Pdu) -> None:
    assert codec.decode(command_id, b"") == expected
    assert codec.decode(command_id, b"\0") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"1234567890\0", SubmitSmResp("1234567890")),
        (b"00B8BE19-0e99\0", SubmitSmResp("00B8BE19-0e99")),
        (b"1" * 64 + b"\0", SubmitSmResp("1" * 64)),
        (b"id\0\x04\x28\x00\x01\x32", SubmitSmResp("id", ((0x0428, b"\x32"),))),
        (b"unterminated", SubmitSmResp("unterminated")),
        (b"id\0\0", SubmitSmResp("id")),
        (b"id\0\x04\x28\x00\x01\x32\x04\x24\x00", SubmitSmResp("id", ((0x0428, b"\x32"),))),
        (b"id\0\x04\x28\x00\x09\x32", SubmitSmResp("id")),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_of_a_response_all_that_can_be_read_is_kept(
    body: bytes, expected: SubmitSmResp, strict: bool
) -> None:
    assert codec.decode(SUBMIT_SM_RESP, body, strict=strict) == expected
    assert codec.decode(DELIVER_SM_RESP, body, strict=strict) == DeliverSmResp(
        expected.message_id, expected.tlvs
    )


@pytest.mark.parametrize("command_id", [SUBMIT_SM_RESP, DELIVER_SM_RESP, 0x80000001])
def test_a_response_with_an_endless_string_is_malformed(command_id: int) -> None:
    assert status_of(command_id, b"1" * 65 + b"\0", strict=False) != 0


@pytest.mark.parametrize(
    ("command_id", "expected"),
    [
        (0x15, EnquireLink()),
        (0x80000015, EnquireLinkResp()),
        (0x06, Unbind()),
        (0x80000006, UnbindResp()),
        (0x80000000, GenericNack()),
    ],
)
def test_a_pdu_without_a_body_is_only_a_header(command_id: int, expected: Pdu) -> None:
    assert codec.decode(command_id, b"") == expected
    assert codec.decode(command_id, b"stray") == expected
    assert codec.encode(expected, 0x7FFFFFFF) == pack(">IIII", 16, command_id, 0, 0x7FFFFFFF)


@pytest.mark.parametrize("command_id", [0x0A, 0x111, 0x1234, 0x8000000B, 0x80000102])
def test_other_commands_come_back_unparsed(command_id: int) -> None:
    assert codec.decode(command_id, b"\x01\x02") == UnparsedPdu(command_id, b"\x01\x02")


def test_a_frame_is_header_and_body() -> None:
    assert codec.frame(SUBMIT_SM_RESP, 0x58, 0xFFFFFFFF, b"") == bytes.fromhex(
        "00000010 80000004 00000058 FFFFFFFF"
    )
    assert (
        codec.encode(SubmitSmResp("42"), 7, 0)
        == bytes.fromhex("00000013 80000004 00000000 00000007") + b"42\0"
    )


@pytest.mark.parametrize(("status", "sequence_number"), [(-1, 1), (1 << 32, 1), (0, -1), (0, 1 << 32)])
def test_a_header_value_of_more_than_32_bits_is_refused(status: int, sequence_number: int) -> None:
    with pytest.raises(ValueError, match="header"):
        codec.frame(SUBMIT_SM, status, sequence_number, b"")


SMALL = SubmitSm("", Address(0, 0, ""), Address(1, 1, "86"), 0, 0, 0, "", "", 0, 0, 0, 0, b"")


def test_an_almost_empty_submit_sm_is_almost_all_nuls() -> None:
    assert codec.encode_body(SMALL) == SHORTEST[:4] + b"\x01\x0186" + SHORTEST[6:]


@pytest.mark.parametrize(
    "pdu",
    [
        replace(SMALL, service_type="CMTCMT"),
        replace(SMALL, service_type="C\0T"),
        replace(SMALL, source=Address(1, 1, "1" * 21)),
        replace(SMALL, source=Address(1, 1, "1\0")),
        replace(SMALL, source=Address(5, 0, "签名")),
        replace(SMALL, source=Address(256, 0, "")),
        replace(SMALL, destination=Address(1, 1, "1" * 21)),
        replace(SMALL, destination=Address(1, -1, "1")),
        replace(SMALL, schedule_delivery_time="1" * 17),
        replace(SMALL, validity_period="1" * 17),
        replace(SMALL, validity_period="\0"),
        replace(SMALL, esm_class=256),
        replace(SMALL, data_coding=-1),
        replace(SMALL, registered_delivery=1 << 40),
        replace(SMALL, short_message=bytes(255)),
        replace(SMALL, tlvs=((0x0424, bytes(65_536)),)),
        replace(SMALL, tlvs=((0x10000, b""),)),
    ],
)
def test_a_message_that_does_not_fit_is_refused_and_never_cut(pdu: SubmitSm) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - no message is promised
        codec.encode_body(pdu)


@pytest.mark.parametrize(
    "pdu",
    [
        SubmitSmResp("1" * 65),
        SubmitSmResp("1\0"),
        DeliverSmResp("签"),
        BindResp(0x80000009, "x" * 16),
        Bind(0x09, "x" * 16, "", "", 0x34, Address(0, 0, "")),
        Bind(0x09, "x", "p" * 9, "", 0x34, Address(0, 0, "")),
        Bind(0x09, "x", "p", "t" * 13, 0x34, Address(0, 0, "")),
        Bind(0x09, "x", "p", "t", 0x100, Address(0, 0, "")),
        Bind(0x09, "x", "p", "t", 0x34, Address(0, 0, "1" * 41)),
    ],
)
def test_a_session_or_response_pdu_that_does_not_fit_is_refused(pdu: Pdu) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - no message is promised
        codec.encode(pdu, 1)


@given(pdu_strategies.PDUS)
def test_what_is_written_is_read_back_equal(pdu: Pdu) -> None:
    body = codec.encode_body(pdu)
    assert codec.decode(pdu.command_id, body) == pdu
    assert codec.decode(pdu.command_id, body, strict=False) == pdu


COMMAND_IDS = st.sampled_from([*CommandId, 0x1234]).map(int)


@given(COMMAND_IDS, st.binary(max_size=120), st.booleans())
def test_any_octets_are_a_pdu_or_a_pdu_error(command_id: int, body: bytes, strict: bool) -> None:
    status_of(command_id, body, strict=strict)


@given(
    st.sampled_from([SUBMIT_SM, DELIVER_SM]),
    st.lists(st.tuples(st.integers(0, len(Octets().body) - 1), st.integers(0, 255)), max_size=6),
    st.booleans(),
)
def test_a_damaged_message_is_a_pdu_that_can_be_written_or_a_pdu_error(
    command_id: int, damages: list[tuple[int, int]], strict: bool
) -> None:
    body = bytearray(Octets().body)
    for position, octet in damages:
        body[position] = octet
    try:
        pdu = codec.decode(command_id, bytes(body), strict=strict)
    except PduError:
        return
    assert codec.decode(command_id, codec.encode_body(pdu), strict=strict) == pdu
