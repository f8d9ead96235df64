"""The account page of a whole gateway: what its customer has sent, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport

from gateway.settings import Listen
from tests.gateway.account_page.page_side import basic
from tests.gateway.customers.samples import submit
from tests.gateway.whole import BOUGHT, Whole, settings_of

HOST = "192.0.2.9"


class Transport(StringTransport):
    """A connection that can be cut, and tells its protocol."""

    protocol: Any

    def loseConnection(self) -> None:
        self.abortConnection()

    def abortConnection(self) -> None:
        if self.connected:
            self.connected = False
            self.protocol.connectionLost(None)


@pytest.fixture
def whole(path: Path) -> Iterator[Whole]:
    settings = replace(settings_of(path), account_page=Listen("127.0.0.1", 2781, 10))
    whole = Whole(settings).top_up().start()
    yield whole
    whole.stop()
    assert whole.problems() == []


def connected(whole: Whole) -> Transport:
    (port,) = [port for port in whole.ports.opened if port.number == 2781]
    transport = Transport()  # type: ignore[no-untyped-call]  # Twisted's
    transport.connected = True
    transport.protocol = port.factory.buildProtocol(IPv4Address("TCP", HOST, 40_000))
    transport.protocol.makeConnection(transport)
    return transport


def looked_at(whole: Whole) -> Any:
    """What the bank's page shows."""
    transport = connected(whole)
    lines = [f"{name}: {value}" for name, value in basic().items()]
    request = "\r\n".join(["GET /account HTTP/1.1", "Host: x", *lines, "", ""])
    transport.protocol.dataReceived(request.encode())
    whole.turn()
    said: bytes = transport.value()  # type: ignore[no-untyped-call]  # Twisted's
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert not transport.connected
    return json.loads(body)


def test_a_message_can_be_followed_to_its_end(whole: Whole) -> None:
    whole.carrier().lose()
    customer = whole.customer()
    customer.send(submit(2), submit(3))
    shown = looked_at(whole)
    assert (shown["queue"]["waiting"], shown["today"]["accepted"]) == (2, 2)
    assert (shown["balance"]["remaining"], shown["balance"]["held"]) == (BOUGHT - 2, 2)
    assert [bind["kind"] for bind in shown["binds"]] == ["transceiver"]

    whole.pass_time(10.0)
    whole.carrier().accept_bind()
    whole.turn()
    one, other = whole.submits()
    whole.accept(one, other)
    whole.pass_time(5.0)
    shown = looked_at(whole)
    assert (shown["queue"]["waiting"], shown["queue"]["on_their_way"]) == (0, 2)
    assert (shown["balance"]["held"], shown["balance"]["settled"]) == (0, 2)
    assert [lot["left"] for lot in shown["lots"]] == [BOUGHT - 2]


def test_a_customer_that_has_parted_is_bound_no_more(whole: Whole) -> None:
    customer = whole.customer()
    assert len(looked_at(whole)["binds"]) == 1
    customer.unbind()
    whole.turn()
    assert looked_at(whole)["binds"] == []


def test_a_stop_closes_the_page_and_cuts_who_is_there(whole: Whole) -> None:
    there = connected(whole)
    assert b"signet_account_page_connections 1.0" in whole.gateway.metrics.render()
    whole.stop()
    assert [port.is_open for port in whole.ports.opened] == [False, False]
    assert not there.connected


def test_without_the_table_there_is_no_page(path: Path) -> None:
    whole = Whole(settings_of(path)).start()
    assert [port.number for port in whole.ports.opened] == [2775]
    whole.stop()
