"""Addresses as people write them."""

from __future__ import annotations

from smpp.address import Address


def address(addr: str) -> Address:
    """`+` and digits: international; digits: as dialled; letters: alphanumeric; nothing: the null address."""
    if addr.startswith("+"):
        return Address(1, 1, addr[1:])
    if addr.isdigit():
        return Address(0, 1, addr)
    return Address(5, 0, addr) if addr else Address(0, 0, "")
