"""The promises under every fault that the simulation has, by two hundred seeds and by every crash point."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from tests.sim.plan import CarrierManners, CustomerManners, Disk, Plan, Weather, draw
from tests.sim.scenario import POINTS, Crash
from tests.sim.soak import command, run, soak

SEEDS = range(200)

_SHORT = Plan(
    seed=1,
    begins_at="12:00",
    faults_s=15.0,
    crash_every_s=None,
    batch_max=2,
    intake_max=100,
    inbound_max=100,
    deliveries_max=100,
    message_ttl_s=600.0,
    in_doubt_s=5.0,
    receipt_ttl_s=604_800.0,
    response_s=2.0,
    weather=Weather(0.02, 0, 0, 0, 0, 0, 0),
    disk=Disk(0.02, 0, 0, 0),
    carriers=(
        CarrierManners(
            binds=1,
            window_max=2,
            rate_per_s=None,
            burst=1,
            answer_s=0.2,
            throttles=0.2,
            refuses=0.1,
            ignores=0.0,
            answers_late=0.0,
            answers_garbage=0.0,
            receipt_s=0.5,
            receipts_early=0.3,
            receipts_twice=0.2,
            receipts_never=0.0,
            fails=0.2,
            news=0.2,
            replies_td=0.1,
            disconnects=0.0,
            ids="decimal",
        ),
    ),
    customers=(
        CustomerManners(
            name="bank",
            quota=7,
            binds=1,
            window_max=2,
            delivery_window_max=2,
            queue_max=100,
            throttle_per_s=None,
            burst=1,
            resend=False,
            all_hours=True,
            holds=True,
            messages=8,
            every_s=0.05,
            overruns=0.0,
            invalid=0.1,
            numbers=20,
            wants_receipt=1.0,
            ignores_deliveries=0.0,
            refuses_deliveries=0.0,
            leaves=0.0,
            away_s=0.5,
        ),
    ),
)


def test_every_promise_holds_whatever_two_hundred_seeds_do() -> None:
    runs = list(soak(SEEDS))
    broken = [f"{command(run.seed)}\n  " + "\n  ".join(run.problems) for run in runs if run.problems]
    assert not broken, "\n".join(broken)
    # And the seeds do bring about what they are for.
    assert sum(run.lives - 1 for run in runs) > 200
    assert sum(run.accepted for run in runs) > 2000
    assert sum(run.copies for run in runs) > 100


@pytest.mark.parametrize("resend", [False, True], ids=["park", "resend"])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_each_point_of_a_short_run_breaks_no_promise(point: str, resend: bool) -> None:
    plan = replace(_SHORT, customers=(replace(_SHORT.customers[0], resend=resend),))
    without = run(plan)
    assert without.problems == ()
    assert without.visits[point] > 20
    for number in range(1, without.visits[point] + 1):
        crashed = run(plan, Crash(point, number))
        assert crashed.problems == (), f"{point} {number}"
        assert crashed.lives == 2


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
