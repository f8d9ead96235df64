"""The carriers' side as the customers' side sees it: slots to take, and whatever was sent or queued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.message import Message
from gateway.ports import Slot
from gateway.stored import Attempt


@dataclass(eq=False)
class FakeSlot:
    """See `gateway.ports.Slot`."""

    carrier_name: str
    is_bound: bool = True
    given_back: int = 0
    unused: int = 0

    @property
    def name(self) -> str:
        return f"{self.carrier_name}/0"

    def submit(self, attempts: list[Attempt]) -> None:
        raise AssertionError("only the outlet submits")

    def give_back(self, slots: int = 1, *, unused: bool = False) -> None:
        self.given_back += slots
        if unused:
            self.unused += slots


class FakeOutlet:
    """See `gateway.ports.Outlet`. `room` is how many slots there are on each route, at the carrier north."""

    def __init__(self, **room: int) -> None:
        self.room = Counter(room)
        self.asked: list[tuple[str, int]] = []
        self.lent: list[FakeSlot] = []
        self.sent: list[tuple[Message, Slot]] = []
        self.put_down: list[tuple[Message, Slot]] = []
        self.queue: list[Message] = []
        self.perhaps: list[Message] = []
        self.backlog: Counter[str] = Counter()

    @property
    def given_back(self) -> int:
        """How many of the slots lent have come back."""
        return sum(slot.given_back for slot in self.lent)

    @property
    def unused(self) -> int:
        """How many of these served for nothing."""
        return sum(slot.unused for slot in self.lent)

    def take_slots(self, route: str, count: int) -> list[Slot]:
        self.asked.append((route, count))
        slots = [FakeSlot(route) for _ in range(min(count, self.room[route]))]
        self.room[route] -= len(slots)
        self.lent += slots
        return list(slots)

    def take_together(self, route: str, count: int) -> Slot | None:
        slots = self.take_slots(route, count if self.room[route] >= count else 0)
        return slots[0] if slots else None

    def send(self, messages: Sequence[tuple[Message, Slot]]) -> None:
        self.sent += messages

    def unsent(self, messages: Sequence[tuple[Message, Slot]]) -> None:
        self.put_down += messages

    def queued(self, messages: Sequence[Message]) -> None:
        self.queue += messages

    def perhaps_queued(self, messages: Sequence[Message]) -> None:
        self.perhaps += messages

    def waiting(self, account: str) -> int:
        return self.backlog[account]
