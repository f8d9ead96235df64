"""Whole transactions against the book: several operations, then COMMIT or ROLLBACK, or an error in between.

Beside `test_sql_model`, which has one operation a transaction and small numbers, here are numbers as large as
they may be, refunds in part, the balances of a few, and drivers that take parameters by name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, delete, select

from ledger import sql
from ledger.accounts import Balance
from ledger.audit import audit
from ledger.book import Book
from ledger.charge import Resolution
from ledger.credits import FEN_MAX, ID_MAX, UNITS_MAX
from ledger.draws import of_messages
from ledger.errors import LedgerError
from ledger.lots import Lot
from ledger.requests import KINDS, Request
from ledger.schema import ledger_lot, ledger_request, ledger_rest, ledger_transfer, metadata
from ledger.standing import move, open_account, states
from ledger.states import AccountState
from ledger.transfer import Hold, Kind
from tests.ledger.database import open_ledger

Answer = list[bool] | bool | int | Balance | dict[str, Balance]
Operation = tuple[Callable[[Book], Answer], Callable[[Connection], Answer]]

ACCOUNTS = st.sampled_from(["bank", "shop", "账户 'x'", "nobody"])
IDS = st.integers(1, 6) | st.sampled_from([ID_MAX - 1, ID_MAX])
UNITS = st.sampled_from([1, 2, 5, UNITS_MAX // 2, UNITS_MAX - 1, UNITS_MAX])
TIMES = st.sampled_from([0, 1, 2**41, 2**53])
ITEMS = st.lists(st.builds(Hold, IDS, ACCOUNTS, UNITS), max_size=6)
LOTS = st.builds(
    Lot,
    lot_id=st.integers(1, 4) | st.just(ID_MAX),
    account=ACCOUNTS,
    units=UNITS,
    amount_fen=st.sampled_from([0, 1, FEN_MAX]),
    reference=st.sampled_from(["R1", "R2", "汇款"]),
    at_ms=TIMES,
)
REQUESTS = st.builds(
    Request,
    request_id=st.integers(20, 22) | st.just(ID_MAX - 2),
    kind=st.sampled_from(KINDS),
    account=ACCOUNTS,
    units=UNITS,
    amount_fen=st.just(0),
    reference=st.sampled_from(["A1", "A2", "汇款"]),
    reason=st.just("a test"),
    at_ms=TIMES,
)
TRANSFER_COLUMNS = [column for column in ledger_transfer.c if column.name != "link"]


def topup(lot: Lot) -> Operation:
    return lambda book: book.topup(lot), lambda conn: sql.topup(conn, lot)


def hold(items: list[Hold], at_ms: int) -> Operation:
    return lambda book: book.hold(items, at_ms), lambda conn: sql.hold(conn, items, at_ms)


def resolve(kind: Resolution, items: list[Hold], at_ms: int) -> Operation:
    return (lambda book: book.resolve(kind, items, at_ms)), lambda conn: sql.resolve(conn, kind, items, at_ms)


def refund(items: list[Hold], at_ms: int) -> Operation:
    return lambda book: book.refund(items, at_ms), lambda conn: sql.refund(conn, items, at_ms)


def ask(request: Request) -> Operation:
    return lambda book: book.ask(request), lambda conn: sql.ask(conn, request)


def enter(account: str, state: AccountState) -> Operation:
    return lambda book: book.move(account, state), lambda conn: move(conn, account, state, 0)


def balances(accounts: set[str]) -> Operation:
    return lambda book: book.balances(accounts), lambda conn: sql.balances(conn, accounts)


RESOLUTIONS: st.SearchStrategy[Resolution] = st.sampled_from([Kind.SETTLE, Kind.VOID])


def life(item: Hold, at_ms: int, kind: Resolution, units_back: int) -> list[Operation]:
    """A message as it should be, each thing said twice: held, resolved, refunded in part."""
    part = Hold(item.message_id, item.account, min(units_back, item.units))
    return [
        hold([item, item], at_ms),
        resolve(kind, [item, item], at_ms),
        resolve(Kind.SETTLE, [item], at_ms),
        refund([part, part], at_ms),
        refund([item], at_ms),
    ]


OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(topup, LOTS),
    st.builds(hold, ITEMS, TIMES),
    st.builds(resolve, RESOLUTIONS, ITEMS, TIMES),
    st.builds(ask, REQUESTS),
    st.builds(enter, ACCOUNTS, st.sampled_from([AccountState.OPEN, AccountState.SUSPENDED])),
    st.builds(refund, ITEMS, TIMES),
    st.builds(balances, st.sets(ACCOUNTS)),
)
TRANSACTIONS = st.lists(OPERATIONS, min_size=1, max_size=4) | st.builds(
    life, st.builds(Hold, IDS, ACCOUNTS, UNITS), TIMES, RESOLUTIONS, UNITS
)


class TransactionMachine(RuleBasedStateMachine):
    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        with self.engine.begin() as conn:
            for table in metadata.tables.values():
                conn.execute(delete(table))

    @initialize(units=UNITS)
    def fund(self, units: int) -> None:
        opened = enter("bank", AccountState.OPEN)
        self.transaction([topup(Lot(99, "bank", units, 0, "R0", 0)), opened], commits=True)

    @rule(operations=TRANSACTIONS, commits=st.sampled_from([True, True, True, False]))
    def transaction(self, operations: list[Operation], commits: bool) -> None:
        """Up to the first error, the same answers; after it, or a rollback, nothing has happened."""
        draft = self.book.copy()
        with self.engine.connect() as conn:
            transaction = conn.begin()
            if self.run_all(operations, draft, conn) and commits:
                transaction.commit()
                self.book = draft
            else:
                transaction.rollback()

    def run_all(self, operations: list[Operation], draft: Book, conn: Connection) -> bool:
        """Whether there was no error."""
        for in_book, in_sql in operations:
            expected = self.answer(in_book, draft)
            assert self.answer(in_sql, conn) == expected
            if expected is LedgerError:
                return False
        return True

    @staticmethod
    def answer(operation: Callable[..., Answer], on: Book | Connection) -> Answer | type[LedgerError]:
        try:
            return operation(on)
        except LedgerError:
            return LedgerError

    @invariant()
    def the_rows_are_the_same(self) -> None:
        with self.engine.begin() as conn:
            assert sql.balances(conn) == self.book.balances()
            assert {Lot(*row) for row in conn.execute(select(ledger_lot))} == set(self.book.lots.values())
            assert states(conn, self.book.states) == self.book.states
            rests = conn.execute(select(ledger_rest.c.account, ledger_rest.c.lot_id, ledger_rest.c.units))
            assert sorted(rests) == sorted(
                (account, *rest) for account, left in self.book.left.items() for rest in left.items()
            )
            settled = [key[0] for key, each in self.book.transfers.items() if each.kind is Kind.SETTLE]
            assert of_messages(conn, settled) == self.book.charged
            found_requests = conn.execute(select(ledger_request.c.request_id)).scalars()
            assert set(found_requests) == self.book.requests.keys()
            assert sorted(conn.execute(select(*TRANSFER_COLUMNS))) == sorted(
                (*key, transfer.kind, transfer.account, transfer.units, transfer.at_ms)
                for key, transfer in self.book.transfers.items()
            )

    def teardown(self) -> None:
        with self.engine.begin() as conn:
            assert audit(conn) == []


@pytest.mark.parametrize("paramstyle", ["qmark", "named"])
def test_transactions_leave_what_they_would_leave_in_the_book(tmp_path: Path, paramstyle: str) -> None:
    TransactionMachine.engine = open_ledger(tmp_path / "ledger.db", paramstyle)
    run_state_machine_as_test(
        TransactionMachine,
        settings=settings(max_examples=15, stateful_step_count=10, deadline=None),
    )
    TransactionMachine.engine.dispose()


def test_a_hold_on_a_connection_that_is_closed_without_commit_is_not_kept(tmp_path: Path) -> None:
    engine = open_ledger(tmp_path / "ledger.db")
    with engine.begin() as conn:
        sql.topup(conn, Lot(1, "bank", 5, 0, "R", 0))
        open_account(conn, "bank", 0)
    with engine.connect() as conn:
        sql.hold(conn, [Hold(2, "bank", 1)], 0)
    with engine.begin() as conn:
        assert len(conn.execute(select(*TRANSFER_COLUMNS)).all()) == 1
    engine.dispose()
