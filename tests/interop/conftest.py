"""One gateway for all of these tests, between stock customers and carriers that others wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.e2e.carrier import Carrier
from tests.e2e.config import Config, free_port
from tests.e2e.gateway import Gateway
from tests.interop.smsc import Smsc

HERE = Path(__file__).parent
NODE = shutil.which("node")
NPM = shutil.which("npm")


@pytest.fixture(scope="session")
def carrier() -> Iterator[Carrier]:
    """An SMSC of ours, for what a customer sees."""
    with Carrier(free_port()) as carrier:
        yield carrier


@pytest.fixture(scope="session")
def smpp34_smsc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smsc]:
    """The SMSC on PyPI's smpp34."""
    with Smsc(tmp_path_factory.mktemp("smpp34"), sys.executable, HERE / "smpp34_smsc.py") as smsc:
        yield smsc


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest) -> Path | None:
    """Where npm has put its smpp: installed once, and again when the lock file changes; None without npm."""
    if NODE is None or NPM is None:
        return None
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("node_smsc")
    lock = HERE / "node_smsc" / "package-lock.json"
    installed = folder / "installed.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        for path in (lock, lock.with_name("package.json")):
            shutil.copy(path, folder)
        subprocess.run([NPM, "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        shutil.copy(lock, installed)
    return folder


@pytest.fixture(scope="session")
def started_node_smsc(
    tmp_path_factory: pytest.TempPathFactory, node_modules: Path | None
) -> Iterator[Smsc | None]:
    """The SMSC on npm's smpp; None where there is no node."""
    if node_modules is None or NODE is None:
        yield None
        return
    folder = tmp_path_factory.mktemp("node")
    with Smsc(folder, NODE, HERE / "node_smsc" / "smsc.js", folder=node_modules) as smsc:
        yield smsc


@pytest.fixture
def node_smsc(started_node_smsc: Smsc | None) -> Smsc:
    """The same, for the tests that need it."""
    if started_node_smsc is None:
        missing = "node and npm are not installed"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return started_node_smsc


@pytest.fixture(scope="session")
def gateway(
    tmp_path_factory: pytest.TempPathFactory,
    carrier: Carrier,
    smpp34_smsc: Smsc,
    started_node_smsc: Smsc | None,
) -> Iterator[Gateway]:
    """A gateway with an account for every situation."""
    config = Config()
    config.carrier("own", carrier.port)
    config.account("bank", "own", "binds_max = 20")
    config.account("standard", "own", 'statuses = "standard"')
    config.account("sender", "own", 'source_addrs = ["10690001"]')
    config.account("closed", "own", hours=_closed_now())
    config.account("poor", "own")
    config.account("slow", "own", "throttle = { rate_per_s = 0, burst = 1 }")
    config.account("asked", "own", "timers = { enquire_link_s = 0.2, response_s = 0.4 }")
    config.account("idle", "own", "timers = { inactivity_s = 0.3 }")
    config.account("single", "own", "binds_max = 1")
    config.carrier("rust", smpp34_smsc.port, "timers = { enquire_link_s = 0.3, unbind_s = 0.5 }")
    config.account("rust", "rust", 'source_addrs = ["10690034"]')
    paid = ["bank", "standard", "sender", "closed", "slow", "rust"]
    carriers = 2
    if started_node_smsc is not None:
        paid.append("node")
        carriers = 3
        config.carrier("node", started_node_smsc.port, "timers = { enquire_link_s = 0.3 }")
        config.account("node", "node", 'source_addrs = ["10690020"]')
        config.carrier("locked", started_node_smsc.port, password="verkehrt")
    with Gateway(tmp_path_factory.mktemp("gateway"), config) as gateway:
        for account in paid:
            gateway.top_up(account, 1000)
        gateway.start()
        gateway.wait_for_event("carrier.bound", carriers)
        yield gateway


def _closed_now() -> str:
    """Hours of sending, in the operator's zone, that are not now and do not begin during the tests."""
    shanghai = timezone(timedelta(hours=8))
    return 'hours.open = "{}"\nhours.close = "{}"'.format(
        *(("20:00", "21:00") if datetime.now(shanghai).hour < 12 else ("06:00", "07:00"))
    )
