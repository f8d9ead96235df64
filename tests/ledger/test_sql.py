from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from ledger import sql
from ledger.accounts import Balance
from ledger.audit import audit
from ledger.charge import Resolution
from ledger.credits import ID_MAX, UNITS_MAX
from ledger.errors import LedgerError
from ledger.lots import Lot
from ledger.schema import ledger_account, ledger_lot, ledger_transfer
from ledger.standing import open_account
from ledger.transfer import Hold, Kind, Stage
from tests.ledger.database import open_ledger


def fund(conn: Connection, account: str, units: int) -> None:
    lot_id = 1 + conn.scalars(select(func.count()).select_from(ledger_lot)).one()
    sql.topup(conn, Lot(lot_id, account, units, amount_fen=units * 8, reference=f"R{lot_id}", at_ms=0))
    open_account(conn, account, at_ms=0)


def messages(ids: range, account: str = "bank", units: int = 1) -> list[Hold]:
    return [Hold(message_id, account, units) for message_id in ids]


def stored_transfers(conn: Connection) -> int:
    return conn.scalars(select(func.count()).select_from(ledger_transfer)).one()


# Top-ups


def test_a_first_topup_creates_the_account(conn: Connection) -> None:
    assert sql.topup(conn, Lot(1, "bank", 50, 400, "R1", 5)) == Balance(topped_up=50, remaining=50)
    assert sql.topup(conn, Lot(2, "bank", 20, 160, "R2", 6)) == Balance(topped_up=70, remaining=70)
    assert conn.execute(select(ledger_lot).order_by(ledger_lot.c.lot_id)).all() == [
        (1, "bank", 50, 400, "R1", 5),
        (2, "bank", 20, 160, "R2", 6),
    ]
    assert audit(conn) == []


@pytest.mark.parametrize("lot_id", [1, 2])
def test_a_topup_told_twice_is_credited_once(conn: Connection, lot_id: int) -> None:
    sql.topup(conn, Lot(1, "bank", 50, 400, "R1", 5))
    open_account(conn, "bank", at_ms=5)
    sql.hold(conn, [Hold(9, "bank", 10)], at_ms=6)
    assert sql.topup(conn, Lot(lot_id, "bank", 50, 400, "R1", 7)) == Balance(50, 40, held=10)
    assert stored_transfers(conn) == 2


def test_two_accounts_may_use_the_same_payment_reference(conn: Connection) -> None:
    sql.topup(conn, Lot(1, "bank", 50, 400, "R1", 5))
    assert sql.topup(conn, Lot(2, "shop", 60, 500, "R1", 5)) == Balance(60, 60)


def test_a_reference_used_for_another_purchase_is_an_error(conn: Connection) -> None:
    sql.topup(conn, Lot(1, "bank", 50, 400, "R1", 5))
    with pytest.raises(LedgerError, match="'R1'"):
        sql.topup(conn, Lot(2, "bank", 51, 400, "R1", 5))


def test_an_id_used_for_another_purchase_is_an_error_even_if_the_reference_agrees(conn: Connection) -> None:
    sql.topup(conn, Lot(1, "bank", 50, 400, "R1", 5))
    sql.topup(conn, Lot(2, "bank", 60, 480, "R2", 5))
    with pytest.raises(LedgerError, match="'R1'"):
        sql.topup(conn, Lot(1, "bank", 60, 480, "R2", 5))


# Holds


def test_the_last_units_can_be_held_and_not_one_more(conn: Connection) -> None:
    fund(conn, "bank", 5)
    assert sql.hold(conn, [Hold(1, "bank", 5)], at_ms=1) == [True]
    assert sql.hold(conn, [Hold(2, "bank", 1)], at_ms=1) == [False]
    assert sql.balances(conn) == {"bank": Balance(topped_up=5, remaining=0, held=5)}


def test_a_batch_is_decided_in_order_and_a_smaller_message_may_still_fit(conn: Connection) -> None:
    fund(conn, "bank", 5)
    batch = [Hold(1, "bank", 3), Hold(2, "bank", 3), Hold(3, "bank", 2), Hold(4, "bank", 1)]
    assert sql.hold(conn, batch, at_ms=1) == [True, False, True, False]
    assert sql.balances(conn) == {"bank": Balance(topped_up=5, remaining=0, held=5)}


