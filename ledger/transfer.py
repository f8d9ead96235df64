"""Transfers: the immutable rows that every balance is the sum of.

A transfer's identity is derived from what caused it: the id of the top-up, message or request, and the stage
that it stands for. So telling the ledger the same thing twice cannot move units twice, whoever repeats it and
when.

    stage 0  TOPUP                      of a top-up
    stage 1  HOLD                       of a message
    stage 2  SETTLE or VOID             of the same message, exactly one ever
    stage 3  REFUND                     after a SETTLE, at most what was settled
    stage 4  ADJUST_UP or ADJUST_DOWN   of a request, which has its reason
    stage 5  RETURN                     of a request, at the end of the contract
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ledger.credits import ID_MAX, UNITS_MAX, check_id, check_units


class Stage(IntEnum):
    """The place of a transfer in the life of its source; each is taken once. The values are stored."""

    TOPUP = 0
    HOLD = 1
    RESOLUTION = 2
    REFUND = 3
    ADJUSTMENT = 4
    RETURN = 5


class Kind(IntEnum):
    """What a transfer does to a balance. The values are stored."""

    TOPUP = 1
    HOLD = 2
    SETTLE = 3
    VOID = 4
    REFUND = 5
    RETURN = 6
    ADJUST_UP = 7
    ADJUST_DOWN = 8

    @property
    def stage(self) -> Stage:
        """The one stage where this kind occurs."""
        return _STAGE_OF[self]


_STAGE_OF = {
    Kind.TOPUP: Stage.TOPUP,
    Kind.HOLD: Stage.HOLD,
    Kind.SETTLE: Stage.RESOLUTION,
    Kind.VOID: Stage.RESOLUTION,
    Kind.REFUND: Stage.REFUND,
    Kind.RETURN: Stage.RETURN,
    Kind.ADJUST_UP: Stage.ADJUSTMENT,
    Kind.ADJUST_DOWN: Stage.ADJUSTMENT,
}


@dataclass(frozen=True, slots=True)
class Hold:
    """The units that a message holds on an account. Raises ValueError where a number is out of range.

    Holds of one `whole`, which follow each other on one account, are granted together or not at all.
    """

    message_id: int
    account: str
    units: int
    whole: int | None = None

    def __post_init__(self) -> None:
        # Made twice for each message, so the usual case costs one comparison and no call.
        if not (0 < self.message_id <= ID_MAX and 0 < self.units <= UNITS_MAX and type(self.units) is int):
            check_id(self.message_id)
            check_units(self.units)


@dataclass(frozen=True, slots=True)
class Transfer:
    """`units` moved by `source_id` on `account` at `at_ms` (unix time in milliseconds)."""

    source_id: int
    kind: Kind
    account: str
    units: int
    at_ms: int

    @property
    def stage(self) -> Stage:
        return self.kind.stage
