"""The database as commands use it, beside the gateway if that is running: to look at, or to write to.

A failure becomes one line and exit code 1.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.settings import Settings
from gateway.store.engine import StoreError, older_schema, open_engine
from gateway.store.lock import StoreLock
from gateway.store.snapshot import snapshot
from ledger.credits import ID_MAX
from ledger.errors import LedgerError

# The gateway's transactions are short; one that copies the log into the database takes longer.
_BUSY_S = 60.0

ROW_ID = click.IntRange(1, ID_MAX)
"""The type of an argument that is the id of a row."""


@contextmanager
def reading(settings: Settings) -> Iterator[Connection]:
    """The database as it is at this moment, to be read."""
    with _failures(), snapshot(settings.store_path, settings.country_code) as connection:
        yield connection


@contextmanager
def writing(settings: Settings) -> Iterator[Engine]:
    """The database, to be written in transactions of the caller's."""
    with _failures():
        engine = _opened(settings.store_path)
        try:
            yield engine
        finally:
            engine.dispose()


def _opened(path: Path) -> Engine:
    """Brought up to date if it has to be, but not under a gateway of an older version, which would go on."""
    revision = older_schema(path, _BUSY_S)
    if revision is None:
        return open_engine(path, _BUSY_S)
    try:
        lock = StoreLock(path)
    except StoreError:
        raise StoreError(
            f"the gateway that runs on {path} is of an older version (its schema is {revision}): "
            "restart it with this one first"
        ) from None
    try:
        return open_engine(path, _BUSY_S)
    finally:
        lock.release()


@contextmanager
def transaction(settings: Settings) -> Iterator[Connection]:
    """The database in one transaction, committed at the end."""
    with writing(settings) as engine, engine.begin() as connection:
        yield connection


def fresh_id(at_ms: int) -> int:
    """An id in the shape of a message id, for what people do by hand at `at_ms` (unix milliseconds)."""
    return at_ms << 20 | secrets.randbits(20)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (StoreError, LedgerError) as error:
        raise click.ClickException(str(error)) from error
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database failed: {getattr(error, 'orig', error)}") from error
