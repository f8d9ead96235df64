"""Supplements: what both parties have agreed besides the contract's own terms (contract clause 十)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Supplement:
    """A paper that agrees to `terms`: keys of an account, with dots for those of its tables.

    `reference` names the paper, `note` may say what is in it.
    """

    agreed_on: date
    reference: str
    terms: tuple[str, ...]
    note: str = ""

    def describe(self) -> dict[str, object]:
        """It as JSON has it."""
        return {
            "agreed_on": str(self.agreed_on),
            "reference": self.reference,
            "terms": list(self.terms),
            "note": self.note,
        }

    def covers(self, term: str) -> bool:
        """Whether it agrees to a term: by its own name, or by that of its table."""
        return any(term == own or term.startswith(f"{own}.") for own in self.terms)
