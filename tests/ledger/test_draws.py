"""Which lots a message is charged to, in a real database."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, select

from ledger import sql
from ledger.audit import audit
from ledger.draws import of_messages
from ledger.ending import return_rest, settlement
from ledger.lots import Draw, Lot
from ledger.requests import Request
from ledger.schema import ledger_rest, ledger_transfer
from ledger.standing import move, open_account
from ledger.statement import statement
from ledger.states import AccountState
from ledger.transfer import Hold, Kind

_transfer = ledger_transfer.c


@pytest.fixture
def bank(conn: Connection) -> Connection:
    """ "bank" has a lot of 3 units at 10 fen, then one of 5 at 20."""
    sql.topup(conn, Lot(1, "bank", 3, 30, "R1", at_ms=1))
    sql.topup(conn, Lot(2, "bank", 5, 100, "R2", at_ms=2))
    open_account(conn, "bank", at_ms=2)
    return conn


def settle(conn: Connection, units: Sequence[int], first: int = 11) -> list[Hold]:
    items = [Hold(first + place, "bank", each) for place, each in enumerate(units)]
    assert all(sql.hold(conn, items, 3))
    # However they are told, they are charged in the order of their ids.
    sql.resolve(conn, Kind.SETTLE, items[::-1], 4)
    return items


def lots(conn: Connection, *message_ids: int) -> list[list[Draw]]:
    found = of_messages(conn, message_ids)
    return [found[message_id] for message_id in message_ids]


def left(conn: Connection) -> list[int]:
    return list(conn.scalars(select(ledger_rest.c.units).order_by(ledger_rest.c.lot_id)))


def test_messages_of_one_batch_are_charged_to_one_lot_after_the_other(bank: Connection) -> None:
    settle(bank, [1, 1, 1, 2])
    assert lots(bank, 11, 12, 13, 14) == [[(1, 1)], [(1, 1)], [(1, 1)], [(2, 2)]]
    assert left(bank) == [0, 3]
    assert audit(bank) == []


def test_a_message_that_one_lot_cannot_pay_is_charged_to_two_and_has_a_link_of_its_own(
    bank: Connection,
) -> None:
    settle(bank, [2, 3, 1])
    assert lots(bank, 11, 12, 13) == [[(1, 2)], [(1, 1), (2, 2)], [(2, 1)]]
    settled = select(_transfer.source_id, _transfer.link).where(_transfer.kind == Kind.SETTLE)
    links = {row.source_id: row.link for row in bank.execute(settled)}
    assert links == {11: links[11], 12: links[11] + 1, 13: links[11] + 2}
    assert sql.balances(bank, ["bank"])["bank"].settled == 6
    assert audit(bank) == []


def test_what_is_refunded_goes_back_to_the_lots_that_it_came_from(bank: Connection) -> None:
    items = settle(bank, [2, 3, 1])
    sql.refund(bank, [items[0], Hold(12, "bank", 2)], 5)
    assert left(bank) == [2, 4]
    # The oldest lot has units again, and is used first.
    settle(bank, [1], first=21)
    assert lots(bank, 21) == [[(1, 1)]]
    assert audit(bank) == []


def test_what_is_held_draws_no_lot_until_a_carrier_has_taken_it(bank: Connection) -> None:
    sql.hold(bank, [Hold(11, "bank", 3), Hold(12, "bank", 1)], 3)
    assert left(bank) == [3, 5]
    sql.resolve(bank, Kind.SETTLE, [Hold(12, "bank", 1)], 4)
    sql.resolve(bank, Kind.VOID, [Hold(11, "bank", 3)], 4)
    assert lots(bank, 12) == [[(1, 1)]]
    assert of_messages(bank, [11]) == {}
    assert audit(bank) == []


def test_a_gift_is_a_lot_and_what_is_taken_away_is_drawn(bank: Connection) -> None:
    sql.ask(bank, Request(5, Kind.ADJUST_UP, "bank", 2, 0, "A1", "a gift", at_ms=3))
    sql.ask(bank, Request(6, Kind.ADJUST_DOWN, "bank", 9, 0, "A2", "a mistake", at_ms=3))
    assert left(bank) == [0, 0, 1]
    settle(bank, [1])
    assert lots(bank, 11) == [[(5, 1)]]
    assert audit(bank) == []


def test_a_statement_tells_what_was_charged_to_each_lot_less_what_was_refunded(bank: Connection) -> None:
    items = settle(bank, [2, 3])
    sql.hold(bank, [Hold(31, "bank", 1)], 4)
    sql.refund(bank, items[:1], 7)
    first, second = statement(bank, "bank", 0, 6), statement(bank, "bank", 6, 9)
    assert [(each.lot.lot_id, each.units, int(each.value_fen)) for each in first.charged] == [
        (1, 3, 30),
        (2, 2, 40),
    ]
    assert [(each.lot.lot_id, each.units, int(each.value_fen)) for each in second.charged] == [(1, -2, -20)]
    assert [each.units for each in first.rests] == [0, 3]
    assert [each.units for each in second.rests] == [2, 3]


def test_at_the_end_each_unit_is_paid_back_at_the_price_of_its_own_lot(bank: Connection) -> None:
    items = settle(bank, [2, 1, 4])
    sql.refund(bank, items[:1], 5)
    move(bank, "bank", AccountState.TERMINATED, 6)
    assert return_rest(bank, "bank", 90, "end", "the end", 6).returned_fen == 2 * 10 + 1 * 20
    # What comes back later is paid back at its own price, too.
    sql.refund(bank, items[1:], 7)
    assert return_rest(bank, "bank", 91, "end", "the end", 8).returned_fen == 3 * 10 + 5 * 20
    assert [rest.units for rest in settlement(bank, "bank").rests] == [3, 5]
    assert left(bank) == [0, 0]
    assert audit(bank) == []


def test_where_more_was_paid_back_before_than_is_due_units_come_back_for_nothing(bank: Connection) -> None:
    # As it was before lots were told message by message: the last lot's price for what the first one gave.
    items = settle(bank, [1, 1, 1, 5])
    sql.refund(bank, items[:1], 5)
    move(bank, "bank", AccountState.TERMINATED, 6)
    sql.ask(bank, Request(90, Kind.RETURN, "bank", 1, 25, "end 90", "the end", 6))
    sql.refund(bank, items[1:2], 7)
    settled = return_rest(bank, "bank", 91, "end", "the end", 8)
    assert [(each.units, each.amount_fen) for each in settled.returns] == [(1, 25), (1, 0)]
    assert settled.balance.remaining == 0


def test_a_message_that_was_moved_to_a_cheaper_lot_is_found_by_the_chain_alone(bank: Connection) -> None:
    settle(bank, [1])
    bank.exec_driver_sql("UPDATE ledger_draw SET lot_id = 2")
    bank.exec_driver_sql("UPDATE ledger_rest SET units = units + 3 - 2 * lot_id")
    assert {(each.identity, each.account) for each in audit(bank)} == {("LINK_IS_AS_SEALED", "bank")}
