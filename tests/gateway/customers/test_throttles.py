from __future__ import annotations

import pytest

from gateway.customers.throttles import Throttles
from gateway.settings import Account, Limits, Throttle
from tests.gateway.customers.samples import a_customer

ONE, OTHER, THIRD = "10690001", "10690002", "10690003"


@pytest.fixture
def throttles() -> Throttles:
    return Throttles(Limits(sources_max=2))


def a_bank(burst: int = 2, throttle: Throttle | None = None) -> Account:
    return a_customer(throttle=throttle, throttle_per_source=Throttle(1.0, burst))


def test_each_source_has_a_rate_of_its_own(throttles: Throttles) -> None:
    bank = a_bank()
    assert [throttles.take(bank, ONE, 1, 0.0) for _ in range(3)] == [True, True, False]
    assert throttles.take(bank, OTHER, 2, 0.0)
    assert not throttles.take(bank, ONE, 1, 0.9)
    assert throttles.take(bank, ONE, 1, 1.0)


def test_the_same_source_of_another_account_is_another(throttles: Throttles) -> None:
    assert throttles.take(a_bank(), ONE, 2, 0.0)
    assert throttles.take(a_customer(name="shop", throttle_per_source=Throttle(1.0, 2)), ONE, 2, 0.0)


def test_what_the_source_may_not_send_costs_the_account_nothing(throttles: Throttles) -> None:
    bank = a_bank(burst=1, throttle=Throttle(1.0, 3))
    assert [throttles.take(bank, ONE, 1, 0.0) for _ in range(3)] == [True, False, False]
    assert throttles.take(bank, OTHER, 1, 0.0)


def test_what_the_account_may_not_send_costs_the_source_nothing(throttles: Throttles) -> None:
    bank = a_bank(burst=5, throttle=Throttle(1.0, 1))
    assert [throttles.take(bank, ONE, 1, 0.0) for _ in range(9)] == [True] + [False] * 8
    assert [throttles.take(bank, ONE, 1, float(second)) for second in range(1, 8)] == [True] * 7


def test_what_is_spent_is_paid_by_account_and_source(throttles: Throttles) -> None:
    bank = a_bank(burst=2, throttle=Throttle(1.0, 4))
    throttles.spend(bank, ONE, 4, 0.0)
    assert not throttles.take(bank, OTHER, 1, 0.9)
    assert not throttles.take(bank, ONE, 1, 2.9)
    assert throttles.take(bank, ONE, 1, 3.0)


def test_a_source_too_many_waits_until_the_rate_of_another_is_unused(throttles: Throttles) -> None:
    bank = a_bank()
    assert throttles.take(bank, ONE, 2, 0.0)
    assert throttles.take(bank, OTHER, 2, 0.0)
    assert not throttles.take(bank, THIRD, 1, 1.9)
    assert throttles.sources() == {"bank": 2}
    assert throttles.take(bank, THIRD, 1, 2.0)
    assert throttles.sources() == {"bank": 2}
    assert throttles.take(bank, OTHER, 2, 2.0), "the one used longest ago was forgotten, no other"


def test_forgetting_a_source_gives_it_nothing(throttles: Throttles) -> None:
    bank = a_bank()
    for second in range(0, 40, 4):
        assert throttles.take(bank, f"1069{second}", 2, second / 2)
        assert throttles.take(bank, ONE, 1, second / 2)
        assert not throttles.take(bank, f"1069{second}", 1, second / 2)


def test_accounts_without_throttles_are_not_remembered(throttles: Throttles) -> None:
    assert throttles.take(a_customer(), ONE, 1000, 0.0)
    throttles.spend(a_customer(), ONE, 1000, 0.0)
    assert throttles.sources() == {}
