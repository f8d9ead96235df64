"""`signet complaint`: the register of complaints (contract clause 五(2))."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from gateway.cli.complaint_add import add, link
from gateway.cli.complaint_rows import row_of, show
from gateway.cli.configured import config_option, settings_or_exit
from gateway.cli.database import ROW_ID, reading, transaction
from gateway.cli.output import json_option
from gateway.cli.times import first_day, month_option, now_ms
from gateway.store import complaints
from gateway.store.statements import instants_of

_complaint_argument = click.argument("complaint_id", metavar="COMPLAINT", type=ROW_ID)


@click.group()
def complaint() -> None:
    """Complaints: whom they come from, which message they are about, and what was done."""


complaint.add_command(add)
complaint.add_command(link)


@complaint.command("list")
@click.option("--account", help="Only those about this account.")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not closed.")
@config_option
@json_option
def list_complaints(account: str | None, only_open: bool, config_path: Path, as_json: bool) -> None:
    """Complaints in the order in which they were written down."""
    settings = settings_or_exit(config_path)
    with reading(settings) as connection:
        found = complaints.complaints(connection, account, only_open=only_open)
    show([row_of(each, settings.zone) for each in found], as_json)


@complaint.command("show")
@_complaint_argument
@config_option
@json_option
def show_complaint(complaint_id: int, config_path: Path, as_json: bool) -> None:
    """COMPLAINT and the message that it is about. `signet evidence` has all that is known of that.

    Exit code 1 if there is no such complaint.
    """
    settings = settings_or_exit(config_path)
    with reading(settings) as connection:
        found = complaints.one(connection, complaint_id)
        if found is None:
            raise click.ClickException(f"there is no complaint {complaint_id}")
        ids = [] if found.message_id is None else [found.message_id]
        messages = complaints.written(connection, ids, settings.country_code)
    row = row_of(found, settings.zone)
    about = [row_of(message, settings.zone) for message in messages]
    if as_json:
        told = row | {"message": about[0] if about else None}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    show([row])
    show(about)


@complaint.command()
@_complaint_argument
@click.option("--note", required=True, help="What was done.")
@config_option
def close(complaint_id: int, note: str, config_path: Path) -> None:
    """Close COMPLAINT. Exit code 1 if there is none, or it is closed."""
    if not note.strip() or not note.isprintable():
        raise click.BadParameter("must be one line of text", param_hint="--note")
    settings = settings_or_exit(config_path)
    now = now_ms()
    with transaction(settings) as connection:
        if not complaints.close(connection, complaint_id, note.strip(), now):
            raise click.ClickException(f"there is no complaint {complaint_id} that is not closed")


@complaint.command()
@month_option
@config_option
@json_option
def summary(month: datetime | None, config_path: Path, as_json: bool) -> None:
    """Complaints received in a month of the operator's zone, by account.

    Beside them the messages of that month that a carrier took, a long one as one, and how many complaints
    that makes on every ten thousand.
    """
    settings = settings_or_exit(config_path)
    first = first_day(month, now_ms(), settings.zone)
    with reading(settings) as connection:
        found = complaints.counts(connection, *instants_of(first, settings.zone))
    rows = [asdict(each) | {"per_ten_thousand": each.per_ten_thousand} for each in found]
    if as_json:
        told = {"month": f"{first:%Y-%m}", "accounts": rows}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        show(rows, as_json)
