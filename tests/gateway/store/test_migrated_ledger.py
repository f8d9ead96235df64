"""A ledger from before accounts had states and transfers a chain: it goes on where it was."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, select

from gateway.store.engine import connect, open_engine
from ledger import sql
from ledger.accounts import Balance
from ledger.audit import audit
from ledger.draws import of_messages
from ledger.schema import ledger_rest
from ledger.standing import events, states
from ledger.states import AccountState
from ledger.transfer import Hold

ROWS = (
    "INSERT INTO ledger_account VALUES ('bank', 100, 93, 2, 5, 0), ('shop', 50, 50, 0, 0, 0)",
    "INSERT INTO ledger_lot VALUES (1, 'bank', 100, 800, 'R1', 5), (2, 'shop', 50, 400, 'R2', 6)",
    "INSERT INTO ledger_transfer VALUES (1, 0, 1, 'bank', 100, 5), (2, 0, 1, 'shop', 50, 6)",
    "INSERT INTO ledger_transfer VALUES (11, 1, 2, 'bank', 2, 7), (12, 1, 2, 'bank', 5, 7)",
    "INSERT INTO ledger_transfer VALUES (12, 2, 3, 'bank', 5, 8)",
)


def upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "gateway.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_what_was_there_is_chained_and_open(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    engine = connect(path, busy_timeout_s=0.0)
    with engine.begin() as connection:
        upgrade(connection, "0004")
        for row in ROWS:
            connection.exec_driver_sql(row)
    engine.dispose()
    engine = open_engine(path)
    with engine.begin() as connection:
        assert audit(connection) == []
        assert states(connection, ["bank", "shop"]) == {"bank": AccountState.OPEN, "shop": AccountState.OPEN}
        assert [(event.state, event.at_ms) for event in events(connection, "bank")] == [
            (AccountState.OPEN, 5)
        ]
        assert sql.hold(connection, [Hold(13, "bank", 3)], at_ms=9) == [True]
        assert sql.balances(connection, ["bank"]) == {"bank": Balance(100, 90, 5, 5)}
        assert audit(connection) == []
    engine.dispose()


# Two lots, and links that the second one is needed for; a message of both lots is refunded in part.
OF_TWO_LOTS = (
    "INSERT INTO ledger_account VALUES ('bank', 8, 3, 0, 5, 0, 2, 5, 'x')",
    "INSERT INTO ledger_lot VALUES (1, 'bank', 3, 30, 'R1', 1), (2, 'bank', 5, 100, 'R2', 2)",
    "INSERT INTO ledger_transfer VALUES (1, 0, 1, 'bank', 3, 1, 1), (2, 0, 1, 'bank', 5, 2, 2)",
    "INSERT INTO ledger_transfer VALUES (11, 1, 2, 'bank', 2, 3, 3), (12, 1, 2, 'bank', 3, 3, 3)",
    "INSERT INTO ledger_transfer VALUES (13, 1, 2, 'bank', 2, 3, 3)",
    "INSERT INTO ledger_transfer VALUES (11, 2, 3, 'bank', 2, 4, 4), (12, 2, 3, 'bank', 3, 4, 4)",
    "INSERT INTO ledger_transfer VALUES (13, 2, 3, 'bank', 2, 4, 4), (12, 3, 5, 'bank', 2, 5, 5)",
)


def test_what_was_charged_before_is_charged_to_its_lots(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    engine = connect(path, busy_timeout_s=0.0)
    with engine.begin() as connection:
        upgrade(connection, "0007")
        for row in OF_TWO_LOTS:
            connection.exec_driver_sql(row)
    engine.dispose()
    engine = open_engine(path)
    with engine.begin() as connection:
        assert audit(connection) == []
        assert of_messages(connection, [11, 12, 13]) == {11: [(1, 2)], 12: [(1, 1), (2, 2)], 13: [(2, 2)]}
        left = connection.execute(select(ledger_rest.c.lot_id, ledger_rest.c.units)).all()
        assert [tuple(row) for row in left] == [(1, 0), (2, 3)]
    engine.dispose()
