"""Opening the database: pragmas that make a commit durable, and the schema brought up to date.

SQLite runs in WAL mode with `synchronous=FULL`: a COMMIT returns after the fsync of the log. Every
transaction begins IMMEDIATE, so a writer knows at BEGIN, not in the middle, that another one is at work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.store import migrations

CHECKPOINT_PAGES = 4000


class StoreError(Exception):
    """The database cannot be used; the text is one line for an operator."""


def open_engine(path: Path, busy_timeout_s: float = 5.0) -> Engine:
    """An engine on the SQLite file at `path`, made if it is missing, its schema migrated to the newest.

    A new one is for its owner alone.

    `busy_timeout_s` is how long a statement waits for another process's transaction. Raises StoreError when
    the file cannot be opened or written, is no database, or has a schema from a newer version.
    """
    engine = connect(path, busy_timeout_s)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # It will have texts and numbers (contract clause 六). SQLite's files beside it get its mode.
            path.touch(0o600)
        with engine.begin() as connection:
            migrate(connection, path)
            # A file that may not be written is opened for reading; only a statement that writes finds out.
            connection.exec_driver_sql("DELETE FROM alembic_version WHERE 0")
    except (OSError, SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        reason = getattr(error, "orig", None) or error
        raise StoreError(f"cannot use the database {path}: {reason}") from error
    except StoreError:
        engine.dispose()
        raise
    return engine


def older_schema(path: Path, busy_timeout_s: float = 5.0) -> str | None:
    """The revision of the database at `path` if an older version of this program has made it.

    What is wrong with a database that cannot be asked, `open_engine` tells.
    """
    if not path.is_file():
        return None
    engine = connect(path, busy_timeout_s)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except (SQLAlchemyError, sqlite3.Error):
        return None
    finally:
        engine.dispose()
    script = ScriptDirectory(migrations.__path__[0])
    older = {revision.revision for revision in script.walk_revisions()} - {script.get_current_head()}
    return current if current in older else None


def connect(path: Path, busy_timeout_s: float) -> Engine:
    """An engine on `path` as it is, without a look at its schema."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": busy_timeout_s},
        # A statement that fails must not tell the text of a message to the log.
        hide_parameters=True,
    )

    def set_pragmas(dbapi_connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions by itself: ours begin IMMEDIATE.
        dbapi_connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-65536",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
        ):
            dbapi_connection.execute(f"PRAGMA {pragma}")

    def begin_immediate(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", set_pragmas)
    event.listen(engine, "begin", begin_immediate)
    return engine


def reading(
    file: Path, prepare: Callable[[sqlite3.Connection], object], *, immutable: bool = False
) -> Engine:
    """An engine that cannot write, on `file` as it is; each connection is a new one, and `prepare` d first.

    `immutable` is for a file that nobody has open: SQLite then makes no log beside it.
    """
    uri = f"{file.resolve().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        prepare(connection)
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    # The driver begins no transaction for statements that only read.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def migrate(connection: Connection, path: Path) -> None:
    """Bring the schema to the newest revision; StoreError if the database knows a newer one than we do."""
    config = Config()
    config.set_main_option("script_location", "gateway.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StoreError(
            f"the database {path} has the schema of a newer version of signet (revision {current}); "
            "run that version, or restore a backup"
        )
    command.upgrade(config, "head")
