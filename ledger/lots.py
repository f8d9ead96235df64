"""Lots: the top-ups of an account, each with what was paid for it (contract clause 1(2), 短信费(1))."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

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
