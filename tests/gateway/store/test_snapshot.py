"""A database is read as it is at one moment, live or copied, and is the same afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, func, select

from gateway.store import schema
from gateway.store.engine import StoreError, connect
from gateway.store.snapshot import snapshot

COUNTRY_CODE = "86"

bound_by_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")


def write(engine: Engine, epoch: int) -> None:
    """One row in one transaction, which stays in the log."""
    with engine.begin() as connection:
        connection.execute(schema.node.insert().values(node=epoch, epoch=epoch, started_at=0))


def rows(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(schema.node)).scalar_one())


def look(path: Path) -> int:
    with snapshot(path, COUNTRY_CODE) as connection:
        return rows(connection)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refusal(path: Path) -> str:
    """The one line that an operator gets."""
    with pytest.raises(StoreError) as caught:
        look(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


class TestALiveOne:
    def test_is_read_as_it_was_when_the_reading_began_and_goes_on(self, path: Path) -> None:
        engine = connect(path, busy_timeout_s=0.0)
        write(engine, 1)
        with snapshot(path, COUNTRY_CODE) as connection:
            assert rows(connection) == 1
            write(engine, 2)
            assert rows(connection) == 1
        assert look(path) == 2
        engine.dispose()

    def test_is_read_while_a_transaction_is_under_way(self, path: Path) -> None:
        engine = connect(path, busy_timeout_s=0.0)
        write(engine, 1)
        with engine.begin() as writing:
            writing.execute(schema.node.insert().values(node=2, epoch=2, started_at=0))
            assert look(path) == 1
        engine.dispose()

    def test_is_read_with_its_log_through_a_link_too(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "links").mkdir()
        link = tmp_path / "links" / "signet.db"
        link.symlink_to(path)
        engine = connect(path, busy_timeout_s=0.0)
        write(engine, 1)
        assert look(link) == 1
        engine.dispose()

    def test_cannot_be_written_to(self, path: Path) -> None:
        engine = connect(path, busy_timeout_s=0.0)
        write(engine, 1)
        with (
            pytest.raises(StoreError, match="attempt to write a readonly database"),
            snapshot(path, COUNTRY_CODE) as connection,
        ):
            connection.execute(schema.node.delete())
        assert look(path) == 1
        engine.dispose()


class TestACopy:
    @pytest.fixture
    def live(self, path: Path) -> Engine:
        """A database whose log has one row that is not in the file yet."""
        write(engine := connect(path, busy_timeout_s=0.0), 1)
        return engine

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "copy").mkdir()
        return tmp_path / "copy"

    def test_of_a_stopped_gateways_stays_as_it_is_and_alone(self, live: Engine, folder: Path) -> None:
        live.dispose()
        path = Path(shutil.copy(str(live.url.database), folder))
        before = files(folder)
        assert look(path) == 1
        assert files(folder) == before

    def test_with_its_log_is_read_with_what_the_log_has(self, live: Engine, folder: Path) -> None:
        for suffix in ("", "-wal"):
            shutil.copy(f"{live.url.database}{suffix}", folder)
        before = files(folder)
        assert look(folder / "signet.db") == 1
        assert {name: content for name, content in files(folder).items() if name in before} == before
        live.dispose()

    def test_without_its_log_is_read_as_the_file_alone_has_it(self, live: Engine, folder: Path) -> None:
        path = Path(shutil.copy(str(live.url.database), folder))
        assert look(path) == 0
        assert [file.name for file in folder.iterdir()] == ["signet.db"]
        live.dispose()

    def test_that_somebody_begins_to_write_to_is_not_believed(self, path: Path) -> None:
        def look_slowly() -> None:
            with snapshot(path, COUNTRY_CODE):
                engine = connect(path, busy_timeout_s=0.0)
                write(engine, 1)
                engine.dispose()

        with pytest.raises(StoreError, match="was written to while it was read"):
            look_slowly()

    @bound_by_permissions
    def test_in_a_folder_that_may_not_be_written_to(self, live: Engine, folder: Path) -> None:
        live.dispose()
        path = Path(shutil.copy(str(live.url.database), folder))
        folder.chmod(0o500)
        assert look(path) == 1

    @bound_by_permissions
    def test_with_a_log_needs_a_folder_that_may_be_written_to(self, live: Engine, folder: Path) -> None:
        for suffix in ("", "-wal"):
            shutil.copy(f"{live.url.database}{suffix}", folder)
        folder.chmod(0o500)
        assert refusal(folder / "signet.db").endswith(
            "unable to open database file; beside a log (signet.db-wal) its folder must be one that may be "
            "written to"
        )
        live.dispose()


class TestItSaysWhyItCannotBeRead:
    def test_no_file(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "signet.db") == f"there is no database {tmp_path / 'signet.db'}"
        assert list(tmp_path.iterdir()) == []

    def test_a_folder(self, tmp_path: Path) -> None:
        assert refusal(tmp_path) == f"there is no database {tmp_path}"

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "letter").write_text("to the editor\n" * 100)
        assert "file is not a database" in refusal(tmp_path / "letter")

    def test_a_database_of_somebody_elses(self, tmp_path: Path) -> None:
        path = tmp_path / "theirs.db"
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE theirs (id INTEGER)")
        database.close()
        assert refusal(path) == f"{path} is no database of signet"

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "signet.db").touch()
        assert refusal(tmp_path / "signet.db").endswith("is no database of signet")

    def test_a_schema_of_a_newer_version(self, path: Path) -> None:
        database = sqlite3.connect(path)
        with database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.close()
        assert "newer version of signet (revision 9999)" in refusal(path)

    def test_a_schema_of_an_older_version(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gateway.store.snapshot.ScriptDirectory.get_current_head", lambda self: "9999")
        line = refusal(path)
        assert "older version of signet" in line
        assert line.endswith("; `signet run` brings it up to date")

    def test_a_file_that_is_damaged(self, path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        assert "malformed" in refusal(path)


def test_a_path_is_a_path_whatever_is_in_it(path: Path) -> None:
    odd = Path(shutil.copy(path, path.with_name("a b?c=d%20#&短信.db")))
    assert look(odd) == 0


@pytest.mark.parametrize("addr", ["13800138000", "+8613800138000", "008613800138000"])
def test_numbers_are_compared_as_the_gateway_compares_them(path: Path, addr: str) -> None:
    with snapshot(path, COUNTRY_CODE) as connection:
        assert connection.execute(select(func.plain(addr))).scalar_one() == "13800138000"


@pytest.mark.parametrize(
    ("body", "esm_class"),
    [
        (b"\0\1\1138\0\1\110690001\0\x04\0\0", 4),
        (b"CMT\0\1\1138\0\0\0\0\x20\0\0", 0x20),
        (b"\0\1\1138\0\1\110690001\0", None),
        (b"", None),
        (b"\0", None),
        (b"\0\0\0\0\0\0\0", None),
    ],
)
def test_the_esm_class_of_a_deliver_sm_is_read_where_it_stands(
    path: Path, body: bytes, esm_class: int | None
) -> None:
    with snapshot(path, COUNTRY_CODE) as connection:
        assert connection.execute(select(func.esm_class(body))).scalar_one() == esm_class
