"""How the binds of one connection are refused: with which status, and after which wait.

The first refusal is told at once, each further one later than the one before. Refusals that a stranger must
not tell apart all come as late as the slowest of them would: else the time it took would tell.
"""

from __future__ import annotations

from gateway.settings import BindErrors, StatusStyle
from gateway.statuses import bind_status_for

_DELAY_S = 1.0


class BindRefusals:
    """Those of one connection."""

    def __init__(self, errors: BindErrors) -> None:
        self._errors = errors
        self._count = 0

    def next(self, rule: str, style: StatusStyle, took_s: float) -> tuple[int, float]:
        """The command_status of the next one, and how long to wait with it after `took_s` of judging."""
        delay_s = self._count * _DELAY_S
        if self._errors is BindErrors.UNIFORM:
            delay_s += uniform_delay_s(took_s)
        self._count += 1
        return bind_status_for(rule, style, self._errors), delay_s


def uniform_delay_s(took_s: float) -> float:
    """How long to wait with a refusal after `took_s` of judging, so that all come as late."""
    return max(0.0, _DELAY_S - took_s)
