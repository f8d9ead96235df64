"""`signet recipients`: what is recorded of those who get messages, and what an operator does to it."""

from __future__ import annotations

import csv
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TextIO

import click

from gateway.cli.configured import config_option, settings_or_exit
from gateway.cli.database import reading, transaction
from gateway.cli.recipients_check import check
from gateway.cli.recipients_import import import_list, kind_argument
from gateway.cli.times import now_ms
from gateway.number import number_of
from gateway.recipient_file import COLUMNS, INSTANTS
from gateway.store.recipient_lists import Kind, end, rows

_NOTHING_EXIT = 1


@click.group()
def recipients() -> None:
    """Recipients: their opt-outs and consents, accounts' members, and numbers that nobody writes to."""


recipients.add_command(import_list)
recipients.add_command(check)


@recipients.command("export")
@kind_argument
@click.option("--account", metavar="ACCOUNT", help="Only what belongs to ACCOUNT.")
@click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True, atomic=True),
    default="-",
    help="The file to write.  [default: standard output]",
)
@config_option
def export(kind: str, account: str | None, output: TextIO, config_path: Path) -> None:
    """Write a list of recipients as CSV, as `import` reads it, and as it is at one moment."""
    settings = settings_or_exit(config_path)
    if account is not None and kind == Kind.BLOCKS:
        raise click.UsageError("blocks are the operator's, for every account")
    columns = COLUMNS[Kind(kind)]
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(columns)
    with reading(settings) as connection:
        for row in rows(connection, Kind(kind), account):
            writer.writerow([_written(name, row._mapping[name], settings.zone) for name in columns])


@recipients.command("end")
@kind_argument
@click.argument("number", metavar="NUMBER")
@click.option("--account", default="", metavar="ACCOUNT", help="Whose; without it, the operator's own.")
@click.option("--signature", help="Only opt-outs from this signature, without 【】.  [default: from any]")
@click.option("--note", required=True, help="Why, for the record.")
@config_option
def end_rows(
    kind: str, number: str, account: str, signature: str | None, note: str, config_path: Path
) -> None:
    """End what is recorded of NUMBER: opt-outs are over, consents revoked, members and blocks removed.

    The note and the time are kept, and so is all the history. An opt-out from every account is the operator's
    own: end it without --account. Exit code 1 if there was nothing to end.
    """
    settings = settings_or_exit(config_path)
    if kind == Kind.BLOCKS and account:
        raise click.UsageError("blocks are the operator's, for every account")
    if kind in (Kind.CONSENTS, Kind.MEMBERS) and not account:
        raise click.UsageError(f"{kind} are an account's: name it with --account")
    if signature is not None and kind != Kind.OPT_OUTS:
        raise click.UsageError(f"{kind} have no signature")
    if not note.strip() or not note.isprintable():
        raise click.BadParameter("must be one line of text", param_hint="--note")
    try:
        plain = number_of(number, settings.country_code)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NUMBER") from None
    now = now_ms()
    with transaction(settings) as connection:
        ended = end(connection, Kind(kind), plain, account, now, note.strip(), signature)
    click.echo(f"{ended} ended" if ended else "there is nothing to end", err=not ended)
    if not ended:
        raise SystemExit(_NOTHING_EXIT)


def _written(name: str, value: object, zone: tzinfo) -> object:
    if name in INSTANTS and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, zone).isoformat(timespec="milliseconds")
    return value
