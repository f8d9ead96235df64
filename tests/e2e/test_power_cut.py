"""kill -9 in the middle of everything: what was accepted is there after the restart, and the money adds up.

At the moment of the cut an account has messages that were reported and acknowledged, reported and not
acknowledged, accepted by the carrier and not yet reported, sent to the carrier and not answered, and queued.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.carrier import Carrier, Submitted
from tests.e2e.config import Config, free_port
from tests.e2e.customer import GREETING, Customer
from tests.e2e.gateway import Gateway
from tests.e2e.patience import until

WINDOW = 5
ANSWERED = 10
MESSAGES = ANSWERED + WINDOW + 5
NUMBERS = [f"138000000{n:02}" for n in range(MESSAGES)]


class Falling:
    """Answers the first `answered` messages and then none, until told otherwise."""

    def __init__(self, answered: int) -> None:
        self.left = answered

    def __call__(self, submitted: Submitted) -> int | None:
        self.left -= 1
        return 0 if self.left >= 0 else None


@pytest.fixture
def mobile() -> Iterator[Carrier]:
    with Carrier(free_port(), Falling(ANSWERED)) as carrier:
        yield carrier


@pytest.fixture
def unicom() -> Iterator[Carrier]:
    with Carrier(free_port(), Falling(1)) as carrier:
        yield carrier


@pytest.fixture
def gateway(tmp_path: Path, mobile: Carrier, unicom: Carrier) -> Iterator[Gateway]:
    more = f"window_max = {WINDOW}\ntimers.response_s = 60"
    config = Config(limits="in_doubt_s = 1.0")
    config.carrier("mobile", mobile.port, more)
    config.carrier("unicom", unicom.port, more)
    config.account("codes", "mobile", 'in_doubt = "resend"')
    config.account("news", "unicom", 'in_doubt = "park"')
    with Gateway(tmp_path, config) as gateway:
        gateway.top_up("codes", 100)
        gateway.top_up("news", 100)
        gateway.start()
        gateway.wait_for_event("carrier.bound", 2)
        yield gateway


def test_after_a_power_cut_nothing_accepted_is_lost_and_the_ledger_adds_up(
    gateway: Gateway, mobile: Carrier, unicom: Carrier
) -> None:
    with Customer(gateway.port, "codes") as codes, Customer(gateway.port, "news") as news:
        code_ids = [codes.accepted(GREETING, number) for number in NUMBERS]
        news_ids = [news.accepted(GREETING, number) for number in NUMBERS[:8]]
        mobile.wait_for(ANSWERED + WINDOW)
        unicom.wait_for(1 + WINDOW)
        until(lambda: gateway.metric("submits_total", carrier="mobile", outcome="ACCEPTED") == 10, "answers")
        until(lambda: gateway.metric("submits_total", carrier="unicom", outcome="ACCEPTED") == 1, "answer")
        _report(mobile, 0, 1)
        for message_id in code_ids[:2]:
            codes.receipt(message_id)
        until(lambda: gateway.metric("deliveries") == 0, "the acknowledgements on record")
        _report(mobile, 2, 3)
        until(lambda: gateway.metric("deliveries") == 2, "two deliveries that nobody reads")
        assert len(mobile.submitted) == ANSWERED + WINDOW
        gateway.kill()

    mobile.status = unicom.status = lambda _: 0
    gateway.start()
    mobile.wait_for(MESSAGES + WINDOW)
    unicom.wait_for(8)
    with Customer(gateway.port, "codes") as codes:
        _report(mobile, *range(4, MESSAGES + WINDOW))
        for message_id in code_ids[2:]:
            assert codes.receipt(message_id).fields["stat"] == "DELIVRD"
        assert Counter(delivered.receipted for delivered in codes.deliveries) == Counter(code_ids[2:])
    with Customer(gateway.port, "news") as news:
        _report(unicom, 0, 6, 7)
        stats = [news.receipt(message_id).fields["stat"] for message_id in news_ids]
        assert stats == ["DELIVRD", *["UNKNOWN"] * WINDOW, "DELIVRD", "DELIVRD"]

    assert {number: len(mobile.to(number)) for number in NUMBERS} == {
        number: 2 if ANSWERED <= n < ANSWERED + WINDOW else 1 for n, number in enumerate(NUMBERS)
    }
    assert Counter(submitted.destination for submitted in unicom.submitted) == Counter(NUMBERS[:8])
    assert all(submitted.octets.decode("utf-16-be") == GREETING for submitted in mobile.submitted)
    assert gateway.balance("codes") == _balance("codes", settled=MESSAGES)
    assert gateway.balance("news") == _balance("news", settled=3)
    assert gateway.stop() == 0


def _report(carrier: Carrier, *places: int) -> None:
    sequences = [carrier.report(carrier.submitted[place]) for place in places]
    assert set(carrier.wait_for_answers(*sequences)) == {0}


def _balance(account: str, settled: int) -> dict[str, object]:
    return {
        "account": account,
        "topped_up": 100,
        "remaining": 100 - settled,
        "held": 0,
        "settled": settled,
        "returned": 0,
    }
