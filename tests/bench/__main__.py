"""`python -m tests.bench`: a gateway process between a customer and a carrier that this process plays.

Every message must get status 0, go to the carrier once and have its receipt once; if one does not, the
table says so and the exit status is 1. With `--direct` there is no gateway and the customer binds to the
carrier: that is what the benchmark itself can do.
"""

from __future__ import annotations

import gc
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from tests.bench.customer import Load
from tests.bench.figures import table
from tests.bench.link import BenchError
from tests.bench.run import Plan, run_direct, run_gateway

_CONTRACT_EXAMPLE = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
_SOURCE = "10690001"
_SEGMENT_UNITS = 67

_COUNT = click.IntRange(min=1)
_ABOVE_ZERO = click.FloatRange(min=0, min_open=True)


@click.command(context_settings={"show_default": True})
@click.option("--messages", type=_COUNT, default=50_000, help="How many texts to send.")
@click.option("--binds", type=_COUNT, default=4, help="The customer's binds.")
@click.option("--window", type=_COUNT, default=200, help="Unanswered submit_sm a bind.")
@click.option(
    "--rate", type=_ABOVE_ZERO, help="submit_sm a second over all binds.  [default: as fast as it goes]"
)
@click.option("--text", default=_CONTRACT_EXAMPLE, help="Sent as UCS-2; its 【signature】 is registered.")
@click.option(
    "--segments",
    type=click.IntRange(min=1, max=20),
    default=1,
    help="In how many submit_sm each message is sent; its text is as long.",
)
@click.option("--carrier-binds", type=_COUNT, default=2, help="The gateway's binds to the carrier.")
@click.option(
    "--receipt-delay-s", type=click.FloatRange(min=0), default=0.0, help="From response to receipt."
)
@click.option("--receipt-window", type=_COUNT, default=500, help="Unanswered receipts a carrier's bind.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where the gateway's new store is made and left.  [default: a temporary folder]",
)
@click.option("--direct", is_flag=True, help="Without a gateway: the customer binds to the carrier.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def main(
    context: click.Context,
    messages: int,
    binds: int,
    window: int,
    rate: float | None,
    text: str,
    segments: int,
    carrier_binds: int,
    receipt_delay_s: float,
    receipt_window: int,
    folder: Path | None,
    direct: bool,
    as_json: bool,
) -> None:
    """Measure a gateway from submit_sm to receipt, and check that every message fared as promised."""
    load = Load(_SOURCE, _stretched(text, segments), binds, window, rate, segments)
    plan = Plan(messages, load, carrier_binds, receipt_delay_s, receipt_window)
    gc.disable()  # nothing here is cyclic, and our pauses would be taken for the gateway's
    try:
        with tempfile.TemporaryDirectory(prefix="signet-bench-") as temporary:
            figures = run_direct(plan) if direct else run_gateway(plan, folder or Path(temporary))
    except BenchError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(asdict(figures), ensure_ascii=False))
    else:
        Console().print(table(figures))
    context.exit(1 if figures.faults else 0)


def _stretched(text: str, segments: int) -> str:
    """A text that takes so many segments and no more: what is added stands in its middle."""
    wanted = _SEGMENT_UNITS * segments if segments > 1 else 0
    middle = len(text) // 2
    return text[:middle] + "一" * (wanted - len(text)) + text[middle:]


main()
