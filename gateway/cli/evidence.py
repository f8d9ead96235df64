"""`signet evidence`: all that is known of a message, or of what a recipient was sent, in one archive."""

from __future__ import annotations

import os
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import click
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from gateway.cli.configured import config_option, settings_or_exit
from gateway.cli.database import reading
from gateway.cli.output import console
from gateway.cli.times import now_ms, time_option, unix_ms
from gateway.number import number_of, plain
from gateway.records import evidence as made
from gateway.records.proofs import Proofs, proofs_in
from gateway.settings import Settings
from gateway.store import evidence as kept
from gateway.store.evidence import Span, Tables

_TOLD = ("messages", "refusals", "receipts", "transfers", "charges", "consents", "opt_outs", "complaints")


@click.command()
@click.argument("named", metavar="MESSAGE_ID|NUMBER")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The archive to write; it must not be there yet.",
)
@click.option("--account", help="Only what is of this account; to be named if a customer gets the archive.")
@click.option("--carrier", help="MESSAGE_ID is one that this carrier gave.")
@click.option(
    "--proofs",
    "proofs_path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the files are that prove consents: those that do are put into the archive.",
)
@time_option("--since", "Of a number: what was submitted from this time on.")
@time_option("--until", "Of a number: what was submitted before this time.")
@time_option("--at", "When the archive is said to be made.  [default: now]")
@config_option
def evidence(
    named: str,
    output: Path,
    account: str | None,
    carrier: str | None,
    proofs_path: Path | None,
    since: datetime | None,
    until: datetime | None,
    at: datetime | None,
    config_path: Path,
) -> None:
    """Write an archive of all that is known of a message, or of a recipient's number.

    MESSAGE_ID is the one that the customer was told, decimal or hexadecimal. There are texts, as submitted
    and as sent, verdicts and rules, consents, opt-outs and complaints, ledger lines, submits to carriers and
    their receipts, with a summary in Chinese and in English, and the hash of every file. The same database,
    asked with the same --at and proofs, gives the same octets. A proof is a file in DIR, of 20 MB at most,
    whose SHA-256 is that of a consent. Exit code 1 if nothing is known.
    """
    settings = settings_or_exit(config_path)
    span = Span(*(None if time is None else unix_ms(time, settings.zone) for time in (since, until)))
    made_at = now_ms() if at is None else unix_ms(at, settings.zone)
    with reading(settings) as connection:
        tables = _gathered(connection, settings, named, account, carrier, span)
        revision = MigrationContext.configure(connection).get_current_revision() or ""
    if not any(tables.values()):
        raise click.ClickException(f"nothing is known of {named}")
    asked = made.Asked(named, account, made_at, version("signet"), revision)
    proofs = Proofs() if proofs_path is None else _proofs(proofs_path, tables)
    octets = made.archive(tables, settings, asked, proofs)
    _write(output, octets)
    counts = ", ".join(f"{len(tables[name])} {name.replace('_', '-')}" for name in _TOLD)
    console().print(f"{output}: {counts}, {len(proofs.files)} proofs")
    console().print(f"SHA-256 {sha256(octets).hexdigest()}")


def _gathered(
    connection: Connection,
    settings: Settings,
    named: str,
    account: str | None,
    carrier: str | None,
    span: Span,
) -> dict[str, list[kept.Row]]:
    """The rows of the message of that id; if there is none, of the number."""
    country_code = settings.country_code
    ids = kept.messages_named(connection, named, carrier)
    if not ids and carrier is None:
        number = _number(named, country_code)
        ids = kept.messages_to(connection, number, country_code, span)
        return kept.gather(connection, ids, [number], account, country_code, span)
    tables = kept.gather(connection, ids, (), account, country_code, Span())
    # Of whom one message tells are its own customer and its own recipient.
    owners = {row["account"] for row in tables["messages"]}
    addrs = {row["destination_addr"] for row in tables["messages"]} - {""}
    if len(owners) != 1:
        return tables
    numbers = sorted({plain(addr, country_code) for addr in addrs})
    return kept.gather(connection, ids, numbers, owners.pop(), country_code, Span())


def _proofs(folder: Path, tables: Tables) -> Proofs:
    """The proofs of these consents that are in the folder; what could not be looked at is told."""
    try:
        found = proofs_in(folder, {row["proof_sha256"] for row in tables["consents"]})
    except OSError as error:
        raise click.ClickException(f"cannot read {folder}: {error.strerror}") from None
    for reason in found.left_out:
        console(stderr=True).print(f"left out {reason}")
    return found


def _number(named: str, country_code: str) -> str:
    """A number in any spelling; what is no telephone number may be an address all the same."""
    try:
        return number_of(named, country_code)
    except ValueError:
        return plain(named, country_code)


def _write(path: Path, octets: bytes) -> None:
    """A file for nobody else's eyes, for it has texts and numbers."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None
    with os.fdopen(file, "wb") as target:
        target.write(octets)
