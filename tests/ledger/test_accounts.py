from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts import EFFECTS, Balance, Overdraw
from ledger.errors import LedgerError
from ledger.transfer import Kind, Stage

BEFORE = Balance(topped_up=100, remaining=40, held=30, settled=20, returned=10)


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (Kind.TOPUP, Balance(topped_up=107, remaining=47, held=30, settled=20, returned=10)),
        (Kind.HOLD, Balance(topped_up=100, remaining=33, held=37, settled=20, returned=10)),
        (Kind.SETTLE, Balance(topped_up=100, remaining=40, held=23, settled=27, returned=10)),
        (Kind.VOID, Balance(topped_up=100, remaining=47, held=23, settled=20, returned=10)),
        (Kind.REFUND, Balance(topped_up=100, remaining=47, held=30, settled=13, returned=10)),
        (Kind.RETURN, Balance(topped_up=100, remaining=33, held=30, settled=20, returned=17)),
        (Kind.ADJUST_UP, Balance(topped_up=107, remaining=47, held=30, settled=20, returned=10)),
        (Kind.ADJUST_DOWN, Balance(topped_up=93, remaining=33, held=30, settled=20, returned=10)),
    ],
)
def test_each_kind_of_transfer_moves_units_between_its_two_places(kind: Kind, after: Balance) -> None:
    assert BEFORE.apply(kind, 7) == after


def test_the_whole_remainder_can_be_held() -> None:
    assert BEFORE.apply(Kind.HOLD, 40) == Balance(100, 0, 70, 20, 10)


def test_one_unit_more_than_remains_is_refused_as_a_value() -> None:
    assert BEFORE.apply(Kind.HOLD, 41) == Overdraw(remaining=40, units=41)


@pytest.mark.parametrize(
    ("kind", "units"),
    [(Kind.SETTLE, 31), (Kind.VOID, 31), (Kind.REFUND, 21), (Kind.RETURN, 41), (Kind.ADJUST_DOWN, 41)],
)
def test_more_than_there_is_cannot_be_moved(kind: Kind, units: int) -> None:
    with pytest.raises(LedgerError, match="does not add up"):
        BEFORE.apply(kind, units)


@pytest.mark.parametrize("numbers", [(1, 0, 0, 0, 0), (0, 1, -1, 0, 0), (0, -1, 0, 0, 1), (5, 5, 5, 0, 0)])
def test_a_balance_that_does_not_add_up_cannot_be_made(numbers: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(LedgerError, match="does not add up"):
        Balance(*numbers)


@given(st.lists(st.tuples(st.sampled_from(Kind), st.integers(1, 50)), max_size=30))
def test_no_sequence_of_transfers_makes_a_balance_negative_or_unsound(moves: list[tuple[Kind, int]]) -> None:
    balance = Balance()
    for kind, units in moves:
        try:
            after = balance.apply(kind, units)
        except LedgerError:
            continue
        if isinstance(after, Overdraw):
            assert kind is Kind.HOLD
            assert units > balance.remaining
            continue
        balance = after
        assert min(balance.remaining, balance.held, balance.settled) >= 0
        assert balance.topped_up == balance.remaining + balance.held + balance.settled + balance.returned


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_two_entries_that_leave_the_balance_balanced(kind: Kind) -> None:
    """What comes from outside stands on one side, the places where units are on the other."""
    bought = EFFECTS[kind].get("topped_up", 0)
    assert len(EFFECTS[kind]) == 2
    assert bought == sum(sign for place, sign in EFFECTS[kind].items() if place != "topped_up")


def test_settle_and_void_take_the_same_stage_so_only_one_can_be() -> None:
    assert [kind.stage for kind in Kind] == [
        Stage.TOPUP,
        Stage.HOLD,
        Stage.RESOLUTION,
        Stage.RESOLUTION,
        Stage.REFUND,
        Stage.RETURN,
        Stage.ADJUSTMENT,
        Stage.ADJUSTMENT,
    ]


def test_the_stored_numbers_of_kinds_and_stages_never_change() -> None:
    assert {kind.name: kind.value for kind in Kind} == {
        "TOPUP": 1,
        "HOLD": 2,
        "SETTLE": 3,
        "VOID": 4,
        "REFUND": 5,
        "RETURN": 6,
        "ADJUST_UP": 7,
        "ADJUST_DOWN": 8,
    }
    assert {stage.name: stage.value for stage in Stage} == {
        "TOPUP": 0,
        "HOLD": 1,
        "RESOLUTION": 2,
        "REFUND": 3,
        "ADJUSTMENT": 4,
        "RETURN": 5,
    }
