from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib.gsm import make_parts

from smpp.address import Address
from smpp.errors import PduError
from smpp.pdu import SubmitSm, Tlvs
from smpp.segments import Concat, Kind, concat, read_udh, split, units, user_text
from smpp.text import Alphabet

RINVESMCLASS = 0x43
ROPTPARNOTALLWD = 0xC1
RMISSINGOPTPARAM = 0xC3
RINVOPTPARAMVAL = 0xC4

SAR_2_OF_3: Tlvs = ((0x020C, b"\x01\x02"), (0x020E, b"\x03"), (0x020F, b"\x02"))


def submit_sm(short_message: bytes, esm_class: int = 0, tlvs: Tlvs = ()) -> SubmitSm:
    source, destination = Address(5, 0, "Signet"), Address(1, 1, "8613800138000")
    return SubmitSm("", source, destination, esm_class, 0, 0, "", "", 0, 0, 0, 0, short_message, tlvs)


def status_of(pdu: SubmitSm) -> int:
    with pytest.raises(PduError) as caught:
        concat(pdu)
    assert not caught.value.fatal
    return caught.value.command_status


# -- Reading -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "elements", "length"),
    [
        (b"\x05\x00\x03\xa7\x03\x01text", ((0x00, b"\xa7\x03\x01"),), 6),
        (b"\x06\x08\x04\x01\xa7\x03\x01text", ((0x08, b"\x01\xa7\x03\x01"),), 7),
        (
            b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x01\x02\x01wap",
            ((0x05, b"\x0b\x84\x23\xf0"), (0x00, b"\x01\x02\x01")),
            12,
        ),
        (b"\x03\x24\x01\x01", ((0x24, b"\x01"),), 4),
        (b"\x02\x70\x00", ((0x70, b""),), 3),
        (b"\x00text", (), 1),
    ],
)
def test_a_header_is_read_element_by_element(
    octets: bytes, elements: tuple[tuple[int, bytes], ...], length: int
) -> None:
    assert read_udh(octets) == (elements, length)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="no octet"),
        pytest.param(b"\x05", id="length only"),
        pytest.param(b"\x05\x00\x03\xa7\x03", id="header past the end"),
        pytest.param(b"\x04\x00\x03\xa7\x03\x01", id="element past the header"),
        pytest.param(b"\x01\x00text", id="identifier without a length"),
        pytest.param(b"id:123 sub:001", id="text where a header should be"),
    ],
)
def test_a_header_that_reaches_past_its_end_is_refused(octets: bytes) -> None:
    with pytest.raises(PduError) as caught:
        read_udh(octets)
    assert caught.value.command_status == RINVESMCLASS
    assert status_of(submit_sm(octets, 0x40)) == RINVESMCLASS


@given(st.binary(max_size=160))
def test_any_octets_are_a_header_within_bounds_or_refused(octets: bytes) -> None:
    try:
        elements, length = read_udh(octets)
    except PduError:
        return
    assert length == 1 + sum(2 + len(value) for _, value in elements) <= len(octets)


