"""The targets of the fuzzer by name: a function of octets that fails by raising, and what it starts from.

Each target is the `target` of the module of its name. A module is imported only when it is asked for, because
the fuzzer must watch the import to see which branches are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

Target = Callable[[bytes], None]

NAMES = ("framer", "session", "receipt", "segments", "text", "admission", "config")

_CORPUS = Path(__file__).parent / "corpus"


def load(name: str) -> Target:
    """The target of that name."""
    target: Target = import_module(f"tests.fuzz.{name}").target
    return target


def corpus_folder(name: str) -> Path:
    """Where the inputs of a target lie that are worth keeping."""
    return _CORPUS / name


def corpus(name: str) -> list[Path]:
    """The inputs of a target that are worth keeping, each named after what it is."""
    return sorted(corpus_folder(name).iterdir())
