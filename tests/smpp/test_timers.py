from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.timers import Due, Timers, TimerSettings

SETTINGS = TimerSettings(session_init_s=10, enquire_link_s=30, response_s=8, inactivity_s=0, unbind_s=5)


def bound(settings: TimerSettings = SETTINGS, now: float = 0.0) -> Timers:
    timers = Timers(settings, now)
    timers.bound(now)
    return timers


def test_a_session_that_is_not_bound_in_time_is_due() -> None:
    timers = Timers(SETTINGS, 100.0)
    assert timers.deadline() == 110.0
    assert timers.due(109.9) is None
    assert timers.due(110.0) is Due.SESSION_INIT


def test_pdus_do_not_prolong_session_init() -> None:
    timers = Timers(SETTINGS, 0.0)
    timers.last_received = 9.0
    assert timers.due(10.0) is Due.SESSION_INIT


def test_binding_ends_session_init_and_starts_enquire_link() -> None:
    timers = Timers(SETTINGS, 0.0)
    timers.bound(4.0)
    assert timers.deadline() == 34.0
    assert timers.due(33.9) is None
    assert timers.due(34.0) is Due.ENQUIRE_LINK


def test_any_pdu_postpones_enquire_link() -> None:
    timers = bound()
    timers.last_received = 20.0
    assert timers.deadline() == 50.0


def test_an_unanswered_enquire_link_is_repeated_once_and_then_the_peer_is_silent() -> None:
    timers = bound()
    assert timers.enquired(30.0) == 1
    assert timers.deadline() == 38.0
    assert timers.due(38.0) is Due.ENQUIRE_LINK
    assert timers.enquired(38.0) == 2
    assert timers.due(45.9) is None
    assert timers.due(46.0) is Due.PEER_SILENT


@pytest.mark.parametrize("asked", [1, 2])
def test_a_pdu_after_an_enquire_link_starts_the_count_again(asked: int) -> None:
    timers = bound()
    for n in range(asked):
        timers.enquired(30.0 + 8 * n)
    timers.last_received = 40.0
    assert timers.deadline() == 70.0
    assert timers.enquired(70.0) == 1
    assert timers.due(78.0) is Due.ENQUIRE_LINK


def test_a_pdu_at_the_instant_of_the_enquire_link_is_life() -> None:
    timers = bound()
    timers.enquired(30.0)
    timers.last_received = 30.0
    assert timers.deadline() == 60.0


def test_enquire_link_can_be_switched_off() -> None:
    timers = bound(TimerSettings(enquire_link_s=0))
    assert timers.deadline() is None
    assert timers.due(1e9) is None


def test_inactivity_is_off_by_default() -> None:
    timers = bound(TimerSettings())
    timers.last_received = 1e6
    assert timers.due(1e6 + 29) is None


def test_inactivity_counts_from_the_last_transaction_and_not_from_the_last_pdu() -> None:
    timers = bound(TimerSettings(enquire_link_s=30, inactivity_s=60))
    timers.last_transaction = 10.0
    timers.last_received = 65.0
    assert timers.deadline() == 70.0
    assert timers.due(70.0) is Due.INACTIVITY


def test_enquire_link_runs_beside_inactivity() -> None:
    timers = bound(TimerSettings(enquire_link_s=30, inactivity_s=60))
    assert timers.due(30.0) is Due.ENQUIRE_LINK


def test_an_unbind_runs_alone_and_for_its_own_time() -> None:
    timers = bound(TimerSettings(inactivity_s=1, unbind_s=5))
    timers.unbinding(100.0)
    timers.last_received = 104.0
    assert timers.deadline() == 105.0
    assert timers.due(104.9) is None
    assert timers.due(105.0) is Due.UNBIND


def test_stopped_timers_are_never_due() -> None:
    timers = bound()
    timers.stop()
    assert timers.deadline() is None
    assert timers.due(1e9) is None


@pytest.mark.parametrize("field", ["session_init_s", "response_s", "unbind_s"])
def test_a_timer_that_must_run_cannot_be_switched_off(field: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        TimerSettings(**{field: 0.0})


@pytest.mark.parametrize("field", ["enquire_link_s", "inactivity_s"])
def test_a_negative_time_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="negative"):
        TimerSettings(**{field: -1.0})


@given(
    st.lists(st.sampled_from(["heard", "transacted", "enquired", "wait"]), max_size=40), st.integers(0, 90)
)
def test_something_is_due_exactly_from_the_deadline_on(steps: list[str], inactivity_s: int) -> None:
    timers = bound(TimerSettings(enquire_link_s=30, response_s=8, inactivity_s=inactivity_s))
    now = 0.0
    for step in steps:
        now += 7.0
        if step == "heard":
            timers.last_received = now
        elif step == "transacted":
            timers.last_received = timers.last_transaction = now
        elif step == "enquired" and timers.due(now) is Due.ENQUIRE_LINK:
            timers.enquired(now)
        deadline = timers.deadline()
        assert deadline is not None
        assert timers.due(deadline) is not None
        assert timers.due(deadline - 0.001) is None
        assert (timers.due(now) is None) == (deadline > now)
