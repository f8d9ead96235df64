"""`signet policy`: the rules, looked at by themselves."""

from __future__ import annotations

import click

from gateway.cli.policy_probe import test


@click.group()
def policy() -> None:
    """Find out how good the rules are."""


policy.add_command(test)