@pytest.mark.parametrize(
    ("pdu", "expected"),
    [
        pytest.param(
            submit_sm(b"\x05\x00\x03\xa7\x03\x01text", 0x40), Concat("udh8", 0xA7, 3, 1), id="8 bit reference"
        ),
        pytest.param(
            submit_sm(b"\x06\x08\x04\x01\xa7\x03\x02text", 0x40),
            Concat("udh16", 0x01A7, 3, 2),
            id="16 bit reference",
        ),
        pytest.param(
            submit_sm(b"\x05\x00\x03\x01\x02\x02text", 0x43), Concat("udh8", 1, 2, 2), id="with a mode"
        ),
        pytest.param(
            submit_sm(b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x01\x02\x01wap", 0x40),
            Concat("udh8", 1, 2, 1),
            id="behind ports",
        ),
        pytest.param(
            submit_sm(b"\x0a\x00\x03\x01\x02\x01\x00\x03\x09\x02\x02x", 0x40),
            Concat("udh8", 9, 2, 2),
            id="repeated, the last counts",
        ),
        pytest.param(
            submit_sm(b"", 0x40, ((0x0424, b"\x05\x00\x03\x07\x02\x01text"),)),
            Concat("udh8", 7, 2, 1),
            id="in message_payload",
        ),
        pytest.param(submit_sm(b"text", 0, SAR_2_OF_3), Concat("sar", 0x0102, 3, 2), id="sar TLVs"),
        pytest.param(
            submit_sm(b"x" * 254, 0, SAR_2_OF_3), Concat("sar", 0x0102, 3, 2), id="sar part above 140 octets"
        ),
        pytest.param(submit_sm(b"text"), None, id="plain"),
        pytest.param(submit_sm(b"\x05\x00\x03\xa7\x03\x01text"), None, id="no header announced"),
        pytest.param(submit_sm(b"\x03\x24\x01\x01text", 0x40), None, id="header without a concatenation"),
        pytest.param(submit_sm(b"\x05\x00\x03\xa7\x01\x01text", 0x40), None, id="one of one by header"),
        pytest.param(
            submit_sm(b"text", 0, ((0x020C, b"\0\1"), (0x020E, b"\1"), (0x020F, b"\1"))),
            None,
            id="one of one by TLVs",
        ),
        pytest.param(submit_sm(b"text", 0, ((0x0204, b"\0\1"),)), None, id="another TLV"),
    ],
)
def test_a_part_is_recognised(pdu: SubmitSm, expected: Concat | None) -> None:
    assert concat(pdu) == expected


def test_a_header_goes_before_sar_tlvs_that_agree() -> None:
    pdu = submit_sm(b"\x05\x00\x03\xa7\x03\x02text", 0x40, SAR_2_OF_3)
    assert concat(pdu) == Concat("udh8", 0xA7, 3, 2)


@pytest.mark.parametrize(
    "header", [b"\x05\x00\x03\x02\x03\x01", b"\x05\x00\x03\x02\x04\x02", b"\x05\x00\x03\x02\x01\x01"]
)
def test_sar_tlvs_that_contradict_the_header_are_refused(header: bytes) -> None:
    assert status_of(submit_sm(header + b"text", 0x40, SAR_2_OF_3)) == ROPTPARNOTALLWD


def test_sar_tlvs_beside_a_header_without_a_concatenation_count() -> None:
    assert concat(submit_sm(b"\x03\x24\x01\x01text", 0x40, SAR_2_OF_3)) == Concat("sar", 0x0102, 3, 2)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_one_missing_sar_tlv_is_refused(missing: int) -> None:
    tlvs = SAR_2_OF_3[:missing] + SAR_2_OF_3[missing + 1 :]
    assert status_of(submit_sm(b"text", 0, tlvs)) == RMISSINGOPTPARAM


@pytest.mark.parametrize(("total", "seq"), [(3, 0), (3, 4), (0, 0), (0, 1), (1, 2)])
def test_a_part_outside_its_total_is_refused(total: int, seq: int) -> None:
    sar = ((0x020C, b"\0\1"), (0x020E, bytes((total,))), (0x020F, bytes((seq,))))
    assert status_of(submit_sm(b"text", 0, sar)) == RINVOPTPARAMVAL
    assert status_of(submit_sm(bytes((5, 0, 3, 1, total, seq)) + b"text", 0x40)) == RINVESMCLASS


@pytest.mark.parametrize("header", [b"\x04\x00\x02\x01\x02", b"\x05\x08\x03\x01\x02\x01"])
def test_a_concatenation_of_the_wrong_length_is_refused(header: bytes) -> None:
    assert status_of(submit_sm(header + b"text", 0x40)) == RINVESMCLASS


def test_the_text_stands_behind_the_header() -> None:
    assert user_text(submit_sm(b"\x05\x00\x03\xa7\x03\x01text", 0x40)) == b"text"
    assert user_text(submit_sm(b"", 0x40, ((0x0424, b"\x03\x24\x01\x01text"),))) == b"text"
    assert user_text(submit_sm(b"\x05\x00\x03\xa7\x03\x01text")) == b"\x05\x00\x03\xa7\x03\x01text"
    with pytest.raises(PduError):
        user_text(submit_sm(b"text", 0x40))


# -- Counting ------------------------------------------------------------------------------------------------

EMOJI = b"\xd8\x3d\xde\x00"


@pytest.mark.parametrize(
    ("octets", "alphabet", "expected"),
    [
        (b"", Alphabet.GSM7, 1),
        (b"a" * 160, Alphabet.GSM7, 1),
        (b"a" * 161, Alphabet.GSM7, 2),
        (b"a" * 306, Alphabet.GSM7, 2),
        (b"a" * 307, Alphabet.GSM7, 3),
        (b"\x1be" * 80, Alphabet.GSM7, 1),
        (b"a" * 159 + b"\x1be", Alphabet.GSM7, 2),
        # 153 is odd: each part of nothing but escape pairs holds 152.
        (b"\x1be" * 152, Alphabet.GSM7, 2),
        (b"\x1be" * 153, Alphabet.GSM7, 3),
        (b"a" * 160, Alphabet.ASCII, 1),
        (b"a" * 161, Alphabet.ASCII, 2),
        (b"", Alphabet.UCS2, 1),
        (b"\x4e\x2d" * 70, Alphabet.UCS2, 1),
        (b"\x4e\x2d" * 71, Alphabet.UCS2, 2),
        (b"\x4e\x2d" * 134, Alphabet.UCS2, 2),
        (b"\x4e\x2d" * 135, Alphabet.UCS2, 3),
        (EMOJI * 35, Alphabet.UCS2, 1),
        # 67 is odd: each part of nothing but surrogate pairs holds 66 units.
        (EMOJI * 66, Alphabet.UCS2, 2),
        (EMOJI * 67, Alphabet.UCS2, 3),
        *(
            (b"a" * length, alphabet, expected)
            for alphabet in (Alphabet.LATIN1, Alphabet.OCTETS, Alphabet.UTF8, Alphabet.GBK, Alphabet.HEBREW)
            for length, expected in ((140, 1), (141, 2), (268, 2), (269, 3))
        ),
    ],
)
def test_a_text_is_charged_by_the_parts_that_it_takes(
    octets: bytes, alphabet: Alphabet, expected: int
) -> None:
    assert units(octets, alphabet) == expected


# -- Cutting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize(
    ("alphabet", "alone"), [(Alphabet.GSM7, 160), (Alphabet.UCS2, 140), (Alphabet.OCTETS, 140)]
)
def test_a_text_that_fits_stays_as_it_is(kind: Kind, alphabet: Alphabet, alone: int) -> None:
    assert split(b"a" * alone, alphabet, 7, kind) == [b"a" * alone]
    assert split(b"", alphabet, 7, kind) == [b""]


