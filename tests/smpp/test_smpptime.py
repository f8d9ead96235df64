from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import smpptime

NOW = datetime(2025, 1, 31, 12, 0, tzinfo=UTC)


def test_the_empty_string_is_no_time() -> None:
    assert smpptime.parse("", NOW) is None


def test_the_specifications_relative_example_is_two_years_six_months_and_so_on() -> None:
    expected = datetime(2027, 7, 31, 12, 0, tzinfo=UTC) + timedelta(days=10, hours=23, minutes=34, seconds=29)
    assert smpptime.parse("020610233429000R", NOW) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("000001000000000R", datetime(2025, 2, 1, 12, 0, tzinfo=UTC)),
        ("000000480000000R", datetime(2025, 2, 2, 12, 0, tzinfo=UTC)),
        ("000100000000000R", datetime(2025, 2, 28, 12, 0, tzinfo=UTC)),
        ("001100000000000R", datetime(2025, 12, 31, 12, 0, tzinfo=UTC)),
        ("001300000000000R", datetime(2026, 2, 28, 12, 0, tzinfo=UTC)),
        ("000000000000000R", NOW),
    ],
)
def test_a_relative_time_is_counted_from_now(text: str, expected: datetime) -> None:
    assert smpptime.parse(text, NOW) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250131120000000+", NOW),
        ("250131200000032+", NOW),
        ("250131070000020-", NOW),
        ("250131120000700+", NOW + timedelta(milliseconds=700)),
        ("370101000000000+", datetime(2037, 1, 1, tzinfo=UTC)),
        ("380101000000000+", datetime(1938, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_absolute_time_has_its_own_zone_and_century(text: str, expected: datetime) -> None:
    assert smpptime.parse(text, NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        "250131120000",
        "250131120000000",
        "250131120000000+0",
        "251331120000000+",
        "250230120000000+",
        "250131240000000+",
        "250131120000057+",
        "250131120000000Z",
        "25013112000 000+",
        "２50131120000000+",
        "000001000000100R",
        "000001000000001R",
    ],
)
def test_what_is_no_time_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - no message is promised
        smpptime.parse(text, NOW)


@given(st.text(max_size=17) | st.from_regex(r"[0-9]{15}[-+R]", fullmatch=True))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        instant = smpptime.parse(text, NOW)
    except ValueError:
        return
    assert (instant is None) == (text == "")


@given(
    st.datetimes(
        datetime(1938, 1, 2),
        datetime(2037, 12, 30),
        timezones=st.integers(-48, 56).map(lambda quarters: timezone(timedelta(minutes=15 * quarters))),
    )
)
def test_an_absolute_time_survives_to_the_tenth_of_a_second(instant: datetime) -> None:
    tenths = instant.replace(microsecond=instant.microsecond // 100_000 * 100_000)
    assert smpptime.parse(smpptime.format_absolute(instant), NOW) == tenths


def test_an_absolute_time_is_written_in_utc() -> None:
    beijing = timezone(timedelta(hours=8))
    assert smpptime.format_absolute(datetime(2025, 1, 31, 20, 0, tzinfo=beijing)) == "250131120000000+"


@pytest.mark.parametrize(
    "instant",
    [datetime(2025, 1, 31), datetime(1937, 12, 31, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)],
)
def test_an_instant_that_two_digit_years_cannot_name_is_refused(instant: datetime) -> None:
    with pytest.raises(ValueError, match=r"naive|year"):
        smpptime.format_absolute(instant)
