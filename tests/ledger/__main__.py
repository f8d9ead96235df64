"""`python -m tests.ledger --histories 10000`: as many random histories as one has time for."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.progress import track

from tests.ledger.database import open_ledger
from tests.ledger.histories import History


@click.command()
@click.option("--histories", default=10_000, show_default=True, help="How many.")
@click.option("--first", default=0, show_default=True, help="The first seed.")
def main(histories: int, first: int) -> None:
    """Run them; the seed of one that fails is told."""
    with TemporaryDirectory() as folder:
        engine = open_ledger(Path(folder) / "ledger.db")
        for seed in track(range(first, first + histories), "histories"):
            try:
                History(engine, seed).run()
            except AssertionError as error:
                raise click.ClickException(f"history {seed}: {error}") from error
        engine.dispose()
    click.echo(f"{histories:,} histories agree to the unit")


main()
