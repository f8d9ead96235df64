from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import consts
from smpplib.command import DataSM

from smpp import codec, spec, tlv
from smpp.errors import PduError
from smpp.pdu import Tlvs
from smpp.spec import TLVS, TlvKind, TlvSpec
from tests.smpp.test_codec import status_of, with_tlvs

SUBMIT_SM = 0x04
INTEGERS = sorted(tag for tag, known in TLVS.items() if known.kind is TlvKind.INTEGER)
STRINGS = sorted(tag for tag, known in TLVS.items() if known.kind is TlvKind.STRING)
OCTETS = sorted(tag for tag, known in TLVS.items() if known.kind is TlvKind.OCTETS)

# SMPP 5.0, table 4-60: what 3.4 does not have, but for cell broadcasts.
OF_50 = {
    "congestion_state": 0x0428,
    "billing_identification": 0x060B,
    "source_network_id": 0x060D,
    "dest_network_id": 0x060E,
    "source_node_id": 0x060F,
    "dest_node_id": 0x0610,
    "dest_addr_np_resolution": 0x0611,
    "dest_addr_np_information": 0x0612,
    "dest_addr_np_country": 0x0613,
}


def names(tags: object) -> str:
    return TLVS[tags].name if isinstance(tags, int) and tags in TLVS else str(tags)


def limits(known: TlvSpec) -> tuple[int, int]:
    """The lowest and the highest value of an integer."""
    return known.lowest, (1 << 8 * known.most) - 1 if known.highest is None else known.highest


def test_the_tags_are_those_of_smpplib_and_of_smpp_50() -> None:
    assert {known.name: tag for tag, known in TLVS.items()} == consts.OPTIONAL_PARAMS | OF_50


def test_a_vendors_tag_is_not_standard() -> None:
    assert all(spec.is_standard(tag) for tag in TLVS)
    assert not any(spec.is_standard(tag) for tag in range(0x1400, 0x4000))
    assert not spec.is_standard(0x0600)
    assert not spec.is_standard(0)


@given(
    st.sampled_from(INTEGERS).flatmap(lambda tag: st.tuples(st.just(tag), st.integers(*limits(TLVS[tag]))))
)
def test_an_integer_is_read_as_it_was_made(case: tuple[int, int]) -> None:
    tag, value = case
    made = tlv.of_integer(tag, value)
    assert TLVS[tag].least <= len(made[1]) <= TLVS[tag].most
    assert tlv.integer((made,), tag) == value


@pytest.mark.parametrize("tag", INTEGERS, ids=names)
def test_an_integer_beyond_its_range_is_neither_made_nor_read(tag: int) -> None:
    known = TLVS[tag]
    lowest, highest = limits(known)
    for value in (lowest - 1, highest + 1):
        with pytest.raises(ValueError, match=known.name):
            tlv.of_integer(tag, value)
    if known.highest is not None and known.highest < 255:
        assert fault(tag, bytes((known.highest + 1,))) == 0xC4
    if lowest:
        assert fault(tag, bytes(known.least)) == 0xC4


@pytest.mark.parametrize("tag", sorted(TLVS), ids=names)
def test_a_value_of_the_wrong_length_is_not_read(tag: int) -> None:
    known = TLVS[tag]
    if known.least:
        assert fault(tag, bytes(known.least - 1)) == 0xC2
    assert fault(tag, bytes(known.most + 1)) == 0xC2


def fault(tag: int, value: bytes) -> int:
    read = {TlvKind.INTEGER: tlv.integer, TlvKind.STRING: tlv.string, TlvKind.OCTETS: tlv.octets}
    with pytest.raises(PduError) as caught:
        read[TLVS[tag].kind](((tag, value),), tag)
    return caught.value.command_status


@pytest.mark.parametrize("tag", STRINGS, ids=names)
@pytest.mark.parametrize("nul", [b"\0", b""])
def test_a_string_is_read_with_its_nul_and_without(tag: int, nul: bytes) -> None:
    assert tlv.string(((tag, b"1234567" + nul),), tag) == "1234567"
    assert tlv.of_string(tag, "1234567") == (tag, b"1234567\0")


