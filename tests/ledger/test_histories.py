from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.ledger.histories import History

HISTORIES = 30


@pytest.mark.parametrize("first", range(0, HISTORIES, 10))
def test_book_balances_statements_and_chain_agree_after_any_history(engine: Engine, first: int) -> None:
    for seed in range(first, first + 10):
        History(engine, seed).run()
