from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.customers.proxy_header import V1_MAX, V2_MAX, Header, HeaderError, HeaderReader
from tests.gateway.customers.proxies import version_1, version_2

FOUR, SIX = ip_address("203.0.113.7"), ip_address("2001:db8::7")
LONGEST = "PROXY TCP6 " + " ".join(["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] * 2) + " 65535 65535\r\n"


def read(octets: bytes) -> Header | None:
    return HeaderReader().feed(octets)


def read_in_pieces(octets: bytes) -> tuple[Header | None, int]:
    """What was read octet by octet, and after how many."""
    reader = HeaderReader()
    for count in range(len(octets)):
        found = reader.feed(octets[count : count + 1])
        if found is not None:
            return found, count + 1
    return None, len(octets)


@pytest.mark.parametrize(
    ("octets", "source"),
    [
        (version_1("203.0.113.7", 4000), (FOUR, 4000)),
        (version_1("2001:db8::7", 4000), (SIX, 4000)),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
        (LONGEST.encode(), (ip_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 65535)),
        (version_2("203.0.113.7", 4000), (FOUR, 4000)),
        (version_2("2001:db8::7", 4000), (SIX, 4000)),
        (version_2("203.0.113.7", 4000, tlvs=b"\x03\0\x04abcd"), (FOUR, 4000)),
        (version_2("203.0.113.7", 4000, tlvs=bytes(V2_MAX - 16 - 12)), (FOUR, 4000)),
        (version_2("203.0.113.7", 4000, command=0x20), None),
        (version_2("203.0.113.7", 4000, family=0x12), None),
        (version_2(family=0x31, addresses=bytes(216)), None),
        (version_2(family=0x00, addresses=b""), None),
    ],
)
def test_a_header_is_read_whole_or_octet_by_octet(
    octets: bytes, source: tuple[IPv4Address | IPv6Address, int] | None
) -> None:
    assert read(octets + b"the rest") == Header(source, b"the rest")
    assert read_in_pieces(octets + b"the rest") == (Header(source, b""), len(octets))


@pytest.mark.parametrize(
    "octets",
    [
        b"\0\0\0\x10",
        b"proxy TCP4 ",
        b"\r\n\r\n\0\r\nQUIT\r",
        b"PROXY TCP4 203.0.113.7 203.0.113.8 4000\r\n",
        b"PROXY TCP4 203.0.113.7 203.0.113.8 4000 2775 1\r\n",
        b"PROXY TCP4  203.0.113.7 203.0.113.8 4000 2775\r\n",
        b"PROXY TCP4 203.0.113.777 203.0.113.8 4000 2775\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::8 4000 2775\r\n",
        b"PROXY TCP6 203.0.113.7 203.0.113.8 4000 2775\r\n",
        b"PROXY TCP4 203.0.113.7 nowhere 4000 2775\r\n",
        b"PROXY TCP4 203.0.113.7 203.0.113.8 65536 2775\r\n",
        b"PROXY TCP4 203.0.113.7 203.0.113.8 -1 2775\r\n",
        b"PROXY TCP4 203.0.113.7 203.0.113.8 4000 \r\n",
        b"PROXY TCP4 203.0.113.7 203.0.113.8 0000004000 2775\r\n",
        b"PROXY TCP4 203.0.113.7 203.0.113.8 \xc2\xb2 2775\r\n",
        b"PROXY UDP4 203.0.113.7 203.0.113.8 4000 2775\r\n",
        b"PROXY \r\n",
        version_2("203.0.113.7", 4000, command=0x11),
        version_2("203.0.113.7", 4000, command=0x22),
        version_2(family=0x11, addresses=bytes(11)),
        version_2(family=0x21, addresses=bytes(35)),
    ],
)
def test_what_is_no_header_is_refused(octets: bytes) -> None:
    with pytest.raises(HeaderError):
        read(octets)


def test_a_line_without_an_end_is_refused_when_it_is_too_long() -> None:
    assert len(LONGEST) == 104
    line = b"PROXY UNKNOWN ".ljust(V1_MAX - 2, b"x")
    assert read(line + b"\r") is None
    assert read(line + b"\r\n") == Header(None, b"")
    for too_long in (line + b"xx", line + b"x\r\n"):
        with pytest.raises(HeaderError, match="too long"):
            read(too_long)


def test_a_binary_header_that_would_be_too_long_is_refused_before_it_comes() -> None:
    whole = version_2("203.0.113.7", 4000, tlvs=bytes(V2_MAX - 16 - 11))
    assert read(whole[:15]) is None
    with pytest.raises(HeaderError, match="too long"):
        read(whole[:16])


@given(
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", version_2("203.0.113.7", 1)[:12]]),
    st.binary(max_size=300),
)
@example(version_2()[:12], struct.pack(">BBH", 0x21, 0x11, 0xFFFF))
def test_anything_is_a_header_or_none_or_not_yet_one_however_it_comes(start: bytes, end: bytes) -> None:
    octets = start + end

    def outcome(pieces: list[bytes]) -> str | tuple[IPv4Address | IPv6Address, int] | None:
        reader, found = HeaderReader(), None
        try:
            for piece in pieces:
                found = reader.feed(piece)
                if found is not None:
                    return found.source
        except HeaderError:
            return "no header"
        return "not yet"

    assert outcome([octets]) == outcome([bytes((octet,)) for octet in octets] or [b""])
