"""A month's statement from the rows that a life has left: its sums are the ledger's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest
from sqlalchemy import Connection

from gateway.store.schema_records import refusal
from gateway.store.statements import Month, Refused, Sent, month_of
from ledger import sql
from ledger.accounts import Balance
from ledger.errors import LedgerError
from ledger.requests import Request
from ledger.transfer import Hold, Kind
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import SHANGHAI, START, accepted, receipt

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
DAY_S = 86_400


def month(rig: Rig, first: date = NOVEMBER, account: str = "bank") -> Month:
    with rig.engine.begin() as connection:
        return month_of(connection, account, first, SHANGHAI)


def refuse(connection: Connection, refusal_id: int, rule: str, at_ms: int, account: str = "bank") -> None:
    connection.execute(
        refusal.insert().values(
            refusal_id=refusal_id,
            account=account,
            rule=rule,
            message_class="commercial",
            source_addr="1069",
            destination_addr="138",
            body=b"",
            units=2,
            ruleset="r",
            submitted_by="bank",
            submitted_at=at_ms,
        )
    )


def test_what_was_sent_is_told_by_day_and_carrier(rig: Rig) -> None:
    rig.enroute("A1", units=2)
    rig.enroute("A3")
    rig.advance(DAY_S)
    rig.enroute("A2", units=3)
    rig.hear(receipt("A1"), receipt("A2"))
    made = month(rig)
    assert list(made.sent) == [
        Sent(date(2026, 11, 23), "north", 2, 3),
        Sent(date(2026, 11, 24), "north", 1, 3),
    ]
    assert made.ledger.closing == rig.balance()


def test_what_was_refused_is_told_by_clause_and_rule(rig: Rig) -> None:
    with rig.engine.begin() as connection:
        refuse(connection, 1, "CONTENT_CULT", START)
        refuse(connection, 2, "CONTENT_CULT", START)
        refuse(connection, 3, "OUTSIDE_HOURS", START)
        refuse(connection, 4, "OUTSIDE_HOURS", START, account="shop")
        refuse(connection, 5, "OUTSIDE_HOURS", START - 30 * DAY_S * 1000)
    assert list(month(rig).refused) == [
        Refused("CONTENT_CULT", "六(5)", 2, 4),
        Refused("OUTSIDE_HOURS", "五(5)", 1, 2),
    ]


def test_a_month_opens_with_what_the_one_before_closed_with(rig: Rig) -> None:
    sent = rig.enroute("A1", units=2)
    waits = rig.queued(units=5, deadline_at=START + 90 * DAY_S * 1000)
    november_s = datetime(2026, 11, 30, 23, 59, 59, tzinfo=SHANGHAI).timestamp() - START / 1000
    rig.advance(november_s)
    with rig.engine.begin() as connection:
        sql.refund(connection, [Hold(sent.message_id, "bank", 2)], rig.now())
    rig.advance(1)
    with rig.engine.begin() as connection:
        sql.ask(connection, Request(7, Kind.ADJUST_DOWN, "bank", 4, 0, "A1", "why", rig.now()))
    november, december = month(rig), month(rig, DECEMBER)
    assert november.ledger.closing == december.ledger.opening == Balance(1000, 995, 5, 0)
    assert november.ledger.moved == {Kind.TOPUP: 1000, Kind.HOLD: 7, Kind.SETTLE: 2, Kind.REFUND: 2}
    assert december.ledger.moved == {Kind.ADJUST_DOWN: 4}
    assert december.ledger.closing == rig.balance() == Balance(996, 991, 5)
    assert [request.reference for request in december.ledger.asked] == ["A1"]
    assert rig.row(waits).units == 5


def test_a_clock_that_is_set_back_at_the_turn_of_a_month_keeps_no_statement_from_being_made(rig: Rig) -> None:
    december_s = datetime(2026, 12, 1, 0, 0, 1, tzinfo=SHANGHAI).timestamp()
    rig.clock.put(december_s)
    sent = rig.submitting(units=2)
    rig.clock.put(december_s - 2)
    rig.record(accepted(sent, "A1"))
    with rig.engine.begin() as connection:
        sql.ask(connection, Request(7, Kind.ADJUST_DOWN, "bank", 4, 0, "A1", "why", rig.now()))
    november, december = month(rig), month(rig, DECEMBER)
    assert november.ledger.moved == {Kind.TOPUP: 1000}
    assert december.ledger.moved == {Kind.HOLD: 2, Kind.SETTLE: 2, Kind.ADJUST_DOWN: 4}
    assert (december.ledger.after_link, december.ledger.link) == (november.ledger.link, 4)
    assert [request.units for request in december.ledger.asked] == [4]
    assert sum(each.units for each in december.sent) == 2
    assert december.ledger.closing == rig.balance()


def test_an_account_that_nobody_knows_has_nothing(rig: Rig) -> None:
    made = month(rig, account="stranger")
    assert (made.ledger.opening, made.ledger.closing) == (Balance(), Balance())
    assert (made.ledger.link, made.ledger.head, list(made.sent)) == (0, "", [])


CORRUPTIONS: list[Callable[[Connection], object]] = [
    lambda c: c.exec_driver_sql("UPDATE ledger_account SET remaining = remaining - 1, settled = settled + 1"),
    lambda c: c.exec_driver_sql("UPDATE ledger_transfer SET units = 3 WHERE kind = 3"),
    lambda c: c.exec_driver_sql("DELETE FROM ledger_transfer WHERE kind = 3"),
    lambda c: c.exec_driver_sql("UPDATE ledger_link SET units = units + 1 WHERE kind = 2"),
    lambda c: c.exec_driver_sql("UPDATE ledger_lot SET units = units + 1"),
    lambda c: c.exec_driver_sql("DELETE FROM ledger_request"),
]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_ledger_that_does_not_agree_with_itself_makes_no_statement(
    rig: Rig, corruption: Callable[[Connection], object]
) -> None:
    rig.enroute("A1", units=2)
    with rig.engine.begin() as connection:
        sql.ask(connection, Request(7, Kind.ADJUST_UP, "bank", 4, 0, "A1", "why", rig.now()))
    assert month(rig).ledger.closing == rig.balance()
    with rig.engine.connect() as connection:
        corruption(connection)
        with pytest.raises(LedgerError):
            month_of(connection, "bank", NOVEMBER, SHANGHAI)
        connection.rollback()
