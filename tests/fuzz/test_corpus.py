"""Every input that is worth keeping passes its target, and so does whatever a few changes make of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import targets

INPUTS = [(name, path) for name in targets.NAMES for path in targets.corpus(name)]


@pytest.mark.parametrize(
    ("name", "path"), INPUTS, ids=lambda part: part if isinstance(part, str) else part.name
)
def test_an_input_passes(name: str, path: Path) -> None:
    targets.load(name)(path.read_bytes())


@pytest.mark.parametrize("name", targets.NAMES)
def test_every_target_has_inputs_that_are_named_after_what_they_are(name: str) -> None:
    names = [path.name for path in targets.corpus(name)]
    assert len(names) >= 20
    assert all(name.replace("-", "").isalnum() and name == name.lower() for name in names)


# Where, how many octets to leave out, what to put in.
CHANGES = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(0, 40), st.binary(max_size=8)), min_size=1, max_size=4
)


@settings(max_examples=700, deadline=None)
@given(st.sampled_from(INPUTS), CHANGES)
def test_a_damaged_input_passes(kept: tuple[str, Path], changes: list[tuple[int, int, bytes]]) -> None:
    name, path = kept
    octets = path.read_bytes()
    for at, left_out, put_in in changes:
        at %= len(octets) + 1
        octets = octets[:at] + put_in + octets[at + left_out :]
    targets.load(name)(octets)
