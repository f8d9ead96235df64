"""Each fault once, small: `python -m tests.crash` does them by the hundred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.crash.campaign import Played, play
from tests.crash.faults import FAULTS, why_not
from tests.crash.scene import Plan

MESSAGES = 90
# Behind the recovery's own commits, and within what so few messages need.
NTH = 6


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[Played]]]:
    """All runs, several at a time, because they wait more than they work."""
    possible = [fault for fault in FAULTS if not why_not(fault)]
    with ThreadPoolExecutor(3) as pool:
        yield {
            fault: pool.submit(play, fault, Plan(MESSAGES, fault, NTH), tmp_path_factory.mktemp(fault))
            for fault in possible
        }


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_nothing_that_was_promised(fault: str, played: Mapping[str, Future[Played]]) -> None:
    if reason := why_not(fault):
        pytest.skip(reason)
    run = played[fault].result()
    assert run.verdict.flaws == {}
    assert run.struck
    assert run.verdict.tried == MESSAGES
    assert run.verdict.acked > 0
