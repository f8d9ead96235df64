from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.broadcasts.broadcast import BroadcastState
from gateway.message import State
from gateway.store import overview
from gateway.store.engine import open_engine
from gateway.store.overview import Overview, Submitted, Unfinished, submitted, unfinished
from gateway.store.reader import READ_MAX_S, Reader
from gateway.stored import RefusedSubmit, refusal_of
from ledger import ending
from ledger.accounts import Balance
from ledger.prepared import Prepared
from ledger.standing import move
from ledger.states import AccountState
from smpp.message_state import MessageState
from tests.gateway.broadcasting import hand_in
from tests.gateway.store import samples
from tests.gateway.store.rig import Rig
from tests.gateway.store.test_plans import plan, plan_of

DAY = samples.START - 9 * samples.HOUR


def seen(rig: Rig, account: str = "bank") -> Overview:
    with rig.engine.connect() as connection:
        return overview.overview(connection, account)


def open_now(rig: Rig) -> Unfinished:
    with rig.engine.connect() as connection:
        return unfinished(connection)


def counted(rig: Rig, since: int = DAY) -> Submitted:
    with rig.engine.connect() as connection:
        return submitted(connection, since)


def refused(rig: Rig, rule: str = "OUTSIDE_HOURS", account: str = "bank") -> RefusedSubmit:
    one = refusal_of(samples.message(rig.ids.next(), account=account), rule)
    rig.result(rig.store.admit([], [one]))
    return one


class TestAnAccount:
    def test_has_what_it_bought_and_what_is_left_of_it(self, rig: Rig) -> None:
        rig.enroute("c1", units=300)
        rig.queued(units=200)
        found = seen(rig)
        assert found.settlement.balance == Balance(1000, 500, 200, 300, 0)
        assert [(rest.lot.reference, rest.lot.units, rest.units) for rest in found.settlement.rests] == [
            ("paid 1000", 1000, 700)
        ]

    def test_tells_since_when_it_stands_as_it_does(self, rig: Rig) -> None:
        assert (seen(rig).state, seen(rig).since_ms) == (AccountState.OPEN, samples.START)
        with rig.engine.begin() as connection:
            move(connection, "bank", AccountState.TERMINATED, samples.START + 5, "the end")
        assert (seen(rig).state, seen(rig).since_ms) == (AccountState.TERMINATED, samples.START + 5)

    def test_that_has_not_paid_has_nothing(self, rig: Rig) -> None:
        found = seen(rig, "nobody")
        assert (found.state, found.since_ms, found.settlement.balance) == (
            AccountState.SIGNED,
            None,
            Balance(),
        )

    def test_is_owed_what_it_has_not_acknowledged(self, rig: Rig) -> None:
        rig.top_up("shop", 10)
        rig.enroute("c1")
        rig.enroute("c2", account="shop")
        rig.hear(samples.receipt("c1"), samples.receipt("c2"))
        assert (seen(rig).owed, seen(rig, "shop").owed) == (1, 1)
        assert seen(rig, "other").owed == 0

    def test_has_its_broadcasts_that_are_not_over(self, rig: Rig) -> None:
        running = hand_in(rig.engine, 3)
        hand_in(rig.engine, 3, state=BroadcastState.FINISHED)
        hand_in(rig.engine, 3, state=BroadcastState.CANCELLED)
        hand_in(rig.engine, 3, account="shop")
        assert [each.broadcast_id for each in seen(rig).broadcasts] == [running]


class TestTheCounts:
    def test_tell_what_waits_and_what_is_on_its_way(self, rig: Rig) -> None:
        rig.queued()
        rig.queued()
        rig.enroute("c1")
        rig.record(samples.parked(rig.submitting(), samples.START + samples.HOUR))
        assert open_now(rig).submits == {"bank": {State.QUEUED: 2, State.ENROUTE: 1, State.IN_DOUBT: 1}}

    def test_have_a_long_message_once_and_not_its_parts(self, rig: Rig) -> None:
        rig.long(3)
        assert open_now(rig).submits == counted(rig).accepted == {"bank": {State.JOINED: 1}}

    def test_tell_what_the_submits_of_the_day_came_to(self, rig: Rig) -> None:
        rig.enroute("c1")
        rig.enroute("c2")
        rig.hear(samples.receipt("c1"), samples.receipt("c2", MessageState.UNDELIVERABLE))
        rig.advance(24 * 3600)
        rig.enroute("c3")
        assert counted(rig).accepted == {
            "bank": {State.DELIVERED: 1, State.UNDELIVERABLE: 1, State.ENROUTE: 1}
        }
        assert counted(rig, DAY + 24 * samples.HOUR).accepted == {"bank": {State.ENROUTE: 1}}

    def test_tell_the_refusals_of_the_day_by_rule(self, rig: Rig) -> None:
        refused(rig)
        refused(rig)
        rig.advance(24 * 3600)
        refused(rig, "CONTENT_RUMOUR")
        assert counted(rig).refused == {"bank": {"OUTSIDE_HOURS": 2, "CONTENT_RUMOUR": 1}}
        assert counted(rig, DAY + 24 * samples.HOUR).refused == {"bank": {"CONTENT_RUMOUR": 1}}

    def test_keep_accounts_apart(self, rig: Rig) -> None:
        rig.top_up("shop", 10)
        rig.queued()
        rig.enroute("c1", account="shop")
        refused(rig, account="shop")
        found = counted(rig)
        assert (
            open_now(rig).submits == found.accepted == {"bank": {State.QUEUED: 1}, "shop": {State.ENROUTE: 1}}
        )
        assert found.refused == {"shop": {"OUTSIDE_HOURS": 1}}

    def test_tell_how_far_broadcasts_are(self, rig: Rig) -> None:
        running = hand_in(rig.engine, 3)
        hand_in(rig.engine, 3, state=BroadcastState.FINISHED)
        found = open_now(rig).progress
        assert list(found) == [running]
        assert found[running].waiting == {"": 3}


