"""What the optional parameters of each request must be like (SMPP 3.4, 3.2.4, 3.3 and 5.3).

The parameters themselves are in test_tlv; here is the area that they stand in, and what they mean together.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import codec, segments, spec, tlv
from smpp.commands import CommandId
from smpp.pdu import DataSm, DeliverSm, SubmitSm, Tlvs
from smpp.spec import TLVS, TlvKind, TlvSpec
from tests.smpp.session_peer import BODIES
from tests.smpp.test_codec import Octets, status_of

EMPTY = Octets(text=b"\0", tlvs=b"").body
DATA_SM = BODIES[CommandId.DATA_SM]
# Of each request its TLVs, and a body without any, or with the one that it cannot do without.
REQUESTS: dict[int, tuple[Mapping[int, TlvSpec], bytes]] = {
    CommandId.SUBMIT_SM: (spec.SUBMIT_SM_TLVS, EMPTY),
    CommandId.DELIVER_SM: (spec.DELIVER_SM_TLVS, EMPTY),
    CommandId.DATA_SM: (spec.DATA_SM_TLVS, DATA_SM),
    CommandId.SUBMIT_MULTI: (
        spec.SUBMIT_MULTI_TLVS,
        BODIES[CommandId.SUBMIT_MULTI].removesuffix(b"\2hi") + b"\0",
    ),
    CommandId.REPLACE_SM: (spec.REPLACE_SM_TLVS, BODIES[CommandId.REPLACE_SM].removesuffix(b"\2hi") + b"\0"),
    CommandId.ALERT_NOTIFICATION: (spec.ALERT_NOTIFICATION_TLVS, BODIES[CommandId.ALERT_NOTIFICATION]),
}
WITH_TEXT = [CommandId.SUBMIT_SM, CommandId.DELIVER_SM, CommandId.SUBMIT_MULTI, CommandId.REPLACE_SM]
EACH = pytest.mark.parametrize("command_id", REQUESTS, ids=lambda command_id: command_id.name.lower())
EACH_TLV = pytest.mark.parametrize(
    ("command_id", "tag"),
    [
        pytest.param(command_id, tag, id=f"{CommandId(command_id).name.lower()}-{TLVS[tag].name}")
        for command_id, (table, _) in REQUESTS.items()
        for tag in table
    ],
)
SAR: Tlvs = (
    (spec.SAR_MSG_REF_NUM, b"\x01\x02"),
    (spec.SAR_TOTAL_SEGMENTS, b"\x03"),
    (spec.SAR_SEGMENT_SEQNUM, b"\x02"),
)
VENDORS: Tlvs = ((0x1401, b"abc"), (0x3FFF, b""))
# None of these is of any request here.
STRANGERS: Tlvs = (*VENDORS, (spec.SC_INTERFACE_VERSION, b"\x34\x34"), (spec.DPF_RESULT, b"\xff"), (0, b"x"))


def with_tlvs(command_id: int, tlvs: Tlvs) -> bytes:
    return REQUESTS[command_id][1] + tlv.encode(tlvs)


def status(command_id: int, *tlvs: tuple[int, bytes]) -> int:
    return status_of(command_id, with_tlvs(command_id, tlvs))


def kept(command_id: int, tlvs: Tlvs) -> Tlvs:
    """What the request has behind those that its body has in any case."""
    base = codec.decode(command_id, REQUESTS[command_id][1])
    pdu = codec.decode(command_id, with_tlvs(command_id, tlvs))
    before: Tlvs = getattr(base, "tlvs")  # noqa: B009 - of whatever kind it is
    after: Tlvs = getattr(pdu, "tlvs")  # noqa: B009
    assert after[: len(before)] == before
    return after[len(before) :]


def submit(tlvs: Tlvs, user_data: bytes = b"", esm_class: int = 0) -> SubmitSm:
    """A submit_sm that was read."""
    octets = Octets(text=bytes((len(user_data),)) + user_data, tlvs=tlv.encode(tlvs))
    pdu = codec.decode(
        CommandId.SUBMIT_SM, octets._replace(classes=bytes((esm_class, 0, 0)), data_coding=b"\0").body
    )
    assert isinstance(pdu, SubmitSm)
    return pdu


# -- any order, any others


def shortest(tag: int) -> tuple[int, bytes]:
    known = TLVS[tag]
    if known.kind is TlvKind.INTEGER:
        return tag, known.lowest.to_bytes(known.least)
    return tag, bytes(known.least)


@given(st.sampled_from([*REQUESTS]), st.data())
def test_all_tlvs_of_a_request_pass_in_any_order(command_id: int, data: st.DataObject) -> None:
    every = [shortest(tag) for tag in REQUESTS[command_id][0]]
    tlvs = tuple(data.draw(st.permutations([*every, *STRANGERS])))
    assert kept(command_id, tlvs) == tlvs


@EACH
def test_tags_that_are_unknown_or_not_expected_pass_with_their_octets(command_id: int) -> None:
    assert kept(command_id, STRANGERS) == STRANGERS


@EACH
def test_what_passes_is_written_as_it_came(command_id: int) -> None:
    body = with_tlvs(command_id, STRANGERS)
    assert codec.encode_body(codec.decode(command_id, body)) == body


# -- lengths and values


@EACH_TLV
def test_a_tlv_is_as_long_as_specified(command_id: int, tag: int) -> None:
    known = TLVS[tag]
    if known.most < 65_535:
        assert status(command_id, (tag, bytes(known.most + 1))) == 0xC2
    if known.least:
        assert status(command_id, (tag, bytes(known.least - 1))) == 0xC2


@EACH_TLV
def test_a_reserved_value_is_refused(command_id: int, tag: int) -> None:
    known = TLVS[tag]
    if known.highest is not None and known.highest < 255:
        assert status(command_id, (tag, bytes((known.highest + 1,)))) == 0xC4
    if known.lowest:
        assert status(command_id, (tag, (known.lowest - 1).to_bytes(known.least))) == 0xC4


# -- the area


@EACH
@pytest.mark.parametrize(
    "rest", [b"\x14", b"\x14\x01", b"\x14\x01\x00", b"\x14\x01\x00\x02a", b"\0\0", b"\0\0\0"]
)
@pytest.mark.parametrize("before", [b"", tlv.encode(VENDORS)])
@pytest.mark.parametrize("strict", [True, False])
def test_octets_that_are_no_tlv_are_refused(
    command_id: int, rest: bytes, before: bytes, strict: bool
) -> None:
    body = REQUESTS[command_id][1] + before + rest
    assert status_of(command_id, body, strict=strict) == 0xC0


@pytest.mark.parametrize("command_id", WITH_TEXT)
@pytest.mark.parametrize("tlvs", [(), VENDORS])
def test_a_nul_behind_the_text_is_no_tlv_and_no_text(command_id: int, tlvs: Tlvs) -> None:
    body = with_tlvs(command_id, tlvs)
    assert codec.decode(command_id, body + b"\0") == codec.decode(command_id, body)


# -- repeated tags


def test_each_callback_num_is_kept() -> None:
    numbers: Tlvs = ((spec.CALLBACK_NUM, b"\0\1\1" + b"110"), (spec.CALLBACK_NUM, b"\0\1\1" + b"120"))
    for command_id in (CommandId.SUBMIT_SM, CommandId.DELIVER_SM, CommandId.DATA_SM, CommandId.SUBMIT_MULTI):
        assert kept(command_id, numbers) == numbers


def test_of_two_message_payloads_the_last_is_the_text() -> None:
    payloads: Tlvs = ((spec.MESSAGE_PAYLOAD, b"first"), (spec.MESSAGE_PAYLOAD, b"last"))
    assert submit(payloads).payload == b"last"
    data_sm = codec.decode(CommandId.DATA_SM, DATA_SM + tlv.encode(payloads))
    assert isinstance(data_sm, DataSm)
    assert data_sm.payload == b"last"


def test_of_repeated_sar_tlvs_the_last_tell_the_place() -> None:
    again: Tlvs = (*SAR, (spec.SAR_SEGMENT_SEQNUM, b"\x01"), (spec.SAR_TOTAL_SEGMENTS, b"\x02"))
    assert segments.concat(submit(again, b"text")) == segments.Concat("sar", 0x0102, 2, 1)
    outside: Tlvs = (*SAR, (spec.SAR_TOTAL_SEGMENTS, b"\x01"))
    assert status(CommandId.SUBMIT_SM, *outside) == 0xC4


def test_a_repeated_tag_is_refused_if_any_of_it_is_broken() -> None:
    assert status(CommandId.SUBMIT_SM, (spec.SOURCE_PORT, b"\1"), (spec.SOURCE_PORT, b"\0\1")) == 0xC2


# -- what goes together


@pytest.mark.parametrize("command_id", WITH_TEXT)
@pytest.mark.parametrize("payload", [b"", b"long"])
def test_message_payload_beside_a_text_is_refused(command_id: int, payload: bytes) -> None:
    body = REQUESTS[command_id][1][:-1] + b"\4text" + tlv.encode(((spec.MESSAGE_PAYLOAD, payload),))
    assert status_of(command_id, body) == 0xC1


def test_message_payload_without_a_text_is_the_text() -> None:
    pdu = submit(((spec.MESSAGE_PAYLOAD, b"x" * 65_535),))
    assert (pdu.short_message, pdu.payload) == (b"", b"x" * 65_535)


@pytest.mark.parametrize(
    "command_id", [CommandId.SUBMIT_SM, CommandId.DELIVER_SM, CommandId.DATA_SM, CommandId.SUBMIT_MULTI]
)
def test_sar_tlvs_come_all_three_or_not_at_all(command_id: int) -> None:
    assert status(command_id, *SAR) == 0
    for count in (1, 2):
        for some in combinations(SAR, count):
            assert status(command_id, *some) == 0xC3


def test_a_data_sm_needs_message_payload() -> None:
    assert status_of(CommandId.DATA_SM, DATA_SM) == 0
    without = DATA_SM.removesuffix(b"\x04\x24\0\2hi")
    assert status_of(CommandId.DATA_SM, without) == 0xC3
    assert status_of(CommandId.DATA_SM, without + tlv.encode(VENDORS)) == 0xC3
    assert status_of(CommandId.DATA_SM, without + b"\x04\x24\0\0") == 0


def test_sar_tlvs_beside_a_header_pass_and_the_header_tells_the_place() -> None:
    pdu = submit(SAR, b"\x05\x00\x03\x09\x03\x02text", esm_class=0x40)
    assert segments.concat(pdu) == segments.Concat("udh8", 9, 3, 2)


def test_ports_beside_a_header_pass() -> None:
    ports: Tlvs = ((spec.SOURCE_PORT, b"\0\1"), (spec.DESTINATION_PORT, b"\x0b\x84"))
    pdu = submit(ports, b"\x06\x05\x04\x0b\x84\x23\xf0text", esm_class=0x40)
    assert (pdu.tlvs, segments.user_text(pdu)) == (ports, b"text")


def test_a_receipt_of_a_carrier_that_breaks_every_rule_of_values_is_read() -> None:
    broken: Tlvs = (
        (spec.MESSAGE_STATE, b"\x0b"),
        (spec.NETWORK_ERROR_CODE, b"\3\0\0\0"),
        (spec.SAR_MSG_REF_NUM, b"\1"),
        (spec.MESSAGE_PAYLOAD, b"beside a text"),
    )
    pdu = codec.decode(CommandId.DELIVER_SM, Octets(tlvs=tlv.encode(broken)).body, strict=False)
    assert isinstance(pdu, DeliverSm)
    assert pdu.tlvs == broken
