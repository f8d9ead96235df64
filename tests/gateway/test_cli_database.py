"""The database as commands open it, beside a gateway that runs on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from gateway.store.engine import connect
from gateway.store.lock import StoreLock
from tests.gateway.test_cli_account import Signet, signet, told, topup

__all__ = ["signet"]


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A database of an older version."""
    path = tmp_path / "var" / "signet.db"
    path.parent.mkdir()
    engine = connect(path, busy_timeout_s=0.0)
    config = Config()
    config.set_main_option("script_location", "gateway.store:migrations")
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
    engine.dispose()
    return path


def revision(path: Path) -> str:
    engine = connect(path, busy_timeout_s=0.0)
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    engine.dispose()
    return str(found)


def test_the_schema_is_left_alone_while_an_older_gateway_runs_on_it(signet: Signet, older: Path) -> None:
    lock = StoreLock(older)
    refused = topup(signet, 10, 50, "a")
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"Error: the gateway that runs on {older} is of an older version (its schema is 0007): "
        "restart it with this one first\n"
    )
    assert revision(older) == "0007"
    lock.release()
    assert told(topup(signet, 10, 50, "a"))["remaining"] == 10
    assert revision(older) > "0007"


def test_the_schema_is_brought_up_to_date_where_no_gateway_runs(signet: Signet, older: Path) -> None:
    assert told(topup(signet, 10, 50, "a"))["remaining"] == 10
    StoreLock(older).release()


def test_a_gateway_of_this_version_is_in_nobody_s_way(signet: Signet, tmp_path: Path) -> None:
    topup(signet, 10, 50, "a")
    lock = StoreLock(tmp_path / "var" / "signet.db")
    assert told(topup(signet, 10, 50, "b"))["remaining"] == 20
    lock.release()