def test_a_batch_of_many_accounts_charges_each_its_own(conn: Connection) -> None:
    names = [f"客户{n}" for n in range(50)]
    for name in names:
        fund(conn, name, 2)
    batch = [Hold(100 * turn + n, name, 1) for turn in (1, 2, 3) for n, name in enumerate(names)]
    assert sql.hold(conn, batch, at_ms=1) == [True] * 100 + [False] * 50
    assert sql.balances(conn) == {name: Balance(2, 0, held=2) for name in sorted(names)}


def test_an_account_that_was_never_topped_up_holds_nothing(conn: Connection) -> None:
    fund(conn, "bank", 5)
    assert sql.hold(conn, [Hold(1, "nobody", 1), Hold(2, "bank", 1)], at_ms=1) == [False, True]
    assert sql.balances(conn, ["nobody"]) == {}


def test_a_repeated_hold_is_true_and_changes_nothing(conn: Connection) -> None:
    fund(conn, "bank", 5)
    assert sql.hold(conn, [Hold(1, "bank", 4), Hold(1, "bank", 4)], at_ms=1) == [True, True]
    assert sql.hold(conn, [Hold(1, "bank", 4), Hold(2, "bank", 1)], at_ms=2) == [True, True]
    assert sql.balances(conn) == {"bank": Balance(5, 0, held=5)}


def test_the_parts_of_a_whole_hold_together_or_not_at_all(conn: Connection) -> None:
    fund(conn, "bank", 5)
    batch = [Hold(n, "bank", 2, whole=7) for n in (1, 2, 3)] + [Hold(4, "bank", 1)]
    assert sql.hold(conn, batch, at_ms=1) == [False, False, False, True]
    assert sql.hold(conn, [Hold(n, "bank", 2, whole=7) for n in (1, 2)], at_ms=2) == [True, True]
    assert sql.balances(conn) == {"bank": Balance(5, 0, held=5)}


def test_a_refused_message_leaves_no_transfer_and_may_ask_again(conn: Connection) -> None:
    fund(conn, "bank", 5)
    assert sql.hold(conn, [Hold(1, "bank", 6)], at_ms=1) == [False]
    assert stored_transfers(conn) == 1
    fund(conn, "bank", 1)
    assert sql.hold(conn, [Hold(1, "bank", 6)], at_ms=2) == [True]


def test_the_largest_numbers_are_kept_exactly(conn: Connection) -> None:
    fund(conn, "bank", UNITS_MAX)
    batch = [Hold(ID_MAX, "bank", UNITS_MAX - 1), Hold(ID_MAX - 1, "bank", 1)]
    assert sql.hold(conn, batch, at_ms=2**62 + 1) == [True, True]
    assert sql.resolve(conn, Kind.SETTLE, batch, at_ms=2**62 + 3) == 2
    assert conn.execute(
        select(ledger_transfer).where(ledger_transfer.c.source_id == ID_MAX).order_by(ledger_transfer.c.stage)
    ).all() == [
        (ID_MAX, Stage.HOLD, Kind.HOLD, "bank", UNITS_MAX - 1, 2**62 + 1, 2),
        (ID_MAX, Stage.RESOLUTION, Kind.SETTLE, "bank", UNITS_MAX - 1, 2**62 + 3, 3),
    ]


# Ends of holds


@pytest.mark.parametrize(
    ("kind", "after"),
    [(Kind.SETTLE, Balance(10, 5, held=2, settled=3)), (Kind.VOID, Balance(10, 8, held=2))],
)
def test_a_resolution_moves_the_held_units_once(conn: Connection, kind: Resolution, after: Balance) -> None:
    fund(conn, "bank", 10)
    sql.hold(conn, [Hold(1, "bank", 3), Hold(2, "bank", 2)], at_ms=1)
    item = Hold(1, "bank", 3)
    assert sql.resolve(conn, kind, [item, item], at_ms=2) == 1
    assert sql.resolve(conn, Kind.SETTLE, [item], at_ms=3) == 0
    assert sql.resolve(conn, Kind.VOID, [item], at_ms=3) == 0
    assert sql.balances(conn) == {"bank": after}
    assert audit(conn) == []


