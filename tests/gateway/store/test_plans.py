"""How SQLite means to run the look-ups: along an index, whatever the size of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Connection

from gateway.store import (
    attempts,
    broadcasts,
    deliveries,
    doubt,
    ends,
    history,
    inbound,
    news,
    operations,
    purge,
    receipts,
    recipients,
    recover,
    references,
    repeats,
    submits,
    terminate,
    usage,
)
from gateway.store.engine import open_engine
from ledger.prepared import Prepared

LOOK_UPS = [
    (module, name)
    for module in (
        *(attempts, deliveries, doubt, ends, history, inbound, news, purge, receipts, recipients, recover),
        *(references, repeats, submits, broadcasts, operations, usage),
    )
    for name, thing in vars(module).items()
    # There are few broadcasts, it is their recipients that are many; the backlog is counted up to a limit.
    if isinstance(thing, Prepared) and thing not in (broadcasts._RUNNING, broadcasts._BACKLOG)
]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = open_engine(tmp_path / "signet.db")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def plan(connection: Connection, module: ModuleType, name: str) -> list[str]:
    return plan_of(connection, getattr(module, name))


def plan_of(connection: Connection, statement: Prepared) -> list[str]:
    text = str(statement.statement.compile(dialect=connection.dialect))
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("[]",) * text.count("?"))
    return [row[3] for row in rows]


@pytest.mark.parametrize(("module", "name"), LOOK_UPS, ids=lambda part: getattr(part, "__name__", part))
def test_no_look_up_walks_a_table(connection: Connection, module: ModuleType, name: str) -> None:
    steps = plan(connection, module, name)
    assert any(step.startswith("SEARCH") for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]


def test_what_is_parked_is_found_by_its_own_index(connection: Connection) -> None:
    for name in ("_ANY_PARKED", "_PARKED"):
        assert "USING INDEX receipt_parked" in plan(connection, receipts, name)[0]


def test_the_queue_is_read_in_its_order_without_sorting_it(connection: Connection) -> None:
    for name in ("_DUE", "_NEXT_DUE"):
        (step,) = plan(connection, attempts, name)
        assert "USING INDEX message_due" in step


def test_who_is_undecided_is_found_without_those_who_are_not(connection: Connection) -> None:
    (step,) = plan(connection, broadcasts, "_UNDECIDED")
    assert "USING INDEX broadcast_recipient_undecided" in step


def test_what_has_no_answer_is_found_by_its_number(connection: Connection) -> None:
    (step, *_) = plan(connection, doubt, "_UNANSWERED")
    assert "USING INDEX message_unanswered" in step


def test_the_rows_of_a_long_message_are_found_by_their_whole(connection: Connection) -> None:
    (step, *_) = plan(connection, ends, "_OF_WHOLES")
    assert "USING INDEX message_whole" in step


def test_recipients_are_looked_up_along_the_keys(connection: Connection) -> None:
    choices = plan(connection, recipients, "_CHOICES")
    assert {"SEARCH opt_out USING PRIMARY KEY (number=?)", "SEARCH block USING PRIMARY KEY (number=?)"} < {
        *choices
    }
    (_, contacts, _) = plan(connection, recipients, "_CONTACTS")
    assert contacts == "SEARCH contact USING PRIMARY KEY (number=? AND account=? AND at>?)"


def test_references_in_use_are_found_by_the_number(connection: Connection) -> None:
    steps = plan(connection, references, "_IN_USE")
    assert any("USING INDEX message_part" in step for step in steps)


@pytest.mark.parametrize("what", purge.What)
def test_a_purge_walks_along_the_key_of_its_table(connection: Connection, what: purge.What) -> None:
    first, *others = plan_of(connection, purge._LOOKS[what])
    assert "PRIMARY KEY (" in first
    assert ">" in first
    assert not [step for step in others if step.startswith(("SCAN", "USE TEMP B-TREE"))]


def test_messages_that_were_joined_are_found_by_number_and_time(connection: Connection) -> None:
    (step, *_) = [step for step in plan(connection, repeats, "_STORED") if step.startswith("SEARCH last")]
    assert "USING INDEX message_joined (destination_addr=? AND submitted_at>?)" in step


@pytest.mark.parametrize("name", ["_IDS", "_UNREPORTED"])
def test_what_goes_on_of_an_account_is_found_among_what_has_no_end(connection: Connection, name: str) -> None:
    assert plan(connection, terminate, name) == ["SCAN message USING INDEX message_open"]
