"""An SMSC that others wrote, as a process: it is told what to do in JSON lines, and tells what happened.

What becomes of a message is decided by the last two digits of its destination, as with `signet
simulate-carrier`: 01 is undeliverable, 08 refused, 58 throttled once, 77 answers TD; any other is delivered.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e.config import free_port
from tests.e2e.patience import until

Event = dict[str, Any]


class Smsc:
    """`command`, run in `folder`, with a port as its last argument; what it says is kept in `tmp_path`.

    Used as a context, it leaves no process behind.
    """

    def __init__(self, tmp_path: Path, *command: str | Path, folder: Path | None = None) -> None:
        self.port = free_port()
        self._command = [*command, str(self.port)]
        self._said = tmp_path / "smsc.jsonl"
        self._errors = tmp_path / "smsc.err"
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
        """Start it, on the port it had."""
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

        return until(look, f"{count} {fields} at the SMSC")[-1]
