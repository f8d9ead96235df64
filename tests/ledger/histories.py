"""Random histories of a ledger: several accounts at once, every act perhaps repeated or cut short by a crash.

The same acts are done in the book and in the database. At the end, and at a border in between, book,
balances, lots, statements and chain must agree to the unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, delete

from ledger import sql
from ledger.accounts import Balance
from ledger.audit import audit
from ledger.book import Book
from ledger.charge import Resolution
from ledger.ending import return_rest
from ledger.errors import LedgerError
from ledger.lots import Lot, give_back
from ledger.requests import Request
from ledger.schema import metadata
from ledger.standing import move
from ledger.statement import Statement, statement
from ledger.states import AccountState
from ledger.transfer import Hold, Kind, Stage

ACCOUNTS = ("bank", "shop", "客户")
STEPS = 40

Act = tuple[Callable[[Book], Any], Callable[[Connection], Any]]


class History:
    """One history, made by a seed, on a ledger that is emptied first."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self.random = Random(seed)
        self.engine = engine
        self.book = Book()
        self.now = 1_000
        self.next_id = 1
        self.held: list[Hold] = []
        self.settled: list[Hold] = []
        with engine.begin() as conn:
            for table in metadata.tables.values():
                conn.execute(delete(table))

    def run(self) -> None:
        """Live it, and prove it. Raises AssertionError where anything disagrees."""
        for account in ACCOUNTS:
            self.do(self.topup(account))
            self.do(self.enter(account, AccountState.OPEN))
        border = 0
        for step in range(STEPS):
            self.now += self.random.randrange(1, 1_000)
            if step == STEPS // 2:
                border = self.now
                self.now += 1
            self.do(self.act())
        self.check(border)

    def do(self, act: Act) -> None:
        """Once; or twice; or first up to a crash."""
        chance = self.random.random()
        if chance < 0.15:
            with self.engine.connect() as conn:
                conn.begin()
                self.answer(act[1], conn)
                conn.rollback()
        self.commit(act)
        if chance > 0.8:
            self.commit(act)

    def commit(self, act: Act) -> None:
        draft = self.book.copy()
        expected = self.answer(act[0], draft)
        with self.engine.connect() as conn, conn.begin() as transaction:
            found = self.answer(act[1], conn)
            assert found == expected, (found, expected)
            if found is LedgerError:
                transaction.rollback()
                return
        self.book = draft

    @staticmethod
    def answer(of: Callable[..., Any], on: Book | Connection) -> Any:
        try:
            return of(on)
        except LedgerError:
            return LedgerError

    # -- what may happen

    def act(self) -> Act:
        account = self.random.choice(ACCOUNTS)
        kinds = (self.hold, self.hold, self.hold, self.resolve, self.resolve, self.refund)
        others = (
            lambda: self.topup(account),
            lambda: self.ask(account),
            lambda: self.enter(account, self.random.choice((AccountState.OPEN, AccountState.SUSPENDED))),
        )
        return self.random.choice((*kinds, *others))()

    def topup(self, account: str) -> Act:
        lot = Lot(
            self.fresh(),
            account,
            self.random.randrange(1, 60),
            self.random.randrange(500),
            f"R{self.random.randrange(99)}",
            self.now,
        )
        return lambda book: book.topup(lot), lambda conn: sql.topup(conn, lot)

    def hold(self) -> Act:
        items = [
            Hold(self.fresh(), self.random.choice(ACCOUNTS), self.random.randrange(1, 5))
            for _ in range(self.random.randrange(1, 8))
        ]
        self.held += items
        now = self.now
        return lambda book: book.hold(items, now), lambda conn: sql.hold(conn, items, now)

    def resolve(self) -> Act:
        known = [item for item in self.held if (item.message_id, Kind.HOLD.stage) in self.book.transfers]
        items = self.some(known)
        kind: Resolution = Kind.SETTLE if self.random.random() < 0.7 else Kind.VOID
        now = self.now
        self.settled += items
        return (
            lambda book: book.resolve(kind, items, now),
            lambda conn: sql.resolve(conn, kind, items, now),
        )

    def refund(self) -> Act:
        items, now = self.some(self.settled), self.now
        return lambda book: book.refund(items, now), lambda conn: sql.refund(conn, items, now)

    def ask(self, account: str) -> Act:
        kind = self.random.choice((Kind.ADJUST_UP, Kind.ADJUST_DOWN))
        units = self.random.randrange(1, 9)
        request = Request(self.fresh(), kind, account, units, 0, f"A{self.fresh()}", "why", self.now)
        return lambda book: book.ask(request), lambda conn: sql.ask(conn, request)

    def enter(self, account: str, state: AccountState) -> Act:
        now = self.now
        return lambda book: book.move(account, state), lambda conn: move(conn, account, state, now)

    def some(self, items: list[Hold]) -> list[Hold]:
        return self.random.sample(items, min(len(items), self.random.randrange(1, 6)))

    def fresh(self) -> int:
        self.next_id += 1
        return self.next_id

    # -- what must be true of it

    def check(self, border: int) -> None:
        with self.engine.begin() as conn:
            assert sql.balances(conn) == self.book.balances()
            assert audit(conn) == []
            for account in ACCOUNTS:
                self.check_statements(conn, account, border)
            self.end(conn, self.random.choice(ACCOUNTS))
            assert audit(conn) == []

    def check_statements(self, conn: Connection, account: str, border: int) -> None:
        first = statement(conn, account, 0, border)
        second = statement(conn, account, border, self.now + 1)
        whole = statement(conn, account, 0, self.now + 1)
        assert first.opening == Balance()
        assert first.closing == second.opening
        assert second.closing == whole.closing == self.book.accounts.get(account, Balance())
        assert [*first.bought, *second.bought] == list(whole.bought)
        lots = {lot.lot_id: lot for lot in self.book.lots.values() if lot.account == account}
        assert {lot.lot_id: lot for lot in whole.bought} == lots
        assert {rest.lot.lot_id: rest.units for rest in whole.rests} == self.book.left.get(account, {})
        assert self.charged(first, second) == self.charged(whole) == self.charged_in_book(account)

    @staticmethod
    def charged(*statements: Statement) -> Counter[int]:
        """Units by lot, as statements tell them."""
        units: Counter[int] = Counter()
        for made in statements:
            units.update({each.lot.lot_id: each.units for each in made.charged})
        return +units

    def charged_in_book(self, account: str) -> Counter[int]:
        """Units by lot, message by message."""
        units: Counter[int] = Counter()
        for message_id, draws in self.book.charged.items():
            if self.book.transfers[message_id, Stage.RESOLUTION].account == account:
                refunded = self.book.transfers.get((message_id, Stage.REFUND))
                units.update(dict(draws))
                units.subtract(dict(give_back(draws, refunded.units if refunded else 0)))
        return +units

    def end(self, conn: Connection, account: str) -> None:
        """The end of one: everything is paid back, but for what it was charged."""
        self.now += 1
        move(conn, account, AccountState.TERMINATED, self.now)
        before = sql.balances(conn, [account])[account]
        settled = return_rest(conn, account, self.fresh(), "end", "the end", self.now)
        again = return_rest(conn, account, self.fresh(), "end", "the end", self.now)
        assert settled == again
        returned = 0 if before.held else before.remaining
        assert settled.balance.returned == returned
        assert sum(rest.units for rest in settled.rests) == before.remaining + before.held
        paid = sum(rest.lot.amount_fen for rest in settled.rests)
        assert 0 <= settled.returned_fen <= paid
