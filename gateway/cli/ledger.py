"""What the commands on accounts share: the ledger in one transaction, ids, and rows as tables or JSON."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TypeAlias

import click
from rich import box
from rich.table import Table
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.cli.output import console
from gateway.clock import SystemClock
from gateway.settings import Settings
from gateway.store.engine import StoreError, open_engine
from ledger.accounts import Balance
from ledger.errors import LedgerError

Row: TypeAlias = dict[str, object]

_PLACES = tuple(field.name for field in fields(Balance))

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextmanager
def ledger(settings: Settings) -> Iterator[Connection]:
    """A connection in one transaction, committed at the end; a failure becomes one line and exit code 1."""
    try:
        engine = open_engine(settings.store_path)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()
    except (StoreError, LedgerError) as error:
        raise click.ClickException(str(error)) from error
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database failed: {getattr(error, 'orig', error)}") from error


def now_ms() -> int:
    """This moment, in unix milliseconds."""
    return int(SystemClock().now() * 1000)


def fresh_id(at_ms: int) -> int:
    """An id in the shape of a message id, for what people do by hand."""
    return at_ms << 20 | secrets.randbits(20)


def show(shown: Row | list[Row], as_json: bool) -> None:
    """Print one row or several as a table, or as a JSON object or an array of them."""
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    rows = shown if isinstance(shown, list) else [shown]
    table = Table(box=box.SIMPLE_HEAD)
    for key in rows[0]:
        table.add_column(
            key.replace("_", " "), justify="right" if key in _PLACES else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console().print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)