class TestThePlans:
    @pytest.fixture
    def connection(self, tmp_path: Path) -> Iterator[Connection]:
        engine = open_engine(tmp_path / "signet.db")
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def test_what_has_no_end_is_found_by_its_index(self, connection: Connection) -> None:
        (step, *_) = plan(connection, overview, "_WITHOUT_END")
        assert step == "SCAN message USING INDEX message_open"

    def test_the_day_is_found_by_the_key(self, connection: Connection) -> None:
        (step, *_) = plan(connection, overview, "_SINCE")
        assert step == "SEARCH message USING INTEGER PRIMARY KEY (rowid>?)"
        (step, *_) = plan(connection, overview, "_REFUSED")
        assert step == "SEARCH refusal USING INTEGER PRIMARY KEY (rowid>?)"

    def test_what_is_owed_is_found_by_its_account(self, connection: Connection) -> None:
        (step,) = plan(connection, overview, "_OWED")
        assert step == "SEARCH delivery USING INDEX delivery_waiting (account=?)"

    def test_what_is_left_of_lots_is_found_without_a_walk_along_the_chain(
        self, connection: Connection
    ) -> None:
        steps = plan_of(connection, Prepared(ending._RETURNED))
        assert steps[:4] == [
            "SEARCH ledger_draw USING PRIMARY KEY (account=? AND link=?)",
            "LIST SUBQUERY 1",
            "SEARCH ledger_request USING INDEX sqlite_autoindex_ledger_request_2 (account=?)",
            "SEARCH ledger_transfer USING PRIMARY KEY (source_id=? AND stage=?)",
        ]


LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000000) "
    "SELECT count(*) FROM n"
)


def failure_of(done: Deferred[Any]) -> Exception:
    """What it has failed with."""
    found: list[Any] = []
    done.addBoth(found.append)
    (failure,) = found
    assert isinstance(failure, Failure)
    assert isinstance(failure.value, OperationalError)
    return failure.value


class TestAReader:
    def test_reads_what_was_committed_and_cannot_write(self, path: Path) -> None:
        found: list[object] = []
        reader = Reader(path, execute, Clock().seconds)
        reader.run(lambda c: c.exec_driver_sql("SELECT count(*) FROM message").scalar()).addBoth(found.append)
        assert found == [0]
        failed = failure_of(reader.run(lambda c: c.exec_driver_sql("DELETE FROM message")))
        assert "attempt to write a readonly database" in str(failed)

    def test_does_not_keep_the_writer_waiting(self, path: Path) -> None:
        engine = open_engine(path)
        reader = Reader(path, execute, Clock().seconds)

        def write_meanwhile(connection: Connection) -> list[object]:
            count = "SELECT count(*) FROM ruleset"
            before = connection.exec_driver_sql(count).scalar()
            with engine.begin() as writer:
                writer.exec_driver_sql("INSERT INTO ruleset VALUES ('v', '{}', 0)")
            return [before, connection.exec_driver_sql(count).scalar()]

        found: list[object] = []
        reader.run(write_meanwhile).addBoth(found.append)
        assert found == [[0, 0]]
        engine.dispose()

    def test_breaks_off_what_takes_too_long(self, path: Path) -> None:
        clock = Clock()
        reader = Reader(path, execute, lambda: clock.seconds())
        began: list[float] = []

        def job(connection: Connection) -> None:
            began.append(clock.seconds())
            clock.advance(READ_MAX_S + 1)
            connection.exec_driver_sql(LONG).scalar()

        assert "interrupted" in str(failure_of(reader.run(job)))
        assert began == [0]

    def test_that_is_closed_breaks_off_everything(self, path: Path) -> None:
        reader = Reader(path, execute, Clock().seconds)
        reader.close()
        long = reader.run(lambda connection: connection.exec_driver_sql(LONG).scalar())
        assert "interrupted" in str(failure_of(long))
