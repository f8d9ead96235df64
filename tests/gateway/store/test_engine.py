from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, MetaData, create_engine, text
from sqlalchemy.exc import IntegrityError

from gateway.store import schema, schema_broadcasts, schema_recipients, schema_records
from gateway.store.engine import StoreError, connect, open_engine
from ledger import schema as ledger_schema

PARTS = [
    part.metadata for part in (schema, schema_recipients, schema_records, schema_broadcasts, ledger_schema)
]


def known_schema() -> MetaData:
    """The tables that the code knows, the gateway's and the ledger's."""
    known = MetaData()
    for part in PARTS:
        for table in part.tables.values():
            table.to_metadata(known)
    return known


def pragma(engine: Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.scalar(text(f"PRAGMA {name}"))


def refusal(path: Path) -> str:
    """The one line that an operator gets for a database that cannot be used."""
    with pytest.raises(StoreError) as caught:
        open_engine(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


def shape(path: Path) -> dict[str, str]:
    """The statements that made the tables and indexes, in one spelling."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {
        name: re.sub(r"\s+", " ", sql).replace("( ", "(").replace(" )", ")").replace(" ,", ",")
        for name, sql in rows
        if name != "alembic_version"
    }


@pytest.mark.parametrize("opened_by", ["open_engine", "connect"])
def test_a_commit_is_on_disk_when_it_returns(tmp_path: Path, opened_by: str) -> None:
    path = tmp_path / "signet.db"
    engine = open_engine(path)
    if opened_by == "connect":
        engine.dispose()
        engine = connect(path, busy_timeout_s=0.0)
    assert pragma(engine, "journal_mode") == "wal"
    assert pragma(engine, "synchronous") == 2, "FULL: the log is synced at each commit"
    engine.dispose()


def test_every_connection_of_the_pool_is_as_durable(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "signet.db")
    with engine.connect() as first, engine.connect() as second:
        # The second is made while the first is in use; both only look.
        first.rollback()
        for connection in (first, second):
            assert connection.scalar(text("PRAGMA synchronous")) == 2
            connection.rollback()
    engine.dispose()


def test_a_transaction_is_a_writer_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    engine = open_engine(path)
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with engine.begin(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()
    engine.dispose()


def test_how_long_to_wait_for_another_process_is_the_callers_to_say(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    for busy_timeout_s, milliseconds in ((5.0, 5000), (0.0, 0)):
        engine = open_engine(path, busy_timeout_s)
        assert pragma(engine, "busy_timeout") == milliseconds
        engine.dispose()


def test_the_migrated_schema_is_the_one_that_the_code_knows(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "signet.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), known_schema()) == []
    engine.dispose()


def test_every_key_check_and_partial_index_is_migrated_too(tmp_path: Path) -> None:
    """What alembic's comparison does not see: WHERE of an index, WITHOUT ROWID, CHECK, primary keys."""
    migrated, made = tmp_path / "migrated.db", tmp_path / "made.db"
    open_engine(migrated).dispose()
    engine = create_engine(f"sqlite:///{made}")
    for part in PARTS:
        part.create_all(engine)
    engine.dispose()
    assert shape(migrated) == shape(made)
    partial = [name for name, sql in shape(migrated).items() if " WHERE " in sql]
    assert sorted(partial) == [
        "attempt_carrier_key",
        "attempt_unnamed",
        "broadcast_recipient_undecided",
        "complaint_open",
        "consent_frequency",
        "delivery_open",
        "delivery_waiting",
        "ledger_rest_open",
        "message_due",
        "message_joined",
        "message_open",
        "message_part",
        "message_told_as",
        "message_unanswered",
        "message_waiting",
        "message_whole",
        "receipt_parked",
    ]


def test_a_database_is_made_with_the_folder_it_lies_in(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lib" / "signet.db"
    open_engine(path).dispose()
    assert path.exists()


def test_a_path_is_a_path_whatever_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a b?c=d%20#&短信.db"
    open_engine(path).dispose()
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    engine = open_engine(path)
    with engine.begin() as connection:
        connection.execute(schema.node.insert().values(node=1, epoch=7, started_at=0))
    engine.dispose()
    before = shape(path)
    engine = open_engine(path)
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(schema.node.select())] == [(1, 7, 0)]
    engine.dispose()
    assert shape(path) == before


class TestItSaysWhyItCannotBeUsed:
    def test_a_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "var").write_text("no folder")
        assert refusal(tmp_path / "var" / "signet.db").startswith("cannot use the database")

    def test_a_database_that_is_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "signet.db").mkdir()
        assert "unable to open database file" in refusal(tmp_path / "signet.db")

    def test_a_file_that_may_not_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "signet.db"
        open_engine(path).dispose()
        # Permissions do not bind root, so SQLite itself is told to open the file for reading only.
        real = sqlite3.dbapi2.connect
        monkeypatch.setattr(
            sqlite3.dbapi2,
            "connect",
            lambda _, **options: real(f"file:{path}?mode=ro", **options | {"uri": True}),
        )
        assert "readonly" in refusal(path)

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "signet.db"
        path.write_bytes(b"this is a letter to the editor, not a database\n" * 100)
        assert "file is not a database" in refusal(path)
        assert path.read_bytes().startswith(b"this is a letter")

    def test_a_schema_of_a_newer_version(self, tmp_path: Path) -> None:
        path = tmp_path / "signet.db"
        engine = open_engine(path)
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()
        before = shape(path)
        line = refusal(path)
        assert "newer version" in line
        assert "9999" in line
        assert shape(path) == before

    def test_another_process_that_does_not_stop_writing(self, tmp_path: Path) -> None:
        path = tmp_path / "signet.db"
        open_engine(path).dispose()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="database is locked"):
            open_engine(path, busy_timeout_s=0.0)
        other.close()


def test_a_failed_statement_does_not_tell_the_text_of_a_message(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "signet.db")
    row = {"unreadable_id": 1, "carrier": "north", "reason": "a secret", "body": b"?", "received_at": 0}
    with engine.begin() as connection:
        connection.execute(schema.unreadable.insert(), row)
        with pytest.raises(IntegrityError) as caught:
            connection.execute(schema.unreadable.insert(), row)
    assert "a secret" not in str(caught.value)
    engine.dispose()


def test_a_new_database_and_its_log_are_for_nobody_else_s_eyes(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "signet.db")
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")
        connection.commit()
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    engine.dispose()
    assert modes.keys() >= {"signet.db", "signet.db-wal"}
    assert set(modes.values()) == {0o600}


def test_a_database_keeps_the_mode_that_somebody_gave_it(tmp_path: Path) -> None:
    open_engine(tmp_path / "signet.db").dispose()
    (tmp_path / "signet.db").chmod(0o640)
    open_engine(tmp_path / "signet.db").dispose()
    assert (tmp_path / "signet.db").stat().st_mode & 0o777 == 0o640
