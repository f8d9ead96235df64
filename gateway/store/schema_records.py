"""The tables of what is kept to be shown later: refusals, the rules of the time, what was purged.

Instants are unix milliseconds.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from gateway.store.schema import Id

metadata = MetaData()

# A submit that was refused left no message and no transfer; this says that it came, and why it was not taken.
refusal = Table(
    "refusal",
    metadata,
    Column("refusal_id", Id, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("message_class", Text, nullable=False),
    Column("source_addr", Text, nullable=False),
    Column("destination_addr", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("units", SmallInteger, nullable=False),
    Column("ruleset", Text, nullable=False),
    Column("submitted_by", Text, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("span_start", Integer),
    Column("span_end", Integer),
    Column("next_pass_at", BigInteger),
)
Index("refusal_of_account", refusal.c.account, refusal.c.submitted_at)

# The rules that messages were judged by, under the version that stands in their rows; `rules` is JSON.
ruleset = Table(
    "ruleset",
    metadata,
    Column("version", Text, primary_key=True),
    Column("rules", Text, nullable=False),
    Column("first_used_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Units accepted in a day ("2026-11-22") or month ("2026-11") of the operator's zone, for accounts with a cap.
usage = Table(
    "usage",
    metadata,
    Column("account", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "period"),
    sqlite_with_rowid=False,
)

# What may not be purged: all of an account, all of a number, or one message; the others are NULL.
legal_hold = Table(
    "legal_hold",
    metadata,
    Column("hold_id", Id, primary_key=True),
    Column("account", Text),
    Column("number", Text),
    Column("message_id", BigInteger),
    Column("note", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

purge = Table(
    "purge",
    metadata,
    Column("purge_id", Id, primary_key=True),
    Column("what", Text, nullable=False),
    Column("message_class", Text, nullable=False),
    Column("before", BigInteger, nullable=False),
    Column("purged", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# What recipients, or a carrier or the regulator for them, complained of (contract clause 五(2)): account and
# message are NULL until they are known, `number` is plain, `source` is who passed it on ("": the recipient).
complaint = Table(
    "complaint",
    metadata,
    Column("complaint_id", Id, primary_key=True),
    Column("number", Text, nullable=False),
    Column("account", Text),
    Column("message_id", BigInteger),
    Column("source", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("outcome", Text, nullable=False, server_default=""),
)
# Each step of a purge asks for them.
_open = complaint.c.closed_at.is_(None)
Index("complaint_open", complaint.c.message_id, sqlite_where=_open, postgresql_where=_open)
