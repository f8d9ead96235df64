"""What commands that need the configuration share: its option, and settings or a list of what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click
from rich.text import Text

from gateway import open_files
from gateway.cli.output import console
from gateway.cli.times import today
from gateway.config.loading import load
from gateway.config.problem import ConfigError, Problem, did_you_mean
from gateway.config.warnings import warnings
from gateway.settings import Account, Settings

CONFIG_EXIT = 2

config_option = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("config.toml"),
    envvar="SIGNET_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)


def settings_or_exit(path: Path) -> Settings:
    """The settings in the file; or every problem on stderr and exit code 2."""
    try:
        return load(path)
    except ConfigError as error:
        show_problems(path, error)
        sys.exit(CONFIG_EXIT)


def account_named(name: str, settings: Settings) -> Account:
    """The account of that name; a usage error if there is none."""
    accounts = {account.name: account for account in settings.accounts.values()}
    if name not in accounts:
        hint = did_you_mean(name, accounts)
        raise click.BadParameter(f'there is no account "{name}"' + (f"; {hint}" if hint else ""))
    return accounts[name]


def show_problems(path: Path, error: ConfigError) -> None:
    """Print each problem: its place, what is wrong, and what to write instead where that is known."""
    count = len(error.problems)
    console(stderr=True).print(Text(f"{path}: {count} problem{'s' if count > 1 else ''}", "bold red"))
    show_each(error.problems)


def show_warnings(path: Path, settings: Settings) -> None:
    """Print what to think over in good settings, if there is anything."""
    found = list(warnings(settings, open_files.at_most(), today(settings.zone)))
    if found:
        count = len(found)
        console(stderr=True).print(Text(f"{path}: {count} warning{'s' if count > 1 else ''}", "bold yellow"))
        show_each(found)


def show_each(problems: Iterable[Problem]) -> None:
    """Print each of these on stderr."""
    output = console(stderr=True)
    for problem in problems:
        owner = f" ({problem.owner})" if problem.owner else ""
        output.print(Text.assemble("  ", (problem.path, "bold"), f"{owner} {problem.message}"))
        if problem.hint:
            output.print(Text(f"      {problem.hint}", "dim"))
