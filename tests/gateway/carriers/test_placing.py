"""Which bind each claimed message leaves by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from gateway.carriers.placing import place
from gateway.message import Message
from gateway.ports import Slot
from tests.gateway.store.samples import message


@dataclass(frozen=True)
class Bind:
    """A slot's bind, by its name."""

    name: str


def slots(names: str) -> list[Slot]:
    return [cast(Slot, Bind(name)) for name in names]


def plain(*ids: int) -> list[Message]:
    return [message(n) for n in ids]


def parts(whole_id: int, count: int) -> list[Message]:
    return [replace(message(10 * whole_id + n), whole_id=whole_id, part=n) for n in range(1, count + 1)]


def by_bind(placed: list[tuple[Message, Slot]]) -> dict[int, str]:
    return {each.message_id: slot.name for each, slot in placed}


def test_messages_of_their_own_take_the_slots_in_order() -> None:
    placed, waiting = place(plain(1, 2, 3), slots("aabb"))
    assert by_bind(placed) == {1: "a", 2: "a", 3: "b"}
    assert waiting == []


def test_the_parts_of_one_message_leave_by_one_bind_in_order() -> None:
    placed, waiting = place([*parts(1, 2), *parts(2, 2)], slots("abab"))
    found = by_bind(placed)
    assert found[11] == found[12] != found[21] == found[22]
    assert [each.message_id for each, _ in placed] == [11, 12, 21, 22]
    assert waiting == []


def test_parts_that_their_bind_has_no_room_for_wait_and_every_slot_is_accounted_for() -> None:
    placed, waiting = place(parts(1, 3), slots("aab"))
    assert by_bind(placed) == {11: "a", 12: "a"}
    assert by_bind(waiting) == {13: "b"}


def test_no_more_slots_are_used_than_there_are_messages() -> None:
    placed, waiting = place([*parts(1, 2), *plain(5)], slots("aaabbb"))
    assert len(placed) + len(waiting) == 3
    assert set(by_bind(placed).values()) == {"a"}
