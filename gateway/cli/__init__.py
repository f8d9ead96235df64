"""The command line: one click command or group a file, gathered here."""

from __future__ import annotations

import click

from gateway.cli.account import account
from gateway.cli.check import check
from gateway.cli.demo import demo
from gateway.cli.run import run
from gateway.cli.send import send
from gateway.cli.simulate import simulate_carrier


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="signet", message="%(prog)s %(version)s")
def main() -> None:
    """Signet, an SMPP gateway that holds every message to the contract its sender signed."""


main.add_command(account)
main.add_command(check)
main.add_command(demo)
main.add_command(run)
main.add_command(send)
main.add_command(simulate_carrier)
