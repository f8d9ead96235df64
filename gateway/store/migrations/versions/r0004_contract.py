"""The contract in full: recipients, refusals, rules, caps, broadcasts, retention."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _messages()
    _recipients()
    _records()
    _broadcasts()
    _retention()


def _messages() -> None:
    op.add_column("message", sa.Column("message_class", sa.Text, nullable=False, server_default="commercial"))
    op.add_column("message", sa.Column("signature", sa.Text, nullable=False, server_default=""))
    op.add_column("message", sa.Column("submitted_body", sa.LargeBinary))


def _recipients() -> None:
    op.rename_table("opt_out", "earlier_opt_out")
    op.create_table(
        "opt_out",
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("inbound_id", sa.BigInteger),
        sa.Column("signature", sa.Text, nullable=False, server_default=""),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("number", "account", "signature", "since"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO opt_out (number, account, since, inbound_id) "
        "SELECT number, account, since, inbound_id FROM earlier_opt_out"
    )
    op.drop_table("earlier_opt_out")
    op.create_table(
        "consent",
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("proof_sha256", sa.Text, nullable=False),
        sa.Column("granted_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("frequency_max", sa.Integer),
        sa.Column("frequency_days", sa.Integer),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", "account", "kind", "granted_at"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "consent_frequency",
        "consent",
        ["frequency_days"],
        sqlite_where=sa.text("frequency_days IS NOT NULL"),
        postgresql_where=sa.text("frequency_days IS NOT NULL"),
    )
    op.create_table(
        "member",
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", "account"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "block",
        sa.Column("number", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ended",
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", "at", "kind", "account"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contact",
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", "account", "at", "message_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("contact_at", "contact", ["at"])


def _records() -> None:
    op.create_table(
        "refusal",
        sa.Column("refusal_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("message_class", sa.Text, nullable=False),
        sa.Column("source_addr", sa.Text, nullable=False),
        sa.Column("destination_addr", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("units", sa.SmallInteger, nullable=False),
        sa.Column("ruleset", sa.Text, nullable=False),
        sa.Column("submitted_by", sa.Text, nullable=False),
        sa.Column("submitted_at", sa.BigInteger, nullable=False),
        sa.Column("span_start", sa.Integer),
        sa.Column("span_end", sa.Integer),
        sa.Column("next_pass_at", sa.BigInteger),
    )
    op.create_index("refusal_of_account", "refusal", ["account", "submitted_at"])
    op.create_table(
        "ruleset",
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("first_used_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "period"),
        sqlite_with_rowid=False,
    )


def _broadcasts() -> None:
    op.create_table(
        "broadcast",
        sa.Column("broadcast_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("source_addr", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("message_class", sa.Text, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("recipients", sa.Integer, nullable=False),
        sa.Column("handed_in_at", sa.BigInteger, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("deadline_at", sa.BigInteger, nullable=False),
        sa.Column("forecast_at", sa.BigInteger, nullable=False),
        sa.Column("units", sa.Integer, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
    )
    op.create_table(
        "broadcast_recipient",
        sa.Column("broadcast_id", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("outcome", sa.SmallInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("rule", sa.Text),
        sa.PrimaryKeyConstraint("broadcast_id", "place"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "broadcast_recipient_undecided",
        "broadcast_recipient",
        ["broadcast_id", "place"],
        sqlite_where=sa.text("outcome = 0"),
        postgresql_where=sa.text("outcome = 0"),
    )


def _retention() -> None:
    op.create_table(
        "legal_hold",
        sa.Column("hold_id", _ID, primary_key=True),
        sa.Column("account", sa.Text),
        sa.Column("number", sa.Text),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_table(
        "purge",
        sa.Column("purge_id", _ID, primary_key=True),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("message_class", sa.Text, nullable=False),
        sa.Column("before", sa.BigInteger, nullable=False),
        sa.Column("purged", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
