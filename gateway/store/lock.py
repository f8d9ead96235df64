"""One gateway to a database: a lock on a file beside it, which the system takes back when a process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.store.engine import StoreError


class StoreLock:
    """The right to run a gateway on the database at `path`. Raises StoreError while another one has it."""

    def __init__(self, path: Path) -> None:
        name = path.with_name(path.name + ".lock")
        try:
            self._file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot use the database {path}: {name}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise StoreError(f"another gateway is running on the database {path}") from None

    def release(self) -> None:
        """Let another gateway run."""
        os.close(self._file)
