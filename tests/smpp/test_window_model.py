"""The window against a plain list of requests, over a life so long that the numbers come round many times."""

from __future__ import annotations

from dataclasses import dataclass
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smpp.errors import WindowFull
from smpp.window import Window

# More than can be taken at once, few enough to come round soon.
NUMBERS = 6
SIZE_MAX, LATE_MAX = 3, 2
RESPONSE_S = 10


@dataclass(frozen=True)
class Request:
    number: int
    context: str
    deadline: float


class WindowMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = patch("smpp.window.SEQUENCE_NUMBER_MAX", NUMBERS)
        self.numbers.start()
        self.now = 0.0
        self.opened = 0
        self.open: list[Request] = []
        self.late: list[Request] = []

    def teardown(self) -> None:
        self.numbers.stop()

    @initialize(
        size=st.integers(1, SIZE_MAX), late_max=st.integers(0, LATE_MAX), first=st.integers(1, NUMBERS)
    )
    def connect(self, size: int, late_max: int, first: int) -> None:
        self.size, self.late_max = size, late_max
        self.last = first - 1
        self.window: Window[str] = Window(size, late_max=late_max, first=first)

    def taken(self) -> set[int]:
        return {request.number for request in (*self.open, *self.late)}

    def next_number(self) -> int:
        """The first after the last one that no answer can be on its way to."""
        after = [(self.last + step) % NUMBERS + 1 for step in range(NUMBERS)]
        return next(number for number in after if number not in self.taken())

    @rule()
    def open_request(self) -> None:
        context = f"request {self.opened}"
        if len(self.open) >= self.size:
            with pytest.raises(WindowFull):
                self.window.open(context, self.now + RESPONSE_S)
            return
        expected = self.next_number()
        self.opened += 1
        assert self.window.open(context, self.now + RESPONSE_S) == expected
        self.last = expected
        self.open.append(Request(expected, context, self.now + RESPONSE_S))

    @rule(count=st.integers(1, NUMBERS))
    def take_numbers_without_a_slot(self, count: int) -> None:
        for _ in range(count):
            expected = self.next_number()
            assert self.window.next_sequence_number() == expected
            self.last = expected

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.open))
        self.open.remove(request)
        assert self.window.close(request.number) == request.context

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def answer_late(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.late))
        self.late.remove(request)
        assert self.window.close_late(request.number) == request.context

    @rule(number=st.integers(0, NUMBERS + 1))
    def answer_whatever(self, number: int) -> None:
        if number not in {request.number for request in self.open}:
            assert self.window.close(number) is None
        if number not in {request.number for request in self.late}:
            assert self.window.close_late(number) is None

    @rule(seconds=st.integers(0, 2 * RESPONSE_S))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        gone = [request for request in self.open if request.deadline <= self.now]
        self.open = self.open[len(gone) :]
        assert self.window.expired(self.now) == [(request.number, request.context) for request in gone]
        self.late = [*self.late, *gone]
        self.late = self.late[max(0, len(self.late) - self.late_max) :]

    @rule(size=st.integers(1, SIZE_MAX))
    def resize(self, size: int) -> None:
        self.size = self.window.size = size

    @rule()
    def clear(self) -> None:
        assert self.window.clear() == [request.context for request in self.open]
        self.open, self.late = [], []

    @invariant()
    def it_is_what_it_should_be(self) -> None:
        window = self.window
        assert (window.outstanding, window.late) == (len(self.open), len(self.late))
        assert window.room == max(0, self.size - len(self.open))
        assert window.deadline == (self.open[0].deadline if self.open else None)
        found = {number: (window.find(number), window.find_late(number)) for number in range(NUMBERS + 2)}
        expected: dict[int, tuple[str | None, str | None]] = dict.fromkeys(range(NUMBERS + 2), (None, None))
        expected |= {request.number: (None, request.context) for request in self.late}
        expected |= {request.number: (request.context, None) for request in self.open}
        assert found == expected


TestWindow = WindowMachine.TestCase
TestWindow.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
