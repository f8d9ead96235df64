"""An SMSC that others wrote.

What becomes of a message is decided by the last two digits of its destination, as with `signet
simulate-carrier`: 01 is undeliverable, 08 refused, 58 throttled once, 77 answers TD; any other is delivered.
"""

from __future__ import annotations

from pathlib import Path

from tests.e2e.config import free_port
from tests.interop.program import Program


class Smsc(Program):
    """A program that serves SMPP on `port`, the last argument of its command, however often it is started."""

    def __init__(self, tmp_path: Path, *command: str | Path, folder: Path | None = None) -> None:
        self.port = free_port()
        super().__init__(tmp_path, *command, str(self.port), folder=folder)