def test_a_batch_with_repeats_resolves_only_the_rest(conn: Connection) -> None:
    fund(conn, "bank", 10)
    sql.hold(conn, messages(range(1, 6)), at_ms=1)
    assert sql.resolve(conn, Kind.VOID, messages(range(1, 3)), at_ms=2) == 2
    assert sql.resolve(conn, Kind.SETTLE, messages(range(1, 6)), at_ms=3) == 3
    assert sql.balances(conn) == {"bank": Balance(10, 7, settled=3)}


def test_what_is_resolved_is_what_was_held_whatever_the_caller_says(conn: Connection) -> None:
    fund(conn, "bank", 10)
    sql.hold(conn, [Hold(1, "bank", 3)], at_ms=1)
    assert sql.resolve(conn, Kind.SETTLE, [Hold(1, "bank", 9)], at_ms=2) == 1
    assert sql.balances(conn) == {"bank": Balance(10, 7, settled=3)}


def test_resolving_a_message_without_a_hold_names_it(conn: Connection) -> None:
    fund(conn, "bank", 10)
    sql.hold(conn, messages(range(1, 3)), at_ms=1)
    with pytest.raises(LedgerError, match="VOID of 1 messages without a hold, among them 77"):
        sql.resolve(conn, Kind.VOID, [*messages(range(1, 3)), Hold(77, "bank", 1)], at_ms=2)


def test_resolving_on_an_account_whose_row_is_gone_is_an_error(conn: Connection) -> None:
    fund(conn, "bank", 10)
    sql.hold(conn, [Hold(1, "bank", 3)], at_ms=1)
    conn.execute(delete(ledger_account))
    with pytest.raises(LedgerError, match=r"SETTLE on accounts that do not exist: \['bank'\]"):
        sql.resolve(conn, Kind.SETTLE, [Hold(1, "bank", 3)], at_ms=2)


# Refunds


def test_a_settled_message_is_refunded_once(conn: Connection) -> None:
    fund(conn, "bank", 10)
    items = [Hold(1, "bank", 3), Hold(2, "bank", 4)]
    sql.hold(conn, items, at_ms=1)
    sql.resolve(conn, Kind.SETTLE, items, at_ms=2)
    assert sql.refund(conn, [items[0], items[0]], at_ms=3) == 1
    assert sql.refund(conn, items, at_ms=4) == 1
    assert sql.refund(conn, items, at_ms=5) == 0
    assert sql.balances(conn) == {"bank": Balance(10, 10)}
    assert audit(conn) == []


@pytest.mark.parametrize("message_id", [2, 3, 4])
def test_a_message_that_was_not_settled_is_not_refunded(conn: Connection, message_id: int) -> None:
    fund(conn, "bank", 10)
    sql.hold(conn, messages(range(1, 4)), at_ms=1)
    sql.resolve(conn, Kind.SETTLE, messages(range(1, 2)), at_ms=2)
    sql.resolve(conn, Kind.VOID, messages(range(2, 3)), at_ms=2)
    with pytest.raises(LedgerError, match=f"refund of message {message_id}, which was not settled"):
        sql.refund(conn, [Hold(1, "bank", 1), Hold(message_id, "bank", 1)], at_ms=3)


def test_a_refund_is_at_most_the_settle(conn: Connection) -> None:
    fund(conn, "bank", 10)
    sql.hold(conn, [Hold(1, "bank", 3)], at_ms=1)
    sql.resolve(conn, Kind.SETTLE, [Hold(1, "bank", 3)], at_ms=2)
    with pytest.raises(LedgerError, match="refund of 4 units of message 1, settled for 3"):
        sql.refund(conn, [Hold(1, "bank", 4)], at_ms=3)
    assert sql.refund(conn, [Hold(1, "bank", 2)], at_ms=3) == 1
    assert sql.balances(conn) == {"bank": Balance(10, 9, settled=1)}


