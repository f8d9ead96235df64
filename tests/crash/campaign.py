"""Runs, several at a time, and what comes of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from tests.crash.faults import FAULTS, MOUNTED
from tests.crash.room import filesystem
from tests.crash.scene import Plan, Scene
from tests.crash.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a campaign, to be repeated by its number; `nth` is the call that some faults strike at."""

    number: int
    fault: str
    nth: int


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run: how many lives the gateway had in it, and whether the fault came about at all."""

    verdict: Verdict
    lives: int
    struck: bool


@dataclass(frozen=True, slots=True)
class Outcome(Played):
    """The same with its place in a campaign; `folder` is where its files are left, None if they are not."""

    run: Run
    seconds: float
    folder: Path | None


def runs(faults: Sequence[str], first: int, count: int) -> list[Run]:
    """The runs numbered from `first`: one fault after the other, and then the next n-th call."""
    return [
        Run(number, faults[number % len(faults)], number // len(faults) + 1)
        for number in range(first, first + count)
    ]


def outcomes(todo: Sequence[Run], messages: int, seed: int, jobs: int) -> Iterator[Outcome]:
    """Do the runs, `jobs` at a time, and give each as it ends. What a run with flaws has written is kept."""
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(_outcome, run, messages, seed) for run in todo]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def play(fault: str, plan: Plan, folder: Path) -> Played:
    """One run in a folder that is there and empty."""
    place = folder / "gateway"
    place.mkdir()
    with ExitStack() as stack:
        if fault in MOUNTED:
            stack.enter_context(filesystem(place))
        scene = stack.enter_context(Scene(plan, place))
        FAULTS[fault](scene)
        verdict = scene.finish()
        if verdict.flaws:
            (folder / "log").write_text(scene.gateway.log, "utf-8")
            shutil.copy(place / "signet.db", folder)
        return Played(verdict, scene.lives, scene.struck)


def _outcome(run: Run, messages: int, seed: int) -> Outcome:
    began = monotonic()
    folder = Path(tempfile.mkdtemp(prefix="signet-crash-"))
    played = play(run.fault, Plan(messages, f"{seed}:{run.number}", run.nth), folder)
    kept = bool(played.verdict.flaws)
    if not kept:
        shutil.rmtree(folder)
    return Outcome(
        played.verdict, played.lives, played.struck, run, monotonic() - began, folder if kept else None
    )
