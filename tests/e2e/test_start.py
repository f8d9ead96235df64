"""What keeps a gateway from starting is told in one line on stderr, and nothing is left running.

The gateways that cannot start are started together, for nearly all of their time goes into Python's imports.
"""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.store.engine import open_engine
from tests.e2e.carrier import Carrier
from tests.e2e.config import Config, free_port
from tests.e2e.customer import GREETING, Customer
from tests.e2e.gateway import SIGNET, Gateway

Ended = subprocess.CompletedProcess[str]
# What is to be written into a folder, given a gateway that runs well in another one.
Trouble = Callable[[Path, Gateway], Config]


def _config(store: str = "signet.db", carrier_port: int = 0) -> Config:
    config = Config(store=store, log_level="error")
    config.account("bank", "mobile")
    config.carrier("mobile", carrier_port or free_port())
    return config


def a_mistake_in_the_configuration(folder: Path, healthy: Gateway) -> Config:
    config = _config()
    config.limits = "drain_seconds = 3"
    return config


def a_folder_that_nobody_may_write(folder: Path, healthy: Gateway) -> Config:
    return _config(store="/proc/signet.db")  # not even root makes files there


def a_file_that_is_no_database(folder: Path, healthy: Gateway) -> Config:
    (folder / "signet.db").write_text("尊敬的客户" * 1000, "utf-8")
    return _config()


def a_schema_from_a_newer_version(folder: Path, healthy: Gateway) -> Config:
    open_engine(folder / "signet.db").dispose()
    database = sqlite3.connect(folder / "signet.db")
    with database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    return _config()


def another_gateway_on_the_database(folder: Path, healthy: Gateway) -> Config:
    return _config(store=str(healthy.folder / "signet.db"))


def a_port_in_use(folder: Path, healthy: Gateway) -> Config:
    config = _config()
    config.port = healthy.port
    return config


TOLD: dict[Trouble, str] = {
    a_mistake_in_the_configuration: (
        "{folder}/config.toml: 1 problem\n"
        "  limits.drain_seconds is not a known key\n"
        '      did you mean "drain_s"?\n'
    ),
    a_folder_that_nobody_may_write: (
        "Error: cannot use the database /proc/signet.db: /proc/signet.db.lock: No such file or directory\n"
    ),
    a_file_that_is_no_database: (
        "Error: cannot use the database {folder}/signet.db: file is not a database\n"
    ),
    a_schema_from_a_newer_version: (
        "Error: the database {folder}/signet.db has the schema of a newer version of signet "
        "(revision 9999); run that version, or restore a backup\n"
    ),
    another_gateway_on_the_database: (
        "Error: another gateway is running on the database {healthy.folder}/signet.db\n"
    ),
    a_port_in_use: "Error: Couldn't listen on 127.0.0.1:{healthy.port}: [Errno 98] Address already in use.\n",
}


@pytest.fixture(scope="module")
def carrier() -> Iterator[Carrier]:
    with Carrier(free_port()) as carrier:
        yield carrier


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory, carrier: Carrier) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("healthy"), _config(carrier_port=carrier.port)) as gateway:
        gateway.top_up("bank", 100)
        gateway.start()
        yield gateway


@pytest.fixture(scope="module")
def ended(
    tmp_path_factory: pytest.TempPathFactory, healthy: Gateway
) -> Iterator[dict[Trouble, tuple[Path, Ended]]]:
    """The end of every gateway that cannot start, with its folder."""
    with ExitStack() as stack:
        running = []
        for trouble in TOLD:
            folder = tmp_path_factory.mktemp(trouble.__name__)
            config_path = folder / "config.toml"
            config_path.write_text(trouble(folder, healthy).text(), "utf-8")
            process = stack.enter_context(
                subprocess.Popen(
                    [SIGNET, "run", "-c", config_path],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                )
            )
            stack.callback(process.kill)
            running.append((trouble, folder, process))
        yield {
            trouble: (folder, Ended([], process.wait(60), *process.communicate()))
            for trouble, folder, process in running
        }


@pytest.mark.parametrize("trouble", TOLD, ids=lambda trouble: trouble.__name__)
def test_what_keeps_a_gateway_from_starting_is_told_in_one_line(
    trouble: Trouble, ended: dict[Trouble, tuple[Path, Ended]], healthy: Gateway
) -> None:
    folder, end = ended[trouble]
    assert end.stderr == TOLD[trouble].format(folder=folder, healthy=healthy)
    assert end.stdout == ""
    assert end.returncode == (2 if trouble is a_mistake_in_the_configuration else 1)


def test_a_mistake_in_the_configuration_leaves_the_folder_as_it_was(
    ended: dict[Trouble, tuple[Path, Ended]],
) -> None:
    folder, _ = ended[a_mistake_in_the_configuration]
    assert [path.name for path in folder.iterdir()] == ["config.toml"]


def test_a_gateway_is_not_disturbed_by_those_that_could_not_start(
    ended: dict[Trouble, tuple[Path, Ended]], healthy: Gateway, carrier: Carrier
) -> None:
    with Customer(healthy.port, "bank") as customer:
        message_id = customer.accepted(GREETING, "13800000000")
        carrier.report(carrier.wait_for_one("13800000000"))
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"
