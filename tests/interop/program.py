"""An SMPP program that others wrote, as a process: it takes orders and tells what happened, in JSON lines."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import pytest

from tests.e2e.patience import until

Event = dict[str, Any]


class Program:
    """`command`, run in `folder`; what it says is kept in `tmp_path`, `name` is what others call it.

    Used as a context, it leaves no process behind.
    """

    def __init__(
        self, tmp_path: Path, *command: str | Path, folder: Path | None = None, name: str = ""
    ) -> None:
        self.name = name
        self._command = command
        self._said = tmp_path / "said.jsonl"
        self._errors = tmp_path / "errors"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it."""
        with self._said.open("ab") as out, self._errors.open("ab") as err:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdin=subprocess.PIPE, stdout=out, stderr=err
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def tell(self, **order: object) -> None:
        """Give it an order."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def events(self, **fields: object) -> list[Event]:
        """What happened that has these fields."""
        events = [json.loads(line) for line in self._said.read_text("utf-8").splitlines()]
        return [event for event in events if fields.items() <= event.items()]

    def wait_for(self, count: int = 1, **fields: object) -> Event:
        """Wait until that happened `count` times; the last one."""

        def look() -> list[Event]:
            errors = self._errors.read_text("utf-8")
            assert not errors, errors
            return self.events(**fields)[count - 1 :]

        return until(look, f"{count} {fields} of {self._command}")[-1]


def lacking(what: str) -> NoReturn:
    """Skip a test whose program is not installed here; CI has to have it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed")
    pytest.skip(f"{what} is not installed")
