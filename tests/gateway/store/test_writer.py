from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from gateway.ports import CommitUnknown, StoreClosed, StoreUnable
from gateway.store.writer import BUSY_RETRY_S
from tests.gateway.store.commits import HeldCommits
from tests.gateway.store.desk import Desk, failing, writing


@pytest.fixture
def desk(path: Path) -> Iterator[Desk]:
    desk = Desk(path)
    yield desk
    desk.writer.close()
    desk.settle()
    desk.engine.dispose()


class TestNothingIsAnsweredBeforeTheCommit:
    def test_while_the_commit_is_under_way_nobody_is_answered_and_nobody_else_sees_a_row(
        self, desk: Desk
    ) -> None:
        desk.run("a")
        desk.turn()
        assert len(desk.commits) == 1
        assert desk.answers == {}
        assert desk.stored() == []
        desk.turn(60.0)
        assert desk.answers == {}
        desk.commits.release()
        assert desk.answers == {"a": "a"}
        assert desk.stored() == ["a"]

    def test_a_job_does_not_run_before_the_turn_of_its_caller_has_ended(self, desk: Desk) -> None:
        ran: list[int] = []
        desk.run("a", lambda _: ran.append(1))
        assert ran == []
        assert desk.writer.waiting == 1
        desk.turn()
        assert ran == [1]
        assert desk.writer.waiting == 0

    def test_the_answers_come_in_the_order_of_the_jobs(self, desk: Desk) -> None:
        for name in "cab":
            desk.run(name)
        desk.settle()
        assert list(desk.answers.items()) == [("c", "c"), ("a", "a"), ("b", "b")]


