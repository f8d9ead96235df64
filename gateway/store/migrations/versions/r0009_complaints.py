"""The register of complaints."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "complaint",
        sa.Column("complaint_id", _ID, primary_key=True),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("account", sa.Text),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("outcome", sa.Text, nullable=False, server_default=""),
    )
    where = sa.text("closed_at IS NULL")
    op.create_index("complaint_open", "complaint", ["message_id"], sqlite_where=where, postgresql_where=where)
