"""How commands print: words as they are, folded to a terminal's width and never where there is none."""

from __future__ import annotations

import click
from rich.console import Console

_PIPE_WIDTH = 10_000

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def console(*, stderr: bool = False) -> Console:
    """A console on stdout or stderr that takes no markup: a customer may be called "[red]"."""
    output = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not output.is_terminal:
        output.width = _PIPE_WIDTH
    return output
