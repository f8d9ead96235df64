from __future__ import annotations

import pytest
from sqlalchemy import Connection

from ledger import sql
from ledger.accounts import Balance
from ledger.errors import LedgerError
from ledger.lots import Lot
from ledger.requests import Request
from ledger.transfer import Kind


def a_request(
    request_id: int = 5, kind: Kind = Kind.ADJUST_DOWN, units: int = 3, reason: str = "error"
) -> Request:
    return Request(request_id, kind, "bank", units, 0, "A1", reason, 9)


@pytest.fixture
def funded(conn: Connection) -> Connection:
    sql.topup(conn, Lot(1, "bank", 10, 80, "R1", at_ms=5))
    return conn


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (Kind.ADJUST_UP, Balance(13, 13)),
        (Kind.ADJUST_DOWN, Balance(7, 7)),
        (Kind.RETURN, Balance(10, 7, returned=3)),
    ],
)
def test_a_request_told_twice_moves_units_once(funded: Connection, kind: Kind, after: Balance) -> None:
    assert sql.ask(funded, a_request(kind=kind)) == after
    assert sql.ask(funded, a_request(kind=kind)) == after
    assert sql.ask(funded, a_request(request_id=6, kind=kind, reason="in other words")) == after


def test_a_reference_stands_for_one_request(funded: Connection) -> None:
    sql.ask(funded, a_request())
    with pytest.raises(LedgerError, match="'A1'"):
        sql.ask(funded, a_request(request_id=6, units=4))
    with pytest.raises(LedgerError, match="'A1'"):
        sql.ask(funded, a_request(request_id=6, kind=Kind.ADJUST_UP))


@pytest.mark.parametrize("kind", [Kind.ADJUST_DOWN, Kind.RETURN])
def test_what_remains_can_be_taken_and_not_one_unit_more(funded: Connection, kind: Kind) -> None:
    with pytest.raises(LedgerError, match="of 11 units of 'bank', which has 10 left"):
        sql.ask(funded, a_request(kind=kind, units=11))
    assert sql.ask(funded, a_request(kind=kind, units=10)).remaining == 0


def test_an_account_without_a_payment_cannot_be_adjusted(conn: Connection) -> None:
    with pytest.raises(LedgerError, match="do not exist"):
        sql.ask(conn, a_request(kind=Kind.ADJUST_UP))


@pytest.mark.parametrize("words", [("", "A1", "why"), ("bank", "", "why"), ("bank", "A1", "")])
def test_a_request_says_whose_it_is_and_why(words: tuple[str, str, str]) -> None:
    account, reference, reason = words
    with pytest.raises(ValueError, match="names its account"):
        Request(5, Kind.ADJUST_UP, account, 3, 0, reference, reason, 9)


def test_a_message_is_not_charged_by_hand() -> None:
    with pytest.raises(ValueError, match="SETTLE is not asked for by hand"):
        a_request(kind=Kind.SETTLE)


def test_an_adjustment_moves_no_money() -> None:
    with pytest.raises(ValueError, match="no money"):
        Request(5, Kind.ADJUST_UP, "bank", 3, 80, "A1", "a gift", 9)
