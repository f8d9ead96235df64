"""One side is away: nothing is lost, and it goes on when that side is back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.carrier import Carrier
from tests.e2e.config import Config, free_port
from tests.e2e.customer import GREETING, Customer
from tests.e2e.gateway import Gateway
from tests.e2e.patience import until


@pytest.fixture(scope="module")
def carrier() -> Iterator[Carrier]:
    with Carrier(free_port()) as carrier:
        yield carrier


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, carrier: Carrier) -> Iterator[Gateway]:
    config = Config()
    config.account("bank", "mobile")
    config.carrier("mobile", carrier.port)
    with Gateway(tmp_path_factory.mktemp("gateway"), config) as gateway:
        gateway.top_up("bank", 1000)
        gateway.start()
        yield gateway


def test_a_customer_that_was_away_gets_its_receipt_when_it_binds_again(
    gateway: Gateway, carrier: Carrier
) -> None:
    with Customer(gateway.port, "bank") as customer:
        message_id = customer.accepted(GREETING, "13800000001")
    until(lambda: gateway.metric("binds", account="bank") == 0, "the customer gone")
    submitted = carrier.wait_for_one("13800000001")
    assert carrier.wait_for_answers(carrier.report(submitted)) == [0]
    # Sooner than the gateway would find by itself that it owes something.
    with Customer(gateway.port, "bank", bind_type="receiver", timeout_s=5) as customer:
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"


def test_what_is_accepted_while_the_carrier_is_away_goes_out_when_it_is_back(
    gateway: Gateway, carrier: Carrier
) -> None:
    numbers = [f"1380000010{n}" for n in range(5)]
    with Customer(gateway.port, "bank") as customer:
        carrier.close()
        gateway.wait_for_health(503)
        message_ids = [customer.accepted(GREETING, number) for number in numbers]
        assert gateway.balance("bank")["held"] == len(numbers)
        carrier.open()
        gateway.wait_for_health(200)
        for number, message_id in zip(numbers, message_ids, strict=True):
            carrier.report(carrier.wait_for_one(number))
            assert customer.receipt(message_id).source == number
