"""The ledger in memory: one message at a time, no SQL. The tests hold the database's answers against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ledger import charge
from ledger.accounts import CREDITS, DRAWS, Balance, Overdraw
from ledger.errors import LedgerError
from ledger.lots import Draw, Lot, draw, give_back
from ledger.requests import Request
from ledger.states import AccountState, check_credit, check_move
from ledger.transfer import Hold, Kind, Stage, Transfer


@dataclass(slots=True)
class Book:
    """The operations of `ledger.sql` and `ledger.standing`, with the same answers and the same LedgerErrors.

    `left` is what was not drawn of each lot of an account, `charged` what a settled message drew.

    Like a transaction, a Book that raised holds part of the work: go on with a `copy` made before.
    """

    accounts: dict[str, Balance] = field(default_factory=dict)
    transfers: dict[tuple[int, Stage], Transfer] = field(default_factory=dict)
    lots: dict[int, Lot] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)
    states: dict[str, AccountState] = field(default_factory=dict)
    left: dict[str, dict[int, int]] = field(default_factory=dict)
    charged: dict[int, list[Draw]] = field(default_factory=dict)

    def copy(self) -> Book:
        return Book(
            dict(self.accounts),
            dict(self.transfers),
            dict(self.lots),
            dict(self.requests),
            dict(self.states),
            {account: dict(left) for account, left in self.left.items()},
            dict(self.charged),
        )

    def move(self, account: str, state: AccountState) -> bool:
        moved = check_move(account, self.states.get(account, AccountState.SIGNED), state)
        self.states[account] = state
        return moved

    def topup(self, lot: Lot) -> Balance:
        known = [
            other
            for other in self.lots.values()
            if other.lot_id == lot.lot_id or (other.account, other.reference) == (lot.account, lot.reference)
        ]
        transfer = charge.topup(lot, known)
        if transfer is not None:
            check_credit(lot.account, self.states.setdefault(lot.account, AccountState.PAID))
        if self._write(transfer):
            self.lots[lot.lot_id] = lot
        return self.accounts[lot.account]

    def ask(self, request: Request) -> Balance:
        known = [
            other
            for other in self.requests.values()
            if other.request_id == request.request_id
            or (other.account, other.reference) == (request.account, request.reference)
        ]
        remaining = self.accounts.get(request.account, Balance()).remaining
        transfer = charge.request(request, known, remaining)
        if transfer is not None and request.account not in self.accounts:
            raise LedgerError(f"{request.kind.name} on an account that does not exist: {request.account!r}")
        if self._write(transfer):
            self.requests[request.request_id] = request
        return self.accounts[request.account]

    def hold(self, holds: Sequence[Hold], at_ms: int) -> list[bool]:
        wholes = charge.units_of_wholes(item for item in holds if self._find(item, Stage.HOLD) is None)
        return [self._hold(item, wholes, at_ms) for item in holds]

    def _hold(self, item: Hold, wholes: dict[int, int], at_ms: int) -> bool:
        balance = self.accounts.get(item.account, Balance())
        is_open = self.states.get(item.account) is AccountState.OPEN
        if not is_open and self._find(item, Stage.HOLD) is None:
            return False
        if item.whole is not None and self._find(item, Stage.HOLD) is None:
            if wholes[item.whole] > balance.remaining:
                return False
            wholes[item.whole] -= item.units
        decision = charge.hold(balance, self._find(item, Stage.HOLD), item, at_ms)
        if isinstance(decision, Overdraw):
            return False
        self._write(decision)
        return True

    def resolve(self, kind: charge.Resolution, items: Sequence[Hold], at_ms: int) -> int:
        return sum(
            self._write(
                charge.resolve(
                    kind,
                    item.message_id,
                    self._find(item, Stage.HOLD),
                    self._find(item, Stage.RESOLUTION),
                    at_ms,
                )
            )
            for item in sorted(items, key=lambda item: item.message_id)
        )

    def refund(self, items: Sequence[Hold], at_ms: int) -> int:
        return sum(
            self._write(
                charge.refund(item, self._find(item, Stage.RESOLUTION), self._find(item, Stage.REFUND), at_ms)
            )
            for item in items
        )

    def balances(self, accounts: Iterable[str] | None = None) -> dict[str, Balance]:
        names = self.accounts if accounts is None else self.accounts.keys() & set(accounts)
        return {name: self.accounts[name] for name in sorted(names)}

    def _find(self, item: Hold, stage: Stage) -> Transfer | None:
        return self.transfers.get((item.message_id, stage))

    def _write(self, transfer: Transfer | None) -> bool:
        if transfer is None:
            return False
        balance = self.accounts.get(transfer.account, Balance()).apply(transfer.kind, transfer.units)
        if isinstance(balance, Overdraw):
            raise LedgerError(f"a hold that was granted overdraws: {transfer}")
        self.accounts[transfer.account] = balance
        self.transfers[transfer.source_id, transfer.stage] = transfer
        self._draw(transfer)
        return True

    def _draw(self, transfer: Transfer) -> None:
        left = self.left.setdefault(transfer.account, {})
        if transfer.kind in CREDITS:
            left[transfer.source_id] = transfer.units
        elif transfer.kind is Kind.REFUND:
            for lot_id, units in give_back(self.charged[transfer.source_id], transfer.units):
                left[lot_id] += units
        elif transfer.kind in DRAWS:
            open_lots = [(lot_id, left[lot_id]) for lot_id in sorted(left, key=self._age) if left[lot_id]]
            ((_, draws),) = draw([(transfer.source_id, transfer.units)], open_lots)
            for lot_id, units in draws:
                left[lot_id] -= units
            if transfer.kind is Kind.SETTLE:
                self.charged[transfer.source_id] = draws

    def _age(self, lot_id: int) -> tuple[int, int]:
        made = self.transfers.get((lot_id, Stage.TOPUP)) or self.transfers[lot_id, Stage.ADJUSTMENT]
        return made.at_ms, lot_id
