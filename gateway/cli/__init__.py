"""The command line: one click command or group a file, each imported when it is called for.

Imports are nearly all that a command's start takes, and `signet send` needs no database.
"""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = {
    "account": ("gateway.cli.account", "account"),
    "audit": ("gateway.cli.audit", "audit"),
    "broadcast": ("gateway.cli.broadcast", "broadcast"),
    "check": ("gateway.cli.check", "check"),
    "complaint": ("gateway.cli.complaint", "complaint"),
    "demo": ("gateway.cli.demo", "demo"),
    "evidence": ("gateway.cli.evidence", "evidence"),
    "explain": ("gateway.cli.explain", "explain"),
    "legal-hold": ("gateway.cli.legal_hold", "legal_hold"),
    "policy": ("gateway.cli.policy", "policy"),
    "purge": ("gateway.cli.purge", "purge"),
    "recipients": ("gateway.cli.recipients", "recipients"),
    "run": ("gateway.cli.run", "run"),
    "send": ("gateway.cli.send", "send"),
    "simulate-carrier": ("gateway.cli.simulate", "simulate_carrier"),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="signet", message="%(prog)s %(version)s")
def main() -> None:
    """Signet, an SMPP gateway that holds every message to the contract its sender signed."""
