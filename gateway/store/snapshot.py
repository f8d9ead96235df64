"""A look at a database, live or copied, that cannot change it: all is read as it was at one moment.

In WAL mode a reader holds up nobody and is held up by nobody. Where there is no log beside the file, nobody
has it open; SQLite would make a log even to read, so there the file is taken for immutable, and looked at
again when the reading is over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.number import plain
from gateway.store import migrations
from gateway.store.engine import StoreError, reading

_CACHE_KIB = 65_536


@contextmanager
def snapshot(path: Path, country_code: str) -> Iterator[Connection]:
    """A connection in one read transaction on the database at `path`.

    It has the functions that the identities need: `plain(addr)`, the spelling by which the gateway compares
    numbers, and `esm_class(body)`. Raises StoreError where there is no database of ours, where it cannot be
    read, and where it changed under the reading.
    """
    if not path.is_file():
        raise StoreError(f"there is no database {path}")
    # Of a link, SQLite looks for the log beside the file itself.
    file = path.resolve()
    immutable = not _log_of(file).exists()
    before = _shape(file)
    engine = _engine(file, immutable, country_code)
    try:
        with engine.connect() as connection:
            _check_schema(connection, path)
            yield connection
    except SQLAlchemyError as error:
        raise StoreError(f"cannot read the database {path}: {_reason(error, file)}") from error
    finally:
        engine.dispose()
    if immutable and _shape(file) != before:
        raise StoreError(f"the database {path} was written to while it was read; try again")


def _engine(file: Path, immutable: bool, country_code: str) -> Engine:
    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.create_function("plain", 1, lambda addr: plain(addr, country_code), deterministic=True)
        connection.create_function("esm_class", 1, _esm_class, deterministic=True)

    return reading(file, prepare, immutable=immutable)


def _esm_class(body: bytes) -> int | None:
    """That of a deliver_sm: it stands behind service_type and the two addresses (SMPP 3.4, 4.6.1)."""
    source = body.find(0) + 3
    destination = body.find(0, source) + 3
    place = body.find(0, destination) + 1
    return body[place] if 0 < place < len(body) else None


def _check_schema(connection: Connection, path: Path) -> None:
    script = ScriptDirectory(migrations.__path__[0])
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise StoreError(f"{path} is no database of signet")
    if revision not in {known.revision for known in script.walk_revisions()}:
        raise StoreError(
            f"the database {path} has the schema of a newer version of signet (revision {revision}); "
            "use that version"
        )
    if revision != script.get_current_head():
        raise StoreError(
            f"the database {path} has the schema of an older version of signet (revision {revision}); "
            "`signet run` brings it up to date"
        )


def _log_of(file: Path) -> Path:
    return file.with_name(file.name + "-wal")


def _shape(file: Path) -> tuple[int, int, bool]:
    """What differs when somebody has written."""
    stat = file.stat()
    return stat.st_mtime_ns, stat.st_size, _log_of(file).exists()


def _reason(error: SQLAlchemyError, file: Path) -> str:
    reason = str(getattr(error, "orig", None) or error)
    if "unable to open" in reason and _log_of(file).exists():
        return f"{reason}; beside a log ({_log_of(file).name}) its folder must be one that may be written to"
    return reason
