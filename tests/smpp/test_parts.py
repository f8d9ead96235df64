"""Long messages: joined, cut again, and in the form that an SMSC wants."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import codec, parts, segments, spec
from smpp.address import Address
from smpp.pdu import SubmitSm, Tlvs, tlv
from smpp.segments import Concat, Kind
from smpp.text import Alphabet

LONG = ("尊敬的客户:" + "一" * 130 + "😀" * 20).encode("utf-16-be")


def submit(user_data: bytes, esm_class: int = 0, tlvs: Tlvs = ()) -> SubmitSm:
    here, there = Address(5, 0, "BANK"), Address(1, 1, "13800138000")
    return SubmitSm("", here, there, esm_class, 0, 0, "", "", 1, 0, 8, 0, user_data, tlvs)


def long_submit(text: bytes, elements: bytes = b"") -> SubmitSm:
    user_data = bytes((len(elements),)) + elements + text if elements else text
    return submit(b"", 0x40 if elements else 0, ((spec.MESSAGE_PAYLOAD, user_data),))


@pytest.mark.parametrize("form", ["udh8", "udh16", "sar"])
def test_a_text_that_is_cut_and_put_into_a_form_is_joined_again(form: Kind) -> None:
    cut = parts.cut(long_submit(LONG), Alphabet.UCS2, 77, wide=form == "udh16")
    sent = [parts.in_form(part, form) for part in cut]
    assert [segments.concat(part) for part in sent] == [Concat(form, 77, 3, seq) for seq in (1, 2, 3)]
    assert parts.whole(sent) == replace(long_submit(LONG), tlvs=((spec.MESSAGE_PAYLOAD, LONG),))


@pytest.mark.parametrize(("form", "header"), [("udh8", 6), ("udh16", 7)])
def test_every_part_fits_into_a_short_message_and_ends_at_a_character(form: Kind, header: int) -> None:
    for part in parts.cut(long_submit(LONG), Alphabet.UCS2, 1, wide=form == "udh16"):
        sent = parts.in_form(part, form)
        assert len(sent.short_message) <= 140
        assert len(segments.user_text(sent)) == len(sent.short_message) - header
        segments.user_text(sent).decode("utf-16-be")


@pytest.mark.parametrize("alphabet", [Alphabet.UCS2, Alphabet.LATIN1, Alphabet.GSM7])
@pytest.mark.parametrize("octets", [131, 132, 134, 140, 200])
def test_a_header_that_leaves_no_room_for_text_is_an_error(octets: int, alphabet: Alphabet) -> None:
    element = bytes((0x70, octets)) + bytes(octets)
    with pytest.raises(ValueError, match=r"no room|more than 255"):
        parts.cut(long_submit(LONG, element), alphabet, 1)


def test_a_part_in_sar_form_has_no_header_and_leaves_room_for_one() -> None:
    for part in parts.cut(long_submit(LONG), Alphabet.UCS2, 1):
        assert not part.esm_class & 0x40
        assert len(part.short_message) <= 134


def test_what_else_is_in_the_header_stands_in_every_part() -> None:
    ports = b"\x05\x04\x0b\x84\x23\xf0"
    cut = parts.cut(long_submit(b"x" * 300, ports), Alphabet.GSM7, 9)
    sent = [parts.in_form(part, "udh8") for part in cut]
    assert [part.short_message[:12] for part in sent] == [
        bytes((11, 0, 3, 9, 3, seq)) + ports for seq in (1, 2, 3)
    ]
    assert all(len(part.short_message) - 12 <= (140 - 12) * 8 // 7 for part in sent)
    assert parts.whole(sent) == long_submit(b"x" * 300, ports)


def test_a_text_that_fits_is_not_cut() -> None:
    [alone] = parts.cut(long_submit("好".encode("utf-16-be") * 70), Alphabet.UCS2, 1)
    assert alone == submit("好".encode("utf-16-be") * 70)
    assert parts.in_form(alone, "udh8") == alone


def test_a_header_of_its_own_makes_a_full_text_two_parts() -> None:
    ports = b"\x05\x04\x0b\x84\x23\xf0"
    assert len(parts.cut(long_submit("好".encode("utf-16-be") * 70, ports), Alphabet.UCS2, 1)) == 2


def test_parts_of_other_senders_are_joined_whatever_their_form() -> None:
    first = submit(b"\x06\x08\x04\x12\x34\x02\x01\x00\x41", 0x40)
    sar = (
        (spec.SAR_MSG_REF_NUM, b"\0\7"),
        (spec.SAR_TOTAL_SEGMENTS, b"\2"),
        (spec.SAR_SEGMENT_SEQNUM, b"\2"),
    )
    second = submit(b"\x00\x42", tlvs=sar)
    assert parts.whole([first, second]) == submit(b"\x00\x41\x00\x42")
    assert parts.whole([second, first]) == submit(b"\x00\x42\x00\x41")


def test_the_reference_of_an_encoded_part_can_be_changed() -> None:
    [first, *_] = parts.cut(long_submit(LONG), Alphabet.UCS2, 77)
    body = codec.encode_body(first)
    assert parts.reference(body) == 77
    [other, *_] = parts.cut(long_submit(LONG), Alphabet.UCS2, 200)
    assert parts.with_reference(body, 200) == codec.encode_body(other)


def test_a_text_of_more_than_255_parts_cannot_be_cut() -> None:
    with pytest.raises(ValueError, match="256 parts"):
        parts.cut(long_submit(b"x" * (153 * 255 + 1)), Alphabet.GSM7, 1)


@pytest.mark.parametrize("alphabet", [Alphabet.GSM7, Alphabet.GBK, Alphabet.UCS2, Alphabet.OCTETS])
@pytest.mark.parametrize("elements", [134, 137, 139, 150, 250])
def test_a_text_whose_header_leaves_no_room_cannot_be_cut(alphabet: Alphabet, elements: int) -> None:
    header = bytes((0x70, elements - 2)) + bytes(elements - 2)
    with pytest.raises(ValueError, match="no room"):
        parts.cut(long_submit(b"\0a" * 200, header), alphabet, 1)


@pytest.mark.parametrize(
    ("alphabet", "character", "elements"),
    [
        (Alphabet.GSM7, b"\x1be", 133),
        (Alphabet.GBK, "好".encode("gbk"), 133),
        (Alphabet.UCS2, "\U0001f600".encode("utf-16-be"), 132),
    ],
)
def test_a_text_whose_header_leaves_room_for_half_a_character_cannot_be_cut(
    alphabet: Alphabet, character: bytes, elements: int
) -> None:
    header = bytes((0x70, elements - 2)) + bytes(elements - 2)
    with pytest.raises(ValueError, match="no room"):
        parts.cut(long_submit(character * 100, header), alphabet, 1)


@given(st.text(max_size=700), st.sampled_from(["udh8", "udh16", "sar"]), st.integers(0, 255))
def test_any_text_survives(text: str, form: Kind, ref: int) -> None:
    octets = text.encode("utf-16-be", "replace")
    cut = parts.cut(long_submit(octets), Alphabet.UCS2, ref, wide=form == "udh16")
    sent = [parts.in_form(part, form) for part in cut]
    joined = parts.whole(sent)
    assert (joined.short_message or tlv(joined.tlvs, spec.MESSAGE_PAYLOAD) or b"") == octets
    assert all(len(part.short_message) <= 140 for part in sent)


@pytest.mark.parametrize("form", ["udh8", "udh16"])
@pytest.mark.parametrize("tlvs", [(), ((spec.USER_MESSAGE_REFERENCE, b"\x02\x0c"),)])
def test_an_encoded_part_is_put_into_a_form_like_one_that_is_read(form: Kind, tlvs: Tlvs) -> None:
    message = replace(
        long_submit(LONG), tlvs=(*long_submit(LONG).tlvs, *tlvs), validity_period="000001000000000R"
    )
    for part in parts.cut(message, Alphabet.UCS2, 200, wide=form == "udh16"):
        body = codec.encode_body(part)
        assert parts.body_in_form(body, form) == codec.encode_body(parts.in_form(part, form)) != body


def test_an_encoded_part_that_has_to_be_read_is_told() -> None:
    ports = b"\x05\x04\x0b\x84\x23\xf0"
    [with_header, *_] = parts.cut(long_submit(LONG, ports), Alphabet.UCS2, 1)
    [plain, *_] = parts.cut(long_submit(LONG), Alphabet.UCS2, 1)
    in_payload = replace(plain, short_message=b"", tlvs=((spec.MESSAGE_PAYLOAD, b"x"), *plain.tlvs))
    too_full = replace(plain, short_message=bytes(250))
    for part in (with_header, in_payload, too_full, long_submit(LONG), submit(b"alone")):
        assert parts.body_in_form(codec.encode_body(part), "udh8") is None
    assert parts.body_in_form(codec.encode_body(plain), "sar") is None
