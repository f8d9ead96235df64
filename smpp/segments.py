"""Long messages: reading the parts of one, counting them, cutting a text into them.

A part announces itself by a concatenation element in the user data header (GSM 03.40, 9.2.3.24) or by the
three sar TLVs (SMPP 3.4, 5.3.2.22 to 5.3.2.24). A short message holds 140 octets of user data on the air,
which is 160 septets or 70 UTF-16 units; the header of a part takes 6 of them, 7 with a 16 bit reference.
A part never ends inside a character: neither in an escape pair, nor in a surrogate pair, nor in a
multi-byte sequence. So some parts hold less than they could, and only cutting tells how many there are.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Literal

from smpp import spec
from smpp.errors import PduError
from smpp.gsm import ESCAPE
from smpp.pdu import MessagePdu, Tlvs, tlv
from smpp.status import CommandStatus
from smpp.text import Alphabet

Kind = Literal["udh8", "udh16", "sar"]

UDHI = 0x40
"""The bit of esm_class which says that the user data begins with a header (SMPP 3.4, 5.2.12)."""

SEGMENTS_MAX = 255

_CONCAT_8, _CONCAT_16 = 0x00, 0x08
_SEPTETS = (Alphabet.GSM7, Alphabet.ASCII)
_MULTI_BYTE = (Alphabet.UTF8, Alphabet.GBK)


@dataclass(frozen=True, slots=True)
class Concat:
    """Part `seq` (from 1) of the `total` parts of the message with reference `ref`."""

    kind: Kind
    ref: int
    total: int
    seq: int


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


def units(text_octets: bytes, alphabet: Alphabet) -> int:
    """How many short messages a text (without a header) is: the unit of charge, 1 for the empty text.

    Parts are counted with an 8 bit reference: 153 septets, 67 UTF-16 units, 134 octets.
    """
    if len(text_octets) <= _alone_max(alphabet):
        return 1
    return len(_ends(text_octets, alphabet, _part_max(alphabet, 6)))


def split(text_octets: bytes, alphabet: Alphabet, ref: int, kind: Kind) -> list[bytes]:
    """The user data of each part, with its header; the text as it is when it fits into one message.

    For `sar` the parts are cut for an 8 bit reference and carry no header: the caller adds the TLVs.
    Raises ValueError for a reference too large for its kind and for more than 255 parts.
    """
    if len(text_octets) <= _alone_max(alphabet):
        return [text_octets]
    if not 0 <= ref < (0x100 if kind == "udh8" else 0x10000):
        raise ValueError(f"reference {ref} does not fit {kind}")
    ends = _ends(text_octets, alphabet, _part_max(alphabet, 7 if kind == "udh16" else 6))
    total = len(ends)
    if total > SEGMENTS_MAX:
        raise ValueError(f"{total} parts, more than {SEGMENTS_MAX}")
    starts = [0, *ends]
    return [
        _udh(kind, ref, total, seq) + text_octets[start:end]
        for seq, (start, end) in enumerate(zip(starts, ends, strict=False), start=1)
    ]


def part_ends(text_octets: bytes, alphabet: Alphabet, header: int) -> list[int]:
    """Where each part of a text ends when `header` octets of each are taken by its user data header."""
    return _ends(text_octets, alphabet, _part_max(alphabet, header))


def _udh(kind: Kind, ref: int, total: int, seq: int) -> bytes:
    if kind == "udh8":
        return bytes((5, _CONCAT_8, 3, ref, total, seq))
    if kind == "udh16":
        return bytes((6, _CONCAT_16, 4, ref >> 8, ref & 0xFF, total, seq))
    return b""


def _alone_max(alphabet: Alphabet) -> int:
    """Octets of text (unpacked septets count as octets) in a message without a header."""
    return 160 if alphabet in _SEPTETS else 140


def _part_max(alphabet: Alphabet, header: int) -> int:
    """Octets of text beside `header` octets of header."""
    if alphabet in _SEPTETS:
        return (140 - header) * 8 // 7
    return 140 - header - (header & 1 if alphabet is Alphabet.UCS2 else 0)


def _ends(octets: bytes, alphabet: Alphabet, part_max: int) -> list[int]:
    """Where each part of the text ends."""
    ends = []
    at = 0
    while len(octets) - at > part_max:
        at += part_max - _overhang(octets[at : at + part_max], alphabet)
        ends.append(at)
    ends.append(len(octets))
    return ends


def _overhang(part: bytes, alphabet: Alphabet) -> int:
    """How many octets at the end of `part` belong to a character that goes on behind it."""
    if alphabet is Alphabet.UCS2:
        return 2 if part[-2] & 0xFC == 0xD8 else 0
    if alphabet is Alphabet.GSM7 and part[-1] == ESCAPE:
        # Two escapes are a pair by themselves: only an odd one out waits for its code.
        return (len(part) - len(part.rstrip(b"\x1b"))) & 1
    if alphabet in _MULTI_BYTE:
        decoder = codecs.getincrementaldecoder(alphabet)("replace")
        decoder.decode(part)
        return len(decoder.getstate()[0])
    return 0
