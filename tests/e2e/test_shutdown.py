"""SIGTERM: the door closes, what is under way is finished, everyone is parted from in good order."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from smpplib import exceptions, smpp

from tests.e2e.carrier import Carrier
from tests.e2e.config import Config, free_port
from tests.e2e.customer import GREETING, Customer
from tests.e2e.gateway import Gateway

RSYSERR = 0x08


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with Carrier(free_port(), lambda _: None) as carrier:
        yield carrier


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port with a full backlog: who connects to it hears nothing at all."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        with socket.create_connection(address):
            yield address[1]


@pytest.fixture
def gateway(tmp_path: Path, carrier: Carrier, deaf_port: int) -> Iterator[Gateway]:
    config = Config()
    config.account("bank", "mobile")
    config.carrier("mobile", carrier.port, "timers.response_s = 60")
    config.carrier("deaf", deaf_port)
    with Gateway(tmp_path, config) as gateway:
        gateway.top_up("bank", 100)
        gateway.start()
        yield gateway


def test_sigterm_waits_for_the_carriers_answers_and_exits_with_0(gateway: Gateway, carrier: Carrier) -> None:
    with Customer(gateway.port, "bank") as customer:
        for n in range(3):
            customer.accepted(GREETING, f"1380000000{n}")
        carrier.wait_for(3)
        gateway.ask_to_stop()
        gateway.wait_for_event("gateway.stopping")
        gateway.ask_to_stop()  # some supervisors cannot wait

        assert customer.submit(GREETING, "13800000003").status == RSYSERR
        with pytest.raises(exceptions.ConnectionError, match="refused"):
            Customer(gateway.port, "bank")
        assert gateway.is_running
        carrier.answer_all()

        unbind = customer.client.read_pdu()
        assert unbind.command == "unbind"
        answer = smpp.make_pdu("unbind_resp", client=customer.client)
        answer.sequence = unbind.sequence
        customer.client.send_pdu(answer)
        assert customer.is_closed()

    # The connection that "deaf" still owes us is not waited for.
    assert gateway.exit_code(within_s=5) == 0
    assert carrier.unbinds == 1
    balance = gateway.balance("bank")
    assert (balance["settled"], balance["held"], balance["remaining"]) == (3, 0, 97)
    assert len(carrier.submitted) == 3
    assert "Traceback" not in gateway.log