# Balances and batches


def test_balances_are_of_the_accounts_asked_for_in_order_of_name(conn: Connection) -> None:
    for name in ("shop", "bank", "club"):
        fund(conn, name, 1)
    assert list(sql.balances(conn)) == ["bank", "club", "shop"]
    assert list(sql.balances(conn, ["shop", "nobody", "bank"])) == ["bank", "shop"]
    assert sql.balances(conn, []) == {}


def test_an_empty_batch_touches_nothing(conn: Connection) -> None:
    with executed(conn) as statements:
        assert sql.hold(conn, [], at_ms=1) == []
        assert sql.resolve(conn, Kind.SETTLE, [], at_ms=1) == 0
        assert sql.refund(conn, [], at_ms=1) == 0
    assert statements == []


@contextmanager
def executed(conn: Connection) -> Iterator[list[str]]:
    """The statements that SQLite executed meanwhile, with their parameters written out."""
    statements: list[str] = []
    driver = conn.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_trace_callback(statements.append)
    yield statements
    driver.set_trace_callback(None)


@pytest.mark.parametrize("size", [1, 6_000])
def test_a_batch_of_any_size_is_a_fixed_number_of_statements(conn: Connection, size: int) -> None:
    fund(conn, "bank", size)
    items = messages(range(1, size + 1))
    with executed(conn) as statements:
        assert sql.hold(conn, items, at_ms=1) == [True] * size
        assert sql.resolve(conn, Kind.SETTLE, items, at_ms=2) == size
        assert sql.refund(conn, items, at_ms=3) == size
    assert len(statements) == 5 + 7 + 8


def test_no_statement_of_a_batch_reads_a_whole_table(conn: Connection) -> None:
    fund(conn, "bank", 100)
    items = messages(range(1, 101))
    with executed(conn) as statements:
        sql.hold(conn, items, at_ms=1)
        sql.resolve(conn, Kind.SETTLE, items, at_ms=2)
        sql.refund(conn, items, at_ms=3)
    for text in list(statements):
        plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
        assert not [row for row in plan if "SCAN ledger" in row[3] or "SCAN hold" in row[3]], text


# The tables guard themselves


@pytest.mark.parametrize(
    "change",
    [
        {"remaining": -1, "held": 11},
        {"remaining": 11},
        {"topped_up": 9},
        {"settled": -1, "held": 1},
    ],
)
def test_a_balance_that_is_negative_or_does_not_add_up_cannot_be_written(
    conn: Connection, change: dict[str, int]
) -> None:
    fund(conn, "bank", 10)
    with pytest.raises(IntegrityError, match="ledger_account"):
        conn.execute(update(ledger_account).values(change))


def test_a_second_transfer_of_one_stage_cannot_be_written(conn: Connection) -> None:
    fund(conn, "bank", 10)
    sql.hold(conn, [Hold(1, "bank", 3)], at_ms=1)
    sql.resolve(conn, Kind.VOID, [Hold(1, "bank", 3)], at_ms=2)
    with pytest.raises(IntegrityError, match="UNIQUE"):
        conn.execute(
            ledger_transfer.insert().values(
                source_id=1,
                stage=Stage.RESOLUTION,
                kind=Kind.SETTLE,
                account="bank",
                units=3,
                at_ms=3,
                link=9,
            )
        )


def test_a_driver_that_takes_its_parameters_by_name_gives_the_same_answers(tmp_path: Path) -> None:
    engine = open_ledger(tmp_path / "named.db", paramstyle="named")
    with engine.begin() as conn:
        fund(conn, "bank", 5)
        assert sql.hold(conn, messages(range(1, 7)), at_ms=1) == [True] * 5 + [False]
        assert sql.resolve(conn, Kind.SETTLE, messages(range(1, 4)), at_ms=2) == 3
        assert sql.refund(conn, messages(range(1, 2)), at_ms=3) == 1
        assert sql.balances(conn) == {"bank": Balance(5, 1, held=2, settled=2)}
    engine.dispose()
