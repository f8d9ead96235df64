"""Telephone numbers: one spelling to compare by, where carriers, customers and operators write several."""

from __future__ import annotations

import re
import unicodedata

# No dots: "13800138000.0" is what became of a number, not its spelling.
_BETWEEN_DIGITS = re.compile(r"[ ()\-\u2010-\u2015'\u200b-\u200f\u202a-\u202e\ufeff]")
_NUMBER = re.compile(r"\+?[0-9]{3,20}")


def dialled(text: str) -> str:
    """A number that people have written, as it is dialled: digits, after a "+" if it has one.

    Raises ValueError for what is none.
    """
    if not (text.isascii() and text.isdecimal()):
        text = unicodedata.normalize("NFKC", text)
        # A trunk prefix, not to be dialled from abroad.
        text = text if "(0)" in text else _BETWEEN_DIGITS.sub("", text)
    if not _NUMBER.fullmatch(text):
        raise ValueError("number is not a telephone number")
    return text


def number_of(text: str, country_code: str) -> str:
    """The same, as `plain` writes it. Raises ValueError for what is none."""
    return plain(dialled(text), country_code)


def plain(addr: str, country_code: str) -> str:
    """A national number without its country code, "+" or "00"; any other number without "+" or "00"."""
    digits = addr.removeprefix("+")
    if digits == addr:
        digits = addr.removeprefix("00")
    national = digits.removeprefix(country_code) if country_code else digits
    # A short national number may itself begin with the digits of the country code.
    return national if len(national) >= _NATIONAL_MIN else digits


def spellings(number: str, country_code: str) -> tuple[str, ...]:
    """Every way in which a `plain` number may stand in an address."""
    international = (number, country_code + number)
    return (*international, *(f"+{addr}" for addr in international), *(f"00{addr}" for addr in international))


# Digits that a subscriber's number has at least.
_NATIONAL_MIN = 7
