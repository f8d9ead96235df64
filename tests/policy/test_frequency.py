from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.frequency import HOUR_MS, Cap, Period, window

SHANGHAI, BERLIN, KOLKATA = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
ZONES = st.sampled_from([SHANGHAI, BERLIN, KOLKATA, ZoneInfo("America/Havana"), UTC])
FROM, TO = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) for year in (2024, 2030))
INSTANTS = st.integers(FROM, TO)


def ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


AT = ms("2026-11-26T15:42:17.250")


@pytest.mark.parametrize(
    ("period", "begins", "ends"),
    [
        (Period.MINUTE, "2026-11-26T15:42", "2026-11-26T15:43"),
        (Period.HOUR, "2026-11-26T15:00", "2026-11-26T16:00"),
        (Period.DAY, "2026-11-26", "2026-11-27"),
        (Period.WEEK, "2026-11-23", "2026-11-30"),
        (Period.MONTH, "2026-11-01", "2026-12-01"),
    ],
)
def test_a_period_of_the_clock_is_the_zone_s(period: Period, begins: str, ends: str) -> None:
    assert window(period, AT, SHANGHAI) == (ms(begins), ms(ends))


def test_an_hour_of_a_zone_with_half_an_hour_begins_at_its_own_full_hour() -> None:
    assert window(Period.HOUR, ms("2026-11-26T15:42", KOLKATA), KOLKATA)[0] == ms("2026-11-26T15:00", KOLKATA)


def test_the_day_on_which_the_clock_is_put_back_is_one_day() -> None:
    begins, ends = window(Period.DAY, ms("2026-10-25T12:00", BERLIN), BERLIN)
    assert ends - begins == 25 * HOUR_MS


def test_december_is_followed_by_january() -> None:
    assert window(Period.MONTH, ms("2026-12-31T23:59:59.999"), SHANGHAI) == (
        ms("2026-12-01"),
        ms("2027-01-01"),
    )


@given(st.sampled_from(Period), INSTANTS, ZONES)
def test_an_instant_lies_in_its_period_and_the_next_one_begins_where_it_ends(
    period: Period, at: int, zone: ZoneInfo
) -> None:
    begins, ends = window(period, at, zone)
    assert begins <= at < ends <= begins + Cap(1, period).reach_ms
    assert window(period, begins, zone) == window(period, ends - 1, zone) == (begins, ends)
    assert window(period, ends, zone)[0] == ends


def test_a_cap_of_the_clock_begins_anew_with_its_period() -> None:
    cap = Cap(2, Period.DAY)
    evening = [ms("2026-11-26T20:00"), ms("2026-11-26T21:00")]
    assert not cap.allows(evening, ms("2026-11-26T23:59:59"), SHANGHAI)
    assert cap.allows(evening, ms("2026-11-27"), SHANGHAI)
    assert cap.allows(evening[:1], ms("2026-11-26T23:59:59"), SHANGHAI)


def test_a_cap_that_rolls_looks_back_from_any_instant() -> None:
    cap = Cap(2, per_hours=24)
    had = [ms("2026-11-26T20:00"), ms("2026-11-26T21:00")]
    assert not cap.allows(had, ms("2026-11-27T19:59:59.999"), SHANGHAI)
    assert cap.allows(had, ms("2026-11-27T20:00"), SHANGHAI)


def test_a_cap_that_rolls_counts_what_is_due_later_too() -> None:
    cap = Cap(2, per_hours=24)
    due = [ms("2026-11-26T12:00"), ms("2026-11-27T11:00")]
    assert not cap.allows(due, ms("2026-11-26T20:00"), SHANGHAI)
    assert cap.allows(due, ms("2026-11-28T11:00"), SHANGHAI)


ROLLING = st.builds(Cap, st.integers(1, 4), per_hours=st.integers(1, 30))
CAPS = ROLLING | st.builds(Cap, st.integers(1, 4), st.sampled_from(Period))
NEAR = st.integers(AT - 80 * HOUR_MS, AT + 80 * HOUR_MS)


@given(ROLLING, st.lists(NEAR, max_size=12), NEAR)
def test_a_cap_that_rolls_allows_what_leaves_no_period_with_too_many(
    cap: Cap, others: list[int], at: int
) -> None:
    """Of all periods with the message in it, those that begin with a message have the most."""
    begins = [other for other in [*others, at] if other <= at < other + cap.reach_ms]
    fullest = max(sum(first <= one < first + cap.reach_ms for one in [*others, at]) for first in begins)
    assert cap.allows(others, at, SHANGHAI) == (fullest <= cap.max)


@given(CAPS, st.lists(NEAR, max_size=40))
def test_what_is_let_through_one_by_one_never_exceeds_the_cap(cap: Cap, wanted: list[int]) -> None:
    sent: list[int] = []
    for at in wanted:
        if cap.allows(sent, at, SHANGHAI):
            sent.append(at)
    for first in sent:
        if cap.per is None:
            begins, ends = first, first + cap.reach_ms
        else:
            begins, ends = window(cap.per, first, SHANGHAI)
        assert sum(begins <= one < ends for one in sent) <= cap.max


@given(CAPS, st.lists(NEAR, max_size=12), NEAR)
def test_the_next_pass_is_the_first_instant_that_is_allowed(cap: Cap, others: list[int], at: int) -> None:
    passes_at = cap.next_pass(others, at, SHANGHAI)
    assert passes_at >= at
    assert cap.allows(others, passes_at, SHANGHAI)
    assert passes_at == at or not cap.allows(others, passes_at - 1, SHANGHAI)
    earlier = [at, *(instant for other in others for instant in (other, other + cap.reach_ms))]
    assert not any(cap.allows(others, instant, SHANGHAI) for instant in earlier if at <= instant < passes_at)


def test_a_message_between_two_that_are_far_apart_need_not_wait() -> None:
    cap = Cap(2, per_hours=10)
    assert cap.next_pass([AT, AT + 15 * HOUR_MS], AT + 7 * HOUR_MS, SHANGHAI) == AT + 7 * HOUR_MS
    assert cap.next_pass([AT, AT + 9 * HOUR_MS], AT + 7 * HOUR_MS, SHANGHAI) == AT + 10 * HOUR_MS


def test_a_period_that_is_full_already_is_waited_for_too() -> None:
    days = [AT, AT + 24 * HOUR_MS, AT + 72 * HOUR_MS]
    passes_at = Cap(1, Period.DAY).next_pass(days, AT, SHANGHAI)
    assert passes_at == window(Period.DAY, AT + 48 * HOUR_MS, SHANGHAI)[0]


@given(CAPS, st.lists(INSTANTS, max_size=12), NEAR)
def test_what_is_out_of_reach_does_not_count(cap: Cap, others: list[int], at: int) -> None:
    near = [other for other in others if abs(other - at) <= cap.reach_ms]
    assert cap.allows(others, at, SHANGHAI) == cap.allows(near, at, SHANGHAI)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cap(1),
        lambda: Cap(1, Period.DAY, 24),
        lambda: Cap(0, Period.DAY),
        lambda: Cap(1, per_hours=0),
    ],
)
def test_a_cap_that_is_none_is_refused(make: Callable[[], Cap]) -> None:
    with pytest.raises(ValueError, match="a cap "):
        make()


def test_a_day_without_a_midnight_begins_with_its_first_instant() -> None:
    havana = ZoneInfo("America/Havana")
    begins, ends = window(Period.DAY, ms("2026-03-08T12:00", havana), havana)
    assert datetime.fromtimestamp(begins / 1000, havana).hour == 1
    assert timedelta(milliseconds=ends - begins) == timedelta(hours=23)
