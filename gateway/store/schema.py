"""The tables of messages on their way. Others stand in `schema_*`, the ledger's in `ledger.schema`.

Instants are unix milliseconds. Partial indexes hold only the rows that somebody looks for: messages that
wait, messages without an end, receipts without a message, deliveries without an answer. So a message that
goes straight through costs two index entries, and a table of a million finished rows slows nothing down.
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
    and_,
    literal_column,
    or_,
)

from gateway.message import ENDS, State

metadata = MetaData()

OPEN_STATES = tuple(sorted(int(state) for state in State if state not in ENDS))

# SQLite makes a rowid table's key the row itself only when the type is spelled INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")

message = Table(
    "message",
    metadata,
    Column("message_id", Id, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("units", SmallInteger, nullable=False),
    Column("source_addr", Text, nullable=False),
    Column("destination_addr", Text, nullable=False),
    Column("registered_delivery", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("route", Text, nullable=False),
    Column("carrier", Text),
    Column("epoch", Integer, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("resends", SmallInteger, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("ruleset", Text, nullable=False),
    Column("submitted_by", Text, nullable=False),
    Column("final_at", BigInteger),
    Column("error", Text),
    Column("whole_id", BigInteger),
    Column("part", SmallInteger, nullable=False, server_default="0"),
    Column("segment", SmallInteger, nullable=False, server_default="0"),
    Column("told_as", Text),
    Column("message_class", Text, nullable=False, server_default="commercial"),
    Column("signature", Text, nullable=False, server_default=""),
    Column("submitted_body", LargeBinary),
)
_queued = message.c.state == int(State.QUEUED)
Index("message_due", message.c.route, message.c.due_at, sqlite_where=_queued, postgresql_where=_queued)
Index("message_waiting", message.c.destination_addr, sqlite_where=_queued, postgresql_where=_queued)
# Those that a receipt of an unknown id may mean: with a submit that has no answer yet, or never had one.
unanswered = or_(
    message.c.state >= literal_column(str(int(State.SUBMITTING))),
    message.c.state == literal_column(str(int(State.UNKNOWN))),
    message.c.resends > literal_column("0"),
)
Index("message_unanswered", message.c.destination_addr, sqlite_where=unanswered, postgresql_where=unanswered)
_of_a_whole = message.c.whole_id.is_not(None)
Index("message_whole", message.c.whole_id, sqlite_where=_of_a_whole, postgresql_where=_of_a_whole)
_open_part = and_(message.c.part > literal_column("0"), message.c.final_at.is_(None))
Index("message_part", message.c.destination_addr, sqlite_where=_open_part, postgresql_where=_open_part)
# The segment that made its message whole; a text that came in one submit_sm is its own whole.
_last_segment = and_(
    message.c.segment > literal_column("0"),
    message.c.units == literal_column("0"),
    message.c.whole_id != message.c.message_id,
)
Index(
    "message_joined",
    message.c.destination_addr,
    message.c.submitted_at,
    sqlite_where=_last_segment,
    postgresql_where=_last_segment,
)
_told_otherwise = message.c.told_as.is_not(None)
Index("message_told_as", message.c.told_as, sqlite_where=_told_otherwise, postgresql_where=_told_otherwise)
_unfinished = message.c.final_at.is_(None)
Index("message_open", message.c.deadline_at, sqlite_where=_unfinished, postgresql_where=_unfinished)

attempt = Table(
    "attempt",
    metadata,
    Column("message_id", BigInteger, nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("outcome", SmallInteger, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("bind", Text, nullable=False),
    Column("carrier_message_id", Text),
    Column("carrier_key", Text),
    Column("command_status", BigInteger),
    Column("sent_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger),
    PrimaryKeyConstraint("message_id", "number"),
    sqlite_with_rowid=False,
)
_answered = attempt.c.carrier_key.is_not(None)
Index(
    "attempt_carrier_key",
    attempt.c.carrier,
    attempt.c.carrier_key,
    sqlite_where=_answered,
    postgresql_where=_answered,
)

# Accepted, and nobody knows under which id.
_unnamed = and_(attempt.c.outcome == literal_column("1"), attempt.c.carrier_key.is_(None))
Index(
    "attempt_unnamed",
    attempt.c.carrier,
    attempt.c.message_id,
    sqlite_where=_unnamed,
    postgresql_where=_unnamed,
)

receipt = Table(
    "receipt",
    metadata,
    Column("carrier", Text, nullable=False),
    Column("carrier_message_id", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("carrier_key", Text, nullable=False),
    Column("destination_addr", Text, nullable=False),
    Column("message_id", BigInteger),
    Column("error", Text, nullable=False),
    Column("done_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    # Not led by the carrier: SQLite would walk the whole table along it to find what is parked.
    PrimaryKeyConstraint("carrier_message_id", "carrier", "state"),
    sqlite_with_rowid=False,
)
_parked = receipt.c.message_id.is_(None)
Index(
    "receipt_parked", receipt.c.carrier, receipt.c.carrier_key, sqlite_where=_parked, postgresql_where=_parked
)

unreadable = Table(
    "unreadable",
    metadata,
    Column("unreadable_id", Id, primary_key=True, autoincrement=False),
    Column("carrier", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)

inbound = Table(
    "inbound",
    metadata,
    Column("inbound_id", Id, primary_key=True, autoincrement=False),
    Column("carrier", Text, nullable=False),
    Column("account", Text),
    Column("source_addr", Text, nullable=False),
    Column("destination_addr", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("opts_out", SmallInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("delivery_id", Id, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("message_id", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("outcome", SmallInteger, nullable=False),
    Column("finished_at", BigInteger),
)
_waiting = delivery.c.finished_at.is_(None)
Index(
    "delivery_waiting",
    delivery.c.account,
    delivery.c.due_at,
    sqlite_where=_waiting,
    postgresql_where=_waiting,
)
Index("delivery_open", delivery.c.created_at, sqlite_where=_waiting, postgresql_where=_waiting)

# What the sender of a message in parts was told of its way.
news = Table(
    "news",
    metadata,
    Column("message_id", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    PrimaryKeyConstraint("message_id", "state"),
    sqlite_with_rowid=False,
)

node = Table(
    "node",
    metadata,
    Column("node", SmallInteger, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
)
