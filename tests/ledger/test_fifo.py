from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.lots import Draw, Lot, LotUnits, draw, give_back, in_order, value_fen

FIRST = Lot(2, "bank", 10, 100, "R1", 5)
SECOND = Lot(1, "bank", 30, 100, "R2", 6)
MOVES = st.dictionaries(st.integers(1, 99), st.integers(1, 6), max_size=12).map(
    lambda moves: [*moves.items()]
)
LEFT = st.dictionaries(st.integers(1, 9), st.integers(1, 9), max_size=6).map(lambda left: [*left.items()])


def test_the_oldest_lot_is_used_first_however_they_are_told() -> None:
    assert in_order([SECOND, FIRST]) == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("moves", "groups"),
    [
        ([], []),
        ([(7, 10)], [([(7, 10)], [(2, 10)])]),
        ([(8, 1), (7, 2)], [([(7, 2), (8, 1)], [(2, 3)])]),
        # One that a lot cannot pay alone stands alone, and what follows goes on behind it.
        (
            [(7, 9), (8, 2), (9, 1)],
            [([(7, 9)], [(2, 9)]), ([(8, 2)], [(2, 1), (1, 1)]), ([(9, 1)], [(1, 1)])],
        ),
        ([(7, 10), (8, 2)], [([(7, 10)], [(2, 10)]), ([(8, 2)], [(1, 2)])]),
        ([(7, 40)], [([(7, 40)], [(2, 10), (1, 30)])]),
    ],
)
def test_sources_are_charged_in_the_order_of_their_ids_to_one_lot_after_the_other(
    moves: list[tuple[int, int]], groups: list[tuple[list[tuple[int, int]], list[Draw]]]
) -> None:
    assert [*draw(moves, [(2, 10), (1, 30)])] == groups


def test_no_more_can_be_drawn_than_is_left() -> None:
    with pytest.raises(LedgerError, match="31 units of 8 are more"):
        [*draw([(7, 10), (8, 31)], [(2, 10), (1, 30)])]


@given(MOVES, LEFT)
def test_unit_by_unit_the_same_is_drawn_as_in_groups(moves: list[tuple[int, int]], left: list[Draw]) -> None:
    wanted, there = sum(units for _, units in moves), sum(units for _, units in left)
    if wanted > there:
        with pytest.raises(LedgerError):
            [*draw(moves, left)]
        return
    singly = [lot_id for lot_id, units in left for _ in range(units)]
    found = [*draw(moves, left)]
    assert [lot_id for _, draws in found for lot_id, units in draws for _ in range(units)] == singly[:wanted]
    assert [move for group, _ in found for move in group] == sorted(moves)
    for group, draws in found:
        assert sum(units for _, units in group) == sum(units for _, units in draws)
        assert len(group) == 1 or len(draws) == 1


@pytest.mark.parametrize(
    ("units", "back"), [(1, [(1, 1)]), (2, [(1, 2)]), (3, [(2, 1), (1, 2)]), (5, [(2, 3), (1, 2)])]
)
def test_what_was_drawn_last_is_given_back_first(units: int, back: list[Draw]) -> None:
    assert give_back([(2, 3), (1, 2)], units) == back


@pytest.mark.parametrize(
    ("first", "second", "fen"),
    # 30 units for 100 fen are 10/3 fen each.
    [(10, 30, 200), (5, 30, 150), (0, 30, 100), (0, 29, 97), (0, 28, 93), (0, 2, 7), (0, 1, 3), (0, 0, 0)],
)
def test_units_are_priced_exactly_and_rounded_once(first: int, second: int, fen: int) -> None:
    assert value_fen([LotUnits(FIRST, first), LotUnits(SECOND, second)]) == fen


def test_half_a_fen_is_rounded_up() -> None:
    assert value_fen([LotUnits(Lot(1, "bank", 2, 5, "R", 0), 1)]) == 3


@given(st.integers(1, 9), st.integers(0, 99))
def test_all_units_of_a_lot_cost_what_was_paid_for_it(units: int, amount_fen: int) -> None:
    lot = Lot(1, "bank", units, amount_fen, "R", 0)
    assert sum((LotUnits(lot, 1).value_fen for _ in range(units)), Fraction()) == amount_fen