@pytest.mark.parametrize(
    ("alphabet", "kind", "part"),
    [
        (Alphabet.GSM7, "udh8", 153),
        (Alphabet.GSM7, "udh16", 152),
        (Alphabet.GSM7, "sar", 153),
        (Alphabet.UCS2, "udh8", 134),
        (Alphabet.UCS2, "udh16", 132),
        (Alphabet.UCS2, "sar", 134),
        (Alphabet.OCTETS, "udh8", 134),
        (Alphabet.OCTETS, "udh16", 133),
        (Alphabet.OCTETS, "sar", 134),
    ],
)
def test_a_part_holds_as_much_as_its_header_leaves(alphabet: Alphabet, kind: Kind, part: int) -> None:
    headers = {
        "udh8": (b"\x05\x00\x03\xa7\x02\x01", b"\x05\x00\x03\xa7\x02\x02"),
        "udh16": (b"\x06\x08\x04\x00\xa7\x02\x01", b"\x06\x08\x04\x00\xa7\x02\x02"),
        "sar": (b"", b""),
    }[kind]
    assert split(b"a" * 2 * part, alphabet, 0xA7, kind) == [header + b"a" * part for header in headers]


def test_the_parts_are_those_of_smpplib() -> None:
    text = "signet 0123456789 " * 30
    parts, _, _ = make_parts(text)
    ref = parts[0][3]
    assert split(text.encode("ascii"), Alphabet.GSM7, ref, "udh8") == parts


