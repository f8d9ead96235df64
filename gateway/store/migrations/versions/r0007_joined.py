"""Joined messages by their number, for segments that come again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    where = sa.text("segment > 0 AND units = 0 AND whole_id != message_id")
    columns = ["destination_addr", "submitted_at"]
    op.create_index("message_joined", "message", columns, sqlite_where=where, postgresql_where=where)
