from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from policy.register import Register, Registration

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(year: int, month: int, day: int) -> float:
    return datetime(year, month, day, tzinfo=SHANGHAI).timestamp()


def register(*registrations: Registration) -> Register:
    return Register(registrations, SHANGHAI)


def test_a_name_without_days_is_valid_for_good() -> None:
    known = register(Registration("中国银行"))
    assert known.is_valid("中国银行", 0.0)
    assert known.is_valid("中国银行", 4e9)
    assert not known.is_valid("工商银行", 0.0)


@pytest.mark.parametrize("status", ["pending", "revoked"])
def test_a_name_that_is_not_registered_yet_or_any_more_is_never_valid(status: str) -> None:
    known = register(Registration("中国银行", status))  # type: ignore[arg-type]  # one of the words
    assert not known.is_valid("中国银行", at(2026, 3, 2))
    assert known.next_valid("中国银行", at(2026, 3, 2)) is None
    assert known.first(at(2026, 3, 2)) is None


def test_a_name_is_valid_from_the_start_of_its_first_day_to_the_end_of_its_last() -> None:
    known = register(Registration("中国银行", valid_from=date(2026, 3, 2), valid_to=date(2026, 3, 4)))
    assert not known.is_valid("中国银行", at(2026, 3, 2) - 0.001)
    assert known.is_valid("中国银行", at(2026, 3, 2))
    assert known.is_valid("中国银行", at(2026, 3, 5) - 0.001)
    assert not known.is_valid("中国银行", at(2026, 3, 5))


def test_the_next_time_at_which_a_name_is_valid_is_the_nearest_of_its_registrations() -> None:
    known = register(
        Registration("中国银行", valid_from=date(2027, 1, 1)),
        Registration("中国银行", valid_from=date(2026, 5, 1), valid_to=date(2026, 5, 31)),
    )
    assert known.next_valid("中国银行", at(2026, 3, 2)) == at(2026, 5, 1)
    assert known.next_valid("中国银行", at(2026, 5, 2)) == at(2026, 5, 2)
    assert known.next_valid("中国银行", at(2026, 7, 1)) == at(2027, 1, 1)
    assert known.next_valid("工商银行", at(2026, 7, 1)) is None


def test_the_first_name_is_the_first_of_the_register_that_is_valid_then() -> None:
    known = register(
        Registration("工商银行", "revoked"),
        Registration("完美科技", valid_from=date(2026, 5, 1)),
        Registration("中国银行"),
    )
    assert known.first(at(2026, 3, 2)) == "中国银行"
    assert known.first(at(2026, 5, 2)) == "完美科技"


@pytest.mark.parametrize(
    ("registration", "words"),
    [
        (Registration("中国银行", "pending"), "its registration is pending"),
        (Registration("中国银行", "revoked"), "it has been revoked"),
        (Registration("中国银行", valid_from=date(2026, 5, 1)), "it is valid from 2026-05-01 on"),
        (Registration("中国银行", valid_to=date(2026, 1, 31)), "it was valid until 2026-01-31"),
        (Registration("完美科技"), ""),
    ],
)
def test_the_register_tells_why_a_name_is_not_valid(registration: Registration, words: str) -> None:
    assert register(registration).why_not("中国银行", at(2026, 3, 2)) == words
