"""The GSM 03.38 default alphabet and its extension table, unpacked: one octet holds one septet.

SMPP carries text of data_coding 0 this way. A character of the extension table costs two septets,
0x1B and its code. Three readings of a broken text are fixed here, as GSM 03.38 asks of a receiver: an
unknown extension code shows the character of the base table, 0x1B 0x1B shows a space, and a lone 0x1B at
the end shows nothing. Octets from 0x80 are outside the alphabet and are shown as Latin-1.
"""

from __future__ import annotations

import codecs
import re

ESCAPE = 0x1B

_BASE = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

_DECODING = _BASE + bytes(range(0x80, 0x100)).decode("latin-1")
# An escape pair is met after the base table was applied, so it is keyed by the base table's character.
_ESCAPED = {_BASE[code]: character for code, character in _EXTENSION.items()} | {"\x1b": " ", "": ""}
_ESCAPE_PAIR = re.compile("\x1b(.?)", re.DOTALL)

_ENCODING: dict[int, int | bytes] = {ord(character): code for code, character in enumerate(_BASE)}
del _ENCODING[ESCAPE]
_ENCODING.update({ord(character): bytes((ESCAPE, code)) for code, character in _EXTENSION.items()})
_LAST = chr(max(_ENCODING))


def decode(octets: bytes) -> str:
    """The text of unpacked septets. Never fails; the module comment says how broken text is read."""
    text = codecs.charmap_decode(octets, "strict", _DECODING)[0]
    if ESCAPE in octets:
        return _ESCAPE_PAIR.sub(_unescape, text)
    return text


def encode(text: str) -> bytes | None:
    """`text` as unpacked septets, or None when a character is in neither table."""
    if text and max(text) > _LAST:
        return None  # the mapping would try each character of a Chinese text before it gives up
    try:
        return codecs.charmap_encode(text, "strict", _ENCODING)[0]
    except UnicodeEncodeError:
        return None


def septets(text: str) -> int | None:
    """How many septets `text` takes (2 for a character of the extension table), or None as for `encode`."""
    octets = encode(text)
    return None if octets is None else len(octets)


def _unescape(pair: re.Match[str]) -> str:
    return _ESCAPED.get(pair[1], pair[1])
