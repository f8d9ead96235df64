"""Which lots the links of the ledger's chain drew, told and sealed for those that are there."""

from collections import Counter
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.accounts import CREDITS, DRAWS
from ledger.chain import GENESIS, Move, link_hash
from ledger.lots import Draw, draw, give_back
from ledger.transfer import Kind

revision = "0008"
down_revision = "0007"

_AT_ONCE = 1_000
_Row = dict[str, object]


def upgrade() -> None:
    some = sa.text("units > 0")
    op.create_table(
        "ledger_rest",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("lot_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "lot_id"),
        sa.CheckConstraint("units >= 0", name="ledger_rest_not_negative"),
        sqlite_with_rowid=False,
    )
    columns = ["account", "at_ms", "lot_id"]
    op.create_index("ledger_rest_open", "ledger_rest", columns, sqlite_where=some, postgresql_where=some)
    op.create_table(
        "ledger_draw",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("link", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("lot_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "link", "lot_id"),
        sa.CheckConstraint("units > 0", name="ledger_draw_has_units"),
        sqlite_with_rowid=False,
    )
    for account in op.get_bind().execute(sa.text("SELECT account FROM ledger_account")).scalars().all():
        _Chain(account).make()


class _Chain:
    """An account's chain, made once more: what its links drew is sealed with them."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._ages: dict[int, int] = {}
        self._left: dict[int, int] = {}
        self._number = 0
        self._head = GENESIS
        self._links: list[_Row] = []
        self._draws: list[_Row] = []
        self._moved: list[_Row] = []
        refunds = "SELECT source_id FROM ledger_transfer WHERE account = :account AND kind = :kind"
        self._charged: dict[int, list[Draw]] = {
            row.source_id: [] for row in _rows(refunds, account=account, kind=Kind.REFUND)
        }

    def make(self) -> None:
        transfers = _rows(
            "SELECT link, stage, kind, at_ms, source_id, units FROM ledger_transfer "
            "WHERE account = :account ORDER BY link, source_id",
            account=self._account,
        )
        _write("DELETE FROM ledger_link WHERE account = :account", [{"account": self._account}])
        # They are sorted before the first one comes, so those that came may be written meanwhile.
        for (link, stage, kind, at_ms), rows in groupby(transfers, key=lambda row: tuple(row[:4])):
            moves = [(row.source_id, row.units) for row in rows]
            for group, draws in self._groups(Kind(kind), moves, at_ms):
                self._seal(Kind(kind), group, draws, at_ms)
                if self._number != link:
                    self._moved += [
                        {"id": source_id, "stage": stage, "number": self._number} for source_id, _ in group
                    ]
            if len(self._links) >= _AT_ONCE:
                self._write()
        self._write()
        self._end()

    def _groups(self, kind: Kind, moves: list[Move], at_ms: int) -> list[tuple[list[Move], list[Draw]]]:
        if kind in CREDITS:
            self._ages |= {lot_id: at_ms for lot_id, _ in moves}
            self._left |= dict(moves)
        elif kind is Kind.REFUND:
            back = Counter[int]()
            for source_id, units in moves:
                back.update(dict(give_back(self._charged[source_id], units)))
            return [(moves, sorted(back.items()))]
        elif kind in DRAWS:
            in_order = sorted(self._left, key=lambda lot_id: (self._ages[lot_id], lot_id))
            return [*draw(moves, [(lot_id, self._left[lot_id]) for lot_id in in_order if self._left[lot_id]])]
        return [(moves, [])]

    def _seal(self, kind: Kind, group: list[Move], draws: list[Draw], at_ms: int) -> None:
        self._number += 1
        self._head = link_hash(self._head, self._account, self._number, kind, at_ms, group, draws)
        at = {"account": self._account, "link": self._number}
        total = sum(units for _, units in group)
        self._links.append(
            at | {"kind": kind, "transfers": len(group), "units": total, "at_ms": at_ms, "hash": self._head}
        )
        for lot_id, units in draws:
            self._left[lot_id] += DRAWS[kind] * units
            self._draws.append(at | {"lot_id": lot_id, "units": units})
        for source_id, units in group if kind is Kind.SETTLE else ():
            if source_id in self._charged:
                self._charged[source_id] = draws if len(draws) > 1 else [(draws[0][0], units)]

    def _write(self) -> None:
        _write(
            "INSERT INTO ledger_link (account, link, kind, transfers, units, at_ms, hash) "
            "VALUES (:account, :link, :kind, :transfers, :units, :at_ms, :hash)",
            self._links,
        )
        _write("INSERT INTO ledger_draw VALUES (:account, :link, :lot_id, :units)", self._draws)
        moved = "UPDATE ledger_transfer SET link = :number WHERE source_id = :id AND stage = :stage"
        _write(moved, self._moved)
        self._links, self._draws, self._moved = [], [], []

    def _end(self) -> None:
        at = {"account": self._account}
        _write(
            "INSERT INTO ledger_rest VALUES (:account, :lot_id, :at_ms, :units)",
            [
                at | {"lot_id": lot_id, "at_ms": self._ages[lot_id], "units": units}
                for lot_id, units in self._left.items()
            ],
        )
        _write(
            "UPDATE ledger_account SET link = :link, head = :head WHERE account = :account",
            [at | {"link": self._number, "head": self._head}],
        )


def _rows(query: str, **values: object) -> sa.CursorResult[Any]:
    return op.get_bind().execute(sa.text(query).execution_options(yield_per=1_000), values)


def _write(statement: str, rows: list[_Row]) -> None:
    if rows:
        op.get_bind().execute(sa.text(statement), rows)
