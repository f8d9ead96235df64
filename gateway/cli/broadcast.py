"""`signet broadcast`: what the operator sends for customers (代发)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import click
from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from sqlalchemy import Connection

from gateway.broadcasts.broadcast import Broadcast, BroadcastState
from gateway.cli.broadcast_submit import submit
from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import reading, transaction
from gateway.cli.output import console, json_option
from gateway.clock import SystemClock
from gateway.settings import Settings
from gateway.store import broadcast_book
from policy.clauses import RULES

Found = TypeVar("Found")

_FOLLOW_S = 1.0
_OPEN = (BroadcastState.LOADING, BroadcastState.READY, BroadcastState.PAUSED)

id_argument = click.argument("broadcast_id", metavar="ID", type=int)


@click.group()
def broadcast() -> None:
    """Send one text to many for a customer: hand it in, see how it goes, pause it, cancel it."""


broadcast.add_command(submit)


@broadcast.command("list")
@click.option("--account", "name", metavar="ACCOUNT", help="Only this account's.")
@config_option
@json_option
def list_broadcasts(name: str | None, config_path: Path, as_json: bool) -> None:
    """Every broadcast, the oldest first."""
    settings = settings_or_exit(config_path)
    if name is not None:
        account_named(name, settings)
    found = _read(settings, lambda connection: broadcast_book.listed(connection, name))
    rows = [_row(one, settings.zone) for one in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("id", "account", "state", "recipients", "units", "starts at", "forecast", "deadline"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        cells = ("broadcast_id", "account", "state", "recipients", "units", "starts_at")
        table.add_row(*(str(row[cell]) for cell in cells), str(row["forecast_at"]), str(row["deadline_at"]))
    console().print(table)


@broadcast.command()
@id_argument
@click.option("--follow", is_flag=True, help="Show a progress bar until it is over.")
@config_option
@json_option
def show(broadcast_id: int, follow: bool, config_path: Path, as_json: bool) -> None:
    """What has become of the recipients of broadcast ID."""
    settings = settings_or_exit(config_path)
    if follow:
        _follow(settings, broadcast_id)
    found = _read(settings, lambda connection: _found(connection, broadcast_id))
    progress = _read(settings, lambda connection: broadcast_book.progress(connection, broadcast_id))
    row = _row(found, settings.zone)
    if as_json:
        document = row | {"text": found.text, **asdict(progress)}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in row.items():
        table.add_row(key.replace("_", " "), str(value))
    for noun, counts in asdict(progress).items():
        for key, count in counts.items():
            table.add_row(f"{noun} {_clause(key)}".rstrip(), f"{count:,}")
    console().print(table)


@broadcast.command()
@id_argument
@config_option
def pause(broadcast_id: int, config_path: Path) -> None:
    """Offer nobody else a message of broadcast ID; what is accepted already goes on."""
    _move(config_path, broadcast_id, {BroadcastState.READY}, BroadcastState.PAUSED)


@broadcast.command()
@id_argument
@config_option
def resume(broadcast_id: int, config_path: Path) -> None:
    """Go on with broadcast ID. Its deadline stays."""
    _move(config_path, broadcast_id, {BroadcastState.PAUSED}, BroadcastState.READY)


@broadcast.command()
@id_argument
@config_option
def cancel(broadcast_id: int, config_path: Path) -> None:
    """Offer nobody else a message of broadcast ID, and delete those that still wait.

    The running gateway deletes them within seconds, one that is not running does when it starts.
    """
    _move(config_path, broadcast_id, _OPEN, BroadcastState.CANCELLING)


def _move(
    config_path: Path, broadcast_id: int, sources: Collection[BroadcastState], following: BroadcastState
) -> None:
    settings = settings_or_exit(config_path)
    with transaction(settings) as connection:
        found = _found(connection, broadcast_id)
        moved = broadcast_book.move(connection, broadcast_id, sources, following)
    if not moved and found.state is not following:
        state = found.state.name.lower()
        raise click.ClickException(f"broadcast {broadcast_id} is {state}, which cannot be changed so")
    click.echo(f"broadcast {broadcast_id}: {following.name.lower()}")


def _read(settings: Settings, read: Callable[[Connection], Found]) -> Found:
    with reading(settings) as connection:
        return read(connection)


def _found(connection: Connection, broadcast_id: int) -> Broadcast:
    found = broadcast_book.find(connection, broadcast_id)
    if found is None:
        raise click.ClickException(f"there is no broadcast {broadcast_id}")
    return found


def _follow(settings: Settings, broadcast_id: int) -> None:
    """Until it is over, or, paused, nothing goes on."""

    def look(connection: Connection) -> tuple[Broadcast, int]:
        return _found(connection, broadcast_id), broadcast_book.undecided(connection, broadcast_id)

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    output = console(stderr=True)
    with Progress(*columns, console=output, disable=not output.is_terminal) as bar:
        shown = bar.add_task("")
        while True:
            found, undecided = _read(settings, look)
            done = found.recipients - undecided
            state = _state(found)
            bar.update(shown, description=state, total=found.recipients, completed=done)
            if found.state not in (BroadcastState.READY, BroadcastState.CANCELLING):
                return
            time.sleep(_FOLLOW_S)


def _row(found: Broadcast, zone: ZoneInfo) -> dict[str, object]:
    def instant(at_ms: int | None) -> str | None:
        return (
            None
            if at_ms is None
            else datetime.fromtimestamp(at_ms / 1000, zone).isoformat(timespec="seconds")
        )

    return {
        "broadcast_id": found.broadcast_id,
        "account": found.account,
        "source_addr": found.source_addr,
        "message_class": found.message_class,
        "state": _state(found),
        "recipients": found.recipients,
        "units": found.units * found.recipients,
        "handed_in_at": instant(found.handed_in_at),
        "starts_at": instant(found.starts_at),
        "forecast_at": instant(found.forecast_at),
        "deadline_at": instant(found.deadline_at),
        "finished_at": instant(found.finished_at),
    }


def _state(found: Broadcast) -> str:
    if found.state is BroadcastState.READY:
        return "scheduled" if SystemClock().now() * 1000 < found.starts_at else "running"
    return found.state.name.lower()


def _clause(key: str) -> str:
    """A rule with its clause; a state as it is."""
    return f"{key} ({RULES[key].clause})" if key in RULES else key
