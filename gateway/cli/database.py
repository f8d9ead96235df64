"""The database that commands write to, beside the gateway if that is running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.settings import Settings
from gateway.store.engine import StoreError, open_engine

# The gateway's transactions are short; one that copies the log into the database takes longer.
_BUSY_S = 60.0


@contextmanager
def engine_of(settings: Settings) -> Iterator[Engine]:
    """An engine on the store of the settings; a failure becomes one line and exit code 1."""
    try:
        engine = open_engine(settings.store_path, _BUSY_S)
        try:
            yield engine
        finally:
            engine.dispose()
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database failed: {getattr(error, 'orig', error)}") from error
