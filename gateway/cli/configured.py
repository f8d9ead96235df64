"""What commands that need the configuration share: its option, and settings or a list of what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.text import Text

from gateway.cli.output import console
from gateway.config import load
from gateway.config_problem import ConfigError
from gateway.settings import Settings

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


def show_problems(path: Path, error: ConfigError) -> None:
    """Print each problem: its place, what is wrong, and what to write instead where that is known."""
    output = console(stderr=True)
    count = len(error.problems)
    output.print(Text(f"{path}: {count} problem{'s' if count > 1 else ''}", "bold red"))
    for problem in error.problems:
        owner = f" ({problem.owner})" if problem.owner else ""
        output.print(Text.assemble("  ", (problem.path, "bold"), f"{owner} {problem.message}"))
        if problem.hint:
            output.print(Text(f"      {problem.hint}", "dim"))
