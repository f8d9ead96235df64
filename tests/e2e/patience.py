"""Waiting for another process: look again and again, but not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_LOOK_S = 0.01


def until(look: Callable[[], Found | None], what: str, within_s: float = 15.0) -> Found:
    """The first true thing that `look` returns; AssertionError that names `what` if there is none in time."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(_LOOK_S)
