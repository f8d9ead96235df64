"""SIGTERM with a queue: what a carrier has is waited for, what waits stays in the store for the next life."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.carrier import Carrier
from tests.e2e.config import Config, free_port
from tests.e2e.customer import GREETING, Customer
from tests.e2e.gateway import Gateway


def test_sigterm_sends_nothing_more_and_the_next_life_sends_the_rest(tmp_path: Path) -> None:
    with Carrier(free_port(), lambda _: None) as carrier:
        config = Config()
        config.account("bank", "mobile")
        config.carrier("mobile", carrier.port, "window_max = 1\ntimers.response_s = 60")
        with Gateway(tmp_path, config) as gateway:
            gateway.top_up("bank", 10)
            gateway.start()
            with Customer(gateway.port, "bank") as customer:
                for n in range(3):
                    customer.accepted(GREETING, f"1380000000{n}")
                carrier.wait_for(1)
            gateway.ask_to_stop()
            gateway.wait_for_event("gateway.stopping")
            carrier.answer_all()
            assert gateway.exit_code(within_s=5) == 0
            assert len(carrier.submitted) == 1
            balance = gateway.balance("bank")
            assert (balance["settled"], balance["held"]) == (1, 2)

            carrier.status = lambda _: 0
            gateway.start()
            assert len(carrier.wait_for(3)) == 3
            assert gateway.stop() == 0
