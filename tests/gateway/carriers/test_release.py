"""What waited for the hours is let go when they open, no faster than carriers take it."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from gateway.message import State
from gateway.settings import Account, Carrier, Throttle, Timers
from policy.content import ContentFilter
from policy.hours import Hours, HoursClosure
from policy.ruleset import compile_ruleset
from tests.gateway.carriers.conftest import MakeRelay
from tests.gateway.carriers.peer import submit_resp
from tests.gateway.carriers.relay import Relay
from tests.gateway.carriers.samples import ZONE, a_carrier, an_account

NEW_YORK = ZoneInfo("America/New_York")
DAY_S = 86_400


def north(window_max: int = 100, rate: Throttle | None = None) -> Carrier:
    """A carrier that is never asked whether it is there."""
    return a_carrier(window_max=window_max, rate=rate, timers=Timers(enquire_link_s=1e6))


def at(wall: str, zone: ZoneInfo = ZONE) -> float:
    return datetime.fromisoformat(wall).replace(tzinfo=zone).timestamp()


def keeping(hours: Hours) -> Account:
    return an_account(
        ruleset=compile_ruleset(signatures=["中国银行"], content=ContentFilter({}), hours=hours)
    )


def held(relay: Relay, count: int, opens: float, days: int = 30) -> Relay:
    """So many messages that wait for the hours."""
    for message_id in range(1, count + 1):
        relay.queue(message_id, due_at=int(opens * 1000), deadline_at=int(opens + days * DAY_S) * 1000)
    return relay


def released(relay: Relay, seconds: float) -> int:
    """How many leave in that time, to a carrier that takes each at once."""
    left, passed = 0, 0.0
    while passed < seconds:
        relay.pass_time(0.125)
        passed += 0.125
        submits = relay.submits()
        relay.peer().send(
            *(submit_resp(pdu.sequence_number, b"c%d" % pdu.sequence_number) for pdu in submits)
        )
        left += len(submits)
    return left


def test_what_was_held_leaves_at_the_carriers_rate_and_not_at_once(make_relay: MakeRelay) -> None:
    opens = at("2026-03-05 08:00")
    relay = make_relay(start=opens - 5, carriers=(north(rate=Throttle(10.0, 5)),))
    held(relay, 100, opens)
    assert released(relay, 4.875) == 0
    per_second = [released(relay, 1.0) for _ in range(11)]
    assert max(per_second) <= 10 + 5
    assert all(sum(per_second[:n]) <= 10 * n + 5 for n in range(1, 12))
    assert sum(per_second) == 100
    assert min(per_second[:9]) >= 9, "nor any slower"


def test_without_a_rate_no_more_leaves_than_the_window_has_room_for(make_relay: MakeRelay) -> None:
    opens = at("2026-03-05 08:00")
    relay = held(make_relay(start=opens - 5, carriers=(north(window_max=7),)), 30, opens)
    relay.pass_time(5)
    assert len(relay.submits()) == 7
    relay.pass_time(2)
    assert relay.submits() == []


def test_a_clock_set_back_lets_nothing_go_before_the_hours(make_relay: MakeRelay) -> None:
    opens = at("2026-03-05 08:00")
    relay = held(make_relay(start=opens - 5, carriers=(north(),)), 3, opens)
    relay.pass_time(3)
    relay.clock.put(opens - 60)
    assert released(relay, 59.875) == 0
    assert released(relay, 1.0) == 3


def test_a_clock_set_back_out_of_the_hours_stops_the_release(make_relay: MakeRelay) -> None:
    opens = at("2026-03-05 08:00")
    relay = make_relay(start=opens - 1, carriers=(north(rate=Throttle(2.0, 1)),))
    held(relay, 20, opens)
    assert 0 < released(relay, 5.0) < 20
    relay.clock.put(opens - 20)
    assert released(relay, 19.5) == 0
    assert released(relay, 15.0) > 0
    assert {relay.file.state(message_id) for message_id in range(1, 21)} == {State.ENROUTE}


def test_a_clock_set_forward_out_of_the_hours_stops_the_release(make_relay: MakeRelay) -> None:
    opens = at("2026-03-05 08:00")
    relay = make_relay(start=opens - 1, carriers=(north(rate=Throttle(2.0, 1)),))
    held(relay, 20, opens)
    before = released(relay, 5.0)
    assert 0 < before < 20
    relay.clock.put(at("2026-03-05 17:00"))
    assert released(relay, 20.0) == 0
    relay.clock.put(at("2026-03-06 07:59:50"))
    assert released(relay, 9.5) == 0
    assert released(relay, 15.0) == 20 - before


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_the_hours_open_by_the_wall_on_a_day_that_changes_the_clock(make_relay: MakeRelay, day: str) -> None:
    hours = Hours(time(8), time(17), NEW_YORK)
    evening = at(f"{day} 00:30", NEW_YORK) - 6 * 3600
    relay = make_relay(start=evening, carriers=(north(),), accounts=(keeping(hours),))
    held(relay, 2, evening)
    relay.pass_time(1)
    assert {relay.file.state(message_id) for message_id in (1, 2)} == {State.QUEUED}
    relay.clock.put(at(f"{day} 07:59:50", NEW_YORK))
    assert released(relay, 9.5) == 0
    assert released(relay, 30.0) == 2


def test_a_leap_day_is_kept_like_any_other(make_relay: MakeRelay) -> None:
    closure = HoursClosure(
        datetime(2028, 2, 29, tzinfo=ZONE), datetime(2028, 3, 1, tzinfo=ZONE), "agreed in writing"
    )
    hours = Hours(time(8), time(17), ZONE, closed=(closure,))
    evening = at("2028-02-28 17:30")
    relay = held(make_relay(start=evening, carriers=(north(),), accounts=(keeping(hours),)), 1, evening)
    for wall in ("2028-02-28 18:00", "2028-02-29 08:00", "2028-02-29 16:00", "2028-03-01 07:59"):
        relay.clock.put(at(wall))
        assert released(relay, 31.0) == 0
    relay.clock.put(at("2028-03-01 08:00"))
    assert released(relay, 31.0) == 1
