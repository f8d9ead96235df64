"""The sending-time window (contract clause 五(5)): when a message may be released.

A day's window is a span of unix seconds, worked out from the wall clock of the zone. Where a change of the
clock makes `open` or `close` happen twice or never, the narrower reading is taken, so that nothing is ever
released while the wall clock shows a time outside the hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from itertools import count
from math import inf
from zoneinfo import ZoneInfo

from policy.facts import MessageClass

_QUARTER_S = 900


@dataclass(frozen=True, slots=True)
class HoursException:
    """An agreed departure from the hours: open from `start` until `end` too (contract clause 五(5)).

    `end` None: until further notice. `note` says where it was agreed. `scope` is the class of messages
    that it is for, None for every class. Raises ValueError unless the times are aware and in order.
    """

    start: datetime
    end: datetime | None
    note: str
    scope: MessageClass | None = None

    _starts_at: float = field(init=False, repr=False, compare=False)
    _ends_at: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or (self.end is not None and self.end.tzinfo is None):
            raise ValueError("an exception needs times with a zone")
        if self.end is not None and self.end <= self.start:
            raise ValueError("an exception must end after it starts")
        object.__setattr__(self, "_starts_at", self.start.timestamp())
        object.__setattr__(self, "_ends_at", inf if self.end is None else self.end.timestamp())

    def covers(self, at: float) -> bool:
        """Whether it is in force at `at` (unix seconds), its `end` excluded."""
        return self._starts_at <= at < self._ends_at


@dataclass(frozen=True, slots=True)
class Hours:
    """Open on each day of `zone` while `open` <= wall clock < `close`, and in the agreed exceptions.

    Raises ValueError unless `open` is before `close`.
    """

    open: time
    close: time
    zone: ZoneInfo
    exceptions: tuple[HoursException, ...] = ()

    def __post_init__(self) -> None:
        if self.open >= self.close:
            raise ValueError("hours must open before they close, on the same day")

    def window(self, at: float) -> tuple[float, float]:
        """The regular window (opens, closes) of the day of `at`; all in unix seconds."""
        return _window_at(self.open, self.close, self.zone, int(at // _QUARTER_S))

    def is_open(self, at: float, message_class: MessageClass | None = None) -> bool:
        """Whether a message of that class may be released at `at` (unix seconds).

        Without a class only the exceptions for every class are looked at.
        """
        opens, closes = _window_at(self.open, self.close, self.zone, int(at // _QUARTER_S))
        if opens <= at < closes:
            return True
        for exception in self.exceptions:
            if exception.covers(at) and exception.scope in (None, message_class):
                return True
        return False

    def next_open(self, at: float, message_class: MessageClass | None = None) -> float:
        """The first instant from `at` on at which `is_open` holds for that class (unix seconds)."""
        if self.is_open(at, message_class):
            return at
        regular = next(
            opens
            for day in count(self._day(at))
            for opens, closes in [_window(self.open, self.close, self.zone, day)]
            if at < opens < closes
        )
        starts = (exception.start.timestamp() for exception in self._exceptions_for(message_class))
        return min((start for start in starts if at < start < regular), default=regular)

    def _day(self, at: float) -> int:
        return datetime.fromtimestamp(at, self.zone).toordinal()

    def _exceptions_for(self, message_class: MessageClass | None) -> Iterator[HoursException]:
        return (exception for exception in self.exceptions if exception.scope in (None, message_class))


@lru_cache(maxsize=1024)
def _window_at(opens: time, closes: time, zone: ZoneInfo, quarter: int) -> tuple[float, float]:
    """The window of the day in which a quarter hour lies, counted from the epoch.

    No day begins inside of one: every zone's offset has been a multiple of a quarter hour since 1972.
    """
    return _window(opens, closes, zone, datetime.fromtimestamp(quarter * _QUARTER_S, zone).toordinal())


@lru_cache(maxsize=1024)
def _window(opens: time, closes: time, zone: ZoneInfo, day: int) -> tuple[float, float]:
    """The window of one day (a proleptic ordinal); empty, if a change of the clock swallows it whole."""
    return max(_instants(day, opens, zone)), min(_instants(day, closes, zone))


def _instants(day: int, wall: time, zone: ZoneInfo) -> tuple[float, float]:
    """Both readings of a wall clock time, as the offset before and after a change of the clock has it."""
    moment = datetime.combine(date.fromordinal(day), wall, zone)
    return moment.replace(fold=0).timestamp(), moment.replace(fold=1).timestamp()
