"""`signet demo`: the gateway shows what it does with a dozen texts, and proves that it did."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError, ConnectError
from twisted.internet.task import react

from gateway import logs
from gateway.cli.output import console
from gateway.demonstration import Performance, Played, perform
from gateway.simulator.customer import BindRefusedError, LinkLostError
from gateway.simulator.script import SCRIPT, Line
from gateway.store.engine import StoreError
from ledger.accounts import Balance

_PLACES = tuple(field.name for field in fields(Balance))


@click.command()
def demo() -> None:
    """Show what the gateway does: a script of texts, and what became of each.

    Gateway, carrier and customers run in this process, on free ports, with a database that is thrown away.
    The clock says ten in the morning, whatever the hour, and later eight in the evening. The exit code is 0
    if all came out as expected.
    """
    logs.configure("console", "warning")
    run(SCRIPT)


def run(script: Sequence[Line]) -> None:
    """Perform the script, show what was seen and exit: 0 only if all of it was expected."""

    async def main(reactor: Any) -> None:  # several of zope's interfaces, which are no types
        performing = Deferred.fromCoroutine(perform(reactor, Path(folder), script))

        def stop() -> Deferred[Performance]:
            performing.cancel()
            return performing

        reactor.addSystemEventTrigger("before", "shutdown", stop)
        try:
            performance = await performing
        except CancelledError:
            sys.exit("signet demo: stopped before its end")
        except (StoreError, CannotListenError, ConnectError, BindRefusedError, LinkLostError) as error:
            sys.exit(f"signet demo: {error}")
        sys.exit(show(performance, console()))

    with TemporaryDirectory(prefix="signet-demo-") as folder:
        react(main)


def show(performance: Performance, output: Console) -> int:
    """Print the texts, the ledger and every problem; the exit code."""
    output.print(texts_table(performance.played, folded=output.is_terminal))
    output.print(ledger_table(performance.balances))
    problems = performance.problems()
    for problem in problems:
        output.print(Text(f"✗ {problem}", "bold red"))
    if not problems:
        output.print(
            Text(f"✓ {len(performance.played)} texts and the ledger: all as expected.", "bold green")
        )
    return 1 if problems else 0


def texts_table(played: Sequence[Played], *, folded: bool) -> Table:
    """Each text and its fate. `folded` puts what a text shows above it, for a narrow terminal."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("", justify="right")
    table.add_column("at")
    for header in ("text",) if folded else ("shows", "text"):
        table.add_column(header, overflow="fold")
    for header in ("verdict", "clause", "units", "receipt", ""):
        table.add_column(header, no_wrap=True)
    for number, each in enumerate(played, 1):
        line = each.line
        about = [Text(line.shows, "dim"), Text(line.text)]
        table.add_row(
            str(number),
            f"{line.at:%H:%M}",
            *([Text("\n").join(about)] if folded else about),
            *(Text(cell) for cell in each.fate.cells().values()),
            Text("✗", "bold red") if each.fate.differences(line.expected) else Text("✓", "green"),
        )
    return table


def ledger_table(balances: Mapping[str, Balance]) -> Table:
    """Where the units of each account are."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("account")
    for place in _PLACES:
        table.add_column(place.replace("_", " "), justify="right")
    for account, balance in balances.items():
        table.add_row(account, *(f"{units:,}" for units in astuple(balance)))
    return table
