"""`python -m tests.fuzz.worker TARGET [libFuzzer's arguments]`: one target under atheris, to its end."""

from __future__ import annotations

import sys

import atheris

from tests.fuzz import targets


def main() -> None:
    """Watch the branches that the product takes, and fuzz."""
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["smpp", "policy", "gateway", "tomllib"]):
        target = targets.load(name)
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


main()
