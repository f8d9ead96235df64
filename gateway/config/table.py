"""What the tables of the configuration file have in common, and those that stand in several of them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo

from gateway.config.field import Count, Rate, Seconds, SecondsOrOff
from gateway.config.problem import wrong
from gateway.settings import Throttle, Timers

BY_VALUE = Field(strict=False)
_TIMERS = Timers()


class Table(BaseModel):
    """A table of the file: TOML's own types, no conversions, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class TimersTable(Table):
    """`timers` of an account, with the defaults of `settings.Timers`; before its bind it is nobody's."""

    enquire_link_s: Seconds = _TIMERS.enquire_link_s
    response_s: Seconds = _TIMERS.response_s
    inactivity_s: SecondsOrOff = _TIMERS.inactivity_s
    unbind_s: Seconds = _TIMERS.unbind_s


class ThrottleTable(Table):
    """`throttle` of an account, `rate` of a carrier; a rate of 0 blocks."""

    rate_per_s: Rate
    burst: Count


def throttle_of(table: ThrottleTable | None) -> Throttle | None:
    """The throttle in a table; none without one."""
    return Throttle(table.rate_per_s, table.burst) if table else None


def at_least(least: str, value: float, info: ValidationInfo) -> float:
    """`value`, of a key that may not be below the key `least` of its table; a ValueError says so."""
    if least in info.data and value < info.data[least]:
        raise wrong(f"must be at least {least}")
    return value
