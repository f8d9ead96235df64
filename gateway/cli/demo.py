"""`signet demo`: the gateway shows what it does with texts of every kind, and proves that it did."""

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
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.error import CannotListenError, ConnectError
from twisted.internet.task import react

from gateway import logs
from gateway.cli.output import console
from gateway.demonstration import Performance, Played, perform
from gateway.simulator import stage
from gateway.simulator.customer import BindRefusedError, LinkLostError
from gateway.simulator.fate import NONE
from gateway.simulator.script import SCRIPT, Line
from gateway.store.engine import StoreError
from ledger.accounts import Balance

# Far more than it takes; a gateway that does not come to its end shall not keep anyone waiting.
_LONGEST_S = 60.0
_WIDTH = 100
_TEXT_MAX = 40
_FOOT = (
    "The status is that of the submit_sm_resp; of ACCOUNT_NOT_OPEN it is the bind's, and of "
    "MESSAGE_INCOMPLETE err:461 in the receipt. A broadcast is refused by `signet broadcast submit`."
)
_PLACES = tuple(field.name for field in fields(Balance))


@click.command()
def demo() -> None:
    """Show what the gateway does: a script of texts, and what became of each.

    Each rule of the contract refuses one of them. Gateway, carrier and customers run in this process, on free
    ports, with a database that is thrown away. The clock says ten in the morning, whatever the hour, later
    eight in the evening, and eight in the morning after that. The exit code is 0 if all came out as expected.
    """
    logs.configure("console", "error")  # that a bind is refused is part of the script
    run(SCRIPT)


def run(script: Sequence[Line]) -> None:
    """Perform the script, show what was seen and exit: 0 only if all of it was expected."""
    output = console()
    output.print(f"{len(script)} texts go to a gateway, in {stage.ZONE.key} by a stated clock.")

    async def main(reactor: Any) -> None:  # several of zope's interfaces, which are no types
        performing = Deferred.fromCoroutine(perform(reactor, Path(folder), script))

        def stop() -> Deferred[Performance]:
            performing.cancel()
            return performing

        performing.addTimeout(_LONGEST_S, reactor)
        reactor.addSystemEventTrigger("before", "shutdown", stop)
        try:
            performance = await performing
        except CancelledError:
            sys.exit("signet demo: stopped before its end")
        except TimeoutError:
            sys.exit(f"signet demo: not finished after {_LONGEST_S:.0f} seconds")
        except (StoreError, CannotListenError, ConnectError, BindRefusedError, LinkLostError) as error:
            sys.exit(f"signet demo: {error}")
        sys.exit(show(performance, output))

    with TemporaryDirectory(prefix="signet-demo-") as folder:
        react(main)


def show(performance: Performance, output: Console) -> int:
    """Print the texts, the ledger and every problem; the exit code."""
    width = min(_WIDTH, output.width)
    output.print(texts_table(performance.played, width))
    output.print(Text(_FOOT, "dim"), width=width)
    output.print(ledger_table(performance.balances))
    problems = performance.problems()
    for problem in problems:
        output.print(Text(f"✗ {problem}", "bold red"))
    if not problems:
        done = f"✓ All {len(performance.played)} texts came out as expected, and the ledger adds up."
        output.print(Text(done, "bold green"))
    return 1 if problems else 0


def texts_table(played: Sequence[Played], width: int) -> Table:
    """Each text, its fate, and whether that was expected, in so many columns of a terminal."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, width=width)
    table.add_column(justify="right")
    table.add_column("what it shows\ntext", overflow="fold", ratio=1)
    table.add_column("verdict\nclause, status, charge, receipt", no_wrap=True)
    table.add_column()
    at = None
    for number, each in enumerate(played, 1):
        line, cells = each.line, each.fate.cells()
        if line.at != at:
            at = line.at
            table.add_row("", Text(f"{at:%Y-%m-%d %H:%M}", "bold"))
        verdict = cells.pop("verdict"), "yellow" if each.fate.refusal else "green"
        table.add_row(
            str(number),
            Text.assemble(line.shows, "\n", (_shortened(line.text), "dim")),
            Text.assemble(verdict, "\n", "  ".join(cell for cell in cells.values() if cell != NONE)),
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


def _shortened(text: str) -> str:
    """A long text as its beginning and its end, where the contract's form is."""
    half = _TEXT_MAX // 2
    return text if len(text) <= _TEXT_MAX else f"{text[:half]}…{text[-half:]} ({len(text)} characters)"
