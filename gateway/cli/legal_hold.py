"""`signet legal-hold`: what may not be purged, however old it is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich import box
from rich.table import Table

from gateway.cli.configured import config_option, settings_or_exit
from gateway.cli.database import ROW_ID, reading, transaction
from gateway.cli.output import console, json_option
from gateway.cli.times import now_ms, written
from gateway.number import number_of
from gateway.settings import Settings
from gateway.store import legal_holds
from gateway.store.legal_holds import LegalHold


@click.group("legal-hold")
def legal_hold() -> None:
    """Legal holds: records that no purge takes away until the hold is ended."""


@legal_hold.command()
@click.option("--account", help="Hold all records of this account.")
@click.option("--number", help="Hold all records of this recipient.")
@click.option("--message", "message_id", type=ROW_ID, help="Hold this message, all parts of it.")
@click.option("--note", required=True, help="Why, and by whose order.")
@config_option
@json_option
def add(
    account: str | None,
    number: str | None,
    message_id: int | None,
    note: str,
    config_path: Path,
    as_json: bool,
) -> None:
    """Begin a hold on one account, one number or one message."""
    if sum(given is not None for given in (account, number, message_id)) != 1:
        raise click.UsageError("name one of --account, --number and --message")
    settings = settings_or_exit(config_path)
    if number is not None:
        try:
            number = number_of(number, settings.country_code)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--number") from None
    now = now_ms()
    with transaction(settings) as connection:
        _show([legal_holds.add(connection, account, number, message_id, note, now)], settings, as_json)


@legal_hold.command("list")
@config_option
@json_option
def list_holds(config_path: Path, as_json: bool) -> None:
    """Every hold there is or was."""
    settings = settings_or_exit(config_path)
    with reading(settings) as connection:
        _show(legal_holds.holds(connection), settings, as_json)


@legal_hold.command()
@click.argument("hold_id", metavar="HOLD", type=ROW_ID)
@config_option
def end(hold_id: int, config_path: Path) -> None:
    """End HOLD, which is the number that `list` shows. Exit code 1 if there is none, or it has ended."""
    settings = settings_or_exit(config_path)
    now = now_ms()
    with transaction(settings) as connection:
        if not legal_holds.end(connection, hold_id, now):
            raise click.ClickException(f"there is no hold {hold_id} that has not ended")


def _show(holds: list[LegalHold], settings: Settings, as_json: bool) -> None:
    rows = [
        asdict(hold)
        | {
            "since": written(hold.since, settings.zone),
            "ended_at": None if hold.ended_at is None else written(hold.ended_at, settings.zone),
        }
        for hold in holds
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("hold", "account", "number", "message", "note", "since", "ended"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*("-" if value is None else str(value) for value in row.values()))
    console().print(table)
