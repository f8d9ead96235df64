"""What commands on the database share: a look at it as it is at one moment, and a connection to change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.store.engine import StoreError, open_engine
from gateway.store.snapshot import snapshot

_YEARS = range(1970, 9999)


@contextmanager
def stored(path: Path, country_code: str) -> Iterator[Connection]:
    """The database at this moment, to be read; a failure becomes one line and exit code 1."""
    with _failures(), snapshot(path, country_code) as connection:
        yield connection


@contextmanager
def changing(path: Path) -> Iterator[Engine]:
    """The database, to be written in the caller's transactions; a failure becomes one line, exit code 1."""
    with _failures():
        engine = open_engine(path)
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database failed: {getattr(error, 'orig', error)}") from error


def read_time(written: str) -> datetime:
    """A time as it is written in an option; a usage error for what is none."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(f'"{written}" is no time such as 2026-11-23T18:00') from None
    if at.year not in _YEARS:
        raise click.BadParameter(f"the year is not within {_YEARS[0]} and {_YEARS[-1]}")
    return at


def time_option(name: str, help: str, *, required: bool = False) -> Callable[[Any], Any]:
    """An option that takes a time, in the zone of the gateway unless it names one."""
    return click.option(name, type=read_time, metavar="TIME", required=required, help=help)


def unix_ms(at: datetime, zone: tzinfo) -> int:
    """That time in unix milliseconds, in `zone` if it names none of its own."""
    return int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() * 1000)


def written(at: int, zone: tzinfo) -> str:
    """Unix milliseconds as a time of that zone, to the second."""
    return datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="seconds")
