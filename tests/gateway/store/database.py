"""A database for many tests, which itself writes down every move that a message makes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, event

from gateway.store import schema, schema_broadcasts, schema_recipients, schema_records
from gateway.store.engine import connect
from ledger import schema as ledger_schema

_HISTORY = (
    "CREATE TABLE history (message_id INTEGER NOT NULL, old INTEGER, new INTEGER NOT NULL, "
    "was_final INTEGER NOT NULL)",
    "CREATE TRIGGER message_begins AFTER INSERT ON message BEGIN "
    "INSERT INTO history VALUES (new.message_id, NULL, new.state, 0); END",
    "CREATE TRIGGER message_moves AFTER UPDATE ON message "
    "WHEN old.state IS NOT new.state OR old.final_at IS NOT NULL BEGIN "
    "INSERT INTO history VALUES (new.message_id, old.state, new.state, old.final_at IS NOT NULL); END",
    "CREATE TRIGGER message_vanishes AFTER DELETE ON message BEGIN "
    "INSERT INTO history VALUES (old.message_id, old.state, -1, old.final_at IS NOT NULL); END",
)


def open_quickly(path: Path) -> Engine:
    """An engine on a database with its schema; its commits are not synced, the disk is not what is tested.

    Its table `history` tells of every message that begins, moves, changes after its end, or goes.
    """
    engine = connect(path, busy_timeout_s=0.0)
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    with engine.begin() as connection:
        for statement in _HISTORY:
            connection.exec_driver_sql(statement)
    return engine


def wipe(engine: Engine) -> None:
    """Leave no row behind."""
    parts = (schema, schema_recipients, schema_records, schema_broadcasts, ledger_schema)
    tables = [*(table for part in parts for table in part.metadata.tables), "history"]
    with engine.begin() as connection:
        for table in tables:
            connection.exec_driver_sql(f"DELETE FROM {table}")
