"""`signet audit`: whether a database keeps what the gateway promises."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from gateway.cli.configured import config_option, settings_or_exit
from gateway.cli.output import console, json_option
from gateway.store.audit import IDENTITIES, Audit, Finding
from gateway.store.engine import StoreError
from gateway.store.snapshot import snapshot
from ledger.identity import Violation

_VIOLATED_EXIT = 1


class _Unreadable(click.ClickException):
    exit_code = 2


@click.command()
@config_option
@click.option(
    "--database",
    type=click.Path(path_type=Path),
    help="A database to audit instead of the one that the configuration names, such as a copy.",
)
@click.option(
    "--country-code",
    default="86",
    show_default=True,
    help="With --database: the country code that the gateway leaves out when it compares numbers.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many violations of an identity to name; the others are counted.",
)
@json_option
def audit(config_path: Path, database: Path | None, country_code: str, limit: int, as_json: bool) -> None:
    """Check that a database keeps what the gateway promises, and name every row that does not.

    The database may be a live one: it is read as it is at one moment, and never written to. Exit code 0 if
    all of it holds, 1 if anything is violated, 2 if the database cannot be read.
    """
    if database is None:
        settings = settings_or_exit(config_path)
        database, country_code = settings.store_path, settings.country_code
    with _read(database, country_code) as connection:
        findings = _findings(Audit(connection, limit), console(stderr=True))
    if as_json:
        click.echo(json.dumps(_report(database, findings), ensure_ascii=False, indent=2))
    else:
        _show(database, findings, console())
    sys.exit(_VIOLATED_EXIT if any(finding.count for finding in findings) else 0)


@contextmanager
def _read(database: Path, country_code: str) -> Iterator[Connection]:
    """The database at this moment; where it cannot be read, one line and its exit code."""
    try:
        with snapshot(database, country_code) as connection:
            yield connection
    except StoreError as error:
        raise _Unreadable(str(error)) from error


def _findings(whole: Audit, progress: Console) -> list[Finding]:
    """What is found of each identity. Where `progress` is a terminal, it shows which one is looked at."""
    findings = []
    with progress.status("") as status:
        for number, identity in enumerate(IDENTITIES, 1):
            status.update(Text(f"{identity.name} ({number} of {len(IDENTITIES)})"))
            findings.append(whole.find(identity))
    return findings


def _report(database: Path, findings: Sequence[Finding]) -> dict[str, object]:
    return {
        "database": str(database),
        "violations": sum(finding.count for finding in findings),
        "identities": [
            {
                "name": finding.identity.name,
                "promise": finding.identity.promise,
                "says": finding.identity.says,
                "rows": finding.rows,
                "violations": finding.count,
                "named": [asdict(violation) for violation in finding.violations],
            }
            for finding in findings
        ],
    }


def _show(database: Path, findings: Sequence[Finding], output: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("identity", "promise"):
        table.add_column(heading, overflow="fold")
    for heading in ("rows", "violations"):
        table.add_column(heading, justify="right")
    for finding in findings:
        style = "bold red" if finding.count else None
        identity = finding.identity
        table.add_row(identity.name, identity.promise, f"{finding.rows:,}", f"{finding.count:,}", style=style)
    output.print(table)
    broken = [finding for finding in findings if finding.count]
    for finding in broken:
        output.print(Text(f"{finding.identity.name}: {finding.identity.says}", "bold"))
        for violation in finding.violations:
            output.print(f"  {_told(violation)}")
        if finding.more:
            output.print(f"  and {finding.more:,} more")
    if broken:
        count = sum(finding.count for finding in broken)
        output.print(Text(f"{database}: {count:,} violation{'s' if count > 1 else ''}", "bold red"))
    else:
        output.print(Text(f"{database}: all of it holds", "bold green"))


def _told(violation: Violation) -> str:
    """A row by its account and its id, which is that of a message or of a lot."""
    account = f"account {violation.account}" if violation.account is not None else ""
    source = f"id {violation.source_id}" if violation.source_id is not None else ""
    return "; ".join(part for part in (account, source, violation.detail) if part)
