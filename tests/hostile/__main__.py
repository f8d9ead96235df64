"""`python -m tests.hostile`: hostile customers against a gateway that has good ones, and what they achieve.

The exit status is 1 if good customers lost more than they may, or memory or log grew with an attack.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tests.hostile.attacks import ATTACKS
from tests.hostile.siege import Outcome, siege

_WIDTH = 140
_COLUMNS = ("rate kept", "p50", "p99", "new bind", "gateway CPU", "RSS", "log lines", "log")


@click.command(context_settings={"show_default": True})
@click.option("--seconds", type=click.FloatRange(min=1), default=5.0, help="How long each attack lasts.")
@click.option("--rate", type=click.FloatRange(min=10), default=300.0, help="Messages a second of the good.")
@click.argument("attacks", nargs=-1, type=click.Choice(list(ATTACKS)))
@click.pass_context
def main(context: click.Context, seconds: float, rate: float, attacks: Sequence[str]) -> None:
    """Attack a gateway in every way there is, or in those named."""
    console = Console()
    console.width = max(console.width, _WIDTH)
    gc.disable()  # our own pauses would be taken for the gateway's
    outcomes = []
    with (
        tempfile.TemporaryDirectory(prefix="signet-hostile-") as folder,
        siege(Path(folder), rate) as besieged,
        console.status("nobody attacks") as status,
    ):
        outcomes.append(besieged.quiet(seconds))
        for name in attacks or ATTACKS:
            status.update(f"{name}: {ATTACKS[name].__doc__}")
            outcomes.append(besieged.attack(name, seconds))
    console.print(_table(outcomes, rate))
    context.exit(any(outcome.harm for outcome in outcomes))


def _table(outcomes: Sequence[Outcome], rate: float) -> Table:
    table = Table(title=f"{rate:,.0f} messages/s of good customers")
    table.add_column("attack")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    table.add_column("harm")
    for outcome in outcomes:
        kept = outcome.kept
        table.add_row(
            outcome.attack or "none",
            f"{kept.answered_per_s / kept.offered_per_s:.0%}",
            f"{kept.p50_ms:,.0f} ms",
            f"{kept.p99_ms:,.0f} ms",
            "refused" if outcome.new_bind_s is None else f"{outcome.new_bind_s * 1000:,.0f} ms",
            f"{outcome.cpu_share:.0%}",
            f"{outcome.rss_growth_mib:+.1f} MiB",
            f"{outcome.log_lines:,}",
            f"{outcome.log_octets / 1024:,.0f} KiB",
            "; ".join(outcome.harm) or "-",
        )
    return table


main()
