"""A ledger in a real SQLite file, owned as the store owns it: write-ahead log, writers begin as writers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from ledger.schema import metadata


def open_ledger(path: Path, paramstyle: str = "qmark") -> Engine:
    engine = create_engine(f"sqlite:///{path}", paramstyle=paramstyle, connect_args={"timeout": 30})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _begin_as_writer)
    with engine.begin() as conn:
        metadata.create_all(conn)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")


def _begin_as_writer(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE")
