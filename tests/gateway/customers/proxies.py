"""Headers of the PROXY protocol, written octet by octet from its specification."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, ip_address

_SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")


def version_1(source: str = "203.0.113.7", port: int = 4000) -> bytes:
    """A line that names `source`."""
    is_four = isinstance(ip_address(source), IPv4Address)
    words = ("TCP4", source, "192.0.2.1") if is_four else ("TCP6", source, "2001:db8::1")
    return f"PROXY {' '.join(words)} {port} 2775\r\n".encode()


def version_2(
    source: str = "203.0.113.7",
    port: int = 4000,
    *,
    command: int = 0x21,
    family: int = 0,
    addresses: bytes | None = None,
    tlvs: bytes = b"",
) -> bytes:
    """A binary header that names `source`, or has another family and `addresses`."""
    address = ip_address(source)
    if addresses is None:
        family = family or (0x11 if isinstance(address, IPv4Address) else 0x21)
        addresses = address.packed * 2 + struct.pack(">HH", port, 2775)
    body = addresses + tlvs
    return _SIGNATURE + struct.pack(">BBH", command, family, len(body)) + body
