"""The tables of broadcasts: what the operator sends for a customer (代发, contract clause 五(3)).

Instants are unix milliseconds.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from gateway.store.schema import Id

metadata = MetaData()

broadcast = Table(
    "broadcast",
    metadata,
    Column("broadcast_id", Id, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("source_addr", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("message_class", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("recipients", Integer, nullable=False),
    Column("handed_in_at", BigInteger, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("forecast_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)

# In the order of the file. `message_id` once it was accepted, `rule` once it was refused.
broadcast_recipient = Table(
    "broadcast_recipient",
    metadata,
    Column("broadcast_id", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("message_id", BigInteger),
    Column("rule", Text),
    PrimaryKeyConstraint("broadcast_id", "place"),
    sqlite_with_rowid=False,
)
