"""The first schema: messages, attempts, receipts, replies, deliveries, and the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _messages()
    _receipts()
    _replies()
    _ledger()


def _messages() -> None:
    op.create_table(
        "message",
        sa.Column("message_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("units", sa.SmallInteger, nullable=False),
        sa.Column("source_addr", sa.Text, nullable=False),
        sa.Column("destination_addr", sa.Text, nullable=False),
        sa.Column("registered_delivery", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("carrier", sa.Text),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("resends", sa.SmallInteger, nullable=False),
        sa.Column("submitted_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("deadline_at", sa.BigInteger, nullable=False),
        sa.Column("ruleset", sa.Text, nullable=False),
        sa.Column("submitted_by", sa.Text, nullable=False),
        sa.Column("final_at", sa.BigInteger),
        sa.Column("error", sa.Text),
    )
    _partial_index("message_due", "message", ["route", "due_at"], "state = 0")
    _partial_index("message_waiting", "message", ["destination_addr"], "state = 0")
    _partial_index("message_in_doubt", "message", ["destination_addr"], "state = 17")
    _partial_index("message_open", "message", ["deadline_at"], "final_at IS NULL")
    op.create_table(
        "attempt",
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.SmallInteger, nullable=False),
        sa.Column("outcome", sa.SmallInteger, nullable=False),
        sa.Column("carrier", sa.Text, nullable=False),
        sa.Column("bind", sa.Text, nullable=False),
        sa.Column("carrier_message_id", sa.Text),
        sa.Column("carrier_key", sa.Text),
        sa.Column("command_status", sa.BigInteger),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("message_id", "number"),
        sqlite_with_rowid=False,
    )
    _partial_index("attempt_carrier_key", "attempt", ["carrier", "carrier_key"], "carrier_key IS NOT NULL")
    op.create_table(
        "node",
        sa.Column("node", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
    )


def _receipts() -> None:
    op.create_table(
        "receipt",
        sa.Column("carrier", sa.Text, nullable=False),
        sa.Column("carrier_message_id", sa.Text, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("carrier_key", sa.Text, nullable=False),
        sa.Column("destination_addr", sa.Text, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("done_at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("carrier_message_id", "carrier", "state"),
        sqlite_with_rowid=False,
    )
    _partial_index("receipt_parked", "receipt", ["carrier", "carrier_key"], "message_id IS NULL")
    op.create_table(
        "unreadable",
        sa.Column("unreadable_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("carrier", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "delivery",
        sa.Column("delivery_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.SmallInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
    )
    _partial_index("delivery_waiting", "delivery", ["account", "due_at"], "finished_at IS NULL")
    _partial_index("delivery_open", "delivery", ["due_at"], "finished_at IS NULL")


def _replies() -> None:
    op.create_table(
        "inbound",
        sa.Column("inbound_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("carrier", sa.Text, nullable=False),
        sa.Column("account", sa.Text),
        sa.Column("source_addr", sa.Text, nullable=False),
        sa.Column("destination_addr", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("opts_out", sa.SmallInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "opt_out",
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("inbound_id", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", "account"),
        sqlite_with_rowid=False,
    )


def _ledger() -> None:
    op.create_table(
        "ledger_account",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("topped_up", sa.BigInteger, nullable=False),
        sa.Column("remaining", sa.BigInteger, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.BigInteger, nullable=False),
        sa.Column("returned", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "remaining >= 0 AND held >= 0 AND settled >= 0 AND returned >= 0",
            name="ledger_account_not_negative",
        ),
        sa.CheckConstraint(
            "topped_up = remaining + held + settled + returned", name="ledger_account_adds_up"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_transfer",
        sa.Column("source_id", sa.BigInteger, nullable=False),
        sa.Column("stage", sa.SmallInteger, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "stage"),
        sa.CheckConstraint("units > 0", name="ledger_transfer_moves_units"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_lot",
        sa.Column("lot_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account", "reference", name="ledger_lot_reference"),
        sa.CheckConstraint("units > 0 AND amount_fen >= 0", name="ledger_lot_in_range"),
        sqlite_with_rowid=False,
    )


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
