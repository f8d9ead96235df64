"""Passwords of accounts: kept as argon2id hashes, checked in a thread, remembered while the process lives.

Argon2 is slow on purpose, and after a network failure every customer binds again at once. So a pair of hash
and password that once matched is remembered as a keyed digest: the key is random and of this process only,
so what a memory dump or a log might show of it proves nothing without the key beside it.

`knows` is quick and for the reactor; `verify` takes tens of milliseconds and is for a thread. A password has
at most 8 octets (SMPP 3.4 section 5.2.2), which is why a hash of it must be slow.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# 19 MiB and two passes (OWASP's profile): a pool full of verifications must not take the gateway's memory.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    """An argon2id hash with a fresh salt."""
    return _HASHER.hash(password)


class Passwords:
    """Checks passwords against hashes, with a memory of up to `memory_max` pairs that matched."""

    def __init__(self, memory_max: int = 1000) -> None:
        self._memory_max = memory_max
        self._key = secrets.token_bytes(32)
        self._matched: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def knows(self, password_hash: str, password: str) -> bool:
        """Whether this pair matched before. False tells nothing: ask `verify`."""
        digest = self._digest(password_hash, password)
        with self._lock:
            if digest not in self._matched:
                return False
            self._matched.move_to_end(digest)
            return True

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether the password is the one that was hashed; a hash that is none matches nothing."""
        if self.knows(password_hash, password):
            return True
        try:
            _HASHER.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        self._remember(self._digest(password_hash, password))
        return True

    def _remember(self, digest: bytes) -> None:
        with self._lock:
            self._matched[digest] = None
            if len(self._matched) > self._memory_max:
                self._matched.popitem(last=False)

    def _digest(self, password_hash: str, password: str) -> bytes:
        # A NUL can stand in neither part, so no two pairs run together into one.
        pair = f"{password_hash}\0{password}".encode()
        return hashlib.blake2b(pair, key=self._key, digest_size=32).digest()
