"""Lots: the top-ups of an account, each with what was paid for it (contract clauses 1(2), 短信费(1), 七).

Lots are used first in first out: a message is charged to the oldest lot that has a unit left when a carrier
takes it, and to the ones behind if that is not enough. What is refunded goes back to the lots that it was
charged to. Units that were given by an adjustment are a lot of their own, which cost nothing; units that are
taken away, or paid back at the end, are drawn as if they were used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from ledger.chain import Move
from ledger.credits import check_fen, check_id, check_units
from ledger.errors import LedgerError

Draw = tuple[int, int]
"""So many units of a lot: its id, and how many."""


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
class LotUnits:
    """`units` of a lot."""

    lot: Lot
    units: int

    @property
    def value_fen(self) -> Fraction:
        """What was paid for them, exact."""
        return self.lot.unit_price_fen * self.units


def in_order(lots: Iterable[Lot]) -> list[Lot]:
    """The lots as they are used: the oldest first."""
    return sorted(lots, key=lambda lot: (lot.at_ms, lot.lot_id))


def draw(moves: Iterable[Move], left: Sequence[Draw]) -> Iterator[tuple[list[Move], list[Draw]]]:
    """What each source draws of the lots, of which so much is `left`, the oldest first.

    Sources come in the order of their ids, in groups: all that one lot pays is a group, and so is one source
    that several lots pay. Raises LedgerError where there is not enough.
    """
    group: list[Move] = []
    taken = 0
    rests = iter(left)
    lot_id, units_left = next(rests, (0, 0))
    for source_id, units in sorted(moves):
        if units > units_left and group:
            yield group, [(lot_id, taken)]
            group, taken = [], 0
        draws: list[Draw] = []
        needed = units
        while needed > units_left:
            if units_left:
                draws.append((lot_id, units_left))
                needed -= units_left
            lot_id, units_left = next(rests, (0, 0))
            if not lot_id:
                raise LedgerError(f"{units} units of {source_id} are more than the lots have left")
        units_left -= needed
        if draws:
            yield [(source_id, units)], [*draws, (lot_id, needed)]
        else:
            group.append((source_id, units))
            taken += units
    if group:
        yield group, [(lot_id, taken)]


def give_back(draws: Sequence[Draw], units: int) -> list[Draw]:
    """The last `units` of what was drawn, in order."""
    back: list[Draw] = []
    for lot_id, drawn in reversed(draws):
        if units:
            back.insert(0, (lot_id, min(units, drawn)))
            units -= back[0][1]
    return back


def value_fen(shares: Iterable[LotUnits]) -> int:
    """What was paid for them, in fen: summed exactly, then rounded once, half a fen up."""
    return floor(sum((share.value_fen for share in shares), Fraction()) + Fraction(1, 2))
