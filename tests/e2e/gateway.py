"""A gateway as its operator has it: a `signet run` process, its files in a folder, its admin port."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from click.testing import CliRunner

from gateway.cli import main
from gateway.config.loading import load
from gateway.store.engine import open_engine
from ledger import sql
from ledger.lots import Lot
from ledger.standing import open_account
from tests.e2e.config import Config
from tests.e2e.patience import until

SIGNET = Path(sys.executable).with_name("signet")

Balance = dict[str, Any]


class Gateway:
    """A gateway in `folder`; start it, end it, start it again: the folder is what stays.

    `under` is the command that runs the next process, as `strace -D` does, and leaves it our child. Used as a
    context, it leaves no process behind.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self.under: Sequence[str | Path] = ()
        self.folder = folder
        self.port = config.port
        self.admin_port = config.admin_port
        self.config_path = folder / "config.toml"
        self.config_path.write_text(config.text(), encoding="utf-8")
        self._admin = f"http://127.0.0.1:{config.admin_port}"
        self._stdout = folder / "stdout"
        self._stderr = folder / "stderr"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()
        if error is not None:
            print(self.log)

    # -- the process

    def launch(self, *options: str) -> None:
        """Start it, and do not wait."""
        command: list[str | Path] = [*self.under, SIGNET, "run", "-c", self.config_path, *options]
        with self._stdout.open("ab") as out, self._stderr.open("ab") as err:
            self._process = subprocess.Popen(command, stdout=out, stderr=err)

    def start(self, *options: str, bound: bool = True) -> None:
        """Start it and wait until customers may bind; `bound`: and a carrier is bound, too."""
        self.launch(*options)
        self.wait_for_health(200 if bound else 503, 200)

    def kill(self) -> None:
        """End it as a power cut would."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self._running().terminate()

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        self._running().send_signal(signal.SIGINT)

    def exit_code(self, within_s: float = 30.0) -> int:
        """Wait for its end."""
        process = self._running()
        try:
            code = process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within_s} s") from None
        self._process = None
        return code

    def stop(self) -> int:
        """SIGTERM and its exit code."""
        self.ask_to_stop()
        return self.exit_code()

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process."""
        return self._running().pid

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process

    # -- what it says

    @property
    def stdout(self) -> str:
        """What all its lives have printed."""
        return self._stdout.read_text("utf-8")

    @property
    def log(self) -> str:
        """What all its lives have logged, and their errors."""
        return self._stderr.read_text("utf-8")

    def events(self, name: str) -> list[dict[str, Any]]:
        """Its log lines of that event."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def wait_for_event(self, name: str, count: int = 1) -> None:
        """Wait until it has logged an event so many times."""
        until(lambda: len(self.events(name)) >= count, f"{count} {name} in the log")

    def wait_for_health(self, *codes: int) -> None:
        """Wait until /health answers with one of these."""
        until(lambda: self._health() in codes, f"health {codes}", within_s=30.0)

    def _health(self) -> int:
        assert self.is_running, f"signet run has ended:\n{self.log}"
        try:
            with urllib.request.urlopen(f"{self._admin}/health", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def metric(self, name: str, **labels: str) -> float:
        """A number of /metrics; 0 for what has not been counted yet."""
        with urllib.request.urlopen(f"{self._admin}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        told = ",".join(f'{key}="{value}"' for key, value in labels.items())
        wanted = re.escape(f"signet_{name}{{{told}}}" if told else f"signet_{name}")
        found = re.search(rf"^{wanted} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    # -- the money

    def top_up(self, account: str, units: int) -> None:
        """`signet account topup`, and open it."""
        paid = "--fen", str(units * 5), "--reference", "transfer 1"
        self._account("topup", account, str(units), *paid, "--open")

    def let_in(self, *accounts: str) -> None:
        """Open accounts that pay for nothing but one unit, all at once."""
        engine = open_engine(load(self.config_path).store_path)
        with engine.begin() as connection:
            for lot_id, account in enumerate(accounts, 1):
                sql.topup(connection, Lot(lot_id, account, 1, 5, "transfer 1", 0))
                open_account(connection, account, 0)
        engine.dispose()

    def use_up(self, account: str, units: int) -> None:
        """`signet account adjust`: take its units away."""
        self._account("adjust", account, "--reason", "used", "--reference", "used", "--", str(-units))

    def balance(self, account: str) -> Balance:
        """`signet account balance --json`."""
        balance: Balance = json.loads(self._account("balance", account, "--json"))
        return balance

    def _account(self, command: str, *arguments: str) -> str:
        done = CliRunner().invoke(main, ["account", command, "-c", str(self.config_path), *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout
