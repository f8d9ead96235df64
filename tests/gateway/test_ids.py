from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ids import MessageIds, ShortIds

NOVEMBER_2026_MS = 1_795_335_600_000
IDS_A_MS = 1 << 14


class Milliseconds:
    def __init__(self, ms: int = NOVEMBER_2026_MS) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms


def test_an_id_is_nineteen_digits_and_fits_a_signed_64_bit_integer() -> None:
    for ms in (1_000_000_000_000, NOVEMBER_2026_MS, 8_770_000_000_000):  # 2001, 2026, 2247
        message_id = MessageIds(63, Milliseconds(ms)).next()
        assert len(str(message_id)) == 19
        assert message_id < 1 << 63


def test_an_id_tells_its_millisecond_and_its_node() -> None:
    message_id = MessageIds(5, Milliseconds()).next()
    assert message_id >> 20 == NOVEMBER_2026_MS
    assert message_id >> 14 & 0x3F == 5


def test_two_nodes_never_make_the_same_id_in_one_millisecond() -> None:
    one, other = MessageIds(0, Milliseconds()), MessageIds(1, Milliseconds())
    assert not {one.next() for _ in range(IDS_A_MS)} & {other.next() for _ in range(IDS_A_MS)}


def test_a_full_millisecond_borrows_from_the_next() -> None:
    ids = MessageIds(7, Milliseconds())
    made = [ids.next() for _ in range(IDS_A_MS + 1)]
    assert made == sorted(set(made))
    assert [made[-2] >> 20, made[-1] >> 20] == [NOVEMBER_2026_MS, NOVEMBER_2026_MS + 1]
    assert made[-1] >> 14 & 0x3F == 7


def test_the_ids_return_to_the_clock_when_it_has_caught_up() -> None:
    clock = Milliseconds()
    ids = MessageIds(0, clock)
    for _ in range(IDS_A_MS + 1):
        ids.next()
    clock.ms += 2
    assert ids.next() == clock.ms << 20


@given(
    node=st.integers(0, 63),
    floor=st.one_of(st.just(0), st.integers(NOVEMBER_2026_MS - 3 << 20, NOVEMBER_2026_MS + 3 << 20)),
    jumps=st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 40)), max_size=20),
)
def test_ids_rise_above_the_floor_whatever_the_clock_does(
    node: int, floor: int, jumps: list[tuple[int, int]]
) -> None:
    clock = Milliseconds()
    ids = MessageIds(node, clock, floor)
    made = [floor]
    for jump, count in jumps:
        clock.ms += jump
        made += [ids.next() for _ in range(count)]
    assert made == sorted(set(made))
    assert {message_id >> 14 & 0x3F for message_id in made[1:]} <= {node}


@pytest.mark.parametrize("node", [-1, 64])
def test_a_node_that_six_bits_cannot_hold_is_refused(node: int) -> None:
    with pytest.raises(ValueError, match="node"):
        MessageIds(node, Milliseconds())


def test_a_short_id_has_eight_hexadecimal_digits_and_follows_the_time() -> None:
    clock = Milliseconds()
    ids = ShortIds(clock)
    first = ids.next()
    assert int(first, 16) == NOVEMBER_2026_MS // 10 % 2**32
    clock.ms += 10_000
    assert int(ids.next(), 16) == (int(first, 16) + 1000) % 2**32
    # At the end of its 497 days it begins again, with all its digits.
    assert ShortIds(Milliseconds(2**32 * 10 + 70)).next() == "00000007"


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 40)), max_size=20))
def test_no_short_id_is_given_twice_whatever_the_clock_does(jumps: list[tuple[int, int]]) -> None:
    clock = Milliseconds()
    ids = ShortIds(clock)
    made = []
    for jump, count in jumps:
        clock.ms += jump
        made += [ids.next() for _ in range(count)]
    assert len(set(made)) == len(made)
    assert all(len(message_id) == 8 for message_id in made)
