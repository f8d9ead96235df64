from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.facts import MessageClass
from policy.hours import Hours, HoursClosure, HoursException

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
CONTRACT = Hours(time(8), time(17), SHANGHAI)


def at(text: str, zone: ZoneInfo = SHANGHAI, fold: int = 0) -> float:
    """The unix seconds of a wall clock reading."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def exception(start: str, end: str | None, scope: MessageClass | None = None) -> HoursException:
    moments = [None if text is None else datetime.fromisoformat(text) for text in (start, end)]
    assert moments[0] is not None
    return HoursException(moments[0].replace(tzinfo=SHANGHAI), _aware(moments[1]), "补充协议第1号", scope)


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("wall", "is_open"),
    [
        ("2026-03-02 07:59:59.999", False),
        ("2026-03-02 08:00:00", True),
        ("2026-03-02 12:00:00", True),
        ("2026-03-02 16:59:59.999", True),
        ("2026-03-02 17:00:00", False),
        ("2026-03-02 23:59:59", False),
        ("2026-03-02 00:00:00", False),
    ],
)
def test_the_window_is_open_from_eight_until_just_before_seventeen(wall: str, is_open: bool) -> None:
    assert CONTRACT.is_open(at(wall)) is is_open


def test_the_window_is_that_of_the_zone_and_not_of_utc() -> None:
    assert not CONTRACT.is_open(datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp())
    assert CONTRACT.is_open(datetime(2026, 3, 2, 0, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("wall", "opens"),
    [
        ("2026-03-02 07:59:59", "2026-03-02 08:00:00"),
        ("2026-03-02 17:00:00", "2026-03-03 08:00:00"),
        ("2026-12-31 23:00:00", "2027-01-01 08:00:00"),
        ("2026-03-02 00:00:00", "2026-03-02 08:00:00"),
    ],
)
def test_a_closed_window_opens_next_at_eight(wall: str, opens: str) -> None:
    assert CONTRACT.next_open(at(wall)) == at(opens)


def test_an_open_window_is_open_now() -> None:
    assert CONTRACT.next_open(at("2026-03-02 10:00:00.5")) == at("2026-03-02 10:00:00.5")


def test_the_window_of_a_day_is_told_in_unix_seconds() -> None:
    assert CONTRACT.window(at("2026-03-02 23:00")) == (at("2026-03-02 08:00"), at("2026-03-02 17:00"))


def test_an_exception_opens_the_time_that_was_agreed() -> None:
    hours = Hours(time(8), time(17), SHANGHAI, (exception("2026-03-02 19:00", "2026-03-02 21:00"),))
    assert not hours.is_open(at("2026-03-02 18:59:59"))
    assert hours.is_open(at("2026-03-02 19:00"))
    assert hours.is_open(at("2026-03-02 20:59:59"))
    assert not hours.is_open(at("2026-03-02 21:00"))
    assert not hours.is_open(at("2026-03-03 20:00"))


def test_the_next_opening_may_be_that_of_an_exception() -> None:
    agreed = (
        exception("2026-03-04 19:00", "2026-03-04 21:00"),
        exception("2026-03-02 19:00", "2026-03-02 21:00"),
    )
    hours = Hours(time(8), time(17), SHANGHAI, agreed)
    assert hours.next_open(at("2026-03-02 18:00")) == at("2026-03-02 19:00")
    assert hours.next_open(at("2026-03-02 21:00")) == at("2026-03-03 08:00")


def test_an_exception_without_end_opens_all_hours_from_its_start() -> None:
    hours = Hours(time(8), time(17), SHANGHAI, (exception("2026-01-01 00:00", None),))
    assert hours.is_open(at("2026-01-01 00:00"))
    assert hours.is_open(at("2099-07-01 03:00"))
    assert not hours.is_open(at("2025-12-31 23:59"))


def test_an_exception_for_one_class_opens_for_no_other() -> None:
    hours = Hours(time(8), time(17), SHANGHAI, (exception("2026-01-01 00:00", None, MessageClass.CODE),))
    night = at("2026-03-02 03:00")
    assert hours.is_open(night, MessageClass.CODE)
    assert not hours.is_open(night, MessageClass.COMMERCIAL)
    assert not hours.is_open(night)
    assert hours.next_open(night, MessageClass.CODE) == night
    assert hours.next_open(night, MessageClass.NOTICE) == at("2026-03-02 08:00")


def closure(start: str, end: str, scope: MessageClass | None = None) -> HoursClosure:
    moments = [datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) for text in (start, end)]
    return HoursClosure(moments[0], moments[1], "春节", scope)


FESTIVAL = closure("2026-02-16 00:00", "2026-02-23 00:00")


def test_nothing_is_sent_while_a_closure_holds() -> None:
    hours = Hours(time(8), time(17), SHANGHAI, closed=(FESTIVAL,))
    assert hours.is_open(at("2026-02-15 16:59"))
    assert not hours.is_open(at("2026-02-16 12:00"))
    assert not hours.is_open(at("2026-02-22 16:59"))
    assert hours.is_open(at("2026-02-23 08:00"))
    assert hours.next_open(at("2026-02-15 17:00")) == at("2026-02-23 08:00")
    assert hours.next_open(at("2026-02-18 12:00")) == at("2026-02-23 08:00")


def test_a_closure_may_take_a_piece_out_of_a_day() -> None:
    hours = Hours(time(8), time(17), SHANGHAI, closed=(closure("2026-03-02 12:00", "2026-03-02 13:30"),))
    assert hours.is_open(at("2026-03-02 11:59"))
    assert hours.next_open(at("2026-03-02 12:00")) == at("2026-03-02 13:30")
    assert hours.is_open(at("2026-03-02 13:30"))


def test_closures_that_follow_each_other_are_one() -> None:
    more = (FESTIVAL, closure("2026-02-23 00:00", "2026-02-23 09:00"))
    hours = Hours(time(8), time(17), SHANGHAI, closed=more)
    assert hours.next_open(at("2026-02-16 12:00")) == at("2026-02-23 09:00")


def test_a_closure_for_one_class_closes_for_no_other() -> None:
    closed = (closure("2026-02-16 00:00", "2026-02-23 00:00", MessageClass.COMMERCIAL),)
    hours = Hours(time(8), time(17), SHANGHAI, closed=closed)
    noon = at("2026-02-16 12:00")
    assert not hours.is_open(noon, MessageClass.COMMERCIAL)
    assert hours.is_open(noon, MessageClass.CODE)
    assert hours.next_open(noon, MessageClass.COMMERCIAL) == at("2026-02-23 08:00")


def test_what_was_agreed_for_a_holiday_is_sent_in_it() -> None:
    greetings = exception("2026-02-17 09:00", "2026-02-17 11:00")
    hours = Hours(time(8), time(17), SHANGHAI, (greetings,), (FESTIVAL,))
    assert not hours.is_open(at("2026-02-17 08:59"))
    assert hours.is_open(at("2026-02-17 09:00"))
    assert not hours.is_open(at("2026-02-17 11:00"))
    assert hours.next_open(at("2026-02-15 18:00")) == at("2026-02-17 09:00")
    assert hours.next_open(at("2026-02-17 11:00")) == at("2026-02-23 08:00")


def test_a_closure_of_years_is_passed_over_at_once() -> None:
    hours = Hours(time(8), time(17), SHANGHAI, closed=(closure("2026-01-01 00:00", "2999-01-01 00:00"),))
    assert hours.next_open(at("2026-01-01 12:00")) == at("2999-01-01 08:00")


@pytest.mark.parametrize(
    ("wall", "closes"),
    [
        ("2026-03-02 12:00", "2026-03-02 17:00"),
        ("2026-02-13 12:00", "2026-02-13 15:00"),
        ("2026-02-17 09:30", "2026-02-17 11:00"),
        ("2026-03-03 16:00", "2026-03-03 19:30"),
        ("2026-03-03 20:00", "2026-03-03 20:00"),
    ],
)
def test_the_next_closing_is_of_the_window_a_closure_or_the_last_exception(wall: str, closes: str) -> None:
    hours = Hours(
        time(8),
        time(17),
        SHANGHAI,
        (
            exception("2026-02-17 09:00", "2026-02-17 11:00"),
            exception("2026-03-03 16:30", "2026-03-03 18:00"),
            exception("2026-03-03 17:30", "2026-03-03 19:30"),
        ),
        (FESTIVAL, closure("2026-02-13 15:00", "2026-02-14 00:00")),
    )
    assert hours.next_close(at(wall)) == at(closes)


def test_what_is_open_for_good_never_closes() -> None:
    hours = Hours(time(8), time(17), SHANGHAI, (exception("2026-03-02 12:00", None),))
    assert hours.next_close(at("2026-03-02 11:00")) == math.inf
    assert hours.next_close(at("2026-03-01 11:00")) == at("2026-03-01 17:00")


def test_a_closure_without_a_zone_or_out_of_order_cannot_be_made() -> None:
    naive, aware = datetime(2026, 3, 2), datetime(2026, 3, 2, tzinfo=UTC)
    with pytest.raises(ValueError, match="zone"):
        HoursClosure(naive, aware, "")
    with pytest.raises(ValueError, match="end after"):
        HoursClosure(aware, aware, "")


def test_the_twenty_ninth_of_february_is_a_day_like_others() -> None:
    hours = Hours(time(8), time(17), SHANGHAI, closed=(closure("2028-02-28 00:00", "2028-02-29 00:00"),))
    assert hours.next_open(at("2028-02-27 18:00")) == at("2028-02-29 08:00")
    assert hours.next_close(at("2028-02-29 09:00")) == at("2028-02-29 17:00")
    assert hours.next_open(at("2028-02-29 17:00")) == at("2028-03-01 08:00")
    assert hours.next_open(at("2027-02-28 17:00")) == at("2027-03-01 08:00")


@pytest.mark.parametrize(("opens", "closes"), [(time(17), time(8)), (time(8), time(8))])
def test_hours_that_do_not_open_before_they_close_cannot_be_made(opens: time, closes: time) -> None:
    with pytest.raises(ValueError, match="open before they close"):
        Hours(opens, closes, SHANGHAI)


def test_an_exception_without_a_zone_or_out_of_order_cannot_be_made() -> None:
    naive, aware = datetime(2026, 3, 2), datetime(2026, 3, 2, tzinfo=UTC)
    with pytest.raises(ValueError, match="zone"):
        HoursException(naive, None, "")
    with pytest.raises(ValueError, match="zone"):
        HoursException(aware, naive, "")
    with pytest.raises(ValueError, match="end after"):
        HoursException(aware, aware, "")


def test_the_window_keeps_to_the_wall_clock_on_the_days_that_change_it() -> None:
    hours = Hours(time(8), time(17), NEW_YORK)
    for day in ("2026-03-08", "2026-11-01"):
        assert hours.next_open(at(f"{day} 00:00", NEW_YORK)) == at(f"{day} 08:00", NEW_YORK)
        assert hours.is_open(at(f"{day} 16:59", NEW_YORK))
        assert not hours.is_open(at(f"{day} 17:00", NEW_YORK))


def test_a_window_that_the_change_of_the_clock_skips_opens_the_day_after() -> None:
    hours = Hours(time(2, 10), time(2, 50), NEW_YORK)
    assert hours.next_open(at("2026-03-08 00:00", NEW_YORK)) == at("2026-03-09 02:10", NEW_YORK)


def test_an_hour_that_comes_twice_is_taken_in_the_narrower_reading() -> None:
    opening = Hours(time(1, 30), time(17), NEW_YORK)
    assert opening.next_open(at("2026-11-01 00:00", NEW_YORK)) == at("2026-11-01 01:30", NEW_YORK, fold=1)
    closing = Hours(time(0), time(1, 30), NEW_YORK)
    assert closing.is_open(at("2026-11-01 01:29", NEW_YORK))
    assert not closing.is_open(at("2026-11-01 01:15", NEW_YORK, fold=1))


WALLS = st.times().map(lambda wall: wall.replace(microsecond=0))
HOURS = st.builds(
    lambda walls, zone: Hours(min(walls), max(walls), zone),
    st.tuples(WALLS, WALLS).filter(lambda walls: walls[0] != walls[1]),
    st.sampled_from([SHANGHAI, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Tehran")]),
)
INSTANTS = st.floats(at("1990-01-01"), at("2036-01-01"))


@given(HOURS, INSTANTS)
def test_the_window_is_never_open_while_the_wall_clock_is_outside_it(hours: Hours, instant: float) -> None:
    wall = datetime.fromtimestamp(instant, hours.zone).time()
    if hours.is_open(instant):
        assert hours.open <= wall < hours.close


WEEKS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 15)).map(lambda wall: wall.replace(tzinfo=UTC))
SPANS = st.tuples(WEEKS, WEEKS).filter(lambda ends: ends[0] < ends[1])
PATCHED = st.builds(
    lambda hours, opened, closed: replace(
        hours,
        exceptions=tuple(HoursException(start, end, "") for start, end in opened),
        closed=tuple(HoursClosure(start, end, "") for start, end in closed),
    ),
    HOURS,
    st.lists(SPANS, max_size=3),
    st.lists(SPANS, max_size=3),
)


@given(PATCHED, WEEKS)
def test_closures_and_exceptions_leave_no_gap_between_an_opening_and_a_closing(
    hours: Hours, moment: datetime
) -> None:
    opens = hours.next_open(moment.timestamp())
    closes = hours.next_close(opens)
    assert hours.is_open(opens)
    assert closes > opens
    assert not hours.is_open(closes)
    for share in (0.1, 0.5, 0.9):
        before = moment.timestamp() + (opens - moment.timestamp()) * share
        assert before >= opens or not hours.is_open(before)
        within = opens + (closes - opens) * share
        assert within >= closes or hours.is_open(within)


@given(HOURS, INSTANTS)
def test_the_next_opening_is_open_soon_and_nothing_before_it_is(hours: Hours, instant: float) -> None:
    opens = hours.next_open(instant)
    assert hours.is_open(opens)
    assert instant <= opens <= instant + timedelta(days=3).total_seconds()
    for share in (0.0, 0.25, 0.5, 0.75):
        before = instant + (opens - instant) * share
        assert before == opens or not hours.is_open(before)
