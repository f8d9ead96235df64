from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from tests.ledger.database import open_ledger


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A ledger of the test's own, for tests that commit."""
    engine = open_ledger(tmp_path / "ledger.db")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db")
    yield engine
    engine.dispose()


@pytest.fixture
def conn(shared_engine: Engine) -> Iterator[Connection]:
    """An open transaction on an empty ledger, rolled back after the test."""
    with shared_engine.connect() as conn:
        yield conn
        conn.rollback()
