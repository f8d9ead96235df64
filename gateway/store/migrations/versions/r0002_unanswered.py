"""Every message with a submit that has no answer can be found by its number, not only those in doubt."""

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