@pytest.mark.parametrize("text", ["x" * 65, "a\0b", "签名"])
def test_a_string_that_does_not_fit_is_not_made(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of which kind depends
        tlv.of_string(spec.RECEIPTED_MESSAGE_ID, text)


@pytest.mark.parametrize("tag", OCTETS, ids=names)
def test_octets_are_read_as_they_were_made(tag: int) -> None:
    value = bytes(range(256))[: TLVS[tag].most].ljust(TLVS[tag].least, b"\0")
    assert tlv.octets((tlv.of_octets(tag, value),), tag) == value


def test_an_empty_alert_on_message_delivery_asks_for_the_default() -> None:
    assert tlv.integer(((spec.ALERT_ON_MESSAGE_DELIVERY, b""),), spec.ALERT_ON_MESSAGE_DELIVERY) == 0


def test_of_repeated_tags_the_last_is_read_and_an_absent_one_is_none() -> None:
    tlvs: Tlvs = ((spec.SOURCE_PORT, b"\0\1"), (spec.SOURCE_PORT, b"\1\0"))
    assert tlv.integer(tlvs, spec.SOURCE_PORT) == 256
    assert tlv.integer(tlvs, spec.DESTINATION_PORT) is None
    assert tlv.string(tlvs, spec.RECEIPTED_MESSAGE_ID) is None
    assert tlv.octets(tlvs, spec.CALLBACK_NUM) is None


@pytest.mark.parametrize("tag", [spec.RECEIPTED_MESSAGE_ID, spec.CALLBACK_NUM, 0x1400])
def test_only_what_is_known_to_be_an_integer_is_read_as_one(tag: int) -> None:
    with pytest.raises(ValueError, match="is not known to hold an integer"):
        tlv.integer((), tag)
    with pytest.raises(ValueError, match="is not known to hold an integer"):
        tlv.of_integer(tag, 1)


# ---- which PDU has which


def with_tlv(tag: int, value: bytes) -> bytes:
    return with_tlvs(tag.to_bytes(2) + len(value).to_bytes(2) + value)


@pytest.mark.parametrize("tag", sorted(spec.SUBMIT_SM_TLVS.keys() - {spec.MESSAGE_PAYLOAD}), ids=names)
def test_each_tlv_of_a_submit_sm_has_its_length(tag: int) -> None:
    assert status_of(SUBMIT_SM, with_tlv(tag, bytes(TLVS[tag].most + 1))) == 0xC2
    assert status_of(SUBMIT_SM, with_tlv(tag, bytes(TLVS[tag].most + 1)), strict=False) == 0


@pytest.mark.parametrize(
    ("tag", "highest"),
    [
        (spec.SOURCE_ADDR_SUBUNIT, 4),
        (spec.DEST_ADDR_SUBUNIT, 4),
        (spec.PAYLOAD_TYPE, 1),
        (spec.PRIVACY_INDICATOR, 3),
        (spec.CALLBACK_NUM_PRES_IND, 15),
        (spec.NUMBER_OF_MESSAGES, 99),
        (spec.MORE_MESSAGES_TO_SEND, 1),
        (spec.DEST_ADDR_NP_RESOLUTION, 2),
        (spec.DISPLAY_TIME, 2),
        (spec.MS_VALIDITY, 3),
        (spec.ALERT_ON_MESSAGE_DELIVERY, 3),
        (spec.ITS_REPLY_TYPE, 8),
        (spec.USSD_SERVICE_OP, 255),
        (spec.LANGUAGE_INDICATOR, 255),
    ],
    ids=names,
)
def test_a_reserved_value_is_refused_only_by_the_strict(tag: int, highest: int) -> None:
    assert status_of(SUBMIT_SM, with_tlv(tag, bytes((highest,)))) == 0
    if highest < 255:
        assert status_of(SUBMIT_SM, with_tlv(tag, bytes((highest + 1,)))) == 0xC4
        assert status_of(SUBMIT_SM, with_tlv(tag, bytes((highest + 1,))), strict=False) == 0


def test_a_receipt_may_have_the_states_of_smpp_50_and_no_others() -> None:
    assert [status_of(0x05, with_tlv(spec.MESSAGE_STATE, bytes((state,)))) for state in (0, 9)] == [0, 0]
    assert status_of(0x05, with_tlv(spec.MESSAGE_STATE, b"\x0a")) == 0xC4


@pytest.mark.parametrize(
    ("tag", "value"), [(spec.QOS_TIME_TO_LIVE, b"\1"), (spec.MESSAGE_STATE, b"\x0a"), (0x0600, b"\x63")]
)
def test_a_tlv_that_the_pdu_is_not_expected_to_have_passes_as_it_is(tag: int, value: bytes) -> None:
    pdu = codec.decode(SUBMIT_SM, with_tlv(tag, value))
    assert getattr(pdu, "tlvs", None) == ((tag, value),)


def test_the_tables_have_what_the_specification_has_for_each_pdu() -> None:
    def named(table: dict[int, TlvSpec]) -> set[str]:
        return {known.name for known in table.values()}

    data_sm, submit_multi = named(spec.DATA_SM_TLVS), named(spec.SUBMIT_MULTI_TLVS)
    added = set(OF_50) - {"congestion_state"}
    assert added <= data_sm & submit_multi & named(spec.SUBMIT_SM_TLVS)
    # smpplib lacks one.
    of_smpplib = {name for name in DataSM.params if name in consts.OPTIONAL_PARAMS} | {"set_dpf"}
    assert data_sm - added == of_smpplib
    assert len(submit_multi - added) == 22
    assert submit_multi < named(spec.SUBMIT_SM_TLVS)
    assert named(spec.BIND_RESP_TLVS) == {"sc_interface_version", "congestion_state"}
    assert named(spec.DATA_SM_RESP_TLVS) == {
        "delivery_failure_reason",
        "network_error_code",
        "additional_status_info_text",
        "dpf_result",
        "congestion_state",
    }
