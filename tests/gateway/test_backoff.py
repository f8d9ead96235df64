from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backoff import delay_s

NEARLY_ONE = 1.0 - 2.0**-53


def longest() -> float:
    return NEARLY_ONE


def shortest() -> float:
    return 0.0


@pytest.mark.parametrize(("tries", "whole"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 10.0), (6, 10.0)])
def test_the_wait_doubles_up_to_its_bound_and_is_at_least_half(tries: int, whole: float) -> None:
    assert delay_s(tries, 1.0, 10.0, longest) == pytest.approx(whole)
    assert delay_s(tries, 1.0, 10.0, shortest) == whole / 2


@given(
    st.integers(1, 10**9), st.floats(0.001, 60.0), st.floats(60.0, 3600.0), st.floats(0, 1, exclude_max=True)
)
def test_it_is_never_nothing_and_never_too_long(
    tries: int, least_s: float, most_s: float, chance: float
) -> None:
    assert least_s / 2 <= delay_s(tries, least_s, most_s, lambda: chance) <= most_s


def test_two_who_failed_together_do_not_come_back_together() -> None:
    source = random.Random(1)
    delays = {delay_s(4, 1.0, 60.0, source.random) for _ in range(100)}
    assert len(delays) == 100
    assert max(delays) - min(delays) > 3.0


def test_the_bounds_rise_with_the_tries() -> None:
    waits = [delay_s(tries, 1.0, 300.0, shortest) for tries in range(1, 40)]
    assert all(earlier <= later for earlier, later in pairwise(waits))
    assert waits[-1] == 150.0
