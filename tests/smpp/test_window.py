from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.errors import WindowFull
from smpp.window import SEQUENCE_NUMBER_MAX, Window


def window(size: int = 10, *, late_max: int = 1_000, first: int = 1) -> Window[str]:
    return Window(size, late_max=late_max, first=first)


def test_the_sequence_starts_at_one_and_counts_up() -> None:
    requests = window()
    assert [requests.open(name, 10.0) for name in "abc"] == [1, 2, 3]


def test_the_sequence_wraps_to_one_after_0x7fffffff() -> None:
    requests = window(first=0x7FFFFFFE)
    assert [requests.open(name, 10.0) for name in "abc"] == [0x7FFFFFFE, 0x7FFFFFFF, 1]


def test_the_sequence_skips_numbers_that_are_outstanding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smpp.window.SEQUENCE_NUMBER_MAX", 5)
    requests = window()
    assert [requests.open(name, 10.0) for name in "abcd"] == [1, 2, 3, 4]
    requests.close(2)
    requests.close(4)
    assert [requests.open(name, 10.0) for name in "xyz"] == [5, 2, 4]


def test_a_full_window_refuses_and_takes_no_number() -> None:
    requests = window(2)
    requests.open("a", 10.0)
    requests.open("b", 10.0)
    with pytest.raises(WindowFull):
        requests.open("c", 10.0)
    requests.close(1)
    assert requests.open("c", 10.0) == 3


def test_room_and_outstanding_follow_open_and_close() -> None:
    requests = window(2)
    number = requests.open("a", 10.0)
    assert (requests.room, requests.outstanding) == (1, 1)
    requests.close(number)
    assert (requests.room, requests.outstanding) == (2, 0)


def test_a_window_made_smaller_has_no_room_until_enough_requests_are_closed() -> None:
    requests = window(3)
    for name in "abc":
        requests.open(name, 10.0)
    requests.size = 1
    assert requests.room == 0
    requests.close(1)
    requests.close(2)
    assert requests.room == 0
    with pytest.raises(WindowFull):
        requests.open("d", 10.0)
    requests.close(3)
    assert requests.room == 1


def test_requests_close_in_any_order_with_their_own_context() -> None:
    requests = window()
    for name in "abc":
        requests.open(name, 10.0)
    assert [requests.close(number) for number in (3, 1, 2)] == ["c", "a", "b"]


def test_a_request_closes_once() -> None:
    requests = window()
    requests.open("a", 10.0)
    assert requests.close(1) == "a"
    assert requests.close(1) is None


@pytest.mark.parametrize("number", [0, 2, 0x80000000, 0xFFFFFFFF])
def test_a_number_that_was_never_opened_finds_nothing(number: int) -> None:
    requests = window()
    requests.open("a", 10.0)
    assert requests.find(number) is None
    assert requests.find_late(number) is None
    assert requests.close(number) is None
    assert requests.close_late(number) is None


def test_finding_a_request_leaves_it_open() -> None:
    requests = window()
    requests.open("a", 10.0)
    assert requests.find(1) == "a"
    assert requests.outstanding == 1


def test_the_deadline_is_that_of_the_oldest_request() -> None:
    requests = window()
    requests.open("a", 10.0)
    requests.open("b", 11.0)
    assert requests.deadline == 10.0
    requests.close(1)
    assert requests.deadline == 11.0


def test_an_empty_window_has_no_deadline() -> None:
    assert window().deadline is None


def test_only_requests_whose_deadline_has_come_expire_oldest_first() -> None:
    requests = window()
    for name, deadline in (("a", 10.0), ("b", 10.5), ("c", 11.0)):
        requests.open(name, deadline)
    assert requests.expired(9.999) == []
    assert requests.expired(10.5) == [(1, "a"), (2, "b")]
    assert requests.expired(10.5) == []
    assert requests.room == 9


def test_an_expired_request_is_late_until_it_is_closed_once() -> None:
    requests = window()
    requests.open("a", 10.0)
    requests.expired(10.0)
    assert requests.find(1) is None
    assert requests.find_late(1) == "a"
    assert requests.close_late(1) == "a"
    assert requests.close_late(1) is None


def test_only_the_latest_expired_requests_are_remembered() -> None:
    requests = window(10, late_max=3)
    for name in "abcde":
        requests.open(name, 10.0)
    requests.expired(10.0)
    assert requests.late == 3
    assert [requests.find_late(number) for number in range(1, 6)] == [None, None, "c", "d", "e"]


def test_clearing_gives_the_outstanding_contexts_and_forgets_the_late_ones() -> None:
    requests = window()
    requests.open("late", 5.0)
    requests.open("a", 10.0)
    requests.open("b", 10.0)
    requests.expired(5.0)
    assert requests.clear() == ["a", "b"]
    assert (requests.outstanding, requests.late) == (0, 0)


@pytest.mark.parametrize(
    ("size", "late_max", "first"), [(0, 1, 1), (1, -1, 1), (1, 1, 0), (1, 1, 0x80000000)]
)
def test_a_window_that_makes_no_sense_is_refused(size: int, late_max: int, first: int) -> None:
    with pytest.raises(ValueError, match="window"):
        Window[str](size, late_max=late_max, first=first)


@given(
    st.integers(1, 5),
    st.integers(0, 5),
    st.lists(st.one_of(st.just("open"), st.just("tick"), st.integers(0, 7)), max_size=80),
)
def test_a_window_agrees_with_a_plain_list_of_requests(
    size: int, late_max: int, steps: list[str | int]
) -> None:
    requests = Window[int](size, late_max=late_max, first=SEQUENCE_NUMBER_MAX - 3)
    model: list[tuple[int, int, float]] = []
    late = 0
    for instant, step in enumerate(steps):
        if step == "open":
            if len(model) == size:
                with pytest.raises(WindowFull):
                    requests.open(instant, instant + 10)
                continue
            number = requests.open(instant, instant + 10)
            assert 1 <= number <= SEQUENCE_NUMBER_MAX
            assert number not in [known for known, _, _ in model]
            model.append((number, instant, instant + 10))
        elif step == "tick":
            gone = [(number, context) for number, context, deadline in model if deadline <= instant]
            assert requests.expired(instant) == gone
            model = [request for request in model if request[2] > instant]
            late = min(late + len(gone), late_max)
        elif isinstance(step, int) and step < len(model):
            number, context, _ = model.pop(step)
            assert requests.close(number) == context
        assert requests.outstanding == len(model)
        assert requests.room == size - len(model)
        assert requests.late == late
        assert requests.deadline == (model[0][2] if model else None)
