"""Accounts as rows: as a table, or as JSON."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TypeAlias

import click
from rich import box
from rich.table import Table

from gateway.cli.output import console
from ledger.accounts import Balance

Row: TypeAlias = dict[str, object]

_PLACES = tuple(field.name for field in fields(Balance))


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
