"""Lots: the top-ups of an account, each with what was paid for it (contract clauses 1(2), 短信费(1), 七).

Lots are used first in first out: the unit at position n of all that were ever bought belongs to the lot that
it falls into. Units that were given by an adjustment are a lot of their own, which cost nothing; units that
were taken away count as used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from ledger.credits import check_fen, check_id, check_units


@dataclass(frozen=True, slots=True)
class Lot:
    """A top-up: `units` bought for `amount_fen`, paid under `reference`, credited at `at_ms` (unix ms).

    Raises ValueError where a number is out of range, or account or reference is empty.
    """

    lot_id: int
    account: str
    units: int
    amount_fen: int
    reference: str
    at_ms: int

    def __post_init__(self) -> None:
        check_id(self.lot_id)
        check_units(self.units)
        check_fen(self.amount_fen)
        if not self.account or not self.reference:
            raise ValueError("a top-up names its account and its payment reference")

    @property
    def unit_price_fen(self) -> Fraction:
        """The price of one unit in fen, exact: price × count is the amount paid, to the fen."""
        return Fraction(self.amount_fen, self.units)

    def same_purchase(self, other: Lot) -> bool:
        """Whether `other` tells of the same payment, whatever its id and time."""
        return (self.account, self.reference, self.units, self.amount_fen) == (
            other.account,
            other.reference,
            other.units,
            other.amount_fen,
        )


@dataclass(frozen=True, slots=True)
class LotRest:
    """What is left of a lot: `units` of it, that cost `value_fen`, exact."""

    lot: Lot
    units: int

    @property
    def value_fen(self) -> Fraction:
        """What was paid for what is left."""
        return self.lot.unit_price_fen * self.units


def in_order(lots: Iterable[Lot]) -> list[Lot]:
    """The lots as they are used: the oldest first."""
    return sorted(lots, key=lambda lot: (lot.at_ms, lot.lot_id))


def consume(lots: Iterable[Lot], used: int) -> list[LotRest]:
    """What is left of each lot after `used` units, in order; 0 of those that are used up.

    Raises ValueError where more were used than there were.
    """
    rests = []
    for lot in in_order(lots):
        taken = min(used, lot.units)
        used -= taken
        rests.append(LotRest(lot, lot.units - taken))
    if used > 0:
        raise ValueError(f"{used} more units were used than there were")
    return rests


def value_fen(rests: Iterable[LotRest]) -> int:
    """What was paid for what is left, in fen: summed exactly, then rounded once, half a fen up."""
    return floor(sum((rest.value_fen for rest in rests), Fraction()) + Fraction(1, 2))
