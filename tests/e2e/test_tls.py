"""TLS on both sides of a real gateway, and a load balancer in front of it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest

from tests.certificates import Authority, Pair, trusting
from tests.e2e.carrier import Carrier
from tests.e2e.config import PASSWORD, Config, free_port
from tests.e2e.customer import GREETING, Customer, refusal_of
from tests.e2e.gateway import Gateway
from tests.e2e.patience import until

RBINDFAIL = 0x0D


def serving(own: Pair, asks: bool = False) -> ssl.SSLContext:
    """A carrier's side of TLS; it may insist on a certificate of ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    if asks:
        context.load_verify_locations(own.authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@dataclass
class House:
    """A gateway with a port for TLS, one carrier that is what it says, and two that are not."""

    gateway: Gateway
    tls_port: int
    authority: Authority
    carrier: Carrier
    misnamed: Carrier
    unknown: Carrier

    def client(self, *names: str) -> ssl.SSLContext:
        """A customer's side of TLS, with a certificate if names are given."""
        context = trusting(self.authority, self.authority.issue(*names) if names else None)
        context.check_hostname = False  # smpplib tells no name
        return context


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = Authority(folder), Authority(folder, "stranger")
    own = authority.issue("gateway", "gateway.example")
    with ExitStack() as stack:
        carriers = [
            stack.enter_context(Carrier(free_port(), tls=serving(pair, asks=asks)))
            for pair, asks in (
                (authority.issue("smsc", "smsc.example"), True),
                (authority.issue("other", "other.example"), False),
                (stranger.issue("smsc", "127.0.0.1"), False),
            )
        ]
        carrier, misnamed, unknown = carriers
        tls_port = free_port()
        config = Config(listen='session_init_s = 1.0\nproxy_networks = ["127.0.0.2"]')
        config.account("bank", "mobile", "tls = true")
        config.account("named", "mobile", 'client_certificate = "bank.example"')
        config.account("clear", "mobile")
        config.account("behind", "mobile", 'allowed_networks = ["203.0.113.7"]')
        ca = f'ca = "{authority.file}"'
        config.carrier("mobile", carrier.port, f'tls = {{ {ca}, {own.table}, server_name = "smsc.example" }}')
        config.carrier("misnamed", misnamed.port, f"tls = {{ {ca} }}")
        config.carrier("unknown", unknown.port, f"tls = {{ {ca} }}")
        pair = own.table.replace(", ", "\n")
        config.tables.append(f'[listen.tls]\nport = {tls_port}\n{pair}\nclient_ca = "{authority.file}"\n')
        gateway = stack.enter_context(Gateway(folder, config))
        gateway.start()
        gateway.top_up("bank", 100)
        gateway.let_in("named", "clear", "behind")
        yield House(gateway, tls_port, authority, carrier, misnamed, unknown)
        assert gateway.stop() == 0


def test_a_message_goes_out_and_its_receipt_comes_back_all_over_tls(house: House) -> None:
    with Customer(house.tls_port, "bank", tls=house.client()) as customer:
        message_id = customer.accepted(GREETING, "13800000000")
        house.carrier.report(house.carrier.wait_for_one("13800000000"))
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"
        customer.unbind()


def test_many_messages_go_over_one_tls_connection(house: House) -> None:
    with Customer(house.tls_port, "bank", tls=house.client()) as customer:
        sent = [customer.send(GREETING, f"1390000{n:04}") for n in range(50)]
        assert {customer.answer(sequence).status for sequence in sent} == {0}


def test_an_account_of_tls_only_is_refused_in_clear(house: House) -> None:
    before = house.gateway.metric("binds_refused_total", rule="TLS_REQUIRED")
    assert refusal_of(house.gateway.port, "bank", PASSWORD) == RBINDFAIL
    assert house.gateway.metric("binds_refused_total", rule="TLS_REQUIRED") == before + 1


def test_an_account_that_demands_no_tls_binds_either_way(house: House) -> None:
    for port, tls in ((house.gateway.port, None), (house.tls_port, house.client())):
        with Customer(port, "clear", tls=tls) as customer:
            customer.unbind()


def test_an_account_with_a_certificate_is_bound_with_that_one_only(house: House) -> None:
    assert refusal_of(house.tls_port, "named", PASSWORD, house.client()) == RBINDFAIL
    assert refusal_of(house.tls_port, "named", PASSWORD, house.client("shop.example")) == RBINDFAIL
    with Customer(house.tls_port, "named", tls=house.client("bank.example")) as customer:
        customer.unbind()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("misnamed", "TLS: the certificate is for another name"),
        ("unknown", "TLS: certificate verify failed"),
    ],
)
def test_a_carrier_that_is_not_what_it_says_never_hears_our_password(
    house: House, name: str, reason: str
) -> None:
    def ended() -> list[str]:
        events = house.gateway.events("carrier.unbound")
        return [event["reason"] for event in events if event["bind"] == f"{name}/0"]

    until(lambda: len(ended()) >= 2, "two tries")
    assert set(ended()) == {reason}
    carrier: Carrier = getattr(house, name)
    assert not carrier.was_asked
    assert house.gateway.events("carrier.bound")[0]["bind"] == "mobile/0"
    assert len(house.gateway.events("carrier.bound")) == 1


def test_a_load_balancer_says_whom_it_connects_and_then_tls_begins(house: House) -> None:
    header = b"PROXY TCP4 203.0.113.7 203.0.113.8 4000 3550\r\n"
    with socket.create_connection(("127.0.0.1", house.tls_port), 15, ("127.0.0.2", 0)) as clear:
        for octet in header:
            clear.sendall(bytes((octet,)))
        with house.client().wrap_socket(clear) as connection:
            assert _bound(connection) == 0
    accepted = house.gateway.events("bind.accepted")[-1]
    assert (accepted["account"], accepted["peer"]) == ("behind", "203.0.113.7:4000")


def test_a_stranger_cannot_choose_its_address(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.gateway.port), 15, ("127.0.0.3", 0)) as stranger:
        stranger.sendall(b"PROXY TCP4 203.0.113.7 203.0.113.8 4000 3550\r\n")
        assert stranger.recv(16)[4:12] == bytes.fromhex("8000000000000002")
        assert stranger.recv(1) == b""


def test_a_header_that_is_too_slow_ends_the_connection(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.gateway.port), 15, ("127.0.0.2", 0)) as proxy:
        proxy.sendall(b"PROXY TCP4 203.0.113.7")
        with suppress(ConnectionResetError):
            assert proxy.recv(1) == b""
    house.gateway.wait_for_event("connection.dropped")
    assert "no PROXY header in time" in {e["reason"] for e in house.gateway.events("connection.dropped")}


def test_nothing_of_a_key_is_logged(house: House) -> None:
    assert "PRIVATE" not in house.gateway.log
    assert "Traceback" not in house.gateway.log


def _bound(connection: socket.socket) -> int:
    """Bind as "behind"; the command_status of the answer."""
    body = b"behind\0" + PASSWORD.encode() + b"\0\0\x34\0\0\0"
    connection.sendall((16 + len(body)).to_bytes(4) + bytes.fromhex("000000090000000000000001") + body)
    return int.from_bytes(connection.recv(16)[8:12])
