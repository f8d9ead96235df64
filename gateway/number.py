"""Telephone numbers: one spelling to compare by, where carriers and customers write several."""

from __future__ import annotations


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
