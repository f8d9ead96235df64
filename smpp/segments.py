"""Long messages: reading the parts of one, counting them, cutting a text into them.

A part announces itself by a concatenation element in the user data header (GSM 03.40, 9.2.3.24) or by the
three sar TLVs (SMPP 3.4, 5.3.2.22 to 5.3.2.24). A short message holds 140 octets of user data on the air,
which is 160 septets or 70 UTF-16 units; the header of a part takes 6 of them, 7 with a 16 bit reference.
The elements of the national language tables take 3 more each, and a header by itself 1.
A part never ends inside a character: neither in an escape pair, nor in a surrogate pair, nor in a
multi-byte sequence. So some parts hold less than they could, and only cutting tells how many there are.
Packed septets are cut unpacked, and each part is packed behind its own header.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

from smpp import spec, text
from smpp.errors import PduError
from smpp.pdu import MessagePdu, Tlvs, tlv
from smpp.septets import ends_in_return, pack, unpack
from smpp.shift_tables import DEFAULT, Shifts
from smpp.status import CommandStatus
from smpp.text import SEPTETS, Alphabet

Kind = Literal["udh8", "udh16", "sar"]

UDHI = 0x40
"""The bit of esm_class which says that the user data begins with a header (SMPP 3.4, 5.2.12)."""

SEGMENTS_MAX = 255

_USER_DATA_MAX = 140

_CONCAT_8, _CONCAT_16 = 0x00, 0x08
_SINGLE_SHIFT, _LOCKING_SHIFT = 0x24, 0x25
_SHIFTS = (_SINGLE_SHIFT, _LOCKING_SHIFT)
_SEVEN_BITS = (*SEPTETS, Alphabet.ASCII)
_MULTI_BYTE = (
    Alphabet.UTF8,
    Alphabet.GBK,
    Alphabet.SHIFT_JIS,
    Alphabet.ISO_2022_JP,
    Alphabet.EUC_JP,
    Alphabet.EUC_KR,
)


@dataclass(frozen=True, slots=True)
class Concat:
    """Part `seq` (from 1) of the `total` parts of the message with reference `ref`."""

    kind: Kind
    ref: int
    total: int
    seq: int


@dataclass(frozen=True, slots=True)
class Coding:
    """How the octets behind the header of one user data stand for text: the arguments of `text.decode`."""

    alphabet: Alphabet
    shifts: Shifts = DEFAULT
    fill_bits: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """One part of a text: from where to where, what it says, and how much of a message it fills.

    `start` and `end` count octets of the text, or septets where the text is packed. `used`, and `room`, which
    is what a part may hold, count septets, UTF-16 units or octets: what the alphabet is counted in.
    """

    start: int
    end: int
    text: str
    used: int
    room: int


_ALONE_MAX = {
    alphabet: 160 if alphabet in (Alphabet.GSM7, Alphabet.ASCII) else _USER_DATA_MAX for alphabet in Alphabet
}
_PLAIN = {alphabet: Coding(alphabet) for alphabet in Alphabet}


def read_udh(octets: bytes) -> tuple[tuple[tuple[int, bytes], ...], int]:
    """The elements (identifier, value) of a user data header, and how many octets it takes with its length.

    Raises `PduError` (ESME_RINVESMCLASS) when header or element reaches past its end.
    """
    end = octets[0] + 1 if octets else 1
    if end > len(octets):
        raise PduError(CommandStatus.ESME_RINVESMCLASS, "the user data header reaches past the user data")
    elements = []
    at = 1
    while at < end:
        value_at = at + 2
        at = value_at + octets[at + 1] if value_at <= end else end + 1
        if at > end:
            raise PduError(CommandStatus.ESME_RINVESMCLASS, "an element reaches past the user data header")
        elements.append((octets[value_at - 2], octets[value_at:at]))
    return tuple(elements), end


def user_text(pdu: MessagePdu) -> bytes:
    """The user data without its header. Raises `PduError` as `read_udh` does."""
    octets = pdu.payload
    return octets[read_udh(octets)[1] :] if pdu.esm_class & UDHI else octets


def coding(pdu: MessagePdu, default: Alphabet) -> Coding:
    """How the octets of `user_text` stand for text; `default` is what data_coding 0 means.

    Septets are read with the tables that the header names, be they known or not. Raises `PduError` as
    `read_udh` does.
    """
    alphabet = text.alphabet(pdu.data_coding, default)
    if not pdu.esm_class & UDHI or alphabet not in SEPTETS:
        return _PLAIN[alphabet]
    elements, header = read_udh(pdu.payload)
    named = {identifier: value for identifier, value in elements if identifier in _SHIFTS}
    shifts = Shifts(_language(named.get(_LOCKING_SHIFT)), _language(named.get(_SINGLE_SHIFT)))
    return Coding(alphabet, shifts, _fill_bits(header) if alphabet is Alphabet.GSM7_PACKED else 0)


def _language(value: bytes | None) -> int:
    """The table that an element names, the default without an element; 0xFF, unknown, if that is none."""
    if value is None:
        return 0
    return value[0] if len(value) == 1 and value[0] else 0xFF


def concat(pdu: MessagePdu) -> Concat | None:
    """Which part of which long message `pdu` is; None for a message of its own.

    A header goes before sar TLVs that say the same. Raises `PduError`: ESME_RINVESMCLASS for a broken
    header, ESME_RMISSINGOPTPARAM unless all three sar TLVs are there, ESME_RINVOPTPARAMVAL for a part
    outside its total, ESME_ROPTPARNOTALLWD for TLVs that contradict the header.
    """
    in_header = _concat_in_udh(pdu.payload) if pdu.esm_class & UDHI else None
    in_tlvs = _concat_in_tlvs(pdu.tlvs) if pdu.tlvs else None
    if in_header is None:
        found = in_tlvs
    else:
        found = in_header
        # Each scheme counts its own references, so these may differ; the place in the message may not.
        if in_tlvs is not None and (in_tlvs.total, in_tlvs.seq) != (in_header.total, in_header.seq):
            raise PduError(CommandStatus.ESME_ROPTPARNOTALLWD, "the sar TLVs contradict the user data header")
    return None if found is None or found.total == 1 else found


def _concat_in_udh(octets: bytes) -> Concat | None:
    found = None
    for identifier, value in read_udh(octets)[0]:  # of a repeated element the last counts
        if identifier == _CONCAT_8 and len(value) == 3:
            found = Concat("udh8", value[0], value[1], value[2])
        elif identifier == _CONCAT_16 and len(value) == 4:
            found = Concat("udh16", value[0] << 8 | value[1], value[2], value[3])
        elif identifier in (_CONCAT_8, _CONCAT_16):
            raise PduError(CommandStatus.ESME_RINVESMCLASS, "a concatenation element of the wrong length")
    if found is not None and not 1 <= found.seq <= found.total:
        raise PduError(CommandStatus.ESME_RINVESMCLASS, f"part {found.seq} of {found.total}")
    return found


def _concat_in_tlvs(tlvs: Tlvs) -> Concat | None:
    ref = tlv(tlvs, spec.SAR_MSG_REF_NUM)
    total = tlv(tlvs, spec.SAR_TOTAL_SEGMENTS)
    seq = tlv(tlvs, spec.SAR_SEGMENT_SEQNUM)
    if ref is None and total is None and seq is None:
        return None
    if ref is None or total is None or seq is None:
        raise PduError(CommandStatus.ESME_RMISSINGOPTPARAM, "not all of the three sar TLVs")
    found = Concat(
        "sar", int.from_bytes(ref, "big"), int.from_bytes(total, "big"), int.from_bytes(seq, "big")
    )
    if not 1 <= found.seq <= found.total:
        raise PduError(CommandStatus.ESME_RINVOPTPARAMVAL, f"part {found.seq} of {found.total}")
    return found


def units(text_octets: bytes, alphabet: Alphabet, shifts: Shifts = DEFAULT) -> int:
    """How many short messages a text (without a header) is: the unit of charge, 1 for the empty text.

    Parts are counted with an 8 bit reference: 153 septets, 67 UTF-16 units, 134 octets; less with `shifts`.
    """
    if _fits(text_octets, alphabet, shifts):
        return 1
    return len(_ends(text_octets, alphabet, "udh8", shifts))


def split(
    text_octets: bytes, alphabet: Alphabet, ref: int, kind: Kind, shifts: Shifts = DEFAULT
) -> list[bytes]:
    """The user data of each part, with its header; the text as it is when it fits into one message.

    For `sar` the parts are cut for an 8 bit reference and carry none: the caller adds the TLVs. With `shifts`
    each part has a header that names them, also if it is the only one; packed septets are expected as they
    are packed behind such a header. Raises ValueError for a reference too large for its kind and for more
    than 255 parts.
    """
    elements = _elements(shifts)
    if _fits(text_octets, alphabet, shifts):
        return [_header(elements) + text_octets]
    if not 0 <= ref < (0x100 if kind == "udh8" else 0x10000):
        raise ValueError(f"reference {ref} does not fit {kind}")
    ends = _ends(text_octets, alphabet, kind, shifts)
    total = len(ends)
    if total > SEGMENTS_MAX:
        raise ValueError(f"{total} parts, more than {SEGMENTS_MAX}")
    unpacked = _unpacked(text_octets, alphabet, shifts)
    parts = []
    for seq, (start, end) in enumerate(pairwise((0, *ends)), start=1):
        header = _header(_concat_element(kind, ref, total, seq) + elements)
        part = unpacked[start:end]
        packed = alphabet is Alphabet.GSM7_PACKED
        parts.append(header + (pack(part, _fill_bits(len(header))) if packed else part))
    return parts


def cuts(text_octets: bytes, alphabet: Alphabet, kind: Kind, shifts: Shifts = DEFAULT) -> list[Cut]:
    """Where `split` cuts a text, and what each part says. Raises `TextError` as `text.decode` does."""
    unpacked = _unpacked(text_octets, alphabet, shifts)
    if _fits(text_octets, alphabet, shifts):
        ends, header = [len(unpacked)], len(_header(_elements(shifts)))
    else:
        ends, header = _ends(text_octets, alphabet, kind, shifts), _header_of_part(kind, _elements(shifts))
    places = list(pairwise((0, *ends)))
    texts = _texts([unpacked[start:end] for start, end in places], alphabet, shifts)
    size = 2 if alphabet is Alphabet.UCS2 else 1
    room = _room(alphabet, header) // size
    return [
        Cut(start, end, content, (end - start) // size, room)
        for (start, end), content in zip(places, texts, strict=True)
    ]


def part_ends(text_octets: bytes, alphabet: Alphabet, header: int) -> list[int]:
    """Where each part of a text ends when its header takes `header` octets; septets are not packed.

    Raises ValueError for a header that leaves no room for a character.
    """
    return _places(text_octets, alphabet, _room(alphabet, header), 0)


def _texts(parts: list[bytes], alphabet: Alphabet, shifts: Shifts) -> list[str]:
    if alphabet in SEPTETS:
        return [text.decode(Alphabet.GSM7, part, shifts) for part in parts]
    if alphabet is Alphabet.OCTETS:
        return [text.decode(alphabet, part) for part in parts]
    text.decode(alphabet, b"".join(parts))
    # One decoder for all: a part may begin in the state that the last left, or with U+FEFF, there no mark.
    decoder = codecs.getincrementaldecoder("utf-16-be" if alphabet is Alphabet.UCS2 else alphabet)()
    return [decoder.decode(part) for part in parts]


def _concat_element(kind: Kind, ref: int, total: int, seq: int) -> bytes:
    if kind == "udh8":
        return bytes((_CONCAT_8, 3, ref, total, seq))
    if kind == "udh16":
        return bytes((_CONCAT_16, 4, ref >> 8, ref & 0xFF, total, seq))
    return b""


def _elements(shifts: Shifts) -> bytes:
    """The elements of the header that name the tables."""
    locking = bytes((_LOCKING_SHIFT, 1, shifts.locking)) if shifts.locking else b""
    return locking + bytes((_SINGLE_SHIFT, 1, shifts.single)) if shifts.single else locking


def _header(elements: bytes) -> bytes:
    return bytes((len(elements),)) + elements if elements else b""


def _header_of_part(kind: Kind, elements: bytes) -> int:
    """What the header of a part takes; parts with sar TLVs leave room for one of 8 bits."""
    return len(elements) + (7 if kind == "udh16" else 6)


def _fill_bits(header: int) -> int:
    """The bits between a header of `header` octets and the next septet boundary (GSM 03.40, 9.2.3.24)."""
    return -8 * header % 7


def _fits(text_octets: bytes, alphabet: Alphabet, shifts: Shifts) -> bool:
    """Whether a text is one message, which needs no header but for its tables."""
    if shifts is DEFAULT:
        return len(text_octets) <= _ALONE_MAX[alphabet]
    header = len(_header(_elements(shifts)))
    packed = alphabet is Alphabet.GSM7_PACKED
    return len(text_octets) <= (_USER_DATA_MAX - header if packed else _room(alphabet, header))


def _room(alphabet: Alphabet, header: int) -> int:
    """Octets of text (unpacked septets count as octets) beside `header` octets of header."""
    if alphabet in _SEVEN_BITS:
        return (_USER_DATA_MAX - header) * 8 // 7
    return _USER_DATA_MAX - header - (header & 1 if alphabet is Alphabet.UCS2 else 0)


def _unpacked(text_octets: bytes, alphabet: Alphabet, shifts: Shifts) -> bytes:
    """The text as it is cut."""
    if alphabet is Alphabet.GSM7_PACKED:
        return unpack(text_octets, fill_bits=_fill_bits(len(_header(_elements(shifts)))))
    return text_octets


def _ends(text_octets: bytes, alphabet: Alphabet, kind: Kind, shifts: Shifts) -> list[int]:
    """Where each part of the text ends."""
    elements = _elements(shifts)
    room = _room(alphabet, _header_of_part(kind, elements))
    fill_bits = _fill_bits(len(_header(_concat_element(kind, 0, 0, 0) + elements)))
    return _places(_unpacked(text_octets, alphabet, shifts), alphabet, room, fill_bits)


def _places(octets: bytes, alphabet: Alphabet, room: int, fill_bits: int) -> list[int]:
    packed = alphabet is Alphabet.GSM7_PACKED
    overhang = _overhang(alphabet, fill_bits)
    ends = []
    at = 0
    # A return at the end of a full packed part would have to be written twice.
    while len(rest := octets[at : at + room + 1]) > room or (
        packed and len(rest) == room and ends_in_return(rest, fill_bits)
    ):
        taken = room - overhang(rest[:room]) if room > 0 else 0
        if taken <= 0:
            raise ValueError("the header leaves no room for the text")
        at += taken
        ends.append(at)
    ends.append(len(octets))
    return ends


def _overhang(alphabet: Alphabet, fill_bits: int) -> Callable[[bytes], int]:
    """What tells how many octets at the end of a part belong to the next; it is shown the parts in order."""
    if alphabet is Alphabet.UCS2:
        return _half_pair
    if alphabet is Alphabet.GSM7:
        return _half_escape
    if alphabet is Alphabet.GSM7_PACKED:
        return partial(_half_packed, fill_bits=fill_bits)
    if alphabet in _MULTI_BYTE:
        return partial(_half_character, codecs.getincrementaldecoder(alphabet)("replace"))
    return lambda _: 0


def _half_pair(part: bytes) -> int:
    return 2 if part[-2] & 0xFC == 0xD8 else 0


def _half_escape(part: bytes) -> int:
    # Two escapes are a pair by themselves: only an odd one out waits for its code.
    return (len(part) - len(part.rstrip(b"\x1b"))) & 1


def _half_packed(part: bytes, fill_bits: int) -> int:
    whole = part
    while over := _half_escape(whole) or ends_in_return(whole, fill_bits):
        whole = whole[:-over]
    return len(part) - len(whole)


def _half_character(decoder: codecs.IncrementalDecoder, part: bytes) -> int:
    decoder.decode(part)
    half, state = decoder.getstate()
    decoder.setstate((b"", state))
    return len(half)
