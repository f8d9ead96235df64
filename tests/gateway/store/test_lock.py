from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.store.engine import StoreError
from gateway.store.lock import StoreLock

HOLD_IT = """
import sys
from pathlib import Path
from gateway.store.lock import StoreLock
lock = StoreLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_gateway_on_a_database_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    lock = StoreLock(path)
    with pytest.raises(StoreError) as caught:
        StoreLock(path)
    assert str(caught.value) == f"another gateway is running on the database {path}"
    lock.release()


def test_a_lock_that_is_released_can_be_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    for _ in range(3):
        StoreLock(path).release()


def test_two_databases_side_by_side_have_a_lock_each(tmp_path: Path) -> None:
    locks = [StoreLock(tmp_path / name) for name in ("signet.db", "signet.old.db", "signet")]
    for lock in locks:
        lock.release()


def test_a_failed_attempt_leaves_the_lock_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    lock = StoreLock(path)
    for _ in range(2):
        with pytest.raises(StoreError):
            StoreLock(path)
    lock.release()
    StoreLock(path).release()


def test_failed_attempts_leave_no_file_open(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    lock = StoreLock(path)
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(StoreError):
            StoreLock(path)
    assert len(os.listdir("/dev/fd")) == before
    lock.release()


def test_a_process_that_is_killed_gives_its_lock_back(tmp_path: Path) -> None:
    path = tmp_path / "signet.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_IT, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="another gateway"):
            StoreLock(path)
        process.kill()
        process.wait()
        StoreLock(path).release()


def test_a_folder_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "signet.db"
    with pytest.raises(StoreError) as caught:
        StoreLock(path)
    assert str(caught.value).startswith(f"cannot use the database {path}: ")
    assert str(caught.value).endswith("No such file or directory")


def test_nobody_else_may_read_the_lock_file(tmp_path: Path) -> None:
    lock = StoreLock(tmp_path / "signet.db")
    assert (tmp_path / "signet.db.lock").stat().st_mode & 0o077 == 0
    lock.release()
