"""`python -m tests.sim`: one seed to look at, or as many as the night is long."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.sim.plan import draw
from tests.sim.scenario import POINTS, Crash, Run
from tests.sim.soak import command, run_crash, run_seed, soak

console = Console()

_HEADINGS = ("seeds", "simulated hours", "lives", "submits", "accepted", "sent again", "failed", "took")


@click.group()
def main() -> None:
    """The whole gateway on a simulated clock, network and disk."""


@main.command()
@click.argument("number", type=int)
def seed(number: int) -> None:
    """Run one seed and show what is wrong."""
    console.print(draw(number))
    run = run_seed(number)
    _show([run], 0.0)
    sys.exit(_tell([run]))


@main.command()
@click.argument("point", type=click.Choice(POINTS))
@click.argument("number", type=int)
@click.option("--resend", is_flag=True, help="The account wants what has no answer sent again.")
def crash(point: str, number: int, resend: bool) -> None:
    """Run the short plan with a crash when the gateway comes to POINT for the NUMBERth time."""
    run = run_crash(Crash(point, number), resend)
    _show([run], 0.0)
    sys.exit(_tell([run]))


@main.command("soak")
@click.option("--seeds", default=200, show_default=True, help="How many.")
@click.option("--first", default=0, show_default=True, help="The first one.")
@click.option("--jobs", type=int, help="Processes; as many as processors if not given.")
def soak_command(seeds: int, first: int, jobs: int | None) -> None:
    """Run many seeds."""
    began_at = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    runs: list[Run] = []
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("seeds", total=seeds)
        for run in soak(range(first, first + seeds), jobs):
            runs.append(run)
            progress.advance(task)
            _tell([run])
    _show(runs, time.monotonic() - began_at)
    sys.exit(any(run.problems for run in runs))


def _tell(runs: Iterable[Run]) -> int:
    """Print the problems, each run with the command that shows it again."""
    found = 0
    for run in runs:
        if run.problems:
            found = 1
            console.print(f"[red]seed {run.seed}[/red]: {command(run.seed)}", highlight=False)
            for problem in run.problems:
                console.print(f"  {problem}", markup=False, highlight=False)
    return found


def _show(runs: list[Run], took_s: float) -> None:
    table = Table()
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    figures = (
        len(runs),
        f"{sum(run.seconds for run in runs) / 3600:,.1f}",
        f"{sum(run.lives for run in runs):,}",
        f"{sum(run.submitted for run in runs):,}",
        f"{sum(run.accepted for run in runs):,}",
        f"{sum(run.copies for run in runs):,}",
        sum(bool(run.problems) for run in runs),
        f"{took_s:,.0f} s",
    )
    table.add_row(*map(str, figures))
    console.print(table)


if __name__ == "__main__":
    main()
