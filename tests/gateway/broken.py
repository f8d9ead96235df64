"""Collaborators that raise when they are told something."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NoReturn


class Broken(RuntimeError):
    """A defect, somewhere."""


# Any: whatever it is told.
def broken(*args: Any, **kwargs: Any) -> NoReturn:
    """Stands in for any call."""
    raise Broken


def broken_counts() -> defaultdict[Any, int]:
    """Stands in for the counters of a metric."""
    return defaultdict(broken)
