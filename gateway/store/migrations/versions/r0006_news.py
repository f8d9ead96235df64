"""What the sender of a message in parts was told of its way."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "news",
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "state"),
        sqlite_with_rowid=False,
    )
