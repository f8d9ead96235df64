"""`signet policy`: the rules, tried out and looked at by themselves."""

from __future__ import annotations

import click

from gateway.cli.policy_probe import test
from gateway.cli.policy_replay import replay


@click.group()
def policy() -> None:
    """The rules of texts: how good they are, and what others would have said."""


policy.add_command(replay)
policy.add_command(test)
