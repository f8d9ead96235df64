"""The sending-time window (contract clause 五(5)): when a message may be released.

A day's window is a span of unix seconds, worked out from the wall clock of the zone. Where a change of the
clock makes `open` or `close` happen twice or never, the narrower reading is taken, so that nothing is ever
released while the wall clock shows a time outside the hours.

A closure takes a time out of the regular window, a holiday say. An exception is an agreement about its very
time, so it wins over both: what was agreed for the morning of a holiday may be sent then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from itertools import count
from math import inf
from zoneinfo import ZoneInfo

from policy.facts import MessageClass

# Contract clause 五(5).
OPEN, CLOSE = time(8), time(17)

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
class HoursClosure:
    """A time without sending: from `start` until `end`, its `end` excluded, such as a holiday.

    `note` says why. `scope` is the class of messages that it is for, None for every class. Raises ValueError
    unless the times are aware and in order.
    """

    start: datetime
    end: datetime
    note: str
    scope: MessageClass | None = None

    _starts_at: float = field(init=False, repr=False, compare=False)
    _ends_at: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a closure needs times with a zone")
        if self.end <= self.start:
            raise ValueError("a closure must end after it starts")
        object.__setattr__(self, "_starts_at", self.start.timestamp())
        object.__setattr__(self, "_ends_at", self.end.timestamp())

    def covers(self, at: float) -> bool:
        """Whether it is in force at `at` (unix seconds)."""
        return self._starts_at <= at < self._ends_at


@dataclass(frozen=True, slots=True)
class Hours:
    """Open on each day of `zone` while `open` <= wall clock < `close`, but for what is `closed`.

    And in the agreed exceptions. Raises ValueError unless `open` is before `close`.
    """

    open: time
    close: time
    zone: ZoneInfo
    exceptions: tuple[HoursException, ...] = ()
    closed: tuple[HoursClosure, ...] = ()

    def __post_init__(self) -> None:
        if self.open >= self.close:
            raise ValueError("hours must open before they close, on the same day")

    def window(self, at: float) -> tuple[float, float]:
        """The regular window (opens, closes) of the day of `at`; all in unix seconds."""
        return _window_at(self.open, self.close, self.zone, int(at // _QUARTER_S))

    def is_open(self, at: float, message_class: MessageClass | None = None) -> bool:
        """Whether a message of that class may be released at `at` (unix seconds).

        Without a class only the exceptions and closures for every class are looked at.
        """
        opens, closes = _window_at(self.open, self.close, self.zone, int(at // _QUARTER_S))
        if opens <= at < closes and not (self.closed and self._closures_at(at, message_class)):
            return True
        for exception in self.exceptions:
            if exception.covers(at) and exception.scope in (None, message_class):
                return True
        return False

    def next_open(self, at: float, message_class: MessageClass | None = None) -> float:
        """The first instant from `at` on at which `is_open` holds for that class (unix seconds)."""
        while not self.is_open(at, message_class):
            closures = self._closures_at(at, message_class)
            # Nothing regular opens before a closure ends.
            regular = max(c._ends_at for c in closures) if closures else self._next_regular(at)
            starts = (e._starts_at for e in self.exceptions if e.scope in (None, message_class))
            at = min((start for start in starts if at < start < regular), default=regular)
        return at

    def next_close(self, at: float, message_class: MessageClass | None = None) -> float:
        """The first instant from `at` on at which `is_open` does not hold for that class (unix seconds).

        Infinity for what stays open for good.
        """
        while self.is_open(at, message_class):
            ends = [e._ends_at for e in self._exceptions_at(at, message_class)]
            if not ends:
                starts = (c._starts_at for c in self.closed if c.scope in (None, message_class))
                ends = [self.window(at)[1], *(start for start in starts if start > at)]
                at = min(ends)
            elif (at := max(ends)) == inf:
                break
        return at

    def _next_regular(self, at: float) -> float:
        """The beginning of the first regular window after `at`, or `at` inside of one."""
        return next(
            max(at, opens)
            for day in count(datetime.fromtimestamp(at, self.zone).toordinal())
            for opens, closes in [_window(self.open, self.close, self.zone, day)]
            if opens < closes and at < closes
        )

    def _closures_at(self, at: float, message_class: MessageClass | None) -> list[HoursClosure]:
        return [c for c in self.closed if c.covers(at) and c.scope in (None, message_class)]

    def _exceptions_at(self, at: float, message_class: MessageClass | None) -> list[HoursException]:
        return [e for e in self.exceptions if e.covers(at) and e.scope in (None, message_class)]


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
