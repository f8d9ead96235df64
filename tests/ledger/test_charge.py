from __future__ import annotations

import pytest

from ledger import charge
from ledger.accounts import Balance, Overdraw
from ledger.errors import LedgerError
from ledger.lots import Lot
from ledger.transfer import Hold, Kind, Transfer

MESSAGE = Hold(message_id=7, account="bank", units=3)
HELD = Transfer(7, Kind.HOLD, "bank", 3, at_ms=10)
SETTLED = Transfer(7, Kind.SETTLE, "bank", 3, at_ms=20)
VOIDED = Transfer(7, Kind.VOID, "bank", 3, at_ms=20)
REFUNDED = Transfer(7, Kind.REFUND, "bank", 3, at_ms=30)


def with_remaining(units: int) -> Balance:
    return Balance(topped_up=units, remaining=units)


def test_a_message_that_costs_exactly_what_remains_gets_its_hold() -> None:
    assert charge.hold(with_remaining(3), None, MESSAGE, at_ms=10) == HELD


def test_a_message_that_costs_one_more_than_remains_is_refused() -> None:
    assert charge.hold(with_remaining(2), None, MESSAGE, at_ms=10) == Overdraw(remaining=2, units=3)


def test_a_repeated_hold_writes_nothing_even_when_nothing_remains() -> None:
    assert charge.hold(with_remaining(0), HELD, MESSAGE, at_ms=99) is None


@pytest.mark.parametrize(("kind", "end"), [(Kind.SETTLE, SETTLED), (Kind.VOID, VOIDED)])
def test_a_hold_ends_once_and_in_full(kind: charge.Resolution, end: Transfer) -> None:
    assert charge.resolve(kind, 7, HELD, None, at_ms=20) == end
    assert charge.resolve(kind, 7, HELD, end, at_ms=99) is None


def test_a_voided_message_is_never_settled_afterwards() -> None:
    assert charge.resolve(Kind.SETTLE, 7, HELD, VOIDED, at_ms=99) is None


@pytest.mark.parametrize("kind", [Kind.SETTLE, Kind.VOID])
def test_a_message_without_a_hold_cannot_be_resolved(kind: charge.Resolution) -> None:
    with pytest.raises(LedgerError, match=f"{kind.name} of message 7, which has no hold"):
        charge.resolve(kind, 7, None, None, at_ms=20)


def test_a_settled_message_is_refunded_once() -> None:
    assert charge.refund(MESSAGE, SETTLED, None, at_ms=30) == REFUNDED
    assert charge.refund(MESSAGE, SETTLED, REFUNDED, at_ms=99) is None


def test_a_part_of_the_settle_can_be_refunded() -> None:
    part = Hold(7, "bank", 2)
    assert charge.refund(part, SETTLED, None, at_ms=30) == Transfer(7, Kind.REFUND, "bank", 2, 30)


@pytest.mark.parametrize(
    ("item", "resolved"),
    [
        pytest.param(Hold(7, "bank", 4), SETTLED, id="more than the settle"),
        pytest.param(MESSAGE, VOIDED, id="voided"),
        pytest.param(MESSAGE, None, id="not resolved"),
        pytest.param(Hold(7, "shop", 3), SETTLED, id="of another account"),
    ],
)
def test_a_refund_without_its_settle_cannot_be(item: Hold, resolved: Transfer | None) -> None:
    with pytest.raises(LedgerError, match="refund of"):
        charge.refund(item, resolved, None, at_ms=30)


LOT = Lot(1, "bank", units=50, amount_fen=400, reference="R1", at_ms=5)


def test_a_new_purchase_is_credited() -> None:
    assert charge.topup(LOT, []) == Transfer(1, Kind.TOPUP, "bank", 50, 5)


@pytest.mark.parametrize("known", [LOT, Lot(2, "bank", 50, 400, "R1", 9)])
def test_a_purchase_told_twice_is_credited_once(known: Lot) -> None:
    assert charge.topup(LOT, [known]) is None


@pytest.mark.parametrize(
    "known",
    [
        Lot(2, "bank", 51, 400, "R1", 5),
        Lot(2, "bank", 50, 401, "R1", 5),
        Lot(1, "bank", 50, 400, "R2", 5),
        Lot(1, "shop", 50, 400, "R1", 5),
    ],
)
def test_an_id_or_reference_used_for_another_purchase_is_an_error(known: Lot) -> None:
    with pytest.raises(LedgerError, match="stands for"):
        charge.topup(LOT, [known])
