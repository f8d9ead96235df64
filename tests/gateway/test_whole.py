"""What becomes of the rest of a long message when a part has ended."""

from __future__ import annotations

import pytest

from gateway.message import ENDS, State
from gateway.whole import Fate, failed, segment_ends

DELIVERED, ENROUTE, QUEUED = Fate(State.DELIVERED), Fate(State.ENROUTE), Fate(State.QUEUED)
EXPIRED, REJECTED, UNKNOWN = Fate(State.EXPIRED, "069"), Fate(State.REJECTED, "045"), Fate(State.UNKNOWN)


@pytest.mark.parametrize("end", [State.REJECTED, State.UNDELIVERABLE, State.EXPIRED, State.DELETED])
def test_a_part_that_has_failed_ends_those_that_wait(end: State) -> None:
    assert failed([DELIVERED, Fate(end, "1"), QUEUED]) == Fate(end, "1")


def test_parts_go_on_after_one_that_was_delivered_or_that_nobody_knows_of() -> None:
    assert failed([DELIVERED, UNKNOWN, ENROUTE, QUEUED]) is None


def test_of_several_failures_the_worst_is_told() -> None:
    assert failed([EXPIRED, REJECTED]) == REJECTED


def test_as_many_segments_as_parts_end_one_by_one() -> None:
    assert segment_ends(3, [DELIVERED, ENROUTE, EXPIRED]) == [DELIVERED, None, EXPIRED]


@pytest.mark.parametrize("segments", [1, 2, 5])
def test_otherwise_all_wait_for_the_last_part(segments: int) -> None:
    assert segment_ends(segments, [DELIVERED, DELIVERED, ENROUTE]) == [None] * segments


@pytest.mark.parametrize("segments", [1, 2, 5])
def test_and_end_as_the_worst_part(segments: int) -> None:
    assert segment_ends(segments, [DELIVERED, EXPIRED, UNKNOWN]) == [EXPIRED] * segments


@pytest.mark.parametrize("end", sorted(ENDS))
def test_every_end_has_its_place_among_the_others(end: State) -> None:
    assert segment_ends(1, [DELIVERED, Fate(end)]) == [Fate(end)]
