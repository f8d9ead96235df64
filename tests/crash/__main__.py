"""`python -m tests.crash`: a gateway is killed, starved, slowed and cut off; then both ends are asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.crash import campaign
from tests.crash.campaign import Outcome, Run
from tests.crash.faults import FAULTS, why_not
from tests.crash.verdict import Verdict

_COUNT = click.IntRange(min=1)
_FIGURES = [field.name for field in fields(Verdict) if field.name != "flaws"]


@click.command(context_settings={"show_default": True})
@click.option("--runs", type=_COUNT, default=24, help="How many.")
@click.option(
    "--messages", type=click.IntRange(min=30), default=300, help="How many the customers send in a run."
)
@click.option("--seed", type=int, default=1, help="Decides what is random.")
@click.option(
    "--first", type=click.IntRange(min=0), default=0, help="The number of the first run, to repeat it."
)
@click.option(
    "--fault", "faults", type=click.Choice(list(FAULTS)), multiple=True, help="Only this; again for more."
)
@click.option("--jobs", type=_COUNT, default=2, help="Runs at the same time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object a run.")
@click.pass_context
def main(
    context: click.Context,
    runs: int,
    messages: int,
    seed: int,
    first: int,
    faults: tuple[str, ...],
    jobs: int,
    as_json: bool,
) -> None:
    """Crash a gateway under load, restart it, let it drain, and compare both ends with its store.

    The faults take turns; `fsync` and `send` strike at the first call in their first turn, at the second in
    the next, and so on. The exit status is 1 if a run broke a promise.
    """
    # The file itself, because the command that tops an account up borrows sys.stderr.
    console = Console(file=sys.stderr)
    chosen = _possible(faults or tuple(FAULTS), console)
    done: list[Outcome] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("runs", total=runs)
        for outcome in campaign.outcomes(campaign.runs(chosen, first, runs), messages, seed, jobs):
            done.append(outcome)
            lost = sum(one.verdict.lost for one in done)
            flawed = sum(bool(one.verdict.flaws) for one in done)
            progress.update(bar, advance=1, description=f"lost {lost}, flawed runs {flawed}")
    done.sort(key=lambda outcome: outcome.run.number)
    if as_json:
        for outcome in done:
            click.echo(json.dumps(asdict(outcome), ensure_ascii=False, default=str))
    else:
        Console().print(_table(chosen, done))
        for outcome in done:
            _tell_flaws(outcome, faults, messages, seed)
    context.exit(1 if any(outcome.verdict.flaws for outcome in done) else 0)


def _possible(faults: Sequence[str], console: Console) -> list[str]:
    """Those that can be had here; the others are told with the reason."""
    reasons = {fault: why_not(fault) for fault in faults}
    for fault, reason in reasons.items():
        if reason:
            console.print(f"[yellow]without {fault}: {reason}")
    possible = [fault for fault, reason in reasons.items() if not reason]
    if not possible:
        raise click.ClickException("none of these faults can be had here")
    return possible


def _table(faults: Sequence[str], done: Sequence[Outcome]) -> Table:
    table = Table(box=box.SIMPLE, padding=0, caption="in doubt: the most after any crash")
    table.add_column("")
    sums = []
    for fault in faults:
        table.add_column(fault, justify="right")
        sums.append(_sums([outcome for outcome in done if outcome.run.fault == fault]))
    table.add_column("all", justify="right")
    names = ("runs", "struck", "lives", *_FIGURES, "flawed runs")
    for name, *values in zip(names, *sums, _sums(done), strict=True):
        table.add_row(name.replace("_", " "), *values)
    return table


def _sums(done: Sequence[Outcome]) -> list[str]:
    figures = {name: [getattr(outcome.verdict, name) for outcome in done] for name in _FIGURES}
    together = [
        max(values, default=0) if name == "in_doubt" else sum(values) for name, values in figures.items()
    ]
    struck = sum(outcome.struck for outcome in done)
    lives = sum(outcome.lives for outcome in done)
    flawed = sum(bool(outcome.verdict.flaws) for outcome in done)
    return [f"{number:,}" for number in (len(done), struck, lives, *together, flawed)]


def _tell_flaws(outcome: Outcome, faults: Sequence[str], messages: int, seed: int) -> None:
    if outcome.verdict.flaws:
        click.echo(f"\n{_again(outcome.run, faults, messages, seed)}\nleft in {outcome.folder}")
    for name, concerned in outcome.verdict.flaws.items():
        click.echo(f"  {name}: {concerned}")


def _again(run: Run, faults: Sequence[str], messages: int, seed: int) -> str:
    chosen = "".join(f" --fault {fault}" for fault in faults)
    return f"{run.fault}, again: --runs 1 --first {run.number} --seed {seed} --messages {messages}{chosen}"


main()
