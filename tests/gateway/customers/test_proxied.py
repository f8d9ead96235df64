from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from structlog.testing import capture_logs
from twisted.internet.error import ConnectionDone

from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.customers.customer_side import LISTEN, CustomerSide
from tests.gateway.customers.proxies import version_1, version_2
from tests.gateway.customers.samples import a_customer, bank_bind
from tests.gateway.customers.wire import Wire, wire_to
from tests.gateway.raw_pdus import Raw

PROXY, STRANGER = "10.0.0.1", "198.51.100.1"
CUSTOMER, OTHER = "203.0.113.7", "203.0.113.8"


def a_side(networks: tuple[str, ...] = ("10.0.0.0/8",), **how: Any) -> CustomerSide:
    proxied = tuple(map(ip_network, networks))
    return CustomerSide(FakeStore(), listen=replace(LISTEN, proxy_networks=proxied), **how)


def only_from(host: str) -> tuple[Any, ...]:
    return (a_customer(allowed_networks=(ip_network(host),)),)


def is_over(wire: Wire) -> bool:
    return wire.over


def statuses(answers: list[Raw]) -> list[int]:
    return [pdu.command_status for pdu in answers]


@pytest.mark.parametrize("header", [version_1(CUSTOMER), version_2(CUSTOMER)])
class TestAHeader:
    def test_says_whose_the_connection_is(self, header: bytes) -> None:
        side = a_side(accounts=only_from(CUSTOMER))
        wire = wire_to(side, PROXY)
        with capture_logs() as lines:
            assert statuses(wire.send(header + bank_bind())) == [0]
        assert [line["peer"] for line in lines] == [f"{CUSTOMER}:4000"]

    def test_may_come_in_any_pieces(self, header: bytes) -> None:
        side = a_side(accounts=only_from(CUSTOMER))
        wire = wire_to(side, PROXY)
        whole = header + bank_bind()
        answers = [pdu for octet in whole for pdu in wire.send(bytes((octet,)))]
        assert statuses(answers) == [0]

    def test_of_a_stranger_is_no_header(self, header: bytes) -> None:
        side = a_side(accounts=only_from(CUSTOMER))
        wire = wire_to(side, STRANGER)
        (nack,) = wire.send(header + bank_bind())
        assert (nack.command_id, nack.command_status) == (0x80000000, 2)
        assert wire.half_closed

    def test_whose_customer_is_not_allowed_does_not_borrow_the_address_of_the_proxy(
        self, header: bytes
    ) -> None:
        side = a_side(accounts=only_from(PROXY))
        assert statuses(wire_to(side, PROXY).send(header + bank_bind())) == [0x0D]


def test_connections_are_counted_by_the_address_in_the_header() -> None:
    side = a_side(connections_per_address_max=1)
    assert statuses(wire_to(side, PROXY).send(version_1(CUSTOMER), bank_bind())) == [0]
    second = wire_to(side, PROXY)
    with capture_logs() as lines:
        second.send(version_1(CUSTOMER))
    assert [(line["event"], line["peer"]) for line in lines] == [("connection.refused", CUSTOMER)]
    assert second.over
    assert statuses(wire_to(side, PROXY).send(version_1(OTHER), bank_bind())) == [0]


def test_without_the_header_a_connection_of_the_proxy_is_refused() -> None:
    side = a_side()
    wire = wire_to(side, PROXY)
    with capture_logs() as lines:
        assert wire.send(bank_bind()) == []
    assert is_over(wire)
    assert [(line["event"], line["reason"]) for line in lines] == [("connection.dropped", "no PROXY header")]
    assert side.metrics.protocol_faults == {("customer", ""): 1}
    assert (side.doors.unannounced, len(side.listener)) == (0, 0)


def test_a_header_that_is_too_slow_ends_the_connection() -> None:
    side = a_side()
    wire = wire_to(side, PROXY)
    wire.send(version_1()[:-1])
    side.pass_time(9.75)
    assert not is_over(wire)
    with capture_logs() as lines:
        side.pass_time(0.25)
    assert is_over(wire)
    assert [line["reason"] for line in lines] == ["no PROXY header in time"]
    assert side.doors.unannounced == 0


def test_the_time_for_a_bind_begins_with_the_header() -> None:
    side = a_side()
    wire = wire_to(side, PROXY)
    side.pass_time(9.0)
    wire.send(version_1())
    side.pass_time(9.75)
    assert not is_over(wire)
    side.pass_time(0.25)
    assert is_over(wire)


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", version_2(command=0x20)])
def test_a_proxy_that_speaks_for_itself_has_its_own_address(header: bytes) -> None:
    side = a_side(accounts=only_from(PROXY))
    assert statuses(wire_to(side, PROXY).send(header + bank_bind())) == [0]


def test_a_proxy_that_looks_whether_we_are_there_makes_no_noise() -> None:
    side = a_side()
    wire = wire_to(side, PROXY)
    with capture_logs() as lines:
        wire.end(ConnectionDone())
        side.pass_time(20.0)
    assert lines == []
    assert side.doors.unannounced == 0
    assert side.reactor.getDelayedCalls() == []


def test_a_customer_that_needs_no_proxy_is_let_in_as_ever() -> None:
    side = a_side(accounts=only_from(STRANGER))
    assert statuses(wire_to(side, STRANGER).send(bank_bind())) == [0]


@pytest.mark.parametrize(
    ("network", "proxy"),
    [("10.0.0.0/8", "::ffff:10.0.0.1"), ("2001:db8:1::/48", "2001:db8:1::1"), ("fe80::/10", "fe80::1%eth0")],
)
def test_a_proxy_is_known_by_any_form_of_its_address(network: str, proxy: str) -> None:
    side = a_side((network,), accounts=only_from("2001:db8::7"))
    assert statuses(wire_to(side, proxy).send(version_1("2001:db8::7") + bank_bind())) == [0]


def test_an_ipv4_customer_behind_an_ipv6_header_is_allowed_as_ipv4() -> None:
    side = a_side(accounts=only_from(CUSTOMER))
    assert statuses(wire_to(side, PROXY).send(version_2(f"::ffff:{CUSTOMER}") + bank_bind())) == [0]


def test_only_so_many_headers_are_waited_for() -> None:
    side = a_side(connections_max=2)
    wires = [wire_to(side, PROXY) for _ in range(3)]
    assert [wire.was_refused for wire in wires] == [False, False, True]
    wires[0].send(version_1())
    assert not wire_to(side, PROXY).was_refused


def test_stopping_cuts_those_that_have_not_said_whose_they_are() -> None:
    side = a_side()
    wire = wire_to(side, PROXY)
    side.doors.abort()
    wire.send(version_1())
    assert is_over(wire)
    assert (side.doors.unannounced, len(side.listener)) == (0, 0)
    assert side.reactor.getDelayedCalls() == []
