"""Long messages: the rows of one, the place of a part, and the id that a customer knows a message by."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("message", sa.Column("whole_id", sa.BigInteger))
    for place in ("part", "segment"):
        op.add_column("message", sa.Column(place, sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("message", sa.Column("told_as", sa.Text))
    _partial_index("message_whole", "whole_id", "whole_id IS NOT NULL")
    _partial_index("message_part", "destination_addr", "part > 0 AND final_at IS NULL")
    _partial_index("message_told_as", "told_as", "told_as IS NOT NULL")


def _partial_index(name: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "message", [column], sqlite_where=where, postgresql_where=where)
