"""The database against the book: any sequence of batches gives the same answers, rows and balances."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection, Engine, delete, select

from ledger import sql
from ledger.audit import audit
from ledger.book import Book
from ledger.charge import Resolution
from ledger.draws import of_messages
from ledger.errors import LedgerError
from ledger.lots import Lot
from ledger.requests import KINDS, Request
from ledger.schema import ledger_lot, ledger_request, ledger_rest, ledger_transfer, metadata
from ledger.standing import move, states
from ledger.states import AccountState
from ledger.transfer import Hold, Kind

Answer = TypeVar("Answer")

# Few ids, accounts and references, so that repeats, contradictions and equal balances are the rule.
ACCOUNTS = st.sampled_from(["bank", "shop", "客户"])
BATCHES = st.lists(
    st.builds(Hold, st.integers(1, 12), ACCOUNTS, st.integers(1, 4), st.sampled_from([None, None, 1, 2])),
    max_size=8,
)
TIMES = st.integers(0, 2**41)
LOTS = st.builds(
    Lot,
    lot_id=st.integers(1, 6),
    account=ACCOUNTS,
    units=st.integers(1, 9),
    amount_fen=st.integers(0, 1),
    reference=st.sampled_from(["R1", "R2", "R3"]),
    at_ms=TIMES,
)


REQUESTS = st.builds(
    Request,
    request_id=st.integers(20, 23),
    kind=st.sampled_from(KINDS),
    account=ACCOUNTS,
    units=st.integers(1, 5),
    amount_fen=st.just(0),
    reference=st.sampled_from(["A1", "A2", "A3"]),
    reason=st.just("a test"),
    at_ms=TIMES,
)
TRANSFER_COLUMNS = [column for column in ledger_transfer.c if column.name != "link"]


@pytest.fixture(autouse=True)
def _on_a_ledger(engine: Engine) -> None:
    LedgerMachine.engine = engine


class LedgerMachine(RuleBasedStateMachine):
    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        with self.engine.begin() as conn:
            for table in metadata.tables.values():
                conn.execute(delete(table))

    def teardown(self) -> None:
        with self.engine.begin() as conn:
            assert audit(conn) == []

    def both(self, of_book: Callable[[Book], Answer], of_sql: Callable[[Connection], Answer]) -> None:
        """The same operation on both, each in a transaction; the same answer, or a LedgerError from both."""
        draft = self.book.copy()
        expected: Answer | type[LedgerError]
        found: Answer | type[LedgerError]
        try:
            expected = of_book(draft)
            self.book = draft
        except LedgerError:
            expected = LedgerError
        try:
            with self.engine.begin() as conn:
                found = of_sql(conn)
        except LedgerError:
            found = LedgerError
        assert found == expected

    @initialize()
    def fund(self) -> None:
        for lot_id, account in enumerate(["bank", "shop"], start=100):
            self.topup(Lot(lot_id, account, 12, 96, "R0", 0))
            self.move(account, AccountState.OPEN, 0)

    @rule(lot=LOTS)
    def topup(self, lot: Lot) -> None:
        self.both(lambda book: book.topup(lot), lambda conn: sql.topup(conn, lot))

    @rule(request=REQUESTS)
    def ask(self, request: Request) -> None:
        self.both(lambda book: book.ask(request), lambda conn: sql.ask(conn, request))

    # To OPEN more often than elsewhere: what is not open holds nothing.
    @rule(account=ACCOUNTS, state=st.sampled_from([AccountState.OPEN, *AccountState]), at_ms=TIMES)
    def move(self, account: str, state: AccountState, at_ms: int) -> None:
        if state > AccountState.PAID:
            self.both(lambda book: book.move(account, state), lambda conn: move(conn, account, state, at_ms))

    @rule(batch=BATCHES, at_ms=TIMES)
    def hold(self, batch: list[Hold], at_ms: int) -> None:
        self.both(lambda book: book.hold(batch, at_ms), lambda conn: sql.hold(conn, batch, at_ms))

    @rule(kind=st.sampled_from([Kind.SETTLE, Kind.VOID]), batch=BATCHES, at_ms=TIMES)
    def resolve(self, kind: Resolution, batch: list[Hold], at_ms: int) -> None:
        self.both(
            lambda book: book.resolve(kind, batch, at_ms), lambda conn: sql.resolve(conn, kind, batch, at_ms)
        )

    @rule(kind=st.sampled_from([Kind.SETTLE, Kind.VOID]), data=st.data(), at_ms=TIMES)
    def resolve_held(self, kind: Resolution, data: st.DataObject, at_ms: int) -> None:
        batch = data.draw(st.lists(st.sampled_from(self.items(Kind.HOLD) or [Hold(99, "bank", 1)])))
        self.resolve(kind, batch, at_ms)

    @rule(batch=BATCHES, at_ms=TIMES)
    def refund(self, batch: list[Hold], at_ms: int) -> None:
        self.both(lambda book: book.refund(batch, at_ms), lambda conn: sql.refund(conn, batch, at_ms))

    @rule(data=st.data(), at_ms=TIMES)
    def refund_settled(self, data: st.DataObject, at_ms: int) -> None:
        batch = data.draw(st.lists(st.sampled_from(self.items(Kind.SETTLE) or [Hold(99, "bank", 1)])))
        self.refund(batch, at_ms)

    def items(self, kind: Kind) -> list[Hold]:
        return [
            Hold(transfer.source_id, transfer.account, transfer.units)
            for transfer in self.book.transfers.values()
            if transfer.kind is kind
        ]

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
                (key[0], key[1], transfer.kind, transfer.account, transfer.units, transfer.at_ms)
                for key, transfer in self.book.transfers.items()
            )


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
