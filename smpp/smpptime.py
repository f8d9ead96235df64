"""Absolute and relative times on the wire (SMPP 3.4, 7.1.1).

`YYMMDDhhmmsstnnp`: t is tenths of a second, nn the quarter hours by which the local time is ahead of UTC
(p = "+") or behind it (p = "-"). With p = "R" the rest is a period that starts now, and t and nn are zero.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone

LENGTH = 16

# Appendix C: 00 to 37 are the years 2000 to 2037, 38 to 99 are 1938 to 1999.
_PIVOT = 38
# The specification ends at 48 quarter hours; New Zealand in summer and Kiribati are ahead by more.
_QUARTERS_MAX = 56


def parse(text: str, now: datetime) -> datetime | None:
    """The aware instant that `text` names, None for the empty string ("at once", "the default").

    A period is counted from `now`, which must be aware, and calendar months are kept: a month from 31 January
    is the last day of February. Raises ValueError for anything that is not a time.
    """
    if not text:
        return None
    if len(text) != LENGTH or not text.isascii() or not text[:15].isdecimal():
        raise ValueError(f"not an SMPP time: {text!r}")
    year, month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(0, 12, 2))
    tenths, quarters, sign = int(text[12]), int(text[13:15]), text[15]
    if sign == "R":
        if tenths or quarters:
            raise ValueError(f"a relative time ends in 000R: {text!r}")
        period = timedelta(days=day, hours=hour, minutes=minute, seconds=second)
        return _months_later(now, 12 * year + month) + period
    if sign not in "+-" or quarters > _QUARTERS_MAX:
        raise ValueError(f"no such time zone: {text!r}")
    ahead = timedelta(minutes=15 * quarters)
    zone = timezone(ahead if sign == "+" else -ahead)
    century = 2000 if year < _PIVOT else 1900
    return datetime(century + year, month, day, hour, minute, second, 100_000 * tenths, tzinfo=zone)


def format_absolute(instant: datetime) -> str:
    """The absolute form of an aware instant, in UTC and cut to tenths of a second.

    Raises ValueError for a naive datetime and for a year that two digits cannot name (not 1938 to 2037).
    """
    if instant.tzinfo is None:
        raise ValueError("a naive datetime names no instant")
    utc = instant.astimezone(UTC)
    if not 1900 + _PIVOT <= utc.year < 2000 + _PIVOT:
        raise ValueError(f"the year {utc.year} does not fit into two digits")
    return f"{utc:%y%m%d%H%M%S}{utc.microsecond // 100_000}00+"


def _months_later(instant: datetime, months: int) -> datetime:
    years, month_index = divmod(instant.month - 1 + months, 12)
    year, month = instant.year + years, month_index + 1
    return instant.replace(year=year, month=month, day=min(instant.day, monthrange(year, month)[1]))
