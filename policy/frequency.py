"""How often one recipient may be written to: caps on messages in a period (contract clause 十).

A period is one of the clock, such as the day that a message is sent on, or rolls: any so many hours on end.
What counts is when a message is due, which for one that waits for the hours, or was scheduled, is later than
its submit. So there may be messages before an instant and after it, and a rolling period may lie around it.

Instants are whole unix milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache

HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


class Period(StrEnum):
    """A period of the clock; a week begins on Monday."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


# A period at its longest: an hour more on the day that the clock is put back.
_LONGEST_MS = {
    Period.MINUTE: _MINUTE_MS,
    Period.HOUR: HOUR_MS,
    Period.DAY: 25 * HOUR_MS,
    Period.WEEK: (7 * 24 + 1) * HOUR_MS,
    Period.MONTH: (31 * 24 + 1) * HOUR_MS,
}


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `max` messages to a number in each `per` of the clock, or in any `per_hours` on end.

    `by_signature` counts those of each signature apart. Raises ValueError unless one of the two periods is
    given, and both numbers are above 0.
    """

    max: int
    per: Period | None = None
    per_hours: int | None = None
    by_signature: bool = False

    def __post_init__(self) -> None:
        if (self.per is None) == (self.per_hours is None):
            raise ValueError("a cap is for a period of the clock or for one that rolls")
        if self.max < 1 or (self.per_hours is not None and self.per_hours < 1):
            raise ValueError("a cap allows one message at least, and rolls over one hour at least")

    @property
    def reach_ms(self) -> int:
        """How far away a message may be that still counts."""
        return (self.per_hours or 0) * HOUR_MS if self.per is None else _LONGEST_MS[self.per]

    def allows(self, others: Iterable[int], at: int, zone: tzinfo) -> bool:
        """Whether a message may be due at `at` besides those that are due at `others`, in any order.

        `zone` has the clock.
        """
        if self.per is not None:
            begins, ends = window(self.per, at, zone)
            return sum(begins <= other < ends for other in others) < self.max
        reach_ms = self.reach_ms
        near = sorted([at, *(other for other in others if abs(other - at) < reach_ms)])
        # Every row of one message too many that has this one in it must be longer than the period.
        last = bisect_right(near, at) - 1
        firsts = range(max(0, last - self.max), min(last, len(near) - self.max - 1) + 1)
        return all(near[first + self.max] - near[first] >= reach_ms for first in firsts)

    def next_pass(self, others: Iterable[int], at: int, zone: tzinfo) -> int:
        """The first instant from `at` on for which `allows` holds."""
        due = sorted(others)
        if self.per is None:
            return self._next_rolling(due, at)
        begins, ends = window(self.per, at, zone)
        while bisect_left(due, ends) - bisect_left(due, begins) >= self.max:
            begins, ends = window(self.per, ends, zone)
            at = begins
        return at

    def _next_rolling(self, due: Sequence[int], at: int) -> int:
        """Each row of as many as are allowed keeps others away as far as the period reaches."""
        reach_ms = self.reach_ms
        for first, last in zip(due, due[self.max - 1 :], strict=False):
            if last - first < reach_ms and last - reach_ms < at < first + reach_ms:
                at = first + reach_ms
        return at


def window(period: Period, at: int, zone: tzinfo) -> tuple[int, int]:
    """The period of the clock of `zone` that `at` lies in: its first instant, and the first one after it."""
    return _window(period, at // _MINUTE_MS, zone)


@lru_cache(maxsize=1024)
def _window(period: Period, minute: int, zone: tzinfo) -> tuple[int, int]:
    """That of a minute, counted from the epoch: no period begins inside of one."""
    at = minute * _MINUTE_MS
    if period in (Period.MINUTE, Period.HOUR):
        length_ms = _LONGEST_MS[period]
        begins = at - (at + _offset_ms(at, zone)) % length_ms
        return begins, begins + length_ms
    first = datetime.fromtimestamp(at // 1000, zone).date()
    if period is Period.WEEK:
        first -= timedelta(days=first.weekday())
    elif period is Period.MONTH:
        first = first.replace(day=1)
    return _midnight(first, zone), _midnight(_following(period, first), zone)


def _following(period: Period, first: date) -> date:
    """The first day of the next period."""
    if period is Period.MONTH:
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if period is Period.WEEK else 1)


def _midnight(day: date, zone: tzinfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp()) * 1000


def _offset_ms(at: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(at // 1000, zone).utcoffset() or timedelta()
    return offset // timedelta(milliseconds=1)
