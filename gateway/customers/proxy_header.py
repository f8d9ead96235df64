"""The header by which a load balancer says whom it connects: the PROXY protocol, versions 1 and 2, sans-IO.

Version 1 is a line of text, at most 107 octets; version 2 is binary and tells its length, of which we take
up to `V2_MAX`. Whatever follows the header is the connection's own. A header that names nobody (LOCAL,
UNKNOWN, a family other than TCP over IPv4 or IPv6) is the proxy speaking for itself, as its health checks do.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

V1_MAX = 107
V2_MAX = 4096

_V1_START = b"PROXY "
_V2_START = b"\r\n\r\n\0\r\nQUIT\n"
_V2_FIXED = 16
_LOCAL, _PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21


class HeaderError(Exception):
    """What came is no such header; `args[0]` says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """Whom the connection is from, None for the proxy itself, and the octets behind the header."""

    source: tuple[IPv4Address | IPv6Address, int] | None
    rest: bytes


class HeaderReader:
    """Reads one header, in whatever pieces it comes."""

    def __init__(self) -> None:
        self._read = b""

    def feed(self, data: bytes) -> Header | None:
        """The header, once all of it is there. Raises HeaderError as soon as it can be none."""
        self._read += data
        read = self._read
        if read[: len(_V2_START)] == _V2_START[: len(read)]:
            return _version_2(read)
        if read[: len(_V1_START)] == _V1_START[: len(read)]:
            return _version_1(read)
        raise HeaderError("no PROXY header")


def _version_1(read: bytes) -> Header | None:
    line, end, rest = read.partition(b"\r\n")
    if (len(line) + 2 if end else len(read) + 1) > V1_MAX:
        raise HeaderError("a PROXY header that is too long")
    if not end:
        return None
    match line.split(b" "):
        case [_, b"UNKNOWN", *_]:
            return Header(None, rest)
        case [_, b"TCP4", source, destination, port, own_port]:
            kind: type[IPv4Address | IPv6Address] = IPv4Address
        case [_, b"TCP6", source, destination, port, own_port]:
            kind = IPv6Address
        case _:
            raise HeaderError("a malformed PROXY header")
    try:
        address, _ = kind(source.decode("ascii")), kind(destination.decode("ascii"))
    except ValueError:
        raise HeaderError("a malformed PROXY header") from None
    _port(own_port)
    return Header((address, _port(port)), rest)


def _port(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 5 or int(digits) > 0xFFFF:
        raise HeaderError("a malformed PROXY header")
    return int(digits)


def _version_2(read: bytes) -> Header | None:
    if len(read) < _V2_FIXED:
        return None
    command, family, length = read[12], read[13], int.from_bytes(read[14:16])
    if command not in (_LOCAL, _PROXY):
        raise HeaderError("a malformed PROXY header")
    if _V2_FIXED + length > V2_MAX:
        raise HeaderError("a PROXY header that is too long")
    if len(read) < _V2_FIXED + length:
        return None
    addresses, rest = read[_V2_FIXED : _V2_FIXED + length], read[_V2_FIXED + length :]
    if command == _LOCAL or family not in (_TCP4, _TCP6):
        return Header(None, rest)
    octets = 4 if family == _TCP4 else 16
    if length < 2 * octets + 4:
        raise HeaderError("a malformed PROXY header")
    kind = IPv4Address if family == _TCP4 else IPv6Address
    port = int.from_bytes(addresses[2 * octets : 2 * octets + 2])
    return Header((kind(addresses[:octets]), port), rest)
