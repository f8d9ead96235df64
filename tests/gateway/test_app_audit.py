"""A gateway looks at its store before it lets anybody in."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred

from gateway.message import State
from gateway.store.audit import AT_START, IDENTITIES, Audit
from gateway.store.engine import StoreError
from gateway.store.snapshot import snapshot
from tests.gateway.carriers.peer import receipt
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.samples import submit
from tests.gateway.whole import Whole, crashed, result, settings_of


def life_on(path: Path) -> Whole:
    return Whole(settings_of(path, carriers=[a_carrier(window_max=2)]))


def broken(path: Path) -> set[str]:
    """What the whole audit finds."""
    with snapshot(path, country_code="86") as connection:
        audit = Audit(connection, limit=10)
        return {identity.name for identity in IDENTITIES if audit.find(identity).count}


def corrupt(path: Path, *statements: str) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA ignore_check_constraints = ON")
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()


@pytest.fixture
def waiting(path: Path) -> Path:
    """The database of a gateway that was stopped while a message waited for a carrier."""
    life = life_on(path).top_up().start()
    life.carrier().lose()
    life.customer().send(submit(2))
    life.stop()
    assert life.states() == [State.QUEUED]
    return path


def refused(life: Whole) -> tuple[str, list[Any]]:
    """Why a gateway does not start, and what it has logged as violated."""
    with capture_logs() as logs, pytest.raises(StoreError) as caught:
        result(life.starting(), life.turn)
    assert life.ports.opened == []
    assert life.network.tried_at == []
    life.stop()
    return str(caught.value), [line for line in logs if line["event"] == "audit.violated"]


def test_a_store_at_work_breaks_nothing_nor_does_it_after_a_crash(path: Path) -> None:
    life = life_on(path).top_up().start()
    customer = life.customer()
    customer.send(*(submit(n, registered_delivery=1) for n in range(2, 8)))
    first, second = life.submits()
    life.accept(first)
    life.say(receipt(5, "c1"))
    assert set(life.states()) == {State.DELIVERED, State.SUBMITTING, State.QUEUED}
    assert broken(path) == set()
    after = crashed(path, path.parent / "after")
    assert broken(after) == set()
    second_life = life_on(after).start()
    assert State.IN_DOUBT in second_life.states()
    assert broken(after) == set()
    for each in (life, second_life):
        each.stop()
    assert broken(path) == broken(after) == set()
    assert second.sequence_number


def test_a_store_that_is_not_as_it_must_be_is_not_run(waiting: Path) -> None:
    corrupt(waiting, "DELETE FROM ledger_transfer WHERE stage = 1")
    reason, violated = refused(life_on(waiting))
    assert reason == (
        f"the database {waiting} is not as it must be: MESSAGE_HAS_EQUAL_HOLD; see all of it with "
        "`signet audit`, or go on with `signet run --despite-audit`"
    )
    [line] = violated
    assert (line["log_level"], line["identity"], line["account"]) == (
        "error",
        "MESSAGE_HAS_EQUAL_HOLD",
        "bank",
    )
    assert line["detail"] == "units 1, held_on None, held None"


@pytest.mark.parametrize(
    ("corruption", "identity"),
    [
        ("DELETE FROM ledger_transfer WHERE stage = 1", "MESSAGE_HAS_EQUAL_HOLD"),
        ("UPDATE ledger_account SET held = 0, settled = 1", "HELD_IS_UNRESOLVED"),
    ],
)
def test_what_the_ledger_will_not_resolve_is_named_though_it_is_overdue(
    waiting: Path, corruption: str, identity: str
) -> None:
    corrupt(waiting, corruption, "UPDATE message SET deadline_at = 0")
    reason, _ = refused(life_on(waiting))
    assert identity in reason


def test_it_is_run_if_the_operator_says_so_and_that_is_logged(waiting: Path) -> None:
    corrupt(waiting, "DELETE FROM ledger_transfer WHERE stage = 1")
    refused(life_on(waiting))
    life = life_on(waiting)
    with capture_logs() as logs:
        result(Deferred.fromCoroutine(life.gateway.start(despite_audit=True)), life.turn)
    assert [line["log_level"] for line in logs if line["event"] == "audit.passed_over"] == ["warning"]
    assert [line["identity"] for line in logs if line["event"] == "audit.violated"] == [
        "MESSAGE_HAS_EQUAL_HOLD"
    ]
    life.carrier().accept_bind()
    life.turn()
    assert len(life.submits()) == 1
    life.stop()


def test_a_sound_store_is_passed_over_in_silence(waiting: Path) -> None:
    life = life_on(waiting)
    with capture_logs() as logs:
        result(Deferred.fromCoroutine(life.gateway.start(despite_audit=True)), life.turn)
    assert [line for line in logs if line["event"].startswith("audit")] == []
    life.stop()


def test_a_database_that_fails_under_the_audit_is_told_in_one_line(
    waiting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next gateway may try: the lock is let go of."""
    monkeypatch.setattr("gateway.recovery.audit_at_start", lambda connection, limit: fail(connection))
    for _ in range(2):
        reason, _ = refused(life_on(waiting))
        assert reason.startswith(f"cannot use the database {waiting}: ")
        assert reason.endswith("no such table: missing")


def test_a_database_that_fails_under_the_recovery_is_told_in_one_line(
    waiting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.recover.last_id", fail)
    for _ in range(2):
        reason, _ = refused(life_on(waiting))
        assert reason == f"cannot use the database {waiting}: no such table: missing"


def fail(connection: Any) -> None:
    connection.exec_driver_sql("SELECT * FROM missing")


def test_the_look_at_a_start_is_part_of_the_whole_audit() -> None:
    whole = {identity.name for identity in IDENTITIES}
    assert {identity.name for identity in AT_START} < whole
