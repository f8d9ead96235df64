from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.store.engine import open_engine
from tests.gateway.store.database import open_quickly, wipe
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import Rig


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its schema and nothing else; migrating takes longer than copying."""
    path = tmp_path_factory.mktemp("empty") / "signet.db"
    open_engine(path).dispose()
    return path


@pytest.fixture
def path(tmp_path: Path, empty_database: Path) -> Path:
    """A database of the test's own."""
    return Path(shutil.copy(empty_database, tmp_path))


@pytest.fixture(scope="session")
def shared_engine(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_quickly(Path(shutil.copy(empty_database, tmp_path_factory.mktemp("shared"))))
    yield engine
    engine.dispose()


@pytest.fixture
def engine(shared_engine: Engine) -> Engine:
    """A database without a row. It is shared, because each engine compiles every statement anew."""
    wipe(shared_engine)
    return shared_engine


@pytest.fixture
def rig(engine: Engine) -> Iterator[Rig]:
    """A store; whatever the test does to it, the invariants hold afterwards."""
    rig = Rig(engine)
    yield rig
    check(engine)
    rig.close()
