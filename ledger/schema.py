"""The ledger's tables, on a MetaData of their own that the store adopts.

The rows are their own guard: a balance that is negative or does not add up cannot be written, and the primary
key of a transfer makes a repeat impossible. Each batch of transfers is a link of its account's chain
(`ledger.chain`), the last of which stands in the account's own row; beside it stands what it drew of which
lots (`ledger.draws`).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()
_some = text("units > 0")

ledger_account = Table(
    "ledger_account",
    metadata,
    Column("account", Text, primary_key=True),
    Column("topped_up", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False, server_default="0"),
    Column("link", BigInteger, nullable=False, server_default="0"),
    Column("head", Text, nullable=False, server_default=""),
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
    Column("link", BigInteger, nullable=False, server_default="0"),
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

# What was not drawn of a lot, and of what was given by an adjustment, which is a lot, too.
ledger_rest = Table(
    "ledger_rest",
    metadata,
    Column("account", Text, primary_key=True),
    Column("lot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    CheckConstraint("units >= 0", name="ledger_rest_not_negative"),
    Index("ledger_rest_open", "account", "at_ms", "lot_id", sqlite_where=_some, postgresql_where=_some),
    sqlite_with_rowid=False,
)

# The units are the sum of those of its transfers.
ledger_link = Table(
    "ledger_link",
    metadata,
    Column("account", Text, primary_key=True),
    Column("link", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("transfers", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    sqlite_with_rowid=False,
)

# What the transfers of a link took from a lot; what they gave back to it if they are refunds.
ledger_draw = Table(
    "ledger_draw",
    metadata,
    Column("account", Text, primary_key=True),
    Column("link", BigInteger, primary_key=True, autoincrement=False),
    Column("lot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("units", BigInteger, nullable=False),
    CheckConstraint("units > 0", name="ledger_draw_has_units"),
    sqlite_with_rowid=False,
)

# What was asked for by hand: adjustments, and what was left at the end.
ledger_request = Table(
    "ledger_request",
    metadata,
    Column("request_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    UniqueConstraint("account", "reference", name="ledger_request_reference"),
    CheckConstraint("units > 0 AND amount_fen >= 0", name="ledger_request_in_range"),
    sqlite_with_rowid=False,
)

# How an account came to its state, event by event from 1 on.
ledger_event = Table(
    "ledger_event",
    metadata,
    Column("account", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("state", SmallInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("document_sha256", Text, nullable=False),
    sqlite_with_rowid=False,
)
