"""A long message as one, and as the parts that it travels in.

A part stands here in a form of its own: the sar TLVs say its place, and a user data header holds only what
else the sender put there (ports, language tables). `in_form` makes of it what a certain SMSC wants: the TLVs
as they are, or a concatenation element in the header (GSM 03.40, 9.2.3.24). References have eight bits, so
that they fit every form.
"""

from __future__ import annotations

from collections.abc import Sequence

from smpp import segments, spec
from smpp.pdu import SubmitSm, Tlvs
from smpp.segments import UDHI, Kind
from smpp.text import Alphabet
from smpp.value import changed

REFERENCES = 256
"""How many references there are."""

# What a header takes with a concatenation element of 8 or 16 bits, its length included.
_HEADER_8, _HEADER_16 = 6, 7
_CONCAT = (0x00, 0x08)
# From the end: the low octet of sar_msg_ref_num, then the two TLVs of five octets.
_REFERENCE_AT = -11
_SAR_REFERENCE = bytes((0x02, 0x0C, 0x00, 0x02))
_SAR_AT = _REFERENCE_AT - 1 - len(_SAR_REFERENCE)
_TOTAL_AT = -6
_SAR = frozenset({spec.SAR_MSG_REF_NUM, spec.SAR_TOTAL_SEGMENTS, spec.SAR_SEGMENT_SEQNUM})


def whole(parts: Sequence[SubmitSm]) -> SubmitSm:
    """The message that these are all the parts of, in their order; what they share is as in the first.

    Raises `PduError` for a broken user data header.
    """
    text = b"".join([segments.user_text(part) for part in parts])
    first = parts[0]
    return _with_user_data(first, _other_elements(first), text, _without_sar(first.tlvs))


def cut(message: SubmitSm, alphabet: Alphabet, ref: int, *, wide: bool = False) -> list[SubmitSm]:
    """The parts of `message`, or the message alone if it fits into one; `wide` leaves room for 16 bits.

    Raises `PduError` for a broken user data header, ValueError for one that leaves no room for the text, and
    for more than 255 parts.
    """
    elements = _other_elements(message)
    text = segments.user_text(message)
    tlvs = _without_sar(message.tlvs)
    alone = len(elements) + 1 if elements else 0
    if len(segments.part_ends(text, alphabet, alone)) == 1:
        return [_with_user_data(message, elements, text, tlvs)]
    header = (_HEADER_16 if wide else _HEADER_8) + len(elements)
    ends = segments.part_ends(text, alphabet, header)
    total = len(ends)
    if total > segments.SEGMENTS_MAX:
        raise ValueError(f"{total} parts, more than {segments.SEGMENTS_MAX}")
    return [
        _with_user_data(message, elements, text[start:end], (*tlvs, *_sar(ref, total, seq)))
        for seq, (start, end) in enumerate(zip([0, *ends], ends, strict=False), start=1)
    ]


def with_text(message: SubmitSm, text: bytes, data_coding: int) -> SubmitSm:
    """A message with another text in place of its own; the octets are those behind its header.

    Raises `PduError` for a broken user data header.
    """
    other = changed(message, data_coding=data_coding)
    return _with_user_data(other, _other_elements(message), text, message.tlvs)


def in_form(part: SubmitSm, form: Kind) -> SubmitSm:
    """A part of `cut` in the form that an SMSC wants. Raises `PduError` as `segments.concat` does."""
    place = segments.concat(part)
    if place is None or form == "sar":
        return part
    if form == "udh8":
        element = bytes((_CONCAT[0], 3, place.ref, place.total, place.seq))
    else:
        element = bytes((_CONCAT[1], 4, 0, place.ref, place.total, place.seq))
    elements = element + _other_elements(part)
    return _with_user_data(part, elements, segments.user_text(part), _without_sar(part.tlvs))


def body_in_form(body: bytes, form: Kind) -> bytes | None:
    """The same of the encoded body of a part, octet by octet; None of one that has to be read for it.

    That is what has a user data header, and what is no part with its text in short_message.
    """
    if form == "sar" or reference(body) is None:
        return None
    find = body.find
    destination_end = find(0, find(0, find(0) + 3) + 3)
    esm_class = destination_end + 1
    sm_length = find(0, find(0, destination_end + 4) + 1) + 5
    place = body[_REFERENCE_AT], body[_TOTAL_AT], body[-1]
    header = bytes((5, _CONCAT[0], 3, *place) if form == "udh8" else (6, _CONCAT[1], 4, 0, *place))
    size = body[sm_length] + len(header)
    if body[esm_class] & UDHI or size == len(header) or size > spec.SHORT_MESSAGE_MAX:
        return None
    return b"".join(
        (
            body[:esm_class],
            bytes((body[esm_class] | UDHI,)),
            body[esm_class + 1 : sm_length],
            bytes((size,)),
            header,
            body[sm_length + 1 : _SAR_AT],
        )
    )


def reference(body: bytes) -> int | None:
    """The reference in the encoded body of a part of `cut`, which ends with the sar TLVs; None of others."""
    return body[_REFERENCE_AT] if body[_SAR_AT : _REFERENCE_AT - 1] == _SAR_REFERENCE else None


def with_reference(body: bytes, ref: int) -> bytes:
    """The encoded body of a part of `cut` with another reference."""
    return b"%b%c%b" % (body[:_REFERENCE_AT], ref, body[_REFERENCE_AT + 1 :])


def _other_elements(message: SubmitSm) -> bytes:
    """The elements of the user data header, as they lie there, but for those of concatenation."""
    if not message.esm_class & UDHI:
        return b""
    elements, _ = segments.read_udh(message.payload)
    return b"".join(
        bytes((identifier, len(octets))) + octets
        for identifier, octets in elements
        if identifier not in _CONCAT
    )


def _with_user_data(message: SubmitSm, elements: bytes, text: bytes, tlvs: Tlvs) -> SubmitSm:
    user_data = bytes((len(elements),)) + elements + text if elements else text
    tlvs = tuple((tag, octets) for tag, octets in tlvs if tag != spec.MESSAGE_PAYLOAD)
    esm_class = message.esm_class | UDHI if elements else message.esm_class & ~UDHI
    if len(user_data) > spec.SHORT_MESSAGE_MAX:
        tlvs, user_data = (*tlvs, (spec.MESSAGE_PAYLOAD, user_data)), b""
    return changed(message, esm_class=esm_class, short_message=user_data, tlvs=tlvs)


def _without_sar(tlvs: Tlvs) -> Tlvs:
    return tuple((tag, octets) for tag, octets in tlvs if tag not in _SAR)


def _sar(ref: int, total: int, seq: int) -> Tlvs:
    return (
        (spec.SAR_MSG_REF_NUM, ref.to_bytes(2, "big")),
        (spec.SAR_TOTAL_SEGMENTS, bytes((total,))),
        (spec.SAR_SEGMENT_SEQNUM, bytes((seq,))),
    )
