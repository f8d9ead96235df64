"""`signet policy`: the rules, looked at by themselves."""
"""`signet policy`: the rules, tried out."""

from __future__ import annotations

import click

from gateway.cli.policy_probe import test
from gateway.cli.policy_replay import replay


@click.group()
def policy() -> None:
    """Find out how good the rules are."""


policy.add_command(test)
    """The rules of texts: what others would have said."""


policy.add_command(replay)
