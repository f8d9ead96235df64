"""Long texts as the peers make and read them: the token stands in every part, however the text is cut.

A part has 66 or 67 characters, a segment of a customer's fewer, as it likes. Between two tokens there are
never more than a dozen characters, and no last part is shorter than a few of them. Nothing of the gateway's
own code is used here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.sim.plan import PAYLOAD, PLAIN, SAR, UDH8, UDH16

_OPENING, _CLOSING, _SIGNATURE = "尊敬的客户:", "回TD退订", "【中国银行】"
_TOKEN = re.compile(r"#([0-9]+)#")
_CUTS = (66, 67)
_SEGMENT_MIN, _SEGMENT_MAX = 45, 66
_REST_MIN = 30
_UDHI = 0x40
_ALONE_MAX = 70


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part or a segment stands in its text: `number` of `total`; 0 of 0 if it is all of it."""

    form: str
    reference: int = 0
    number: int = 0
    total: int = 0


def compose(token: int, parts: int, valid: bool, chance: Random) -> tuple[str, int]:
    """A text of at least two and about so many parts, and how long its segments are to be."""
    size = chance.randint(_SEGMENT_MIN, _SEGMENT_MAX)
    closing = _CLOSING + (_SIGNATURE if valid else "")
    text = _OPENING
    while len(text) < max(_ALONE_MAX, _CUTS[0] * (parts - 1)) + 1:
        text += f"第{len(text)}号#{token}#，"
    while any((len(text) + len(closing) - 1) % cut + 1 < _REST_MIN for cut in (*_CUTS, size)):
        text += "又" if text[-1] != "又" else f"#{token}#，"
    return text + closing, size


def pieces(text: str, size: int) -> list[str]:
    """The text of each segment."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def fields(text: str, place: Place) -> dict[str, Any]:
    """What a submit_sm says of a text, or a segment of one, for smpplib."""
    octets = text.encode("utf-16-be")
    if place.form == PAYLOAD:
        return {"short_message": b"", "message_payload": octets}
    if place.form == PLAIN:
        return {"short_message": octets}
    if place.form == SAR:
        return {
            "short_message": octets,
            "sar_msg_ref_num": place.reference,
            "sar_total_segments": place.total,
            "sar_segment_seqnum": place.number,
        }
    reference = place.reference.to_bytes(1 if place.form == UDH8 else 2, "big")
    element = bytes((0 if place.form == UDH8 else 8, len(reference) + 2)) + reference
    header = element + bytes((place.total, place.number))
    return {"short_message": bytes((len(header),)) + header + octets, "esm_class": _UDHI}


def read(pdu: Any) -> tuple[str, Place, int]:
    """The text of a submit_sm as smpplib has read it, its place, and the octets of its user data."""
    octets = pdu.message_payload or pdu.short_message
    form = PAYLOAD if pdu.message_payload else PLAIN
    text = octets
    place = Place(form)
    if pdu.esm_class & _UDHI:
        header, text = octets[1 : octets[0] + 1], octets[octets[0] + 1 :]
        kind, length = header[0], header[1]
        assert length == len(header) - 2, "more in the header than the concatenation"
        assert kind in (0, 8), "no concatenation"
        reference = int.from_bytes(header[2:-2], "big")
        place = Place(UDH8 if kind == 0 else UDH16, reference, header[-1], header[-2])
    if pdu.sar_total_segments:
        assert place.form == PLAIN, "a place in the header, and one in the TLVs"
        place = Place(SAR, pdu.sar_msg_ref_num, pdu.sar_segment_seqnum, pdu.sar_total_segments)
    return text.decode("utf-16-be"), place, len(octets)


def token_of(text: str) -> int:
    """The token of a text or of a part of one."""
    found = _TOKEN.search(text)
    assert found, f"no token in {text!r}"
    return int(found[1])
