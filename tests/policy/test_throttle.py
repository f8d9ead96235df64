from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.throttle import TokenBucket


def test_a_full_bucket_gives_its_burst_at_once_and_then_no_more() -> None:
    bucket = TokenBucket(10.0, 3)
    assert [bucket.take(1, 0.0) for _ in range(4)] == [True, True, True, False]


def test_two_messages_in_the_same_instant_pass_below_the_rate() -> None:
    bucket = TokenBucket(100.0, 100)
    assert bucket.take(1, 5.0)
    assert bucket.take(1, 5.0)


def test_tokens_come_back_at_the_rate() -> None:
    bucket = TokenBucket(10.0, 1)
    assert bucket.take(1, 0.0)
    assert not bucket.take(1, 0.0625)
    assert bucket.take(1, 0.125)


def test_a_long_idle_time_fills_the_bucket_no_further_than_its_burst() -> None:
    bucket = TokenBucket(10.0, 2)
    assert bucket.take(2, 0.0)
    assert [bucket.take(1, 1000.0) for _ in range(3)] == [True, True, False]


def test_a_message_larger_than_the_burst_is_admitted_as_a_unit_when_the_bucket_is_full() -> None:
    bucket = TokenBucket(1.0, 2)
    assert bucket.take(5, 0.0)
    assert bucket.next_at(1, 0.0) == 4.0
    assert not bucket.take(1, 3.5)
    assert bucket.take(1, 4.0)


def test_a_message_larger_than_the_burst_waits_until_the_bucket_is_full() -> None:
    bucket = TokenBucket(1.0, 2)
    assert bucket.take(1, 0.0)
    assert not bucket.take(5, 0.5)
    assert bucket.take(5, 1.0)


def test_a_refused_take_costs_nothing() -> None:
    bucket = TokenBucket(1.0, 2)
    assert bucket.take(2, 0.0)
    before = bucket.next_at(1, 0.0)
    assert not bucket.take(1, 0.5)
    assert bucket.next_at(1, 0.0) == before


def test_a_rate_of_zero_blocks() -> None:
    bucket = TokenBucket(0.0, 10)
    assert not bucket.take(1, 0.0)
    assert bucket.next_at(1, 0.0) == inf


def test_what_is_spent_without_asking_is_paid_before_the_next_take() -> None:
    bucket = TokenBucket(1.0, 2)
    bucket.spend(2, 0.0)
    bucket.spend(3, 0.0)
    assert bucket.next_at(1, 0.0) == 4.0
    assert not bucket.take(1, 3.5)
    assert bucket.take(1, 4.0)


def test_spending_at_a_rate_of_zero_changes_nothing() -> None:
    bucket = TokenBucket(0.0, 2)
    bucket.spend(1, 0.0)
    assert not bucket.take(1, 1e9)


@pytest.mark.parametrize(("rate_per_s", "burst"), [(-1.0, 1), (1.0, 0)])
def test_a_bucket_that_makes_no_sense_cannot_be_made(rate_per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="throttle"):
        TokenBucket(rate_per_s, burst)


ASKS = st.lists(st.tuples(st.floats(0, 5), st.integers(1, 12)), max_size=40)


@given(st.floats(0.1, 10_000), st.integers(1, 10), ASKS)
def test_what_is_admitted_never_exceeds_rate_times_time_and_one_burst(
    rate: float, burst: int, asks: list[tuple[float, int]]
) -> None:
    bucket, now, admitted = TokenBucket(rate, burst), 1e9, 0
    for wait, n in asks:
        now += wait
        # The last message may run into debt, so count what was admitted before it.
        if bucket.take(n, now):
            assert admitted + min(n, burst) <= burst + rate * (now - 1e9) + 1e-2
            admitted += n


@given(st.floats(0.1, 10_000), st.integers(1, 10), ASKS)
def test_a_take_succeeds_exactly_from_the_instant_that_was_named(
    rate: float, burst: int, asks: list[tuple[float, int]]
) -> None:
    bucket, now = TokenBucket(rate, burst), 0.0
    for wait, n in asks:
        now += wait
        at = bucket.next_at(n, now)
        if at > now:
            assert not bucket.take(n, (now + at) / 2) or (now + at) / 2 == at
            now = at
        if bucket.next_at(n, now) == now:
            assert bucket.take(n, now)
