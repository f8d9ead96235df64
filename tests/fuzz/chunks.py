"""One stream in several pieces: whatever reads it must read the same."""

from __future__ import annotations

from collections.abc import Iterator


def whole(data: bytes) -> Iterator[bytes]:
    """All at once."""
    yield data


def octets(data: bytes) -> Iterator[bytes]:
    """One by one."""
    for at in range(len(data)):
        yield data[at : at + 1]


def pieces(data: bytes) -> Iterator[bytes]:
    """As long as the octets themselves say, so that the fuzzer decides."""
    at = 0
    while at < len(data):
        end = at + 1 + data[at] % 41
        yield data[at:end]
        at = end


WAYS = (whole, octets, pieces)