def test_a_16_bit_reference_is_written_whole() -> None:
    assert split(b"a" * 200, Alphabet.GSM7, 0x1234, "udh16")[1][:7] == b"\x06\x08\x04\x12\x34\x02\x02"


def test_an_escape_pair_is_not_cut() -> None:
    parts = split(b"a" * 152 + b"\x1be" + b"b" * 10, Alphabet.GSM7, 1, "udh8")
    assert [part[6:] for part in parts] == [b"a" * 152, b"\x1be" + b"b" * 10]


def test_an_escaped_escape_is_not_cut_and_may_end_a_part() -> None:
    ends_whole = b"a" * 151 + b"\x1b\x1b" + b"b" * 10
    assert split(ends_whole, Alphabet.GSM7, 1, "udh8")[0][6:] == b"a" * 151 + b"\x1b\x1b"
    in_the_middle = b"a" * 150 + b"\x1b\x1b\x1b\x1b" + b"b" * 10
    assert split(in_the_middle, Alphabet.GSM7, 1, "udh8")[0][6:] == b"a" * 150 + b"\x1b\x1b"


def test_a_surrogate_pair_is_not_cut() -> None:
    parts = split(b"\x00a" * 66 + EMOJI + b"\x00b" * 9, Alphabet.UCS2, 1, "udh8")
    assert [part[6:] for part in parts] == [b"\x00a" * 66, EMOJI + b"\x00b" * 9]


@pytest.mark.parametrize("alphabet", [Alphabet.UTF8, Alphabet.GBK])
def test_a_multi_byte_character_is_not_cut(alphabet: Alphabet) -> None:
    text = "a" + "中" * 100
    parts = split(text.encode(alphabet), alphabet, 1, "udh8")
    assert len(parts) > 1
    assert "".join(part[6:].decode(alphabet) for part in parts) == text


@pytest.mark.parametrize(("ref", "kind"), [(256, "udh8"), (65536, "udh16"), (65536, "sar"), (-1, "udh8")])
def test_a_reference_must_fit_its_kind(ref: int, kind: Kind) -> None:
    with pytest.raises(ValueError, match="reference"):
        split(b"a" * 161, Alphabet.GSM7, ref, kind)


def test_more_than_255_parts_are_too_many() -> None:
    assert len(split(b"a" * 153 * 255, Alphabet.GSM7, 1, "udh8")) == 255
    with pytest.raises(ValueError, match="parts"):
        split(b"a" * (153 * 255 + 1), Alphabet.GSM7, 1, "udh8")


def long_octets() -> st.SearchStrategy[tuple[bytes, Alphabet]]:
    gsm7 = st.lists(st.sampled_from([b"a", b"\x1be", b"\x1b\x1b"]), max_size=500).map(b"".join)
    ucs2 = st.lists(st.sampled_from([b"\x4e\x2d", EMOJI]), max_size=400).map(b"".join)
    utf8 = st.lists(st.sampled_from(["a", "é", "中", "\U0001f600"]), max_size=400).map("".join)
    return st.one_of(
        st.tuples(gsm7, st.just(Alphabet.GSM7)),
        st.tuples(ucs2, st.just(Alphabet.UCS2)),
        st.tuples(utf8.map(str.encode), st.just(Alphabet.UTF8)),
        st.tuples(st.binary(max_size=500), st.sampled_from(sorted(set(Alphabet) - {Alphabet.GSM7_PACKED}))),
    )


@given(long_octets(), st.sampled_from(["udh8", "udh16", "sar"]))
def test_parts_fit_join_to_the_text_and_number_its_units(text: tuple[bytes, Alphabet], kind: Kind) -> None:
    octets, alphabet = text
    parts = split(octets, alphabet, 7, kind)
    header = {"udh8": 6, "udh16": 7, "sar": 0}[kind] if len(parts) > 1 else 0
    assert b"".join(part[header:] for part in parts) == octets
    assert all(len(part) <= 160 for part in parts)
    if kind != "udh16":
        assert units(octets, alphabet) == len(parts)
    if header:
        told = [concat(submit_sm(part, 0x40)) for part in parts]
        assert told == [Concat(kind, 7, len(parts), seq) for seq in range(1, len(parts) + 1)]
