from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

SEND = "from gateway.cli.send import send; send()"
SIMULATE = "from gateway.cli.simulate import simulate_carrier; simulate_carrier()"


@pytest.fixture
def carrier_process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SIMULATE, "--port", "0", "--receipt-delay", "0", "--password", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_two_commands_work_with_each_other(carrier_process: subprocess.Popen[str]) -> None:
    assert carrier_process.stdout is not None
    port = carrier_process.stdout.readline().rpartition(":")[2].strip()

    def run(password: str, destination: str) -> subprocess.CompletedProcess[str]:
        options = ["--port", port, "--system-id", "demo", "--password", password, "--to", destination]
        command = [sys.executable, "-c", SEND, *options, "hi"]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    delivered = run("demo", "13800000000")
    assert (delivered.returncode, delivered.stderr) == (0, "")
    assert "DELIVERED" in delivered.stdout
    refused = run("other", "13800000000")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "signet send: bind refused: ESME_RINVPASWD\n"
    carrier_process.send_signal(signal.SIGINT)
    assert "13800000000  ESME_ROK" in carrier_process.stdout.read()
    carrier_process.wait(timeout=30)
