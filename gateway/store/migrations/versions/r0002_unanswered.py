"""Indexes for what a receipt of an unknown id may mean, and for deliveries that are old, tried or not."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.drop_index("message_in_doubt", "message")
    where = sa.text("state >= 16 OR state = 7 OR resends > 0")
    op.create_index(
        "message_unanswered",
        "message",
        ["destination_addr"],
        sqlite_where=where,
        postgresql_where=where,
    )
    unnamed = sa.text("outcome = 1 AND carrier_key IS NULL")
    op.create_index(
        "attempt_unnamed",
        "attempt",
        ["carrier", "message_id"],
        sqlite_where=unnamed,
        postgresql_where=unnamed,
    )
    unfinished = sa.text("finished_at IS NULL")
    op.drop_index("delivery_open", "delivery")
    op.create_index(
        "delivery_open", "delivery", ["created_at"], sqlite_where=unfinished, postgresql_where=unfinished
    )
