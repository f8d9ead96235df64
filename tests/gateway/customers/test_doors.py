"""TLS as customers meet it, spoken by Python's own, over connections in memory."""

from __future__ import annotations

import ssl
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL
from structlog.testing import capture_logs

from gateway import tls
from gateway.settings import ClientCertificate, ListenTls, Timers
from tests.certificates import Authority, Pair, trusting
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.customers.customer_side import LISTEN, CustomerSide
from tests.gateway.customers.proxies import version_1
from tests.gateway.customers.samples import a_customer, bank_bind
from tests.gateway.customers.wire import TlsCustomer, wire_to
from tests.gateway.raw_pdus import ENQUIRE_LINK, RESP, UNBIND, raw

PEER, PROXY, CUSTOMER = "192.0.2.9", "10.0.0.1", "203.0.113.7"
PLAIN, TLS = 0, 1
RBINDFAIL = 0x0D


class House:
    """An authority, and a gateway whose customers' certificates are its own, too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.own = self.authority.issue("gateway", "gateway.example")

    def side(
        self,
        client_certificate: ClientCertificate = ClientCertificate.OPTIONAL,
        knows_customers: bool = True,
        listen: Any = LISTEN,
        demands: str | None = None,
        **account: Any,
    ) -> CustomerSide:
        client_ca = self.authority.file if knows_customers else None
        port = ListenTls(3550, self.own.certificate, self.own.key, client_ca, client_certificate)
        bank = a_customer(client_certificate=demands, **account)
        return CustomerSide(
            FakeStore(), listen=replace(listen, tls=port), accounts=(bank,), connections_max=2
        )

    def customer(self, side: CustomerSide, own: Pair | None = None) -> TlsCustomer:
        return TlsCustomer(wire_to(side, PEER, TLS), trusting(self.authority, own))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"))


def bind_status(customer: TlsCustomer) -> int:
    (answer,) = customer.send(bank_bind())
    return answer.command_status


def test_a_customer_binds_over_tls_as_over_the_plain_port(house: House) -> None:
    side = house.side()
    assert bind_status(house.customer(side)) == 0
    assert [pdu.command_status for pdu in wire_to(side, PEER, PLAIN).send(bank_bind())] == [0]
    assert side.binds.counts() == {"bank": 2}


def test_small_pdus_leave_at_once_over_tls_too(house: House) -> None:
    assert house.customer(house.side()).wire.no_delay


def test_the_plain_port_can_be_closed(house: House) -> None:
    side = house.side(listen=replace(LISTEN, plain=False))
    assert [port for port, _ in side.doors.factories] == [3550]


def test_a_customer_with_an_unbind_is_answered_and_then_tls_is_shut_down(house: House) -> None:
    customer = house.customer(house.side())
    assert bind_status(customer) == 0
    assert [pdu.command_id for pdu in customer.send(raw(UNBIND))] == [UNBIND | RESP]
    assert customer.tls.read(1) == b"", "the end, in good order"
    assert not customer.wire.half_closed
    customer.tls.unwrap()
    customer.pump()
    assert customer.wire.over
    assert not customer.wire.aborted


def test_a_customer_that_does_not_answer_the_end_of_tls_is_cut_off(house: House) -> None:
    side = house.side()
    customer = house.customer(side)
    bind_status(customer)
    customer.send(raw(UNBIND))
    assert not customer.wire.over
    side.pass_time(5.0)
    assert customer.wire.aborted
    assert side.binds.counts() == {"bank": 0}


def test_a_customer_that_does_not_read_is_neither_read_nor_kept(house: House) -> None:
    side = house.side()
    customer = house.customer(side)
    bind_status(customer)
    customer.wire.fill()
    assert not customer.wire.reading
    side.pass_time(30.0)
    assert customer.wire.aborted


def test_more_connections_than_allowed_are_refused_at_the_port_for_tls_too(house: House) -> None:
    side = house.side()
    for _ in range(2):
        assert bind_status(house.customer(side)) == 0
    assert wire_to(side, PEER, TLS).was_refused


def test_a_handshake_that_takes_too_long_is_cut_off(house: House) -> None:
    side = house.side()
    wire = wire_to(side, PEER, TLS)
    wire.swap(b"\x16\x03\x01")
    side.pass_time(10.0)
    assert wire.over
    assert len(side.listener) == 0


def test_what_is_no_tls_is_refused_and_told_once(house: House) -> None:
    wire = wire_to(house.side(), PEER, TLS)
    with capture_logs() as lines:
        wire.swap(bank_bind())
    assert wire.over
    (line,) = lines
    assert (line["event"], line["peer"]) == ("connection.dropped", f"{PEER}:40000")
    assert line["reason"].startswith("TLS: ")


def test_tls_before_1_2_is_not_spoken(house: House) -> None:
    listen = ListenTls(3550, house.own.certificate, house.own.key)
    options = tls.server_options(listen).getContext().set_options(0)
    for old in (SSL.OP_NO_SSLv3, SSL.OP_NO_TLSv1, SSL.OP_NO_TLSv1_1):
        assert options & old
    assert not options & (SSL.OP_NO_TLSv1_2 | SSL.OP_NO_TLSv1_3)


def test_tls_1_2_is_spoken(house: House) -> None:
    context = trusting(house.authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert bind_status(TlsCustomer(wire_to(house.side(), PEER, TLS), context)) == 0


class TestAClientCertificate:
    def test_that_is_optional_may_be_missing(self, house: House) -> None:
        assert bind_status(house.customer(house.side())) == 0

    def test_that_is_required_must_be_there(self, house: House) -> None:
        side = house.side(ClientCertificate.REQUIRED)
        with capture_logs() as lines, pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"):
            house.customer(side).send(bank_bind())
        assert [line["event"] for line in lines] == ["connection.dropped"]
        assert "did not return a certificate" in lines[0]["reason"]
        assert len(side.listener) == 0
        assert bind_status(house.customer(side, house.authority.issue("bank"))) == 0

    @pytest.mark.parametrize("wanted", list(ClientCertificate))
    def test_of_an_unknown_authority_is_refused(self, house: House, wanted: ClientCertificate) -> None:
        forged = Authority(house.folder, "impostor").issue("bank")
        with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
            house.customer(house.side(wanted), forged).send(bank_bind())

    def test_is_not_asked_for_where_no_authority_is_known(self, house: House) -> None:
        side = house.side(knows_customers=False)
        forged = Authority(house.folder, "impostor").issue("bank")
        assert bind_status(house.customer(side, forged)) == 0

    @pytest.mark.parametrize(
        ("names", "status"),
        [
            (None, RBINDFAIL),
            (("shop",), RBINDFAIL),
            (("shop", "shop.example", "192.0.2.1"), RBINDFAIL),
            (("Bank.Example",), 0),
            (("shop", "shop.example", "bank.example"), 0),
        ],
    )
    def test_must_have_the_name_that_the_account_demands(
        self, house: House, names: tuple[str, ...] | None, status: int
    ) -> None:
        side = house.side(demands="bank.example")
        own = None if names is None else house.authority.issue(*names)
        assert bind_status(house.customer(side, own)) == status

    def test_is_demanded_of_those_who_come_without_tls(self, house: House) -> None:
        side = house.side(demands="bank.example")
        assert [pdu.command_status for pdu in wire_to(side, PEER, PLAIN).send(bank_bind())] == [RBINDFAIL]


def test_a_header_of_a_proxy_comes_before_tls(house: House) -> None:
    listen = replace(LISTEN, proxy_networks=(ip_network("10.0.0.0/8"),))
    side = house.side(listen=listen, allowed_networks=(ip_network(CUSTOMER),))
    customer = TlsCustomer(wire_to(side, PROXY, TLS), trusting(house.authority), first=version_1(CUSTOMER))
    with capture_logs() as lines:
        assert bind_status(customer) == 0
    assert [line["peer"] for line in lines] == [f"{CUSTOMER}:4000"]
    assert wire_to(side, PROXY, TLS).send(bank_bind()) == []


def test_a_customer_over_tls_is_asked_whether_it_is_there(house: House) -> None:
    side = house.side(timers=Timers(enquire_link_s=7.0))
    customer = house.customer(side)
    bind_status(customer)
    side.pass_time(7.0)
    assert [pdu.command_id for pdu in customer.send()] == [ENQUIRE_LINK]
