from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from ledger.credits import FEN_MAX, ID_MAX, UNITS_MAX, check_fen, check_id, check_units
from ledger.lots import Lot
from ledger.transfer import Hold


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (check_units, 1),
        (check_units, UNITS_MAX),
        (check_fen, 0),
        (check_fen, FEN_MAX),
        (check_id, 1),
        (check_id, 2**63 - 1),
    ],
)
def test_the_ends_of_each_range_are_inside(check: Callable[[int], None], number: int) -> None:
    check(number)


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (check_units, 0),
        (check_units, -1),
        (check_units, UNITS_MAX + 1),
        (check_units, 1.0),
        (check_units, True),
        (check_units, "1"),
        (check_fen, -1),
        (check_fen, FEN_MAX + 1),
        (check_fen, 0.5),
        (check_id, 0),
        (check_id, 2**63),
    ],
)
def test_a_number_out_of_range_or_not_whole_is_refused(
    check: Callable[[object], None], number: object
) -> None:
    with pytest.raises(ValueError, match="must be a whole number from"):
        check(number)


@pytest.mark.parametrize(("message_id", "units"), [(0, 1), (ID_MAX + 1, 1), (1, 0), (1, -5), (1, 1.5)])
def test_a_hold_of_an_impossible_number_cannot_be_made(message_id: int, units: int) -> None:
    with pytest.raises(ValueError, match="must be a whole number from"):
        Hold(message_id, "bank", units)


@pytest.mark.parametrize(
    "lot",
    [
        {"units": 0},
        {"amount_fen": -1},
        {"lot_id": 0},
        {"account": ""},
        {"reference": ""},
    ],
)
def test_an_impossible_lot_cannot_be_made(lot: dict[str, object]) -> None:
    sound = {"lot_id": 1, "account": "bank", "units": 1, "amount_fen": 1, "reference": "R1", "at_ms": 0}
    with pytest.raises(ValueError, match=r"must be a whole number|names its account"):
        Lot(**(sound | lot))  # type: ignore[arg-type]  # the point is to hand in what does not fit


def test_a_unit_price_times_the_count_is_the_amount_to_the_fen() -> None:
    lot = Lot(1, "bank", units=70_000, amount_fen=333_333, reference="R1", at_ms=0)
    assert lot.unit_price_fen == Fraction(333_333, 70_000)
    assert lot.unit_price_fen * 70_000 == 333_333
