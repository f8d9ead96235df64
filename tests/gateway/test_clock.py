from __future__ import annotations

import time

from gateway.clock import StatedClock, SystemClock


class Ticks:
    def __init__(self) -> None:
        self.seconds = 5000.25

    def __call__(self) -> float:
        return self.seconds


def test_a_stated_clock_begins_at_the_stated_instant() -> None:
    assert StatedClock(1_800_000_000.0, Ticks()).now() == 1_800_000_000.0


def test_a_stated_clock_runs_on_with_its_source() -> None:
    ticks = Ticks()
    clock = StatedClock(1_800_000_000.0, ticks)
    ticks.seconds += 3600.5
    assert clock.now() == 1_800_003_600.5
    assert clock.monotonic() == ticks.seconds


def test_a_stated_clock_can_be_put_to_another_instant_and_runs_on_from_there() -> None:
    ticks = Ticks()
    clock = StatedClock(1_800_000_000.0, ticks)
    before = clock.monotonic()
    clock.put(1_800_036_000.0)
    assert (clock.now(), clock.monotonic()) == (1_800_036_000.0, before)
    ticks.seconds += 2.5
    assert clock.now() == 1_800_036_002.5


def test_the_system_clock_tells_unix_time_and_machine_time() -> None:
    clock = SystemClock()
    before = time.time(), time.monotonic()
    told = clock.now(), clock.monotonic()
    after = time.time(), time.monotonic()
    assert before[0] <= told[0] <= after[0]
    assert before[1] <= told[1] <= after[1]
