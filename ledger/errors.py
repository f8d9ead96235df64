"""The one exception of the ledger."""

from __future__ import annotations


class LedgerError(Exception):
    """The ledger was asked for what cannot be: a settle without a hold, two purchases under one reference.

    Whoever owns the transaction must roll back what was written before it.
    """
