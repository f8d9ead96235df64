"""The ledger: states of accounts, requests by hand, and the chain, made for the transfers that are there."""

import sqlalchemy as sa
from alembic import op

from ledger.chain import GENESIS, link_hash

revision = "0005"
down_revision = "0004"

_OPEN = 2
_FROM_BEFORE = "open before accounts had states"


def upgrade() -> None:
    op.add_column("ledger_account", sa.Column("state", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("ledger_account", sa.Column("link", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("ledger_account", sa.Column("head", sa.Text, nullable=False, server_default=""))
    op.add_column("ledger_transfer", sa.Column("link", sa.BigInteger, nullable=False, server_default="0"))
    _tables()
    _open_accounts()
    _chain()


def _tables() -> None:
    op.create_table(
        "ledger_link",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("link", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("transfers", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "link"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_request",
        sa.Column("request_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account", "reference", name="ledger_request_reference"),
        sa.CheckConstraint("units > 0 AND amount_fen >= 0", name="ledger_request_in_range"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_event",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("document_sha256", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "number"),
        sqlite_with_rowid=False,
    )


def _open_accounts() -> None:
    """Whoever could send before can send now."""
    op.execute(f"UPDATE ledger_account SET state = {_OPEN}")
    op.execute(
        "INSERT INTO ledger_event (account, number, state, at_ms, reason, document_sha256) "
        f"SELECT a.account, 1, {_OPEN}, coalesce((SELECT min(l.at_ms) FROM ledger_lot l "
        f"WHERE l.account = a.account), 0), '{_FROM_BEFORE}', '' FROM ledger_account a"
    )


def _chain() -> None:
    """Seal what there is, account by account: the transfers of one kind and instant are a link."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT account, at_ms, stage, kind, source_id, units FROM ledger_transfer "
            "ORDER BY account, at_ms, stage, kind, source_id"
        )
    ).all()
    heads: dict[str, tuple[int, str]] = {}
    links: list[dict[str, object]] = []
    numbered: list[dict[str, object]] = []
    begin = 0
    for end in range(1, len(rows) + 1):
        if end < len(rows) and rows[end][:4] == rows[begin][:4]:
            continue
        account, at_ms, _, kind = rows[begin][:4]
        moves = [(row.source_id, row.units) for row in rows[begin:end]]
        number, head = heads.get(account, (0, GENESIS))
        number, head = number + 1, link_hash(head, account, number + 1, kind, at_ms, moves)
        heads[account] = number, head
        links.append(
            {
                "account": account,
                "link": number,
                "kind": kind,
                "transfers": len(moves),
                "units": sum(units for _, units in moves),
                "at_ms": at_ms,
                "hash": head,
            }
        )
        numbered += [{"number": number, "id": row.source_id, "stage": row.stage} for row in rows[begin:end]]
        begin = end
    _write(
        "INSERT INTO ledger_link (account, link, kind, transfers, units, at_ms, hash) "
        "VALUES (:account, :link, :kind, :transfers, :units, :at_ms, :hash)",
        links,
    )
    _write("UPDATE ledger_transfer SET link = :number WHERE source_id = :id AND stage = :stage", numbered)
    _write(
        "UPDATE ledger_account SET link = :link, head = :head WHERE account = :account",
        [{"account": account, "link": link, "head": head} for account, (link, head) in heads.items()],
    )


def _write(statement: str, rows: list[dict[str, object]]) -> None:
    if rows:
        op.get_bind().execute(sa.text(statement), rows)
