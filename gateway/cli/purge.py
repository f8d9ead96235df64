"""`signet purge`: what is older than its class is kept for, taken away now."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path

import click
from rich import box
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import Connection

from gateway.cli.configured import config_option, settings_or_exit
from gateway.cli.database import reading, writing
from gateway.cli.output import console, json_option
from gateway.cli.times import now_ms, time_option, unix_ms, written
from gateway.ids import first_id
from gateway.records.retention import befores
from gateway.settings import Settings
from gateway.store import purge as store_purge
from gateway.store.purge import TIMELESS, Purged, Walk, What

# So that a gateway on the same database finds it free between two steps.
_PAUSE_S = 0.02
# What is told before anything has gone; the others go after these.
_FIRST = (What.MESSAGES, What.REFUSALS, What.REPLIES, What.UNREADABLE)


@click.command()
@config_option
@time_option("--before", "Purge nothing that was made at this time or later.")
@click.option("--dry-run", is_flag=True, help="Count what would go, and change nothing.")
@json_option
def purge(config_path: Path, before: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Purge what `[retention]` of the configuration wants kept no longer.

    Gone are texts and numbers of messages, their attempts, receipts and deliveries, refusals and replies;
    what was charged stays. A gateway may be running on the database; it does the same once a day by itself.
    """
    settings = settings_or_exit(config_path)
    now = now_ms()
    kept = befores(settings.retention, now, None if before is None else unix_ms(before, settings.zone))
    if not kept:
        click.echo("[retention] wants everything kept for ever", err=True)
        sys.exit(0)
    if dry_run:
        with reading(settings) as connection:
            found = _counted(store_purge.begin(connection, kept.classes, kept.replies), connection, settings)
    else:
        with writing(settings) as engine:
            with engine.begin() as connection:
                walks = store_purge.begin(connection, kept.classes, kept.replies)

            def in_a_transaction(job: Callable[[Connection], Walk]) -> Walk:
                with engine.begin() as connection:
                    return job(connection)

            found = []
            for walk in walks:
                over = _walked(walk, settings, in_a_transaction, pause_s=_PAUSE_S)
                with engine.begin() as connection:
                    found.append(store_purge.finish(connection, over, now))
    _show(found, settings, as_json)


def _counted(walks: list[Walk], connection: Connection, settings: Settings) -> list[Purged]:
    found = []
    for walk in walks:
        if walk.what in _FIRST:
            over = _walked(walk, settings, lambda job: job(connection), dry=True)
            found.append(Purged(str(walk.what), walk.message_class, over.clear_before, over.purged, 0))
    return found


def _walked(
    walk: Walk,
    settings: Settings,
    run: Callable[[Callable[[Connection], Walk]], Walk],
    *,
    dry: bool = False,
    pause_s: float = 0.0,
) -> Walk:
    """The walk when it is over; a bar shows how far along its table it is."""
    output = console(stderr=True)
    with Progress(console=output, transient=True, disable=not output.is_terminal) as progress:
        bar = progress.add_task(f"{walk.what} {walk.message_class}".strip(), total=None)
        first: int | None = None
        while not walk.is_over:
            walk = run(partial(_step, walk, settings.country_code, dry))
            place = walk.after[0]
            if isinstance(place, int) and walk.what not in TIMELESS:
                first = place if first is None else first
                progress.update(bar, total=first_id(walk.before) - first, completed=place - first)
            time.sleep(pause_s)
    return walk


def _step(walk: Walk, country_code: str, dry: bool, connection: Connection) -> Walk:
    return store_purge.step(connection, walk, country_code, dry=dry)


def _show(found: list[Purged], settings: Settings, as_json: bool) -> None:
    rows = [
        {name: value for name, value in asdict(each).items() if name != "at"}
        | {"before": written(each.before, settings.zone)}
        for each in found
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("records", "class", "nothing left before"):
        table.add_column(heading)
    table.add_column("purged", justify="right")
    for each, row in zip(found, rows, strict=True):
        table.add_row(each.what, each.message_class or "-", str(row["before"]), f"{each.purged:,}")
    console().print(table)
