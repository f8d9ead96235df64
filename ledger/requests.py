"""What people ask of the ledger beside paying: an adjustment, or what is left paid back at the end."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.credits import check_fen, check_id, check_units
from ledger.transfer import Kind

KINDS = (Kind.ADJUST_UP, Kind.ADJUST_DOWN, Kind.RETURN)


@dataclass(frozen=True, slots=True)
class Request:
    """`units` of `account` adjusted or returned under `reference`, for a `reason`, at `at_ms` (unix ms).

    `amount_fen` is what is paid back for a RETURN; an adjustment moves no money. Raises ValueError where a
    number is out of range, or account, reference or reason is empty, and for another kind.
    """

    request_id: int
    kind: Kind
    account: str
    units: int
    amount_fen: int
    reference: str
    reason: str
    at_ms: int

    def __post_init__(self) -> None:
        check_id(self.request_id)
        check_units(self.units)
        check_fen(self.amount_fen)
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind.name} is not asked for by hand")
        if not self.account or not self.reference or not self.reason:
            raise ValueError("an adjustment or return names its account, its reference and its reason")
        if self.amount_fen and self.kind is not Kind.RETURN:
            raise ValueError("an adjustment moves no money")

    def same_request(self, other: Request) -> bool:
        """Whether `other` asks for the same, whatever its id, reason and time."""
        return (self.account, self.reference, self.kind, self.units, self.amount_fen) == (
            other.account,
            other.reference,
            other.kind,
            other.units,
            other.amount_fen,
        )
