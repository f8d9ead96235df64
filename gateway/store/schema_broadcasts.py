"""The tables of broadcasts: what the operator sends for a customer (代发, contract clause 五(3)).

Instants are unix milliseconds.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    literal_column,
)

from gateway.broadcasts.broadcast import RecipientOutcome
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
    Column("deadline_at", BigInteger, nullable=False),
    Column("forecast_at", BigInteger, nullable=False),
    Column("units", Integer, nullable=False),
    Column("finished_at", BigInteger),
)

# In the order of the file. `message_id` is given when one is first offered, so that a message of that id
# tells that it was accepted; `rule` is the last that has refused it, for good or for now, as `outcome` says.
broadcast_recipient = Table(
    "broadcast_recipient",
    metadata,
    Column("broadcast_id", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("outcome", SmallInteger, nullable=False),
    Column("message_id", BigInteger),
    Column("rule", Text),
    PrimaryKeyConstraint("broadcast_id", "place"),
    sqlite_with_rowid=False,
)
_undecided = broadcast_recipient.c.outcome == literal_column(str(int(RecipientOutcome.UNDECIDED)))
Index(
    "broadcast_recipient_undecided",
    broadcast_recipient.c.broadcast_id,
    broadcast_recipient.c.place,
    sqlite_where=_undecided,
    postgresql_where=_undecided,
)
