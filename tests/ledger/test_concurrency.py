from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from ledger import sql
from ledger.accounts import Balance
from ledger.audit import audit
from ledger.lots import Lot
from ledger.standing import open_account
from ledger.transfer import Hold, Kind

WRITERS = 4


def fund(engine: Engine, units: int) -> None:
    with engine.begin() as conn:
        sql.topup(conn, Lot(1, "bank", units, 800, "R1", at_ms=0))
        open_account(conn, "bank", at_ms=0)


def test_writers_at_the_same_time_cannot_overdraw(engine: Engine) -> None:
    fund(engine, 100)

    def take(writer: int) -> int:
        granted = 0
        for batch in range(20):
            first = 1 + 1000 * writer + 2 * batch
            with engine.begin() as conn:
                granted += sum(sql.hold(conn, [Hold(first, "bank", 1), Hold(first + 1, "bank", 1)], at_ms=1))
        return granted

    with ThreadPoolExecutor(WRITERS) as pool:
        granted = list(pool.map(take, range(WRITERS)))
    assert sum(granted) == 100
    with engine.begin() as conn:
        assert sql.balances(conn) == {"bank": Balance(100, 0, held=100)}
        assert audit(conn) == []


def test_writers_at_the_same_time_resolve_a_hold_once(engine: Engine) -> None:
    fund(engine, 100)
    items = [Hold(message_id, "bank", 1) for message_id in range(1, 101)]
    with engine.begin() as conn:
        sql.hold(conn, items, at_ms=1)

    def end(writer: int) -> int:
        resolved = 0
        for first in range(0, 100, 10):
            with engine.begin() as conn:
                batch = items[first : first + 10]
                resolved += sql.resolve(conn, Kind.SETTLE if writer % 2 else Kind.VOID, batch, at_ms=2)
        return resolved

    with ThreadPoolExecutor(WRITERS) as pool:
        assert sum(pool.map(end, range(WRITERS))) == 100
    with engine.begin() as conn:
        assert sql.balances(conn)["bank"].held == 0
        assert audit(conn) == []
