from __future__ import annotations

from math import inf

import pytest

from gateway.broadcasts.forecast import rate_per_s, sending_s
from gateway.settings import BindType, Carrier, Throttle
from tests.gateway.carriers.samples import a_carrier, an_account

FAST = a_carrier(name="fast", rate=Throttle(100.0, 1))
SLOW = a_carrier(name="slow", rate=Throttle(1.0, 50))
CARRIERS = {"fast": FAST, "slow": SLOW}


@pytest.mark.parametrize(
    ("carrier", "rate"),
    [
        (FAST, 100.0),
        (a_carrier(rate=Throttle(100.0, 1), binds=3), 300.0),
        (a_carrier(rate=Throttle(100.0, 1), binds=2, bind_type=BindType.PAIR), 200.0),
        (a_carrier(rate=Throttle(100.0, 1), bind_type=BindType.RECEIVER), 0.0),
        (a_carrier(rate=None, window_max=10, binds=2), 20.0),
        (a_carrier(rate=Throttle(0.0, 1)), 0.0),
    ],
)
def test_a_carrier_takes_what_its_binds_take(carrier: Carrier, rate: float) -> None:
    assert rate_per_s(carrier) == rate


def test_each_recipient_takes_its_segments() -> None:
    assert sending_s(an_account(), CARRIERS, {"fast": 1000}, 3) == 30.0


def test_carriers_work_side_by_side_and_the_slowest_ends_last() -> None:
    assert sending_s(an_account(), CARRIERS, {"fast": 1000, "slow": 60}, 1) == 60.0


def test_a_route_is_sent_by_its_first_carrier() -> None:
    assert sending_s(an_account(), CARRIERS, {"slow,fast": 10, "slow": 20}, 1) == 30.0


def test_the_account_s_own_throttles_may_be_what_takes_longest() -> None:
    throttled = an_account(throttle=Throttle(10.0, 1))
    assert sending_s(throttled, CARRIERS, {"fast": 1000}, 2) == 200.0
    assert sending_s(an_account(throttle_per_source=Throttle(5.0, 1)), CARRIERS, {"fast": 100}, 1) == 20.0


def test_a_carrier_that_takes_nothing_never_ends() -> None:
    blocked = {"fast": a_carrier(name="fast", rate=Throttle(0.0, 1))}
    assert sending_s(an_account(), blocked, {"fast": 1}, 1) == inf
