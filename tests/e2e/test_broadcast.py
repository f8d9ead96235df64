"""A broadcast with the real commands: handed in, and sent by a gateway that is killed meanwhile."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from typing import Any
from zoneinfo import ZoneInfo

from click.testing import CliRunner

from gateway.cli import main
from tests.e2e.config import Config, free_port
from tests.e2e.customer import GREETING
from tests.e2e.gateway import SIGNET, Gateway
from tests.e2e.patience import until

RECIPIENTS = 300


def test_a_broadcast_is_sent_whole_although_the_gateway_is_killed(tmp_path: Path) -> None:
    carrier_port = free_port()
    config = Config(limits="batch_max = 50")
    config.account("bank", "mobile")
    config.carrier("mobile", carrier_port, "rate = { rate_per_s = 100.0, burst = 10 }")
    simulate = ["simulate-carrier", "--port", str(carrier_port), "--receipt-delay", "0"]
    with _signet(*simulate), Gateway(tmp_path, config) as gateway:
        gateway.top_up("bank", 1000)
        _hand_in(tmp_path)
        gateway.start()
        until(lambda: _counted(tmp_path)["messages"] > 20, "some to be accepted", within_s=60.0)
        gateway.kill()
        assert _counted(tmp_path)["messages"] < RECIPIENTS
        gateway.start()
        until(lambda: not _counted(tmp_path)["running"], "the end of the broadcast", within_s=120.0)
        until(lambda: _counted(tmp_path)["open"] <= 10, "the receipts", within_s=60.0)
        assert gateway.stop() == 0
        shown = _shown(tmp_path)
        assert shown["waiting"] == shown["refused"] == {}
        assert sum(shown["messages"].values()) == RECIPIENTS
        # What was with the carrier at the kill is in doubt, and some numbers have other ends there.
        assert shown["messages"]["DELIVERED"] > RECIPIENTS - 30
        assert _counted(tmp_path)["numbers"] == _counted(tmp_path)["messages"] == RECIPIENTS
    assert CliRunner().invoke(main, ["audit", "-c", str(tmp_path / "config.toml")]).exit_code == 0


def _hand_in(folder: Path) -> None:
    """The day before it begins."""
    path = folder / "recipients.csv"
    path.write_text("number\n" + "\n".join(f"138{n:08d}" for n in range(RECIPIENTS)), "utf-8")
    starts = datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(days=1, minutes=1)
    submit = ["submit", "bank", str(path), "--text", GREETING, "--at", starts.isoformat()]
    done = _broadcast(folder, *submit)
    assert "broadcast 1: scheduled" in done
    day_ms = 86_460_000
    with closing(sqlite3.connect(folder / "signet.db")) as database, database:
        # The day goes by.
        database.execute(
            "UPDATE broadcast SET handed_in_at = handed_in_at - ?1, starts_at = starts_at - ?1, "
            "deadline_at = deadline_at - ?1, forecast_at = forecast_at - ?1",
            (day_ms,),
        )


def _shown(folder: Path) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(_broadcast(folder, "show", "1", "--json"))
    return shown


def _broadcast(folder: Path, *arguments: str) -> str:
    done = CliRunner().invoke(main, ["broadcast", *arguments, "-c", str(folder / "config.toml")])
    assert done.exit_code == 0, done.output
    return done.stdout


def _counted(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "signet.db", timeout=5)) as database:
        return {
            name: database.execute(query).fetchone()[0]
            for name, query in {
                "running": "SELECT count(*) FROM broadcast WHERE finished_at IS NULL",
                "messages": "SELECT count(*) FROM message",
                "numbers": "SELECT count(DISTINCT destination_addr) FROM message",
                "open": "SELECT count(*) FROM message WHERE final_at IS NULL",
            }.items()
        }


@contextmanager
def _signet(*arguments: str) -> Iterator[None]:
    """A command that is dead afterwards, whatever happens."""
    with Popen([SIGNET, *arguments], stdout=PIPE, stderr=STDOUT) as process:
        try:
            yield
        finally:
            process.kill()
