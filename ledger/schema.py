"""The ledger's tables, on a MetaData of their own that the store adopts.

The rows are their own guard: a balance that is negative or does not add up cannot be written, and the primary
key of a transfer makes a repeat impossible.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

ledger_account = Table(
    "ledger_account",
    metadata,
    Column("account", Text, primary_key=True),
    Column("topped_up", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
    CheckConstraint(
        "remaining >= 0 AND held >= 0 AND settled >= 0 AND returned >= 0", name="ledger_account_not_negative"
    ),
    CheckConstraint("topped_up = remaining + held + settled + returned", name="ledger_account_adds_up"),
    sqlite_with_rowid=False,
)

ledger_transfer = Table(
    "ledger_transfer",
    metadata,
    Column("source_id", BigInteger, primary_key=True, autoincrement=False),
    Column("stage", SmallInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    CheckConstraint("units > 0", name="ledger_transfer_moves_units"),
    sqlite_with_rowid=False,
)

ledger_lot = Table(
    "ledger_lot",
    metadata,
    Column("lot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    UniqueConstraint("account", "reference", name="ledger_lot_reference"),
    CheckConstraint("units > 0 AND amount_fen >= 0", name="ledger_lot_in_range"),
    sqlite_with_rowid=False,
)
