from __future__ import annotations

from datetime import date

from policy.working_days import WorkingDays


def test_a_working_day_is_from_monday_to_friday() -> None:
    days = [date(2026, 1, day) for day in (8, 9, 10, 11, 12)]
    assert [WorkingDays().after(day).day for day in days] == [9, 12, 12, 12, 13]


def test_a_holiday_is_none_and_a_weekend_day_may_be_worked() -> None:
    """As in February 2026: the festival from Sunday 15th to Monday 23rd, and two Saturdays worked."""
    festival = frozenset(date(2026, 2, day) for day in range(15, 24))
    days = WorkingDays(festival, frozenset({date(2026, 2, 14), date(2026, 2, 28)}))
    assert [days.after(date(2026, 2, day)).day for day in (12, 13, 14, 20, 23, 27)] == [
        13,
        14,
        24,
        24,
        24,
        28,
    ]
    assert days.after(date(2026, 2, 28)) == date(2026, 3, 2)
