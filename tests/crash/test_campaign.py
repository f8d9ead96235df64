"""A run is known by its number, so that it can be had again."""

from __future__ import annotations

from tests.crash.campaign import Run, runs


def test_faults_take_turns_and_each_turn_strikes_one_call_later() -> None:
    assert runs(["fsync", "send"], 0, 5) == [
        Run(0, "fsync", 1),
        Run(1, "send", 1),
        Run(2, "fsync", 2),
        Run(3, "send", 2),
        Run(4, "fsync", 3),
    ]


def test_a_run_is_the_same_wherever_a_campaign_begins() -> None:
    assert runs(["fsync", "send"], 3, 1) == runs(["fsync", "send"], 0, 5)[3:4]
