"""Which days are worked, for what the contract counts in working days (clause 2).

Monday to Friday are, but for holidays; so is a day of a weekend that is worked in place of another (调休).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

SATURDAY = 5
"""The first day of a weekend, as `date.weekday` counts."""


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The `holidays`, and the days of weekends that are `worked`."""

    holidays: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    def has(self, day: date) -> bool:
        """Whether a day is worked."""
        return day in self.worked or (day.weekday() < SATURDAY and day not in self.holidays)

    def after(self, day: date) -> date:
        """The next working day after a day."""
        following = day + timedelta(days=1)
        while not self.has(following):
            following += timedelta(days=1)
        return following
