from __future__ import annotations

from datetime import datetime, time
from math import inf
from zoneinfo import ZoneInfo

import pytest

from policy.broadcast import finish, judge_finish, judge_lead
from policy.facts import MessageClass
from policy.hours import Hours, HoursClosure, HoursException
from policy.verdict import Refuse

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = 3600.0
COMMERCIAL = MessageClass.COMMERCIAL
CONTRACT = Hours(time(8), time(17), SHANGHAI)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def at(text: str) -> float:
    return day(text).timestamp()


def test_it_is_handed_in_a_day_ahead_to_the_second() -> None:
    assert judge_lead(at("2026-03-02 09:00"), at("2026-03-03 09:00")) is None
    assert judge_lead(at("2026-03-02 09:00"), at("2026-03-03 08:59:59")) == Refuse(
        "LEAD_TIME_SHORT", None, "五(3)"
    )


@pytest.mark.parametrize(
    ("closes", "finishes", "in_time"),
    [
        ("2026-03-03 17:00", "2026-03-03 17:00", True),
        ("2026-03-03 17:00", "2026-03-03 17:00:01", False),
        ("2026-03-05 00:00", "2026-03-04 09:00", True),
        ("2026-03-05 00:00", "2026-03-04 09:00:01", False),
    ],
)
def test_it_ends_within_a_day_and_before_the_hours_close(closes: str, finishes: str, in_time: bool) -> None:
    refused = judge_finish(at("2026-03-03 09:00"), at(closes), at(finishes))
    assert refused == (None if in_time else Refuse("DEADLINE_UNREACHABLE", None, "五(3)"))


@pytest.mark.parametrize(
    ("starts", "hours", "finishes"),
    [
        ("2026-03-03 09:00", 8, "2026-03-03 17:00"),
        ("2026-03-03 09:00", 9, "2026-03-04 09:00"),
        ("2026-03-03 09:00", 18, "2026-03-05 09:00"),
        ("2026-03-03 07:00", 1, "2026-03-03 09:00"),
        ("2026-03-03 18:00", 0, "2026-03-04 08:00"),
    ],
)
def test_sending_goes_on_with_the_hours(starts: str, hours: int, finishes: str) -> None:
    assert finish(CONTRACT, COMMERCIAL, at(starts), hours * HOUR) == at(finishes)


def test_a_holiday_puts_the_end_off() -> None:
    closed = (HoursClosure(day("2026-03-04"), day("2026-03-06"), "春节"),)
    hours = Hours(time(8), time(17), SHANGHAI, closed=closed)
    assert finish(hours, COMMERCIAL, at("2026-03-03 16:00"), 2 * HOUR) == at("2026-03-06 09:00")


def test_all_hours_leave_nothing_to_wait_for() -> None:
    always = (HoursException(day("2026-01-01"), None, "补充协议"),)
    hours = Hours(time(8), time(17), SHANGHAI, always)
    assert finish(hours, COMMERCIAL, at("2026-03-03 16:00"), 30 * HOUR) == at("2026-03-04 22:00")


@pytest.mark.parametrize("sending_s", [inf, 1e9, 86_400 * 365.0])
def test_what_takes_years_has_no_end(sending_s: float) -> None:
    assert finish(CONTRACT, COMMERCIAL, at("2026-03-03 09:00"), sending_s) == inf
