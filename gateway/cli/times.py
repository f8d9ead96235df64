"""Times in commands: how they are given, and how they are shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Any

import click

from gateway.clock import SystemClock

YEARS = range(1970, 2248)
"""Those whose times fit into ids (`gateway.ids`)."""


def now_ms() -> int:
    """This moment, in unix milliseconds."""
    return int(SystemClock().now() * 1000)


def today(zone: tzinfo) -> date:
    """This day, in `zone`."""
    return datetime.fromtimestamp(SystemClock().now(), zone).date()


def read_time(written: str) -> datetime:
    """A time as it is written in an option; a usage error for what is none."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(f'"{written}" is no time such as 2026-11-23T18:00') from None
    if at.year not in YEARS:
        raise click.BadParameter(f"the year is not within {YEARS[0]} and {YEARS[-1]}")
    return at


def time_option(name: str, help: str, *, required: bool = False) -> Callable[[Any], Any]:
    """An option that takes a time, in the zone of the gateway unless it names one."""
    return click.option(name, type=read_time, metavar="TIME", required=required, help=help)


month_option = click.option(
    "--month", type=click.DateTime(["%Y-%m"]), help="Such as 2026-11.  [default: this month]"
)


def first_day(month: datetime | None, now: int, zone: tzinfo) -> date:
    """The first day of the month that an option named, or of that of `now`; a usage error for one too far."""
    today = datetime.fromtimestamp(now / 1000, zone).date()
    first = (month.date() if month else today).replace(day=1)
    if first.year not in YEARS:
        raise click.BadParameter(f"the year is not within {YEARS[0]} and {YEARS[-1]}")
    return first


def unix_ms(at: datetime, zone: tzinfo) -> int:
    """That time in unix milliseconds, in `zone` if it names none of its own."""
    return int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() * 1000)


def written(at: int, zone: tzinfo) -> str:
    """Unix milliseconds as a time of that zone, to the second."""
    return datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="seconds")
