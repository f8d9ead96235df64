"""Who counts as one stranger: an IPv4 address, or the /64 of IPv6 that one subscriber has to himself."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_SUBSCRIBER_BITS = 64


def address_of(host: str) -> IPv4Address | IPv6Address:
    """The address that `host` writes; an IPv4 peer of a socket that listens on "::" is one of IPv4.

    Raises ValueError for what is no address.
    """
    address = ip_address(host)
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address


def origin(host: str) -> str:
    """What a peer at `host` is counted under. Raises ValueError for what is no address."""
    address = address_of(host)
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _SUBSCRIBER_BITS), strict=False))
