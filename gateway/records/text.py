"""The text in a submit_sm body that is stored: of one message, or of the segments of a long one."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.settings import Account
from smpp import codec, parts, segments, text
from smpp.errors import PduError
from smpp.pdu import SubmitSm
from smpp.segments import Coding, Concat
from smpp.text import Alphabet, TextError


def text_of(pdu: SubmitSm, account: Account | None) -> str | None:
    """The text of a submit_sm as its account means it; None where it is none."""
    try:
        octets = segments.user_text(pdu)
        coding = _coding(pdu, account)
        if coding.alphabet is Alphabet.OCTETS:
            return None
        return text.decode(coding.alphabet, octets, coding.shifts, coding.fill_bits)
    except (PduError, TextError):
        return None


def units_of(pdu: SubmitSm, account: Account | None) -> int:
    """The units that a readable submit_sm costs by itself."""
    coding = _coding(pdu, account)
    return segments.units(segments.user_text(pdu), coding.alphabet, coding.shifts)


def pdu_of(body: bytes) -> SubmitSm | None:
    """The submit_sm in a stored body; None for an empty one, which a purge leaves, and one of no meaning."""
    try:
        return codec.submit_sm(body) if body else None
    except PduError:
        return None


def place_of(pdu: SubmitSm) -> Concat | None:
    """Which segment of a long message it is; None if it is none."""
    try:
        return segments.concat(pdu)
    except PduError:
        return None


def whole_of(pieces: Sequence[SubmitSm]) -> SubmitSm | None:
    """The long message of these segments; None if they are not all of it."""
    by_place: dict[int, SubmitSm] = {}
    total = 0
    for piece in pieces:
        place = place_of(piece)
        if place is None:
            return None
        by_place[place.seq], total = piece, place.total
    if not total or set(by_place) != set(range(1, total + 1)):
        return None
    try:
        return parts.whole([by_place[seq] for seq in sorted(by_place)])
    except PduError:
        return None


def _coding(pdu: SubmitSm, account: Account | None) -> Coding:
    """Septets are not packed in the house, whatever the account sends."""
    alphabet = Alphabet.GSM7 if account is None else account.default_alphabet
    return segments.coding(pdu, Alphabet.GSM7 if alphabet is Alphabet.GSM7_PACKED else alphabet)
