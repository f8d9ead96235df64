"""The calendar in the configuration file: holidays, and weekend days that are worked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo, field_validator

from gateway.config.problem import wrong
from gateway.config.table import Table
from policy.working_days import SATURDAY, WorkingDays

# No holiday is longer; a year that is mistyped is.
_SPAN_MAX = 31


def _days(value: object) -> tuple[date, ...]:
    """A day, or the days of a span, the first and the last one included."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return (value,)
    try:
        first, slash, last = value.partition("/") if isinstance(value, str) else ("", "", "")
        start = date.fromisoformat(first)
        end = date.fromisoformat(last) if slash else start
    except ValueError:
        hint = 'such as 2027-01-01, or "2027-02-06/2027-02-12" in quotes'
        raise wrong("is neither a day nor a span of days", hint) from None
    count = (end - start).days + 1
    if not 0 < count <= _SPAN_MAX:
        raise wrong(f"must be a span of 1 to {_SPAN_MAX} days, this has {max(0, count)}")
    return tuple(start + timedelta(days=number) for number in range(count))


Days = Annotated[tuple[date, ...], PlainValidator(_days)]


class CalendarTable(Table):
    """`[calendar]`: which days are no working days, and which are though they are of a weekend."""

    holidays: list[Days] = []
    working_days: list[Days] = []

    @field_validator("working_days")
    @classmethod
    def _of_weekends(cls, value: list[tuple[date, ...]], info: ValidationInfo) -> list[tuple[date, ...]]:
        holidays = {day for days in info.data.get("holidays", ()) for day in days}
        for day in (day for days in value for day in days):
            if day.weekday() < SATURDAY:
                raise wrong(f"has {day}, a {day:%A}", "Monday to Friday are worked but on holidays")
            if day in holidays:
                raise wrong(f"has {day}, which is among the holidays too")
        return value


def working_days_of(table: CalendarTable) -> WorkingDays:
    """The working days by this table."""
    return WorkingDays(
        frozenset(day for days in table.holidays for day in days),
        frozenset(day for days in table.working_days for day in days),
    )
