"""The gateway under test: a real `signet run` process with a configuration and a store of its own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.customer import Load
from tests.bench.link import BenchError

SYSTEM_ID = PASSWORD = "bench"
SIGNET = Path(sys.executable).with_name("signet")

_CONFIG = """
[gateway]
store = "signet.db"

[listen]
port = {port}

[admin]
port = 0

[log]
level = "warning"

[[accounts]]
name = "bench"
system_id = "bench"
password = "bench"
signatures = [{signature}]
binds_max = {binds}
window_max = {window}
delivery_window_max = {window}
queue_max = 10_000_000
throttle = {{ rate_per_s = 1_000_000, burst = 1_000_000 }}

[accounts.contract]
number = "BENCH-0001"
customer = "bench"
operator = "bench"
signed_on = 2020-01-01

[[accounts.hours.exceptions]]
note = "五(5): measured at any hour"

[[carriers]]
name = "bench"
host = "127.0.0.1"
port = {carrier_port}
system_id = "bench"
password = "bench"
binds = {carrier_binds}
window_max = {carrier_window}

[[routes]]
carriers = ["bench"]
"""


class Gateway:
    """A gateway process in `folder`, from `with` to its end; `port` is where customers bind."""

    def __init__(self, folder: Path, load: Load, *, carrier_port: int, carrier_binds: int) -> None:
        self.port = _free_port()
        self._config = folder / "config.toml"
        self._log = folder / "signet.log"
        signature = re.search("【(.+)】", load.text)
        self._config.write_text(
            _CONFIG.format(
                port=self.port,
                signature=json.dumps(signature[1] if signature else "bench", ensure_ascii=False),
                binds=load.binds,
                window=load.window,
                carrier_port=carrier_port,
                carrier_binds=carrier_binds,
                carrier_window=max(10, 4 * load.window * load.binds // carrier_binds),
            )
        )

    def top_up(self, units: int) -> None:
        """Give the account units to send. Raises BenchError if it cannot be done."""
        paid = "--fen", str(units * 5), "--reference", "bench"
        self._signet("account", "topup", "bench", str(units), *paid, "--open")

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([SIGNET, "run", "-c", self._config], stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def listening(self) -> bool:
        """Whether the port takes connections. Raises BenchError if the process has ended."""
        if self._process.poll() is not None:
            raise BenchError(f"signet run ended with {self._process.returncode}:\n{self.log_tail()}")
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    @property
    def cpu_s(self) -> float:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def rss_max_mib(self) -> float:
        """The most memory it has held."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(peak[1]) / 1024 if peak else 0.0

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    @property
    def stopped(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def log_tail(self) -> str:
        """The last lines it logged."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])

    def _signet(self, *arguments: str) -> None:
        done = subprocess.run(
            [SIGNET, *arguments, "-c", self._config], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchError(f"signet {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
