from __future__ import annotations

import pytest

from gateway.customers.origin import address_of, origin


@pytest.mark.parametrize(
    ("host", "counted_under"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_ipv4_address_or_a_subscriber_of_ipv6_is_one_origin(host: str, counted_under: str) -> None:
    assert origin(host) == counted_under


def test_an_ipv4_peer_of_an_ipv6_socket_has_an_ipv4_address() -> None:
    assert address_of("::ffff:192.0.2.9") == address_of("192.0.2.9")


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        origin("nowhere")
