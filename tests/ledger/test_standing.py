from __future__ import annotations

import pytest
from sqlalchemy import Connection

from ledger import sql
from ledger.accounts import Balance
from ledger.errors import LedgerError
from ledger.lots import Lot
from ledger.standing import Event, events, move, open_account, states
from ledger.states import TRANSITIONS, AccountState
from ledger.transfer import Hold, Kind

SIGNED, PAID, OPEN, SUSPENDED, TERMINATED = AccountState


def fund(conn: Connection) -> None:
    sql.topup(conn, Lot(1, "bank", 10, 80, "R1", at_ms=5))


def test_an_account_is_signed_until_it_is_paid_for(conn: Connection) -> None:
    assert states(conn, ["bank"]) == {"bank": SIGNED}
    fund(conn)
    assert states(conn, ["bank", "shop"]) == {"bank": PAID, "shop": SIGNED}


def test_an_account_tells_how_it_came_to_its_state(conn: Connection) -> None:
    fund(conn)
    assert open_account(conn, "bank", at_ms=6)
    assert move(conn, "bank", SUSPENDED, at_ms=7, reason="force majeure", document_sha256="ab")
    assert events(conn, "bank") == [
        Event(PAID, 5, "R1", ""),
        Event(OPEN, 6, "", ""),
        Event(SUSPENDED, 7, "force majeure", "ab"),
    ]


def test_a_state_told_twice_is_entered_once(conn: Connection) -> None:
    fund(conn)
    assert open_account(conn, "bank", at_ms=6)
    assert not open_account(conn, "bank", at_ms=7)
    assert len(events(conn, "bank")) == 2


def test_what_is_not_paid_for_cannot_be_opened(conn: Connection) -> None:
    with pytest.raises(LedgerError, match="'bank' is SIGNED, and cannot become OPEN"):
        open_account(conn, "bank", at_ms=6)


@pytest.mark.parametrize("state", [PAID, OPEN, SUSPENDED])
def test_nothing_comes_after_the_end(conn: Connection, state: AccountState) -> None:
    fund(conn)
    move(conn, "bank", TERMINATED, at_ms=6)
    with pytest.raises(LedgerError, match="is TERMINATED"):
        move(conn, "bank", state, at_ms=7)
    with pytest.raises(LedgerError, match="takes no payment"):
        sql.topup(conn, Lot(2, "bank", 10, 80, "R2", at_ms=8))


def test_every_state_but_the_last_leads_to_the_end_once_paid() -> None:
    for state in (PAID, OPEN, SUSPENDED):
        assert TERMINATED in TRANSITIONS[state]
    assert not TRANSITIONS[TERMINATED]


@pytest.mark.parametrize("state", [PAID, SUSPENDED, TERMINATED])
def test_only_an_open_account_holds_units(conn: Connection, state: AccountState) -> None:
    fund(conn)
    if state is not PAID:
        open_account(conn, "bank", at_ms=6)
        assert sql.hold(conn, [Hold(9, "bank", 3)], at_ms=6) == [True]
        move(conn, "bank", state, at_ms=7)
        assert sql.hold(conn, [Hold(9, "bank", 3)], at_ms=8) == [True], "what it has it has"
    assert sql.hold(conn, [Hold(10, "bank", 1)], at_ms=8) == [False]


def test_what_was_held_is_resolved_whatever_the_state(conn: Connection) -> None:
    fund(conn)
    open_account(conn, "bank", at_ms=6)
    sql.hold(conn, [Hold(8, "bank", 3), Hold(9, "bank", 3)], at_ms=6)
    move(conn, "bank", TERMINATED, at_ms=7)
    sql.resolve(conn, Kind.SETTLE, [Hold(8, "bank", 3)], at_ms=8)
    sql.resolve(conn, Kind.VOID, [Hold(9, "bank", 3)], at_ms=8)
    sql.refund(conn, [Hold(8, "bank", 3)], at_ms=8)
    assert sql.balances(conn) == {"bank": Balance(10, 10)}
