"""`[calendar]`: holidays, and weekend days that are worked."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from policy.facts import MessageClass
from policy.working_days import WorkingDays
from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE, SHANGHAI, problems_of, settings_of


def calendar(lines: str) -> str:
    return f"[calendar]\n{lines}\n" + ACCOUNT + CARRIER + ROUTE


def test_days_and_spans_of_them_make_the_working_days(tmp_path: Path) -> None:
    lines = 'holidays = [2027-01-01, "2027-02-06/2027-02-08", "2027-05-03"]\nworking_days = [2027-02-20]'
    found = settings_of(tmp_path, calendar(lines)).working_days
    assert found.holidays == {date(2027, 1, 1), *(date(2027, 2, d) for d in (6, 7, 8)), date(2027, 5, 3)}
    assert found.worked == {date(2027, 2, 20)}


def test_without_a_calendar_there_are_no_holidays(tmp_path: Path) -> None:
    assert settings_of(tmp_path, ACCOUNT + CARRIER + ROUTE).working_days == WorkingDays()


def test_a_holiday_closes_no_hours(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, calendar("holidays = [2027-01-01]"))
    noon = datetime(2027, 1, 1, 12, tzinfo=SHANGHAI).timestamp()
    ruleset = settings.accounts["bank-1"].ruleset
    assert ruleset.opens_at(noon, MessageClass.COMMERCIAL) == noon


@pytest.mark.parametrize(
    ("lines", "path", "message"),
    [
        ('holidays = ["1 May"]', "holidays[0]", "is neither a day nor a span of days"),
        ('holidays = ["2027-02-06/"]', "holidays[0]", "is neither a day nor a span of days"),
        ("holidays = [2027-02-03T08:00:00]", "holidays[0]", "is neither a day nor a span of days"),
        ("holidays = [20270101]", "holidays[0]", "is neither a day nor a span of days"),
        (
            'holidays = [2027-01-01, "2027-02-12/2027-02-06"]',
            "holidays[1]",
            "must be a span of 1 to 31 days, this has 0",
        ),
        (
            'holidays = ["2027-02-06/2072-02-12"]',
            "holidays[0]",
            "must be a span of 1 to 31 days, this has 16443",
        ),
        ("working_days = [2027-02-22]", "working_days", "has 2027-02-22, a Monday"),
        (
            'holidays = ["2027-02-06/2027-02-07"]\nworking_days = [2027-02-07]',
            "working_days",
            "has 2027-02-07, which is among the holidays too",
        ),
    ],
)
def test_what_cannot_be_a_calendar_is_told(tmp_path: Path, lines: str, path: str, message: str) -> None:
    assert problems_of(tmp_path, calendar(lines)) == {f"calendar.{path}": message}
