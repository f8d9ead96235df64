from __future__ import annotations

from dataclasses import replace

import pytest

from smpp.value import changed, value


@value(frozen=True, slots=True)
class Place:
    street: str
    number: int
    floor: int | None = None


def test_a_copy_differs_in_what_was_changed_only() -> None:
    old = Place("High Street", 7)
    new = changed(old, number=8, floor=2)
    assert new == replace(old, number=8, floor=2) == Place("High Street", 8, 2)
    assert old == Place("High Street", 7)


def test_a_copy_has_a_hash_of_its_own() -> None:
    old = Place("High Street", 7)
    assert {old, changed(old), changed(old, number=8)} == {old, Place("High Street", 8)}


def test_a_field_that_there_is_not_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        changed(Place("High Street", 7), town="Leith")  # type: ignore[call-arg]  # what is tested
