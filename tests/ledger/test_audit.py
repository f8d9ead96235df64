"""Each corruption is planted with the tables' own guards off, and must be found and named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from ledger import sql
from ledger.audit import IDENTITIES, audit
from ledger.identity import Violation
from ledger.lots import Lot
from ledger.requests import Request
from ledger.standing import open_account
from ledger.transfer import Hold, Kind


@pytest.fixture
def unguarded(conn: Connection) -> Iterator[Connection]:
    """A sound ledger: message 1 held, 2 settled, 3 voided, 4 refunded in part; two requests. Guards off."""
    sql.topup(conn, Lot(1, "bank", 100, 800, "R1", at_ms=0))
    sql.topup(conn, Lot(2, "shop", 50, 400, "R2", at_ms=0))
    open_account(conn, "bank", at_ms=0)
    items = [Hold(message_id, "bank", 3) for message_id in (1, 2, 3, 4)]
    sql.hold(conn, items, at_ms=1)
    sql.resolve(conn, Kind.SETTLE, [items[1], items[3]], at_ms=2)
    sql.resolve(conn, Kind.VOID, [items[2]], at_ms=2)
    sql.refund(conn, [Hold(4, "bank", 2)], at_ms=3)
    sql.ask(conn, Request(5, Kind.ADJUST_UP, "bank", 7, 0, "A1", "a gift", at_ms=4))
    sql.ask(conn, Request(6, Kind.RETURN, "shop", 10, 80, "A2", "the end", at_ms=4))
    conn.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
    yield conn
    conn.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")


def test_a_sound_ledger_has_no_violation(unguarded: Connection) -> None:
    assert audit(unguarded) == []


def test_an_empty_ledger_has_no_violation(conn: Connection) -> None:
    assert audit(conn) == []


CORRUPTIONS = [
    ("UPDATE ledger_account SET held = -3, remaining = 99", "BALANCE_NOT_NEGATIVE", "bank", None),
    ("UPDATE ledger_account SET topped_up = topped_up + 1", "BALANCE_ADDS_UP", "bank", None),
    (
        "UPDATE ledger_account SET held = held - 1, settled = settled + 1",
        "BALANCE_IS_SUM_OF_TRANSFERS",
        "bank",
        None,
    ),
    (
        "UPDATE ledger_account SET remaining = remaining - 1, returned = 1",
        "BALANCE_IS_SUM_OF_TRANSFERS",
        "bank",
        None,
    ),
    (
        "INSERT INTO ledger_account VALUES ('club', 5, 5, 0, 0, 0, 2, 0, '')",
        "BALANCE_IS_SUM_OF_TRANSFERS",
        "club",
        None,
    ),
    ("DELETE FROM ledger_account", "TRANSFER_HAS_ACCOUNT", "bank", 1),
    ("UPDATE ledger_transfer SET units = 0 WHERE source_id = 1", "TRANSFER_MOVES_UNITS", "bank", 1),
    ("UPDATE ledger_transfer SET kind = 3 WHERE stage = 1", "KIND_FITS_STAGE", "bank", 1),
    ("UPDATE ledger_transfer SET kind = 9 WHERE stage = 2", "KIND_FITS_STAGE", "bank", 2),
    ("UPDATE ledger_transfer SET stage = 6 WHERE stage = 3", "KIND_FITS_STAGE", "bank", 4),
    ("DELETE FROM ledger_transfer WHERE stage = 1", "RESOLUTION_HAS_EQUAL_HOLD", "bank", 2),
    (
        "UPDATE ledger_transfer SET units = 2 WHERE stage = 2 AND source_id = 3",
        "RESOLUTION_HAS_EQUAL_HOLD",
        "bank",
        3,
    ),
    (
        "UPDATE ledger_transfer SET account = 'shop' WHERE stage = 2 AND source_id = 3",
        "RESOLUTION_HAS_EQUAL_HOLD",
        "shop",
        3,
    ),
    (
        "DELETE FROM ledger_transfer WHERE stage = 2 AND source_id = 4",
        "REFUND_WITHIN_SETTLE",
        "bank",
        4,
    ),
    (
        "UPDATE ledger_transfer SET kind = 4 WHERE stage = 2 AND source_id = 4",
        "REFUND_WITHIN_SETTLE",
        "bank",
        4,
    ),
    ("UPDATE ledger_transfer SET units = 4 WHERE stage = 3", "REFUND_WITHIN_SETTLE", "bank", 4),
    ("DELETE FROM ledger_transfer WHERE stage = 0", "LOT_HAS_EQUAL_TOPUP", "bank", 1),
    ("UPDATE ledger_lot SET units = 99 WHERE lot_id = 2", "LOT_HAS_EQUAL_TOPUP", "shop", 2),
    ("UPDATE ledger_lot SET account = 'shop'", "LOT_HAS_EQUAL_TOPUP", "shop", 1),
    ("DELETE FROM ledger_lot WHERE lot_id = 2", "TOPUP_HAS_EQUAL_LOT", "shop", 2),
    ("UPDATE ledger_lot SET amount_fen = -1 WHERE lot_id = 2", "LOT_NOT_NEGATIVE", "shop", 2),
    ("DELETE FROM ledger_transfer WHERE stage = 5", "REQUEST_HAS_EQUAL_TRANSFER", "shop", 6),
    ("UPDATE ledger_request SET units = 8 WHERE request_id = 5", "REQUEST_HAS_EQUAL_TRANSFER", "bank", 5),
    ("DELETE FROM ledger_request WHERE request_id = 5", "ADJUSTMENT_HAS_REQUEST", "bank", 5),
    ("UPDATE ledger_account SET head = 'ab'", "LINK_ENDS_AT_HEAD", "bank", None),
    ("DELETE FROM ledger_link WHERE link = 2", "LINK_HAS_PREVIOUS", "bank", None),
    ("UPDATE ledger_transfer SET at_ms = 9 WHERE source_id = 2", "LINK_IS_AS_SEALED", "bank", None),
    ("UPDATE ledger_transfer SET link = 99 WHERE source_id = 2", "TRANSFER_HAS_LINK", "bank", 2),
    ("UPDATE ledger_rest SET units = units + 1 WHERE lot_id = 1", "LOTS_ADD_UP", "bank", None),
    ("UPDATE ledger_rest SET units = lot_id * 192 - 194 WHERE account = 'bank'", "LOTS_ADD_UP", "bank", None),
    ("DELETE FROM ledger_draw WHERE account = 'shop'", "LINK_DRAWS_ITS_UNITS", "shop", None),
    ("INSERT INTO ledger_draw VALUES ('bank', 1, 1, 2)", "LINK_DRAWS_ITS_UNITS", "bank", None),
    ("UPDATE ledger_draw SET link = 99 WHERE account = 'shop'", "DRAW_HAS_LINK_AND_LOT", "shop", 2),
    ("UPDATE ledger_draw SET lot_id = 2 WHERE account = 'bank'", "DRAW_HAS_LINK_AND_LOT", "bank", 2),
    (
        "UPDATE ledger_rest SET units = 98 - units WHERE account = 'bank'",
        "REST_IS_WHAT_WAS_NOT_DRAWN",
        "bank",
        5,
    ),
    ("UPDATE ledger_rest SET at_ms = 9 WHERE lot_id = 5", "REST_IS_WHAT_WAS_NOT_DRAWN", "bank", 5),
    ("DELETE FROM ledger_rest WHERE lot_id = 5", "REST_IS_WHAT_WAS_NOT_DRAWN", "bank", 5),
]


@pytest.mark.parametrize(("corruption", "identity", "account", "source_id"), CORRUPTIONS)
def test_a_planted_corruption_is_found(
    unguarded: Connection, corruption: str, identity: str, account: str, source_id: int | None
) -> None:
    unguarded.exec_driver_sql(corruption)
    found = {(each.identity, each.account, each.source_id) for each in audit(unguarded)}
    assert (identity, account, source_id) in found


def test_each_identity_has_its_corruption() -> None:
    assert {name for _, name, _, _ in CORRUPTIONS} == {identity.name for identity in IDENTITIES}


def test_a_violation_shows_the_numbers_that_differ(unguarded: Connection) -> None:
    unguarded.exec_driver_sql("UPDATE ledger_transfer SET units = 4 WHERE stage = 3")
    assert Violation(
        "REFUND_WITHIN_SETTLE",
        "bank",
        4,
        "kind 5, units 4, kind_before 3, units_before 3, account_before bank",
    ) in audit(unguarded)


def test_a_broken_ledger_is_reported_up_to_the_limit_of_each_identity(unguarded: Connection) -> None:
    unguarded.exec_driver_sql("DELETE FROM ledger_transfer WHERE stage = 1")
    found = [each for each in audit(unguarded, limit=2) if each.identity == "RESOLUTION_HAS_EQUAL_HOLD"]
    assert len(found) == 2
