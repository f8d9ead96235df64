"""How long things may take in a plan's weather and on its disk, before a check calls them late."""

from __future__ import annotations

from tests.sim.plan import Plan

# Stored instants are whole milliseconds, those of the journal are not.
ROUNDING_S = 0.002

_ALONE = 10
_INSIST_S = 60.0


def delay_s(plan: Plan) -> float:
    """From one end of a connection to the other at most. What is written later does not overtake."""
    weather = plan.weather
    return weather.latency_s + (weather.stall_s if weather.stalls else 0.0) + ROUNDING_S


def commit_s(plan: Plan) -> float:
    """From the wish for a transaction to its answer at most: the one that is under way, then its own.

    Each takes up to twice `commit_s`. Where statements fail, the jobs of a transaction follow one by one.
    """
    return 4 * plan.disk.commit_s * (_ALONE if plan.disk.statements_fail else 1) + ROUNDING_S


def settled_s(plan: Plan) -> float:
    """Until what must not be forgotten is stored, on a disk that may refuse it a few times."""
    disk = plan.disk
    return commit_s(plan) + (_INSIST_S if disk.fails or disk.loses_answer or disk.statements_fail else 0.0)
