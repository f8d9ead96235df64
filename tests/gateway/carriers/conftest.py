from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.carriers.relay import Relay

MakeRelay = Callable[..., Relay]


@pytest.fixture
def make_relay(tmp_path: Path) -> Iterator[MakeRelay]:
    """Makes the carriers' side with a store in a file; its arguments are those of `Relay`."""
    made: list[Relay] = []

    def make(**how: object) -> Relay:
        made.append(Relay(tmp_path / f"{len(made)}.db", **how))  # type: ignore[arg-type]  # Relay checks
        return made[-1]

    yield make
    for relay in made:
        relay.close()


@pytest.fixture
def relay(make_relay: MakeRelay) -> Relay:
    return make_relay()
