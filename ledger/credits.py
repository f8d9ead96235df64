"""What the ledger counts in.

A unit (条) is one message segment of the text as sent; an amount of money is in fen (1/100 yuan). Both are
whole numbers: nothing in the ledger is ever a float.
"""

from __future__ import annotations

UNITS_MAX = 10**12
"""The most units one transfer moves: far above any contract, far below a sum that would overflow 64 bits."""

FEN_MAX = 10**14
"""The largest amount paid in one top-up, in fen."""

ID_MAX = 2**63 - 1
"""Ids are kept in signed 64-bit columns."""


def check_units(units: int) -> None:
    """Raise ValueError unless `units` is a whole number from 1 to `UNITS_MAX`."""
    if type(units) is not int or not 1 <= units <= UNITS_MAX:
        raise ValueError(f"units must be a whole number from 1 to {UNITS_MAX}, not {units!r}")


def check_fen(amount_fen: int) -> None:
    """Raise ValueError unless `amount_fen` is a whole number from 0 (a gift) to `FEN_MAX`."""
    if type(amount_fen) is not int or not 0 <= amount_fen <= FEN_MAX:
        raise ValueError(f"an amount in fen must be a whole number from 0 to {FEN_MAX}, not {amount_fen!r}")


def check_id(source_id: int) -> None:
    """Raise ValueError unless `source_id` is a positive 64-bit whole number."""
    if type(source_id) is not int or not 1 <= source_id <= ID_MAX:
        raise ValueError(f"an id must be a whole number from 1 to {ID_MAX}, not {source_id!r}")
