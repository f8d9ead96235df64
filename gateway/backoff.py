"""How long to wait before trying again: doubling, bounded, and never in step with anybody else."""

from __future__ import annotations

from collections.abc import Callable

_DOUBLINGS_MAX = 30


def delay_s(tries: int, least_s: float, most_s: float, random: Callable[[], float]) -> float:
    """The wait after `tries` failures in a row (1 is the first): between half and all of the doubled time.

    `random` gives a number in [0, 1), such as `random.Random.random`.
    """
    ceiling = min(most_s, least_s * 2.0 ** min(tries - 1, _DOUBLINGS_MAX))
    return ceiling * (0.5 + random() / 2)
