"""Balances: where the units of an account are.

Double entry: every transfer takes units from one place and puts as many into another. `topped_up` is the side
of what came from outside, so it equals the sum of the four places where units can be, always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ledger.errors import LedgerError
from ledger.transfer import Kind

EFFECTS: Mapping[Kind, Mapping[str, int]] = {
    Kind.TOPUP: {"topped_up": +1, "remaining": +1},
    Kind.HOLD: {"remaining": -1, "held": +1},
    Kind.SETTLE: {"held": -1, "settled": +1},
    Kind.VOID: {"held": -1, "remaining": +1},
    Kind.REFUND: {"settled": -1, "remaining": +1},
    Kind.RETURN: {"remaining": -1, "returned": +1},
    Kind.ADJUST_UP: {"topped_up": +1, "remaining": +1},
    Kind.ADJUST_DOWN: {"topped_up": -1, "remaining": -1},
}
"""The two entries of each kind: what one unit of it adds to two fields of a balance, columns of its row."""

CREDITS = frozenset({Kind.TOPUP, Kind.ADJUST_UP})
"""The kinds that make a lot."""

DRAWS: Mapping[Kind, int] = {Kind.SETTLE: -1, Kind.ADJUST_DOWN: -1, Kind.RETURN: -1, Kind.REFUND: +1}
"""The kinds that draw lots: what one unit adds to what is left of its lot. A hold draws nothing yet."""


@dataclass(frozen=True, slots=True)
class Overdraw:
    """The refusal of a hold: `units` wanted where only `remaining` are left (QUOTA_EXHAUSTED)."""

    remaining: int
    units: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The units of an account, none negative, and `topped_up = remaining + held + settled + returned`.

    `remaining` can be held; `held` waits for a carrier's word; `settled` is charged; `returned` was paid back
    at the end of the contract. Raises LedgerError where the numbers do not add up.
    """

    topped_up: int = 0
    remaining: int = 0
    held: int = 0
    settled: int = 0
    returned: int = 0

    def __post_init__(self) -> None:
        places = (self.remaining, self.held, self.settled, self.returned)
        if min(places) < 0 or self.topped_up != sum(places):
            raise LedgerError(f"a balance that does not add up: {self}")

    def apply(self, kind: Kind, units: int) -> Balance | Overdraw:
        """The balance after a transfer. A hold beyond `remaining` is refused; equal is enough.

        Raises LedgerError where any other kind moves more than there is.
        """
        if kind is Kind.HOLD and units > self.remaining:
            return Overdraw(self.remaining, units)
        effect = EFFECTS[kind].items()
        return replace(self, **{place: getattr(self, place) + sign * units for place, sign in effect})
