"""The chain: whoever changes a row is found out, even where every balance and identity still adds up."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import pytest
from sqlalchemy import Connection, select

from ledger import sql
from ledger.audit import audit
from ledger.chain import GENESIS, link_hash
from ledger.lots import Lot
from ledger.schema import ledger_account, ledger_link, ledger_transfer
from ledger.standing import open_account
from ledger.transfer import Hold, Kind


@pytest.fixture
def chained(conn: Connection) -> Iterator[Connection]:
    """ "bank" has five links: a top-up, two holds, a settle, a void; "shop" has two."""
    for lot_id, account in enumerate(("bank", "shop"), 1):
        sql.topup(conn, Lot(lot_id, account, 100, 800, "R1", at_ms=0))
        open_account(conn, account, at_ms=0)
    sql.hold(conn, [Hold(11, "bank", 1), Hold(12, "bank", 2), Hold(21, "shop", 1)], at_ms=10)
    sql.hold(conn, [Hold(13, "bank", 2), Hold(14, "bank", 2)], at_ms=20)
    sql.resolve(conn, Kind.SETTLE, [Hold(12, "bank", 2), Hold(11, "bank", 1)], at_ms=30)
    sql.resolve(conn, Kind.VOID, [Hold(13, "bank", 2)], at_ms=40)
    assert audit(conn) == []
    conn.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
    yield conn
    conn.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")


def found(conn: Connection) -> set[tuple[str, str | None, str]]:
    return {(each.identity, each.account, each.detail.partition(",")[0]) for each in audit(conn)}


def test_a_batch_is_one_link_of_each_account_in_it(chained: Connection) -> None:
    links = chained.execute(
        select(ledger_link.c.account, ledger_link.c.link, ledger_link.c.kind, ledger_link.c.units)
    ).all()
    assert sorted(tuple(link) for link in links) == [
        ("bank", 1, Kind.TOPUP, 100),
        ("bank", 2, Kind.HOLD, 3),
        ("bank", 3, Kind.HOLD, 4),
        ("bank", 4, Kind.SETTLE, 3),
        ("bank", 5, Kind.VOID, 2),
        ("shop", 1, Kind.TOPUP, 100),
        ("shop", 2, Kind.HOLD, 1),
    ]
    numbered = chained.execute(
        select(ledger_transfer.c.source_id, ledger_transfer.c.link).where(ledger_transfer.c.kind == Kind.HOLD)
    ).all()
    assert sorted(tuple(row) for row in numbered) == [(11, 2), (12, 2), (13, 3), (14, 3), (21, 2)]


def test_a_hash_can_be_computed_again_from_what_is_written_about_it() -> None:
    first = sha256(b"\nbank\n1 1 5\n[[7,100]]").hexdigest()
    assert link_hash(GENESIS, "bank", 1, Kind.TOPUP, 5, [(7, 100)]) == first
    second = sha256(f"{first}\nbank\n2 2 6\n[[8,1],[9,2]]".encode()).hexdigest()
    assert link_hash(first, "bank", 2, Kind.HOLD, 6, [(9, 2), (8, 1)]) == second


def test_a_repeat_makes_no_link(chained: Connection) -> None:
    before = chained.execute(select(ledger_account.c.account, ledger_account.c.head)).all()
    sql.hold(chained, [Hold(11, "bank", 1)], at_ms=50)
    sql.resolve(chained, Kind.SETTLE, [Hold(13, "bank", 2)], at_ms=50)
    sql.topup(chained, Lot(1, "bank", 100, 800, "R1", at_ms=50))
    assert chained.execute(select(ledger_account.c.account, ledger_account.c.head)).all() == before


TAMPERINGS = [
    # The units of two transfers swapped between two messages, hold and settle: every sum is as it was.
    (
        "altered",
        ["UPDATE ledger_transfer SET units = 3 - units WHERE source_id IN (11, 12)"],
        {("LINK_IS_AS_SEALED", "bank", "link 2"), ("LINK_IS_AS_SEALED", "bank", "link 4")},
    ),
    (
        "renamed",
        ["UPDATE ledger_transfer SET source_id = 15 WHERE source_id = 11"],
        {("LINK_IS_AS_SEALED", "bank", "link 2"), ("LINK_IS_AS_SEALED", "bank", "link 4")},
    ),
    (
        "another instant",
        ["UPDATE ledger_transfer SET at_ms = 31 WHERE source_id = 11 AND stage = 2"],
        {("LINK_IS_AS_SEALED", "bank", "link 4")},
    ),
    (
        "the instant of all",
        [
            "UPDATE ledger_transfer SET at_ms = 31 WHERE link = 4",
            "UPDATE ledger_link SET at_ms = 31 WHERE link = 4",
        ],
        {("LINK_IS_AS_SEALED", "bank", "link 4")},
    ),
    (
        # A message taken out whole, and the balance put right.
        "missing",
        [
            "DELETE FROM ledger_transfer WHERE source_id = 13",
        ],
        {("LINK_IS_AS_SEALED", "bank", "link 3"), ("LINK_IS_AS_SEALED", "bank", "link 5")},
    ),
    (
        # A message put in whole, settled and refunded, so that no balance differs.
        "added",
        [
            "INSERT INTO ledger_transfer VALUES (17, 1, 2, 'bank', 1, 10, 2)",
            "INSERT INTO ledger_transfer VALUES (17, 2, 4, 'bank', 1, 40, 5)",
        ],
        {("LINK_IS_AS_SEALED", "bank", "link 2"), ("LINK_IS_AS_SEALED", "bank", "link 5")},
    ),
    (
        "added with a link of its own",
        ["INSERT INTO ledger_link VALUES ('bank', 6, 2, 1, 1, 50, 'ab')"],
        {("LINK_IS_AS_SEALED", "bank", "link 6"), ("LINK_ENDS_AT_HEAD", "bank", "link 5")},
    ),
    (
        "reordered within the chain",
        [
            "UPDATE ledger_transfer SET link = 5 - link WHERE link IN (2, 3) AND account = 'bank'",
            "UPDATE ledger_link SET link = -(5 - link) WHERE link IN (2, 3) AND account = 'bank'",
            "UPDATE ledger_link SET link = -link WHERE link < 0",
        ],
        {("LINK_IS_AS_SEALED", "bank", "link 2"), ("LINK_IS_AS_SEALED", "bank", "link 3")},
    ),
    (
        "moved to another link",
        ["UPDATE ledger_transfer SET link = 3 WHERE source_id = 12 AND stage = 1"],
        {("LINK_IS_AS_SEALED", "bank", "link 2"), ("LINK_IS_AS_SEALED", "bank", "link 3")},
    ),
    (
        "a link missing",
        ["DELETE FROM ledger_link WHERE account = 'bank' AND link = 3"],
        {("LINK_HAS_PREVIOUS", "bank", "link 4"), ("LINK_IS_AS_SEALED", "bank", "link 4")},
    ),
    (
        "a link's hash",
        ["UPDATE ledger_link SET hash = 'ab' WHERE account = 'bank' AND link = 3"],
        {("LINK_IS_AS_SEALED", "bank", "link 3"), ("LINK_IS_AS_SEALED", "bank", "link 4")},
    ),
    (
        "the tail cut off",
        [
            "DELETE FROM ledger_link WHERE account = 'bank' AND link = 5",
            "DELETE FROM ledger_transfer WHERE account = 'bank' AND link = 5",
            "UPDATE ledger_account SET held = held + 2, remaining = remaining - 2 WHERE account = 'bank'",
        ],
        {("LINK_ENDS_AT_HEAD", "bank", "link 5")},
    ),
]


@pytest.mark.parametrize(
    ("statements", "named"),
    [pytest.param(statements, named, id=name) for name, statements, named in TAMPERINGS],
)
def test_what_was_tampered_with_is_found_and_named(
    chained: Connection, statements: list[str], named: set[tuple[str, str | None, str]]
) -> None:
    for statement in statements:
        chained.exec_driver_sql(statement)
    assert named <= found(chained)
    assert all(account == "bank" for _, account, _ in found(chained))


def test_a_swap_that_leaves_every_sum_as_it_was_is_found_by_the_chain_alone(chained: Connection) -> None:
    chained.exec_driver_sql("UPDATE ledger_transfer SET units = 3 - units WHERE source_id IN (11, 12)")
    assert {each.identity for each in audit(chained)} == {"LINK_IS_AS_SEALED"}
