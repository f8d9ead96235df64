"""One gateway for all of these tests, between stock customers and carriers that others wrote."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path

import pytest

from tests.e2e.carrier import Carrier
from tests.e2e.config import Config, free_port
from tests.e2e.gateway import Gateway
from tests.interop.program import Program, lacking
from tests.interop.smsc import Smsc
from tests.interop.wiretap import Recording, Wiretap

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NODE = shutil.which("node")
NPM = shutil.which("npm")
PERL = shutil.which("perl")
SMPP34_SMSC = (sys.executable, "-m", "tests.interop.smpp34_smsc")

_NUMBERS = count(13912340000)

_RUST = 'timers = { enquire_link_s = 0.3, unbind_s = 0.5 }\nlong_messages = "payload"'


@pytest.fixture(scope="session")
def carrier() -> Iterator[Carrier]:
    """An SMSC of ours, for what a customer sees."""
    with Carrier(free_port()) as carrier:
        yield carrier


@pytest.fixture(scope="session")
def smpp34_smsc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smsc]:
    """The SMSC on PyPI's smpp34."""
    with Smsc(tmp_path_factory.mktemp("smpp34"), *SMPP34_SMSC, folder=ROOT) as smsc:
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
        lacking("node or npm")
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
    # aiosmpplib reads network_error_code as ASCII, and no receipt with an octet beyond.
    config.account("standard", "own", 'statuses = "standard"\nreceipts.network_error_code = false')
    config.account("sender", "own", 'source_addrs = ["10690001"]')
    config.account("closed", "own", hours=_closed_now())
    config.account("poor", "own")
    config.account("slow", "own", "throttle = { rate_per_s = 0, burst = 1 }")
    config.account("asked", "own", "timers = { enquire_link_s = 0.2, response_s = 0.4 }")
    config.account("curious", "own", "timers = { enquire_link_s = 0.2 }")
    config.account("idle", "own", "timers = { inactivity_s = 0.3 }")
    config.account("single", "own", "binds_max = 1")
    config.account("kannel", "own", 'source_addrs = ["10690060"]\ntimers = { enquire_link_s = 0.3 }')
    config.account("pair", "own")
    config.carrier("rust", smpp34_smsc.port, _RUST)
    config.account("rust", "rust", 'source_addrs = ["10690034"]')
    paid = ["bank", "standard", "sender", "closed", "slow", "curious", "kannel", "pair", "rust"]
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
        gateway.let_in("asked", "idle", "single", "poor")
        gateway.use_up("poor", 1)
        gateway.start()
        gateway.wait_for_event("carrier.bound", carriers)
        yield gateway


@pytest.fixture
def number() -> str:
    """A recipient of the test's own: a receipt that an earlier customer left unanswered comes to this one."""
    return str(next(_NUMBERS))


@pytest.fixture
def tap(gateway: Gateway) -> Iterator[Wiretap]:
    """A tap on the line of a customer to the gateway."""
    with Wiretap(gateway.port, Recording()) as tap:
        yield tap


@pytest.fixture(params=["npm smpp", "Net::SMPP", "smpp34", "aiosmpplib"])
def customer(request: pytest.FixtureRequest, tmp_path: Path, tap: Wiretap) -> Iterator[Program]:
    """A customer that others wrote, each in turn; see `customers`. It is told to bind by the test."""
    command, folder = _command(request.param, request)
    with Program(tmp_path, *command, str(tap.port), folder=folder, name=request.param) as program:
        yield program


def _command(name: str, request: pytest.FixtureRequest) -> tuple[list[str | Path], Path]:
    """How to run a customer, and where."""
    if name == "npm smpp":
        node_modules = request.getfixturevalue("node_modules")
        if NODE is None or node_modules is None:
            lacking("node or npm")
        return [NODE, HERE / "customers" / "node_smpp.js"], node_modules
    if name == "Net::SMPP":
        if PERL is None or subprocess.run([PERL, "-MNet::SMPP", "-e1"], capture_output=True).returncode:
            lacking("libnet-smpp-perl")
        return [PERL, HERE / "customers" / "net_smpp.pl"], ROOT
    module = {"smpp34": "rust_smpp34", "aiosmpplib": "aio_smpplib"}[name]
    return [sys.executable, "-m", f"tests.interop.customers.{module}"], ROOT


def _closed_now() -> str:
    """Hours of sending, in the operator's zone, that are not now and do not begin during the tests."""
    shanghai = timezone(timedelta(hours=8))
    return 'hours.open = "{}"\nhours.close = "{}"'.format(
        *(("20:00", "21:00") if datetime.now(shanghai).hour < 12 else ("06:00", "07:00"))
    )
