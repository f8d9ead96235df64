from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.lots import Lot, consume, in_order, value_fen

FIRST = Lot(2, "bank", 10, 100, "R1", 5)
SECOND = Lot(1, "bank", 30, 100, "R2", 6)
LOTS = st.lists(
    st.builds(
        Lot,
        st.integers(1, 99),
        st.just("bank"),
        st.integers(1, 9),
        st.integers(0, 99),
        st.just("R"),
        st.integers(0, 9),
    ),
    max_size=6,
    unique_by=lambda lot: lot.lot_id,
)


@pytest.mark.parametrize(
    ("used", "left"), [(0, [10, 30]), (9, [1, 30]), (10, [0, 30]), (11, [0, 29]), (40, [0, 0])]
)
def test_the_oldest_lot_is_used_first_however_they_are_told(used: int, left: list[int]) -> None:
    assert [rest.units for rest in consume([SECOND, FIRST], used)] == left


def test_no_more_can_be_used_than_there_was() -> None:
    with pytest.raises(ValueError, match="1 more units"):
        consume([FIRST, SECOND], 41)


@pytest.mark.parametrize(
    ("used", "fen"),
    # 30 units for 100 fen are 10/3 fen each.
    [(0, 200), (5, 150), (10, 100), (11, 97), (12, 93), (38, 7), (39, 3), (40, 0)],
)
def test_what_is_left_is_priced_exactly_and_rounded_once(used: int, fen: int) -> None:
    assert value_fen(consume([FIRST, SECOND], used)) == fen


def test_half_a_fen_is_rounded_up() -> None:
    assert value_fen(consume([Lot(1, "bank", 2, 5, "R", 0)], 1)) == 3


@given(LOTS, st.integers(0, 54))
def test_what_is_left_and_what_was_used_are_all_there_was(lots: list[Lot], used: int) -> None:
    total = sum(lot.units for lot in lots)
    used = min(used, total)
    rests = consume(lots, used)
    assert sum(rest.units for rest in rests) == total - used
    by_position = [lot for lot in in_order(lots) for _ in range(lot.units)][used:]
    exact = sum((lot.unit_price_fen for lot in by_position), Fraction())
    assert sum((rest.value_fen for rest in rests), Fraction()) == exact
    for rest in rests:
        assert rest.units == sum(lot.lot_id == rest.lot.lot_id for lot in by_position)
