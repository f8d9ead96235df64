"""`signet account open`, `suspend` and `resume`: whether a customer may send (contract clauses 2 and 七)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from gateway.cli.account_rows import show
from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import transaction
from gateway.cli.output import json_option
from gateway.cli.times import now_ms
from gateway.settings import Account, Settings
from ledger.standing import events, move, states
from ledger.states import AccountState
from policy.working_days import WorkingDays

_argument = click.argument("name", metavar="ACCOUNT")
_reason = click.option("--reason", required=True, help="Why; it is kept.")


@click.command("open")
@_argument
@click.option("--reason", default="", help="A note that is kept.")
@config_option
@json_option
def open_(name: str, reason: str, config_path: Path, as_json: bool) -> None:
    """Let ACCOUNT, which has paid, bind and send: at most one working day later (contract clause 2)."""
    settings = settings_or_exit(config_path)
    own = account_named(name, settings)
    at_ms = now_ms()
    with transaction(settings) as connection:
        state = states(connection, [name])[name]
        paid = [event.at_ms for event in events(connection, name) if event.state is AccountState.PAID]
        if state is AccountState.SUSPENDED:
            raise click.ClickException(f'{name} is suspended; "signet account resume {name}" lets it go on')
        if state is AccountState.SIGNED:
            raise click.ClickException(f"{name} has not paid yet")
        _told(move(connection, name, AccountState.OPEN, at_ms, reason, own.contract.document_sha256), name)
    if state is AccountState.PAID and paid:
        _warn_if_late(_day(paid[0], settings), _day(at_ms, settings), settings.working_days)
    _warn_of_dates(own, _day(at_ms, settings))
    show({"account": name, "state": AccountState.OPEN.name}, as_json)


@click.command()
@_argument
@_reason
@config_option
@json_option
def suspend(name: str, reason: str, config_path: Path, as_json: bool) -> None:
    """Let ACCOUNT send nothing more for now; what it has sent goes on, and it may fetch its receipts."""
    _enter(name, AccountState.SUSPENDED, reason, config_path, as_json)


@click.command()
@_argument
@click.option("--reason", default="", help="A note that is kept.")
@config_option
@json_option
def resume(name: str, reason: str, config_path: Path, as_json: bool) -> None:
    """Let ACCOUNT, which was suspended, bind and send again."""
    _enter(name, AccountState.OPEN, reason, config_path, as_json, after=AccountState.SUSPENDED)


def _enter(
    name: str,
    state: AccountState,
    reason: str,
    config_path: Path,
    as_json: bool,
    after: AccountState = AccountState.OPEN,
) -> None:
    settings = settings_or_exit(config_path)
    with transaction(settings) as connection:
        before = states(connection, [name])[name]
        if before is AccountState.SIGNED:
            account_named(name, settings)
        if before not in (after, state):
            raise click.ClickException(f"{name} is {before.name}, not {after.name}")
        _told(move(connection, name, state, now_ms(), reason), name)
    show({"account": name, "state": state.name}, as_json)


def _told(changed: bool, name: str) -> None:
    if not changed:
        click.echo(f"{name} was so before; nothing changed", err=True)


def _day(at_ms: int, settings: Settings) -> date:
    return datetime.fromtimestamp(at_ms / 1000, settings.zone).date()


def _warn_if_late(paid: date, today: date, working_days: WorkingDays) -> None:
    due = working_days.after(paid)
    if today > due:
        click.echo(f"paid on {paid}, so it was to be open by {due} (contract clause 2)", err=True)


def _warn_of_dates(own: Account, today: date) -> None:
    contract = own.contract
    if today < contract.signed_on:
        click.echo(f"its contract begins on {contract.signed_on}: until then it cannot bind", err=True)
    if contract.expires_on is not None and today > contract.expires_on:
        click.echo(f"its contract expired on {contract.expires_on}: it cannot bind", err=True)
