"""A configuration file: settings, or a ConfigError that names every problem; never anything else.

`corpus/config` holds files, good ones and bad ones.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.config.loading import load
from gateway.config.problem import ConfigError, Problem
from gateway.settings import Settings


def target(data: bytes) -> None:
    """One file."""
    with TemporaryDirectory(prefix="signet-fuzz-") as folder:
        path = Path(folder) / "config.toml"
        path.write_bytes(data)
        found = _load(path)
        assert _load(path) == found, "the same file means the same"
    if isinstance(found, Settings):
        assert found.accounts
        assert found.carriers
        assert found.routes
        return
    assert found
    assert all(problem.message for problem in found)


def _load(path: Path) -> Settings | tuple[Problem, ...]:
    try:
        return load(path)
    except ConfigError as error:
        return error.problems
