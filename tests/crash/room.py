"""A disk that is full, and has room again: a small filesystem where we may mount one, and a quota."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

_MOUNT = ("mount", "-t", "tmpfs", "-o", "size=24m", "crash")
_CHUNK = bytes(4096)


class Room(Protocol):
    """Where a gateway keeps its files."""

    def fill(self) -> None:
        """Leave no room at all."""

    def clear(self) -> None:
        """Make room again."""


class Filesystem:
    """A filesystem of its own: what does not fit is ENOSPC, for the database and for the log."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(_CHUNK)

    def clear(self) -> None:
        self._ballast.unlink()


class Quota:
    """A limit to the size of a process's files, which needs no privilege: beyond it every write is EFBIG."""

    def __init__(self, pid: Callable[[], int]) -> None:
        self._pid = pid

    def fill(self) -> None:
        resource.prlimit(self._pid(), resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def clear(self) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(self._pid(), resource.RLIMIT_FSIZE, unlimited)


@contextmanager
def filesystem(folder: Path) -> Iterator[None]:
    """A small filesystem on `folder` as long as this lasts. Raises CalledProcessError where we may not."""
    subprocess.run([*_MOUNT, str(folder)], capture_output=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@cache
def why_not_mounted() -> str:
    """Why `filesystem` cannot be had here; "" if it can."""
    if shutil.which("mount") is None:
        return "there is no mount"
    with TemporaryDirectory() as folder:
        try:
            with filesystem(Path(folder)):
                return ""
        except subprocess.CalledProcessError as error:
            [reason, *_] = error.stderr.decode().splitlines()
            return f"may not mount: {reason}"
