"""Text and octets: which alphabet a `data_coding` announces, and both directions of it.

`data_coding` 0 is whatever the two parties agreed on, so the caller names it. The values of GSM 03.38
(message classes, message waiting) are understood beside those of SMPP 3.4 section 5.2.19, because
carriers take them. A value that names no alphabet we can read is `OCTETS`, never a guess.

SMPP names the character sets of Japan and Korea, not how octets stand for them. JIS X 0208 (5) is read as
Shift JIS, as phones have it; JIS X 0212 (13) as EUC-JP, the one form without escape sequences that holds it;
KS C 5601 (14) as EUC-KR. ISO-2022-JP (10) is a form of its own.
"""

from __future__ import annotations

from enum import StrEnum

from smpp import gsm, septets
from smpp.shift_tables import DEFAULT, Shifts


class Alphabet(StrEnum):
    """How octets stand for characters. The values are the names that a configuration uses."""

    GSM7 = "gsm7"
    ASCII = "ascii"
    LATIN1 = "latin-1"
    UTF8 = "utf-8"
    CYRILLIC = "iso-8859-5"
    HEBREW = "iso-8859-8"
    GBK = "gbk"
    UCS2 = "ucs2"
    OCTETS = "octets"
    GSM7_PACKED = "gsm7-packed"
    SHIFT_JIS = "shift_jis"
    ISO_2022_JP = "iso-2022-jp"
    EUC_JP = "euc-jp"
    EUC_KR = "euc-kr"


class TextError(Exception):
    """Octets that are no text of their alphabet, or text that no alphabet on offer can carry."""


SEPTETS = (Alphabet.GSM7, Alphabet.GSM7_PACKED)
"""The alphabets whose tables a user data header may change."""

_BYTE_ORDER_MARKS = (b"\xfe\xff", b"\xff\xfe")


def _alphabets() -> tuple[Alphabet | None, ...]:
    table: list[Alphabet | None] = [Alphabet.OCTETS] * 256
    table[0x00:0x05] = [None, Alphabet.ASCII, Alphabet.OCTETS, Alphabet.LATIN1, Alphabet.OCTETS]
    table[0x05:0x09] = [Alphabet.SHIFT_JIS, Alphabet.CYRILLIC, Alphabet.HEBREW, Alphabet.UCS2]
    table[0x0A] = Alphabet.ISO_2022_JP
    table[0x0D:0x10] = [Alphabet.EUC_JP, Alphabet.EUC_KR, Alphabet.GBK]
    table[0x10:0x14] = [Alphabet.GSM7] * 4
    table[0x18:0x1C] = [Alphabet.UCS2] * 4
    table[0xC0:0xE0] = [Alphabet.GSM7] * 32
    table[0xE0:0xF0] = [Alphabet.UCS2] * 16
    table[0xF0:0xF4] = [Alphabet.GSM7] * 4
    return tuple(table)


_ALPHABETS = _alphabets()


def alphabet(data_coding: int, default: Alphabet) -> Alphabet:
    """The alphabet of a `data_coding` octet; `default` is what 0 means between these two parties."""
    return _ALPHABETS[data_coding] or default


def message_class(data_coding: int) -> int | None:
    """The class of GSM 03.38, section 4, that a `data_coding` gives its message; None if it gives none.

    0 is shown at once and not kept (flash), 1 is for the phone, 2 for the SIM, 3 for what is attached.
    """
    return data_coding & 3 if 0x10 <= data_coding < 0x1C or 0xF0 <= data_coding < 0xF8 else None


def decode(alphabet: Alphabet, octets: bytes, shifts: Shifts = DEFAULT, fill_bits: int = 0) -> str:
    """The text of `octets` (without a UDH). `OCTETS` is shown in hexadecimal.

    `shifts` are the tables of septets, `fill_bits` stand before packed ones. UCS2 is read as UTF-16BE. Raises
    `TextError` for an odd length, a byte order mark, a surrogate without its pair, a table that we do not
    have, and octets that the alphabet does not define.
    """
    if alphabet is Alphabet.UCS2:
        if octets.startswith(_BYTE_ORDER_MARKS):
            raise TextError("UCS-2 text with a byte order mark")
        return _decode("utf-16-be", octets)
    if alphabet is Alphabet.GSM7:
        return _decode_septets(octets, shifts)
    if alphabet is Alphabet.GSM7_PACKED:
        return _decode_septets(septets.unpack(octets, fill_bits=fill_bits), shifts)
    if alphabet is Alphabet.OCTETS:
        return octets.hex()
    return _decode(alphabet, octets)


def _decode_septets(unpacked: bytes, shifts: Shifts) -> str:
    if shifts is not DEFAULT and not shifts.known:
        raise TextError(
            f"no tables for national languages {shifts.locking} (locking), {shifts.single} (single)"
        )
    return gsm.decode(unpacked, shifts)


def _decode(codec: str, octets: bytes) -> str:
    try:
        return octets.decode(codec)
    except UnicodeDecodeError as error:
        raise TextError(f"octet {error.start} is not {codec}: {error.reason}") from None


_DATA_CODINGS = {
    Alphabet.GSM7: 0x00,
    Alphabet.ASCII: 0x01,
    Alphabet.LATIN1: 0x03,
    Alphabet.CYRILLIC: 0x06,
    Alphabet.HEBREW: 0x07,
    Alphabet.UCS2: 0x08,
    Alphabet.GBK: 0x0F,
    Alphabet.GSM7_PACKED: 0x00,
    Alphabet.SHIFT_JIS: 0x05,
    Alphabet.ISO_2022_JP: 0x0A,
    Alphabet.EUC_JP: 0x0D,
    Alphabet.EUC_KR: 0x0E,
}


def encode(text: str, prefer: Alphabet = Alphabet.GSM7) -> tuple[int, bytes]:
    """`text` as (data_coding, octets): in the preferred alphabet when it fits, in UTF-16BE (8) when not.

    Raises `TextError` for what `decode` would not read: a surrogate without its pair, and UTF-16BE that
    begins with a byte order mark. `ValueError` for an alphabet that has no data_coding of its own (`UTF8`,
    `OCTETS`).
    """
    data_coding = _DATA_CODINGS.get(prefer)
    if data_coding is None:
        raise ValueError(f"{prefer} has no data_coding")
    octets = _encode(prefer, text)
    if octets is not None:
        return data_coding, octets
    try:
        octets = text.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise TextError(f"character {error.start} is half of a surrogate pair") from None
    if octets.startswith(_BYTE_ORDER_MARKS):
        raise TextError("UCS-2 text with a byte order mark")
    return _DATA_CODINGS[Alphabet.UCS2], octets


def _encode(alphabet: Alphabet, text: str) -> bytes | None:
    if alphabet in SEPTETS:
        unpacked = gsm.encode(text)
        if unpacked is None or alphabet is Alphabet.GSM7:
            return unpacked
        return septets.pack(unpacked)
    if alphabet is Alphabet.UCS2:
        return None
    try:
        octets = text.encode(alphabet)
        # Some codecs write a yen sign as the backslash that it looks like.
        return octets if octets.decode(alphabet) == text else None
    except UnicodeError:
        return None
