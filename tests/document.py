"""A page of `docs/` as its test reads it: its tables, and the tests that it names."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
_TEST = re.compile(r"`([\w/]+\.py)::([\w:]+)`")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SHOWN_BY = "| shown by |"


class Document:
    """The page `name`, in Markdown. Names of tests stand in it as pytest has them, below `tests/`."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / "docs" / name).read_text("utf-8")

    def rows(self, first_heading: str) -> list[list[str]]:
        """The cells of each row of the table whose first columns are headed so."""
        lines = self.text.splitlines()
        (start,) = [number for number, line in enumerate(lines) if line.startswith(f"| {first_heading} |")]
        width = len(_cells(lines[start]))
        found = []
        for line in lines[start + 2 :]:
            if not line.startswith("|"):
                break
            found.append(_cells(line))
            assert len(found[-1]) == width, line
        return found

    def check_tests(self) -> None:
        """See that every test that is named exists."""
        named = _TEST.findall(self.text)
        assert [(path, name) for path, name in named if name not in _names_in(path)] == []
        assert len(named) == self.text.count(".py::")

    def check_tables(self, *others: str) -> None:
        """See that every line of a table that shows something names a test, or one of `others`."""
        width = 0
        for line in self.text.splitlines():
            if line.endswith(_SHOWN_BY):
                width = len(_cells(line))
            elif not line.startswith("|"):
                width = 0
            elif width and not line.startswith("|---"):
                assert len(_cells(line)) == width, line
                assert _TEST.search(line) or any(other in line for other in others), line


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@lru_cache
def _names_in(path: str) -> frozenset[str]:
    """The tests of a file, as pytest calls them."""
    found = []
    for node in ast.parse((ROOT / "tests" / path).read_text("utf-8")).body:
        if isinstance(node, _FUNCTIONS):
            found.append(node.name)
        elif isinstance(node, ast.ClassDef):
            found += [f"{node.name}::{each.name}" for each in node.body if isinstance(each, _FUNCTIONS)]
    return frozenset(found)
