"""Complaints as rows: as a table, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import tzinfo
from typing import TypeAlias

import click
from rich import box
from rich.table import Table

from gateway.cli.output import console
from gateway.cli.times import written
from gateway.store.complaints import Complaint, Written

Row: TypeAlias = dict[str, object]

_INSTANTS = ("received_at", "recorded_at", "closed_at", "submitted_at")


def row_of(shown: Complaint | Written, zone: tzinfo) -> Row:
    """Its fields, with times of `zone`."""
    row = asdict(shown)
    for name in row.keys() & set(_INSTANTS):
        row[name] = None if row[name] is None else written(row[name], zone)
    if isinstance(shown, Written):
        row["state"] = shown.state.name
    return row


def show(rows: Sequence[Row], as_json: bool = False) -> None:
    """Print rows, which are alike, as a table or as JSON."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif rows:
        table = Table(box=box.SIMPLE_HEAD)
        for key in rows[0]:
            table.add_column(key.removesuffix("_id").replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*("-" if value in (None, "") else str(value) for value in row.values()))
        console().print(table)
