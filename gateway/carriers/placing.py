"""Which bind each claimed message leaves by: the parts of a long one by the same, to keep their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.message import Message
from gateway.ports import Slot

Placed = list[tuple[Message, Slot]]


def place(messages: Sequence[Message], slots: Sequence[Slot]) -> tuple[Placed, Placed]:
    """Messages with a slot each; and those parts that have to wait, because their bind has no slot left.

    There are at least as many slots as messages. As many slots as messages are used, the first ones.
    """
    slots = slots[: len(messages)]
    if not any(message.part for message in messages):
        return list(zip(messages, slots, strict=True)), []
    left = Counter(slots)
    chosen: dict[int | None, Slot] = {}
    placed, waiting = [], []
    for message in messages:
        slot = chosen.get(message.whole_id) if message.part else None
        if slot is None:
            slot = left.most_common(1)[0][0]
            chosen[message.whole_id] = slot
        if left[slot]:
            left[slot] -= 1
            placed.append((message, slot))
        else:
            waiting.append(message)
    return placed, list(zip(waiting, left.elements(), strict=False))
