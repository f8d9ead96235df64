"""`signet account`: what the prepaid accounts hold, and the payments that fill them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import TypeAlias

import click
from rich import box
from rich.table import Table
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.new_account import new
from gateway.cli.output import console
from gateway.clock import SystemClock
from gateway.settings import Account, Settings
from gateway.store.engine import StoreError, open_engine
from ledger import sql
from ledger.accounts import Balance
from ledger.errors import LedgerError
from ledger.lots import Lot

Row: TypeAlias = dict[str, object]

_PLACES = tuple(field.name for field in fields(Balance))

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def account() -> None:
    """Customers' accounts: make one, top it up, see what it holds."""


account.add_command(new)


@account.command("list")
@config_option
@json_option
def list_accounts(config_path: Path, as_json: bool) -> None:
    """Every account with its balance, also those that only the ledger still knows."""
    settings = settings_or_exit(config_path)
    with _ledger(settings) as connection:
        balances = sql.balances(connection)
    configured = {own.name: own for own in settings.accounts.values()}
    names = [*configured, *(name for name in balances if name not in configured)]
    _show([_row(name, configured.get(name), balances.get(name, Balance())) for name in names], as_json)


@account.command()
@click.argument("name", metavar="ACCOUNT")
@config_option
@json_option
def balance(name: str, config_path: Path, as_json: bool) -> None:
    """What ACCOUNT holds, in units: one unit is one segment of a message."""
    settings = settings_or_exit(config_path)
    with _ledger(settings) as connection:
        balances = sql.balances(connection, [name])
    if name not in balances:
        account_named(name, settings)
    _show({"account": name, **asdict(balances.get(name, Balance()))}, as_json)


@account.command()
@click.argument("name", metavar="ACCOUNT")
@click.argument("units", type=click.IntRange(min=1))
@click.option("--fen", required=True, type=click.IntRange(min=0), help="What was paid, in fen (1/100 yuan).")
@click.option("--reference", required=True, help="The payment's reference; one reference credits once.")
@config_option
@json_option
def topup(name: str, units: int, fen: int, reference: str, config_path: Path, as_json: bool) -> None:
    """Credit UNITS to ACCOUNT for a payment. To repeat a top-up under its reference changes nothing."""
    settings = settings_or_exit(config_path)
    account_named(name, settings)
    at_ms = int(SystemClock().now() * 1000)
    try:
        # The id has the shape of a message id; the reference is what makes a repeat harmless.
        lot = Lot(at_ms << 20 | secrets.randbits(20), name, units, fen, reference, at_ms)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    with _ledger(settings) as connection:
        before = sql.balances(connection, [name]).get(name, Balance())
        after = sql.topup(connection, lot)
    if after == before:
        click.echo(f"{reference} was credited before; nothing changed", err=True)
    _show({"account": name, **asdict(after)}, as_json)


def _row(name: str, configured: Account | None, balance: Balance) -> Row:
    return {
        "account": name,
        "system_id": configured.system_id if configured else None,
        "contract": configured.contract.number if configured else None,
        "customer": configured.contract.customer if configured else None,
        **asdict(balance),
    }


@contextmanager
def _ledger(settings: Settings) -> Iterator[Connection]:
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


def _show(shown: Row | list[Row], as_json: bool) -> None:
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
