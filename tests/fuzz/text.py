"""A text: the first octet is its data_coding, the second says what 0 means, the rest is the text.

The sixteenths of the second octet say in which language septets are: 0 in none, 1 in Turkish, and so on.
Octets are a text or a TextError. A text that was read can be sent, in GSM or UTF-16, and reads the same; its
parts fit, are as many as it is charged for, and join to it, as the texts of its cuts do.
"""

from __future__ import annotations

from smpp import segments, septets, text
from smpp.segments import UDHI, Kind
from smpp.shift_tables import DEFAULT, Shifts
from smpp.text import SEPTETS, Alphabet, TextError
from tests.fuzz.pdus import user_data

_ALPHABETS = tuple(Alphabet)
_MARKS = ("\ufeff", "\ufffe")
_KINDS: tuple[Kind, ...] = ("udh8", "udh16", "sar")
_SHOWN_MAX = 10_000


def target(data: bytes) -> None:
    """One text."""
    if len(data) < 2:
        return
    alphabet = text.alphabet(data[0], _ALPHABETS[data[1] % 16 % len(_ALPHABETS)])
    language = data[1] // 16
    shifts = (
        Shifts(language if language != 2 else 0, language) if alphabet in SEPTETS and language else DEFAULT
    )
    octets = data[2:]
    _check_parts(octets, alphabet, shifts)
    if alphabet is Alphabet.GSM7_PACKED:
        _check_packing(octets)
    try:
        content = text.decode(alphabet, octets, shifts)
    except TextError:
        assert not _shown(octets, alphabet, shifts)
        return
    if len(octets) <= _SHOWN_MAX and not (shifts is not DEFAULT and alphabet is Alphabet.GSM7_PACKED):
        assert "".join(_shown(octets, alphabet, shifts)) == content
    for prefer in (Alphabet.GSM7, Alphabet.UCS2, Alphabet.GBK, Alphabet.SHIFT_JIS, Alphabet.ISO_2022_JP):
        try:
            data_coding, written = text.encode(content, prefer)
        except TextError:
            assert content.startswith(_MARKS)
            continue
        assert text.decode(text.alphabet(data_coding, Alphabet.GSM7), written) == content


def _shown(octets: bytes, alphabet: Alphabet, shifts: Shifts) -> list[str]:
    try:
        return [cut.text for cut in segments.cuts(octets, alphabet, "udh8", shifts)]
    except TextError:
        return []


def _check_packing(octets: bytes) -> None:
    unpacked = septets.unpack(octets)
    assert septets.unpack(septets.pack(unpacked), len(unpacked)) == unpacked


def _check_parts(octets: bytes, alphabet: Alphabet, shifts: Shifts) -> None:
    units = segments.units(octets, alphabet, shifts)
    assert units >= 1
    for kind in _KINDS:
        try:
            parts = segments.split(octets, alphabet, 0xC5, kind, shifts)
        except ValueError:
            assert len(octets) > 255 * 110
            continue
        if len(parts) == 1:
            assert parts[0].endswith(octets)
            assert units == 1
            continue
        # A carriage return between packed septets may move a cut, by where the header before them ends.
        if kind == "udh8" or (kind == "sar" and alphabet is not Alphabet.GSM7_PACKED):
            assert len(parts) == units
        assert all(len(part) <= (140 if alphabet is Alphabet.GSM7_PACKED else 160) for part in parts)
        headed = kind != "sar" or shifts is not DEFAULT
        texts = [segments.user_text(user_data(part, UDHI if headed else 0)) for part in parts]
        if alphabet is not Alphabet.GSM7_PACKED:
            assert b"".join(texts) == octets
        if kind != "sar":
            _check_headers(parts, kind, shifts)


def _check_headers(parts: list[bytes], kind: Kind, shifts: Shifts) -> None:
    for seq, part in enumerate(parts, start=1):
        pdu = user_data(part, UDHI)
        assert segments.concat(pdu) == segments.Concat(kind, 0xC5, len(parts), seq)
        assert segments.coding(pdu, Alphabet.GSM7).shifts == shifts
