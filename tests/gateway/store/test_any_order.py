"""Whatever happens, in whatever order, however often the gateway dies: the invariants hold, and all ends."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.gateway.store.database import wipe
from tests.gateway.store.life import Life


# Every life wipes the database that it is given.
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 100))
def test_the_invariants_hold_and_everything_ends(engine: Engine, seed: int, steps: int) -> None:
    wipe(engine)
    life = Life(engine, Random(seed))
    for _ in range(steps):
        life.step()
    life.end()
