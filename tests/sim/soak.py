"""Many runs in many processes. A run is its seed: whoever has the seed can see it again."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import repeat
from pathlib import Path

from gateway.store.engine import open_engine
from tests.sim.plan import Plan, draw
from tests.sim.scenario import Crash, Run, Scenario
from tests.sim.short import short_plan

# A file system in memory, where there is one: what is simulated is the loss of a process, not of a disk.
_MEMORY = Path("/dev/shm")
_ROOT = str(Path(__file__).parents[2])


def run(plan: Plan, crash: Crash | None = None) -> Run:
    """Run a plan here; an exception out of the simulation is a problem, too."""
    with _folder() as folder:
        scenario = Scenario(plan, folder, _empty_database(), crash)
        try:
            return scenario.run()
        except Exception:
            return Run(plan.seed, (traceback.format_exc(),), "", Counter(), 0.0, 0, 0, 0, 0)


def run_seed(seed: int) -> Run:
    """Run what a seed stands for."""
    return run(draw(seed))


def run_crash(crash: Crash, resend: bool) -> Run:
    """Run the short plan up to a crash and beyond."""
    return run(short_plan(resend), crash)


def soak(seeds: Iterable[int], jobs: int | None = None) -> Iterator[Run]:
    """Run every seed, in as many processes as there are processors; the runs, in the order of the seeds."""
    with _processes(jobs) as pool:
        yield from pool.map(run_seed, seeds)


def crash_at(crashes: Iterable[Crash], resend: bool) -> Iterator[Run]:
    """Run the short plan with each of these crashes, in as many processes as there are processors."""
    with _processes(None) as pool:
        yield from pool.map(run_crash, crashes, repeat(resend))


def command(seed: int) -> str:
    """What shows a run again."""
    return f"python -m tests.sim seed {seed}"


def crash_command(crash: Crash, resend: bool) -> str:
    """What shows a crash of the short plan again."""
    return f"python -m tests.sim crash {crash.point} {crash.number}{' --resend' if resend else ''}"


def _processes(jobs: int | None) -> ProcessPoolExecutor:
    # New processes look for modules where this one does, and pytest found its tests by their files.
    if _ROOT not in sys.path:
        sys.path.append(_ROOT)
    return ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=multiprocessing.get_context("spawn"))


@contextmanager
def _folder() -> Iterator[Path]:
    where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="signet-sim-", dir=where) as name:
        yield Path(name)


@cache
def _empty_database() -> Path:
    """A database with its schema, made once in a process."""
    path = Path(_kept_folder().name) / "empty.db"
    open_engine(path).dispose()
    return path


@cache
def _kept_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="signet-sim-")
