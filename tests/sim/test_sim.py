"""The promises under every fault that the simulation has, by two hundred seeds and by every crash point."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sim.plan import draw
from tests.sim.scenario import POINTS, Crash
from tests.sim.short import short_plan
from tests.sim.soak import command, crash_at, crash_command, run, soak

SEEDS = range(200)


def test_every_promise_holds_whatever_two_hundred_seeds_do() -> None:
    runs = list(soak(SEEDS))
    broken = [f"{command(run.seed)}\n  " + "\n  ".join(run.problems) for run in runs if run.problems]
    assert not broken, "\n".join(broken)
    # And the seeds do bring about what they are for.
    assert sum(run.lives - 1 for run in runs) > 200
    assert sum(run.accepted for run in runs) > 2000
    assert sum(run.copies for run in runs) > 100


@pytest.mark.parametrize("resend", [False, True], ids=["park", "resend"])
def test_a_crash_at_any_point_of_a_short_run_breaks_no_promise(resend: bool) -> None:
    without = run(short_plan(resend))
    assert without.problems == ()
    assert all(without.visits[point] > 20 for point in POINTS)
    crashes = [Crash(point, number + 1) for point in POINTS for number in range(without.visits[point])]
    for crash, crashed in zip(crashes, crash_at(crashes, resend), strict=True):
        assert crashed.problems == (), crash_command(crash, resend)
        assert crashed.lives == 2, crash_command(crash, resend)


def test_the_same_seed_is_the_same_run_in_another_process() -> None:
    seed = next(seed for seed in SEEDS if draw(seed).crash_every_s and len(draw(seed).customers) == 2)
    code = f"from tests.sim.soak import run_seed; print(run_seed({seed}).fingerprint)"
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(prints) == 1
    assert len(prints.pop().strip()) == 64


def test_another_seed_is_another_run() -> None:
    first, second = (run(draw(seed)).fingerprint for seed in (0, 1))
    assert first != second
