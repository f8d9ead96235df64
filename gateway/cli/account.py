"""`signet account`: customers' accounts, their contracts, states and balances."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from gateway.cli.account_ending import settle_up, terminate
from gateway.cli.account_payment import adjust, topup
from gateway.cli.account_rows import Row, show
from gateway.cli.account_standing import open_, resume, suspend
from gateway.cli.account_statement import statement
from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import transaction
from gateway.cli.new_account import new
from gateway.cli.output import console, json_option
from gateway.records import contract
from gateway.settings import Account, Settings
from ledger import sql
from ledger.accounts import Balance
from ledger.standing import events, states
from ledger.states import AccountState


@click.group()
def account() -> None:
    """Customers' accounts: make one, top it up, open and close it, see what it holds."""


for command in (new, topup, adjust, open_, suspend, resume, terminate, settle_up, statement):
    account.add_command(command)


@account.command("list")
@config_option
@json_option
def list_accounts(config_path: Path, as_json: bool) -> None:
    """Every account with its state and balance, also those that only the ledger still knows."""
    settings = settings_or_exit(config_path)
    configured = {own.name: own for own in settings.accounts.values()}
    with transaction(settings) as connection:
        balances = sql.balances(connection)
        names = [*configured, *(name for name in balances if name not in configured)]
        found = states(connection, names)
    show(
        [_row(name, configured.get(name), found[name], balances.get(name, Balance())) for name in names],
        as_json,
    )


@account.command()
@click.argument("name", metavar="ACCOUNT")
@config_option
@json_option
def balance(name: str, config_path: Path, as_json: bool) -> None:
    """What ACCOUNT holds, in units: one unit is one segment of a message."""
    settings = settings_or_exit(config_path)
    with transaction(settings) as connection:
        balances = sql.balances(connection, [name])
    if name not in balances:
        account_named(name, settings)
    show({"account": name, **asdict(balances.get(name, Balance()))}, as_json)


@account.command("show")
@click.argument("name", metavar="ACCOUNT")
@config_option
@json_option
def show_account(name: str, config_path: Path, as_json: bool) -> None:
    """ACCOUNT's contract, its state and how it came to it, and its balance."""
    settings = settings_or_exit(config_path)
    own = account_named(name, settings)
    with transaction(settings) as connection:
        state = states(connection, [name])[name]
        history = events(connection, name)
        found = sql.balances(connection, [name]).get(name, Balance())
    about: Row = {
        "account": name,
        "system_id": own.system_id,
        **contract.told(own.contract),
        "document_sha256": own.contract.document_sha256 or None,
        "supplements": [one.describe() for one in own.ruleset.supplements],
        "state": state.name,
        "history": [
            {
                "at": _instant(event.at_ms, settings),
                "state": event.state.name,
                "reason": event.reason,
                "document_sha256": event.document_sha256,
            }
            for event in history
        ],
        "balance": asdict(found),
    }
    if as_json:
        click.echo(json.dumps(about, ensure_ascii=False, indent=2))
    else:
        _show_about(about)


def _instant(at_ms: int, settings: Settings) -> str:
    return datetime.fromtimestamp(at_ms / 1000, settings.zone).isoformat(timespec="seconds")


def _show_about(about: Row) -> None:
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in about.items():
        for words in _words(value):
            table.add_row(key.replace("_", " "), Text(words))
            key = ""
    console().print(table)


def _words(value: object) -> list[str]:
    if isinstance(value, dict):
        return [f"{number:,} {place.replace('_', ' ')}" for place, number in value.items()]
    if isinstance(value, list):
        return ["  ".join(_word(word) for word in each.values() if word) for each in value] or ["-"]
    return ["-" if value is None else str(value)]


def _word(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _row(name: str, configured: Account | None, state: AccountState, balance: Balance) -> Row:
    return {
        "account": name,
        "system_id": configured.system_id if configured else None,
        "contract": configured.contract.number if configured else None,
        "customer": configured.contract.customer if configured else None,
        "state": state.name,
        **asdict(balance),
    }
