"""The hostile peers' process: an attack for each line that it is told, and what it counted as a line of JSON.

It gives way to the gateway and the good customers: real attackers have machines of their own.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

from tests.hostile.attacks import ATTACKS

_NICENESS = 10
_START_S = 30.0
_END_S = 30.0


class Attacker:
    """The process, from `with` to its end."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.hostile.attacker"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._line(_START_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process as process:
            process.kill()

    def begin(self, name: str, port: int, seconds: float) -> None:
        """Attack from now on."""
        assert self._process.stdin is not None
        print(name, port, seconds, file=self._process.stdin, flush=True)

    def result(self) -> dict[str, int]:
        """Wait for the end of the attack; what it counted."""
        counted: dict[str, int] = json.loads(self._line(_END_S))
        return counted

    def freeze(self) -> None:
        """Stop the process: its connections stay, and nobody is behind them."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def _line(self, within_s: float) -> str:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], within_s)
        assert ready, f"the attacker has said nothing for {within_s:g} s"
        return self._process.stdout.readline()


def _attack_as_told() -> None:
    os.nice(_NICENESS)
    print("{}", flush=True)
    for line in sys.stdin:
        name, port, seconds = line.split()
        count = ATTACKS[name](int(port), time.monotonic() + float(seconds))
        print(json.dumps(count), flush=True)


if __name__ == "__main__":
    _attack_as_told()
