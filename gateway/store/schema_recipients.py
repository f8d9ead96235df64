"""The tables of recipients: their choices, what they agreed to, whose members they are, what they were sent.

A number stands here as `gateway.number.plain` writes it: one recipient, one spelling. Instants are unix
milliseconds.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

metadata = MetaData()

# `account` "" is the operator: such a row is for every account. `signature` "" is every signature.
opt_out = Table(
    "opt_out",
    metadata,
    Column("number", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("inbound_id", BigInteger),
    Column("signature", Text, nullable=False, server_default=""),
    Column("ended_at", BigInteger),
    Column("note", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("number", "account", "signature", "since"),
    sqlite_with_rowid=False,
)

# What a recipient agreed to, and the proof that the customer holds of it (contract clause 1(2)).
consent = Table(
    "consent",
    metadata,
    Column("number", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("proof_sha256", Text, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("frequency_max", Integer),
    Column("frequency_days", Integer),
    Column("revoked_at", BigInteger),
    Column("recorded_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("number", "account", "kind", "granted_at"),
    sqlite_with_rowid=False,
)

_of_frequency = consent.c.frequency_days.is_not(None)
Index(
    "consent_frequency",
    consent.c.frequency_days,
    sqlite_where=_of_frequency,
    postgresql_where=_of_frequency,
)

member = Table(
    "member",
    metadata,
    Column("number", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    PrimaryKeyConstraint("number", "account"),
    sqlite_with_rowid=False,
)

block = Table(
    "block",
    metadata,
    Column("number", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    sqlite_with_rowid=False,
)

# What an operator has ended: "opt-outs", "consents", "members" or "blocks" of a number, and why. Of members
# and blocks nothing else remains.
ended = Table(
    "ended",
    metadata,
    Column("number", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("number", "at", "kind", "account"),
    sqlite_with_rowid=False,
)

# Which messages a recipient has had, or will have when they are due: kept where a cap on frequency or a TD
# may ask for them, and as long as it may.
contact = Table(
    "contact",
    metadata,
    Column("number", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("signature", Text, nullable=False),
    PrimaryKeyConstraint("number", "account", "at", "message_id"),
    sqlite_with_rowid=False,
)
Index("contact_at", contact.c.at)
