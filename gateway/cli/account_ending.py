"""`signet account terminate` and `settle-up`: the end of a contract, and what is paid back (clause 七)."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import click
from rich import box
from rich.table import Table
from sqlalchemy import Connection, Engine

from gateway.cli.account_rows import Row
from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import fresh_id, reading, writing
from gateway.cli.output import console, json_option
from gateway.cli.times import now_ms
from gateway.ids import NODE_MAX, MessageIds
from gateway.records.fen import capitals, yuan
from gateway.recovery import means_of
from gateway.settings import Charge, Settings
from gateway.store import terminate as ending
from gateway.store.ends import Means
from gateway.store.recover import last_id
from ledger.ending import Settlement
from ledger.standing import states
from ledger.states import AccountState

# So that a gateway on the same database finds it free between two transactions.
_PAUSE_S = 0.02

_argument = click.argument("name", metavar="ACCOUNT")


@click.command()
@_argument
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option(
    "--document",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The paper that ends the contract; its hash is kept.",
)
@config_option
@json_option
def terminate(name: str, reason: str, document: Path | None, config_path: Path, as_json: bool) -> None:
    """End ACCOUNT's contract for good, and tell what is paid back.

    It takes no new messages; what waits is deleted; what is with a carrier is settled or given back when its
    outcome comes. When nothing is held any more, what is left is returned at the price of its lots, first in
    first out. Broken off, it goes on where it was when it is called again, or by "signet account settle-up".
    """
    digest = hashlib.sha256(document.read_bytes()).hexdigest() if document else ""
    _end(name, reason, digest, config_path, as_json)


@click.command("settle-up")
@_argument
@config_option
@json_option
def settle_up(name: str, config_path: Path, as_json: bool) -> None:
    """Return what a terminated ACCOUNT has left now that nothing of it is held any more."""
    _end(name, None, "", config_path, as_json)


def _end(name: str, reason: str | None, digest: str, config_path: Path, as_json: bool) -> None:
    """Without a `reason` the account must be TERMINATED already."""
    settings = settings_or_exit(config_path)
    why = reason or "what was held is resolved"
    with writing(settings) as engine:
        with engine.begin() as connection:
            state = states(connection, [name])[name]
            if state is AccountState.SIGNED:
                account_named(name, settings)
            if reason is None and state is not AccountState.TERMINATED:
                raise click.ClickException(f"{name} is {state.name}, not TERMINATED")
            ending.close(connection, name, why, digest, now_ms())
        deleted = _delete_waiting(engine, name, settings)
        with engine.begin() as connection:
            at_ms = now_ms()
            settled = ending.pay_back(connection, name, why, fresh_id(at_ms), at_ms)
        with reading(settings) as snapshot:
            unreported = ending.unreported(snapshot, name) if _refunds(name, settings) else 0
    if as_json:
        told = _told(name, deleted, settled) | {"unreported": unreported}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _show(name, deleted, settled)
    if settled.balance.held:
        click.echo(
            f"{settled.balance.held:,} units are still held for messages that are with a carrier; when those "
            f'have ended, "signet account settle-up {name}" returns what is left',
            err=True,
        )
    if unreported:
        click.echo(
            f"{unreported:,} units are charged for messages whose receipts are still to come; what those "
            f'give back, "signet account settle-up {name}" returns later',
            err=True,
        )


def _refunds(name: str, settings: Settings) -> bool:
    """Whether what a carrier has taken may still cost nothing."""
    return any(own.name == name and own.charge is Charge.DELIVERED for own in settings.accounts.values())


def _delete_waiting(engine: Engine, name: str, settings: Settings) -> int:
    """Delete what waits, so many messages in each transaction; how many submits that were."""
    with reading(settings) as snapshot:
        ids = ending.waiting(snapshot, name)
    deleted = 0
    try:
        for first in range(0, len(ids), ending.BATCH):
            time.sleep(_PAUSE_S)
            with engine.begin() as connection:
                batch = ids[first : first + ending.BATCH]
                ended = ending.delete(connection, batch, _means(settings, connection), now_ms()).ended
                deleted += sum(not one.is_part for one in ended)
    except KeyboardInterrupt:
        click.echo(f'{name} is TERMINATED; "signet account settle-up {name}" does the rest', err=True)
        raise
    return deleted


def _means(settings: Settings, connection: Connection) -> Means:
    """As the gateway's own, with ids of another node: it may be running on the same database.

    They are above all that are there, for another account may have been ended at the same instant.
    """
    node = (settings.node + 1) % (NODE_MAX + 1)
    return means_of(settings, MessageIds(node, now_ms, last_id(connection)))


def _told(name: str, deleted: int, settled: Settlement) -> Row:
    return {
        "account": name,
        "state": AccountState.TERMINATED.name,
        "deleted": deleted,
        "held": settled.balance.held,
        "lots": [
            {
                "reference": rest.lot.reference,
                "units": rest.lot.units,
                "amount_fen": rest.lot.amount_fen,
                "left": rest.units,
            }
            for rest in settled.rests
        ],
        "returned": settled.balance.returned,
        "returned_fen": settled.returned_fen,
        "returned_yuan": yuan(settled.returned_fen),
        "returned_capitals": capitals(settled.returned_fen),
    }


def _show(name: str, deleted: int, settled: Settlement) -> None:
    output = console()
    output.print(f"{name} is TERMINATED; messages deleted that waited: {deleted:,}")
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("lot", "units", "fen", "fen a unit", "left", "fen left"):
        table.add_column(heading, justify="left" if heading == "lot" else "right", overflow="fold")
    for rest in settled.rests:
        lot = rest.lot
        table.add_row(
            lot.reference,
            f"{lot.units:,}",
            f"{lot.amount_fen:,}",
            f"{float(lot.unit_price_fen):.4f}",
            f"{rest.units:,}",
            f"{float(rest.value_fen):,.2f}",
        )
    output.print(table)
    fen = settled.returned_fen
    output.print(f"returned: {settled.balance.returned:,} units, {fen:,} fen = {yuan(fen)} yuan")
    output.print(f"人民币{capitals(fen)}", style="bold")
