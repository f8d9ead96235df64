"""Our message ids as a customer's software wants them written: decimal, or hexadecimal."""

from __future__ import annotations

from gateway.settings import IdForm

_BASES = {IdForm.DECIMAL: 10, IdForm.HEX: 16}
_DIGITS = {IdForm.DECIMAL: frozenset("0123456789"), IdForm.HEX: frozenset("0123456789abcdefABCDEF")}
# message_id has so many octets at most (SMPP 3.4, 5.2.23), and ours fit a signed 64-bit integer.
_LENGTH_MAX = 64
_ID_MAX = (1 << 63) - 1


def told(message_id: int, form: IdForm) -> str:
    """The id as it is told; hexadecimal in lower case."""
    return str(message_id) if form is IdForm.DECIMAL else f"{message_id:x}"


def read(text: str, form: IdForm) -> int | None:
    """The id that a customer names, in either case and with or without leading zeros; None if it is none."""
    if not 0 < len(text) <= _LENGTH_MAX or not _DIGITS[form].issuperset(text):
        return None
    message_id = int(text, _BASES[form])
    return message_id if message_id <= _ID_MAX else None