class TestGroupCommit:
    def test_the_jobs_of_one_turn_share_one_transaction(self, desk: Desk) -> None:
        for name in "abc":
            desk.run(name)
        desk.turn()
        assert len(desk.commits) == 1
        desk.commits.release()
        desk.turn()
        assert desk.stored() == ["a", "b", "c"]
        assert len(desk.transactions) == 1

    def test_jobs_that_come_during_a_commit_share_the_next_one(self, desk: Desk) -> None:
        desk.run("first")
        desk.turn()
        for name in "abc":
            desk.run(name)
            desk.turn()
        assert desk.writer.waiting == 3
        assert len(desk.commits) == 1
        desk.commits.release()
        assert desk.answers == {"first": "first"}
        desk.turn()
        assert len(desk.commits) == 1
        assert desk.stored() == ["first"]
        desk.commits.release()
        assert desk.stored() == ["a", "b", "c", "first"]
        assert len(desk.transactions) == 2

    def test_a_later_job_of_a_batch_sees_what_an_earlier_one_wrote(self, desk: Desk) -> None:
        desk.run("a")
        desk.run("count", lambda c: c.scalar(text("SELECT count(*) FROM note")))
        desk.settle()
        assert desk.answers["count"] == 1

    def test_whoever_is_answered_may_ask_again_at_once(self, desk: Desk) -> None:
        desk.run("a").addCallback(lambda _: desk.run("b"))
        desk.settle()
        assert desk.stored() == ["a", "b"]

    def test_an_idle_writer_leaves_the_database_to_others(self, desk: Desk) -> None:
        desk.run("a")
        desk.settle()
        assert desk.reactor.getDelayedCalls() == []
        other = sqlite3.connect(desk.path, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.close()

    def test_a_job_that_others_should_see_goes_before_those_that_wait(self, desk: Desk) -> None:
        desk.run("a")
        desk.run("first", first=True)
        desk.settle()
        assert list(desk.answers) == ["first", "a"]
        assert len(desk.transactions) == 1

    def test_how_long_a_transaction_took_is_told_when_it_is_over(self, desk: Desk) -> None:
        desk.run("a")
        desk.turn()
        desk.turn(0.25)
        assert desk.transactions == []
        desk.commits.release()
        assert desk.transactions == [0.25]


class TestAJobThatRaises:
    def test_it_takes_nobody_with_it(self, desk: Desk) -> None:
        desk.run("a")
        desk.run("bad", failing("bad"))
        desk.run("b")
        desk.settle()
        assert (desk.answers["a"], desk.answers["b"]) == ("a", "b")
        assert isinstance(desk.answers["bad"], ValueError)
        assert desk.stored() == ["a", "b"]
        assert len(desk.transactions) == 2

    def test_alone_it_leaves_no_trace(self, desk: Desk) -> None:
        desk.run("bad", failing("bad"))
        desk.settle()
        assert isinstance(desk.answers["bad"], ValueError)
        assert desk.stored() == []
        assert desk.transactions == []

    def test_a_statement_that_breaks_a_constraint_is_the_fault_of_its_own_job(self, desk: Desk) -> None:
        for name, body in (("first", "same"), ("second", "same"), ("third", "other")):
            desk.run(name, writing(body))
        desk.settle()
        assert desk.answers["first"] == "same"
        assert isinstance(desk.answers["second"], IntegrityError)
        assert desk.answers["third"] == "other"

    def test_the_others_are_not_answered_before_they_are_committed_alone(self, desk: Desk) -> None:
        desk.run("a")
        desk.run("bad", failing("bad"))
        desk.run("b")
        desk.turn()
        assert desk.answers == {}
        desk.commits.release()
        assert list(desk.answers) == ["a"]
        assert desk.stored() == ["a"]
        desk.turn()
        assert list(desk.answers) == ["a", "bad"]
        desk.commits.release()
        assert list(desk.answers) == ["a", "bad", "b"]

    def test_newcomers_wait_until_the_batch_has_been_repeated(self, desk: Desk) -> None:
        desk.run("a")
        desk.run("bad", failing("bad"))
        desk.turn()
        desk.run("newcomer")
        assert desk.writer.waiting == 2
        desk.settle()
        assert list(desk.answers) == ["a", "bad", "newcomer"]

    def test_a_connection_that_cannot_even_roll_back_is_replaced(self, desk: Desk) -> None:
        def ruin(connection: Connection) -> None:
            writing("bad")(connection)
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.close()
            raise ValueError("ruined")

        desk.run("a")
        desk.run("bad", ruin)
        desk.settle()
        desk.run("b")
        desk.settle()
        assert isinstance(desk.answers["bad"], ValueError)
        assert desk.stored() == ["a", "b"]


class TestACommitThatFails:
    @pytest.mark.parametrize(
        ("fail", "stored"),
        [(HeldCommits.lose, []), (HeldCommits.lose_the_answer, ["a", "b"])],
        ids=["it never happened", "it happened"],
    )
    def test_nobody_is_told_more_than_is_known(
        self, desk: Desk, fail: Callable[[HeldCommits], None], stored: list[str]
    ) -> None:
        desk.run("a")
        desk.run("b")
        desk.turn()
        fail(desk.commits)
        assert [type(desk.answers[name]) for name in "ab"] == [CommitUnknown, CommitUnknown]
        assert "the disk is gone" in str(desk.answers["a"])
        assert [desk.answers[name].result for name in "ab"] == ["a", "b"], "if it is stored after all"
        assert desk.stored() == stored
        assert desk.transactions == []

    def test_what_comes_next_is_stored_as_ever(self, desk: Desk) -> None:
        desk.run("a")
        desk.turn()
        desk.run("b")
        desk.commits.lose()
        desk.settle()
        assert desk.answers["b"] == "b"
        assert desk.stored() == ["b"]

    def test_a_database_that_says_no_at_commit_is_as_unknown(self, desk: Desk) -> None:
        def leave_an_orphan(connection: Connection) -> None:
            connection.execute(text("INSERT INTO child VALUES (1, 'nobody')"))

        with desk.engine.begin() as connection:
            connection.execute(
                text("CREATE TABLE child (id INT, parent REFERENCES note DEFERRABLE INITIALLY DEFERRED)")
            )
        desk.run("orphan", leave_an_orphan)
        desk.run("a")
        desk.settle()
        assert [type(desk.answers[name]) for name in ("orphan", "a")] == [CommitUnknown, CommitUnknown]
        assert desk.stored() == []
        desk.run("b")
        desk.settle()
        assert desk.stored() == ["b"]


class TestAFullDisk:
    def test_a_commit_for_which_there_is_no_room_has_certainly_not_happened(self, desk: Desk) -> None:
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL
        desk.run("a")
        desk.turn()
        desk.commits.lose(OperationalError("COMMIT", None, full))
        assert isinstance(desk.answers["a"], StoreUnable)
        assert str(desk.answers["a"]) == "database or disk is full"
        assert desk.transactions == []
        desk.run("b")
        desk.settle()
        assert desk.stored() == ["b"]

    def test_is_not_the_fault_of_the_job_that_finds_it_full(self, desk: Desk) -> None:
        with desk.engine.begin() as connection:
            [(pages,)] = connection.execute(text("PRAGMA page_count"))
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        desk.run("a", writing("a" * 100_000))
        desk.turn()
        assert isinstance(desk.answers["a"], StoreUnable)
        assert "full" in str(desk.answers["a"])
        assert "aaa" not in str(desk.answers["a"])
        desk.run("b")
        desk.settle()
        assert desk.stored() == ["b"]


class TestABusyDatabase:
    def test_the_writer_comes_back_instead_of_waiting(self, desk: Desk) -> None:
        other = sqlite3.connect(desk.path, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        desk.run("a")
        for _ in range(3):
            desk.turn()
            desk.turn(BUSY_RETRY_S / 2)
            assert len(desk.reactor.getDelayedCalls()) == 1
            desk.turn(BUSY_RETRY_S / 2)
        assert desk.answers == {}
        assert desk.writer.waiting == 1
        other.execute("ROLLBACK")
        other.close()
        desk.turn(BUSY_RETRY_S)
        desk.settle()
        assert desk.answers == {"a": "a"}

    def test_those_who_come_meanwhile_join_behind(self, desk: Desk) -> None:
        other = sqlite3.connect(desk.path, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        desk.run("a")
        desk.run("b")
        desk.turn()
        desk.run("c")
        desk.turn()
        other.close()
        desk.turn(BUSY_RETRY_S)
        assert len(desk.commits) == 1
        desk.settle()
        assert list(desk.answers) == ["a", "b", "c"]
        assert len(desk.transactions) == 1

    def test_a_batch_that_is_being_repeated_keeps_its_order(self, desk: Desk) -> None:
        desk.run("a")
        desk.run("bad", failing("bad"))
        desk.run("b")
        desk.turn()
        desk.commits.release()
        other = sqlite3.connect(desk.path, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        desk.turn()
        other.close()
        desk.turn(BUSY_RETRY_S)
        desk.settle()
        assert list(desk.answers) == ["a", "bad", "b"]
        assert desk.stored() == ["a", "b"]

    @pytest.mark.parametrize("broken", [OperationalError, DatabaseError, ValueError])
    def test_a_transaction_that_cannot_begin_is_not_the_fault_of_its_jobs(
        self, desk: Desk, broken: type[Exception]
    ) -> None:
        def refuse(_: Connection) -> None:
            if issubclass(broken, DatabaseError):
                raise broken("BEGIN", {}, Exception("disk I/O error"))
            raise broken("disk I/O error")

        event.listen(desk.engine, "begin", refuse)
        desk.run("a")
        desk.run("b")
        desk.turn()
        event.remove(desk.engine, "begin", refuse)
        assert [type(desk.answers[name]) for name in "ab"] == [StoreUnable, StoreUnable]
        assert "disk I/O error" in str(desk.answers["a"])
        desk.run("c")
        desk.settle()
        assert desk.answers["c"] == "c"
        assert desk.stored() == ["c"]


class TestClosing:
    def test_what_waits_is_finished_first(self, desk: Desk) -> None:
        desk.run("a")
        desk.turn()
        desk.run("b")
        closed = desk.close_now()
        desk.turn()
        assert closed == []
        desk.commits.release()
        desk.turn()
        assert closed == []
        desk.commits.release()
        desk.turn()
        assert closed == [None]
        assert desk.stored() == ["a", "b"]

    def test_a_batch_under_repetition_is_finished_too(self, desk: Desk) -> None:
        desk.run("a")
        desk.run("bad", failing("bad"))
        desk.turn()
        closed = desk.close_now()
        desk.settle()
        assert closed == [None]
        assert list(desk.answers) == ["a", "bad"]

    def test_it_gives_the_connection_back(self, desk: Desk) -> None:
        desk.run("a")
        desk.settle()
        assert desk.engine.pool.checkedout() == 1  # type: ignore[attr-defined]  # of a QueuePool
        desk.writer.close()
        desk.settle()
        assert desk.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of a QueuePool

    def test_a_writer_that_never_wrote_closes_at_the_next_turn(self, desk: Desk) -> None:
        closed = desk.close_now()
        desk.turn()
        assert closed == [None]

    def test_after_that_it_takes_no_more_jobs(self, desk: Desk) -> None:
        desk.writer.close()
        desk.run("late")
        desk.settle()
        assert isinstance(desk.answers["late"], StoreClosed)
        assert desk.stored() == []

    def test_a_job_that_comes_after_the_end_does_no_harm(self, desk: Desk) -> None:
        closed = desk.close_now()
        desk.settle()
        desk.run("late")
        desk.settle()
        assert isinstance(desk.answers["late"], StoreClosed)
        assert closed == [None]

    def test_closing_twice_is_closing_once(self, desk: Desk) -> None:
        assert desk.writer.close() is desk.writer.close()
        desk.settle()
        assert desk.reactor.getDelayedCalls() == []

    def test_a_commit_that_fails_does_not_keep_it_open(self, desk: Desk) -> None:
        desk.run("a")
        desk.turn()
        closed = desk.close_now()
        desk.commits.lose()
        desk.turn()
        assert closed == [None]
        assert isinstance(desk.answers["a"], CommitUnknown)
