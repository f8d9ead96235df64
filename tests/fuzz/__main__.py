"""`python -m tests.fuzz [TARGET]...`: look for inputs that break a promise, one target after the other.

An input that fails is written to the folder, and the exit status is 1. Mend what it shows, and keep it in
`tests/fuzz/corpus` under a name that says what it is: from then on `make test` runs it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.status import Status

from tests.fuzz import targets
from tests.fuzz.run import Progress, run


@click.command(context_settings={"show_default": True})
@click.argument("names", nargs=-1, metavar="[TARGET]...", type=click.Choice(targets.NAMES))
@click.option("--seconds", type=click.IntRange(min=1), default=60, help="For each target.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/fuzz"),
    help="Where inputs that reach new code are kept for the next time, and those that fail.",
)
@click.pass_context
def main(context: click.Context, names: tuple[str, ...], seconds: int, folder: Path) -> None:
    """Fuzz these targets, or all."""
    console = Console(highlight=False)
    failed = False
    for name in names or targets.NAMES:
        with console.status(f"{name}: starting") as status:
            result = run(name, seconds, folder, partial(_tell, status, name))
        end = "failed" if result.crashes else "passed"
        console.print(f"{_line(name, result.progress)}, {end}")
        if result.crashes:
            failed = True
            console.print(result.output, markup=False)
            for crash in result.crashes:
                console.print(f"{name} fails on {crash}", markup=False)
    context.exit(1 if failed else 0)


def _tell(status: Status, name: str, progress: Progress) -> None:
    status.update(_line(name, progress))


def _line(name: str, progress: Progress) -> str:
    return (
        f"{name}: {progress.executions:,} executions, {progress.edges:,} edges reached,"
        f" {progress.inputs:,} inputs kept"
    )


if __name__ == "__main__":
    main()
