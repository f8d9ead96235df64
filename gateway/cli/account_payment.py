"""`signet account topup` and `adjust`: units that are paid for, and units put right by hand."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from gateway.cli.account_rows import show
from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import fresh_id, transaction
from gateway.cli.output import json_option
from gateway.cli.times import now_ms
from ledger import sql
from ledger.accounts import Balance
from ledger.lots import Lot
from ledger.requests import Request
from ledger.standing import open_account, states
from ledger.states import AccountState
from ledger.transfer import Kind


@click.command()
@click.argument("name", metavar="ACCOUNT")
@click.argument("units", type=click.IntRange(min=1))
@click.option("--fen", required=True, type=click.IntRange(min=0), help="What was paid, in fen (1/100 yuan).")
@click.option("--reference", required=True, help="The payment's reference; one reference credits once.")
@click.option("--open", "opens", is_flag=True, help="Open the account too, unless it is suspended.")
@config_option
@json_option
def topup(
    name: str, units: int, fen: int, reference: str, opens: bool, config_path: Path, as_json: bool
) -> None:
    """Credit UNITS to ACCOUNT for a payment. To repeat a top-up under its reference changes nothing."""
    settings = settings_or_exit(config_path)
    account_named(name, settings)
    at_ms = now_ms()
    try:
        # The reference is what makes a repeat harmless.
        lot = Lot(fresh_id(at_ms), name, units, fen, reference, at_ms)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    with transaction(settings) as connection:
        before = sql.balances(connection, [name]).get(name, Balance())
        after = sql.topup(connection, lot)
        is_suspended = states(connection, [name])[name] is AccountState.SUSPENDED
        if opens and not is_suspended:
            open_account(connection, name, at_ms, reference)
    if after == before:
        click.echo(f"{reference} was credited before; nothing changed", err=True)
    if opens and is_suspended:
        click.echo(f'{name} is suspended; "signet account resume {name}" lets it go on', err=True)
    show({"account": name, **asdict(after)}, as_json)


# Anything after the name may begin with "-", as a number of units does.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="ACCOUNT")
@click.argument("units", type=int)
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option("--reference", required=True, help="What it is known by; one reference adjusts once.")
@config_option
@json_option
def adjust(name: str, units: int, reason: str, reference: str, config_path: Path, as_json: bool) -> None:
    """Give ACCOUNT so many UNITS, or take them away (-UNITS), without a payment.

    What is given is a lot for 0 fen; what is taken away counts as used, and no more than remains can be. To
    repeat an adjustment under its reference changes nothing.
    """
    settings = settings_or_exit(config_path)
    at_ms = now_ms()
    kind = Kind.ADJUST_UP if units > 0 else Kind.ADJUST_DOWN
    try:
        request = Request(fresh_id(at_ms), kind, name, abs(units), 0, reference, reason, at_ms)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    with transaction(settings) as connection:
        before = sql.balances(connection, [name])
        if name not in before:
            account_named(name, settings)
        after = sql.ask(connection, request)
    if after == before.get(name):
        click.echo(f"{reference} was adjusted before; nothing changed", err=True)
    show({"account": name, **asdict(after)}, as_json)
