"""The GSM 03.38 default alphabet and its extension table, unpacked: one octet holds one septet.

SMPP carries text of data_coding 0 this way. A character of the extension table costs two septets, 0x1B and
its code. A national language puts other tables in the place of both (`smpp.shift_tables`). Four readings of
a broken text are fixed here, as GSM 03.38 asks of a receiver: a code that a locking shift table leaves
empty shows a space, an unknown extension code shows the character of the base table, 0x1B 0x1B shows a
space, and a lone 0x1B at the end shows nothing. Octets from 0x80 are outside the alphabet and are shown as
Latin-1.
"""

from __future__ import annotations

import codecs
import re
from functools import cache

from smpp.shift_tables import DEFAULT, GAP, LOCKING, SINGLE, Shifts

ESCAPE = 0x1B

_BEYOND = bytes(range(0x80, 0x100)).decode("latin-1")
_DECODING = {identifier: table.replace(GAP, " ") + _BEYOND for identifier, table in LOCKING.items()}
_ESCAPE_PAIR = re.compile("\x1b(.?)", re.DOTALL)


def decode(octets: bytes, shifts: Shifts = DEFAULT) -> str:
    """The text of unpacked septets. Never fails; the module comment says how broken text is read.

    The tables of `shifts` must be known.
    """
    text = codecs.charmap_decode(octets, "strict", _DECODING[shifts.locking])[0]
    if ESCAPE in octets:
        shown = _extension(shifts)
        # So far each octet is one character: the octet behind an escape is where its character is.
        return _ESCAPE_PAIR.sub(lambda pair: pair[1] and shown[octets[pair.start(1)]], text)
    return text


def encode(text: str, shifts: Shifts = DEFAULT) -> bytes | None:
    """`text` as unpacked septets, or None when a character is in neither table. The tables must be known."""
    encoding, last = _DEFAULT if shifts is DEFAULT else _encoding(shifts)
    if text and max(text) > last:
        return None  # the mapping would try each character of a Chinese text before it gives up
    try:
        return codecs.charmap_encode(text, "strict", encoding)[0]
    except UnicodeEncodeError:
        return None


def septets(text: str) -> int | None:
    """How many septets `text` takes (2 for a character of the extension table), or None as for `encode`."""
    octets = encode(text)
    return None if octets is None else len(octets)


@cache
def _extension(shifts: Shifts) -> str:
    """What each octet shows behind an escape."""
    base = _DECODING[shifts.locking].replace("\x1b", " ")
    single = SINGLE[shifts.single].replace("\x1b", " ")
    return "".join(
        base[code] if shown == GAP else shown for code, shown in enumerate(single.ljust(len(base), GAP))
    )


@cache
def _encoding(shifts: Shifts) -> tuple[dict[int, int | bytes], str]:
    """What each character is written as, and the last character that is in the tables."""
    written: dict[int, int | bytes] = {
        ord(character): bytes((ESCAPE, code)) for code, character in enumerate(SINGLE[shifts.single])
    }
    written.update((ord(character), code) for code, character in enumerate(LOCKING[shifts.locking]))
    del written[ESCAPE]
    written.pop(ord(GAP), None)
    return written, chr(max(written))


_DEFAULT = _encoding(DEFAULT)
