"""A newcomer's first steps with the real commands: a carrier, a gateway, money, a message, its receipt."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.config import PASSWORD, Config, free_port
from tests.e2e.customer import GREETING
from tests.e2e.gateway import SIGNET, Gateway


def test_a_message_and_its_receipt_pass_through_the_commands(tmp_path: Path) -> None:
    carrier_port = free_port()
    config = Config()
    config.account("bank", "mobile")
    config.carrier("mobile", carrier_port)
    here = ["-c", str(tmp_path / "config.toml")]
    simulate = ["simulate-carrier", "--port", str(carrier_port), "--ids", "mixed", "--show-text"]
    pay = ["account", "topup", "bank", "100", "--fen", "500", "--reference", "bank transfer 1", "--open"]
    credentials = ["--system-id", "bank", "--password", PASSWORD]
    send = ["send", "--port", str(config.port), *credentials, "--to", "13800138000", GREETING]

    with Gateway(tmp_path, config) as gateway, _signet(*simulate) as carrier:
        gateway.launch()
        with _signet(*pay, *here) as topup:
            assert "100" in _said(topup, 0)
        gateway.wait_for_health(200)
        with _signet(*send) as sent:
            assert "DELIVERED (err 000)" in _said(sent, 0)
        with _signet("account", "balance", "bank", "--json", *here) as balance:
            assert json.loads(_said(balance, 0)) == {
                "account": "bank",
                "topped_up": 100,
                "remaining": 99,
                "held": 0,
                "settled": 1,
                "returned": 0,
            }
        gateway.interrupt()
        assert gateway.exit_code() == 0
        carrier.send_signal(signal.SIGINT)
        assert GREETING in _said(carrier)


@contextmanager
def _signet(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that is dead afterwards, whatever happens."""
    with subprocess.Popen(
        [SIGNET, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _said(process: subprocess.Popen[str], exit_code: int | None = None) -> str:
    """What a command printed until its end."""
    printed, _ = process.communicate(timeout=30)
    assert exit_code in (None, process.returncode), printed
    return printed
