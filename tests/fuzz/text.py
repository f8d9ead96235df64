"""A text: the first octet is its data_coding, the second says what 0 means, the rest is the text.

Octets are a text or a TextError. A text that was read can be sent, in GSM or UTF-16, and reads the same; its
parts fit, are as many as it is charged for, and join to it.
"""

from __future__ import annotations

from smpp import segments, text
from smpp.segments import UDHI, Kind
from smpp.text import Alphabet, TextError
from tests.fuzz.pdus import user_data

_ALPHABETS = tuple(Alphabet)
_MARKS = ("\ufeff", "\ufffe")
_KINDS: tuple[tuple[Kind, int], ...] = (("udh8", 6), ("udh16", 7), ("sar", 0))


def target(data: bytes) -> None:
    """One text."""
    if len(data) < 2:
        return
    alphabet = text.alphabet(data[0], _ALPHABETS[data[1] % len(_ALPHABETS)])
    octets = data[2:]
    _check_parts(octets, alphabet)
    try:
        content = text.decode(alphabet, octets)
    except TextError:
        return
    for prefer in (Alphabet.GSM7, Alphabet.UCS2, Alphabet.GBK):
        try:
            data_coding, written = text.encode(content, prefer)
        except TextError:
            assert content.startswith(_MARKS)
            continue
        assert text.decode(text.alphabet(data_coding, Alphabet.GSM7), written) == content


def _check_parts(octets: bytes, alphabet: Alphabet) -> None:
    units = segments.units(octets, alphabet)
    assert units >= 1
    for kind, header in _KINDS:
        try:
            parts = segments.split(octets, alphabet, 0xC5, kind)
        except ValueError:
            assert len(octets) > 255 * 130
            continue
        if len(parts) == 1:
            assert parts == [octets]
            assert units == 1
            continue
        assert len(parts) == units or kind == "udh16"
        assert b"".join(part[header:] for part in parts) == octets
        if kind != "sar":
            _check_headers(parts, kind)


def _check_headers(parts: list[bytes], kind: Kind) -> None:
    for seq, part in enumerate(parts, start=1):
        assert segments.concat(user_data(part, UDHI)) == segments.Concat(kind, 0xC5, len(parts), seq)
