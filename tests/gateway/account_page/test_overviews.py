from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.account_page.overviews import COUNTS_S, Counts, Overviews
from gateway.clock import StatedClock
from gateway.store.engine import reading
from gateway.store.overview import Overview
from tests.gateway.carriers.samples import NOON, ZONE

Told = tuple[Overview, Counts]


class HeldReads:
    """Reads a database when the test says so."""

    def __init__(self, path: Path) -> None:
        self._engine = reading(path, lambda connection: None)
        self.held: list[tuple[Callable[[Connection], Any], Deferred[Any]]] = []
        self.closed = False

    def run(self, job: Callable[[Connection], Any]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.held.append((job, done))
        return done

    def close(self) -> None:
        self.closed = True

    def release(self) -> None:
        job, done = self.held.pop(0)
        with self._engine.connect() as connection:
            result = job(connection)
        done.callback(result)

    def count(self) -> None:
        """The two reads that count."""
        self.release()
        self.release()

    def fail(self) -> None:
        _, done = self.held.pop(0)
        done.errback(OperationalError("", None, ValueError("interrupted")))


class Desk:
    def __init__(self, path: Path) -> None:
        self.time = Clock()
        self.reads = HeldReads(path)
        clock = StatedClock(NOON, self.time.seconds)
        self.overviews = Overviews(self.reads, clock, self.time.seconds, ZONE)

    def ask(self, account: str = "bank") -> list[Any]:
        answers: list[Any] = []
        Deferred.fromCoroutine(self.overviews.of(account)).addBoth(answers.append)
        return answers

    def told(self) -> Told:
        """What is told when nothing needs to be counted."""
        answers = self.ask()
        self.reads.release()
        (answer,) = answers
        found: Told = answer
        return found


@pytest.fixture
def desk(path: Path) -> Iterator[Desk]:
    desk = Desk(path)
    yield desk
    assert desk.reads.held == []


@pytest.fixture
def counted(desk: Desk) -> Desk:
    """Everything was counted once, in no time."""
    answers = desk.ask()
    desk.reads.count()
    desk.reads.release()
    assert len(answers) == 1
    return desk


def test_those_who_ask_at_once_are_told_by_one_read_an_account(counted: Desk) -> None:
    bank, again, shop = counted.ask(), counted.ask(), counted.ask("shop")
    assert len(counted.reads.held) == len(counted.overviews) == 2
    counted.reads.release()
    assert bank == again != []
    assert shop == []
    counted.reads.release()
    assert len(shop) == 1
    assert len(counted.overviews) == 0


def test_one_who_asks_later_is_told_anew(counted: Desk) -> None:
    counted.told()
    counted.ask()
    assert len(counted.reads.held) == 1
    counted.reads.release()


def test_all_accounts_are_counted_at_once(desk: Desk) -> None:
    bank, shop = desk.ask(), desk.ask("shop")
    assert len(desk.reads.held) == 1
    desk.reads.count()
    assert len(desk.reads.held) == 2
    desk.reads.release()
    desk.reads.release()
    assert bank[0][1] is shop[0][1]
    assert (bank[0][1].day, bank[0][1].at) == (date(2026, 3, 4), NOON)


def test_what_was_counted_is_told_for_some_seconds(counted: Desk) -> None:
    counted.time.advance(COUNTS_S - 0.5)
    assert counted.told()[1].at == NOON
    counted.time.advance(0.5)
    answers = counted.ask()
    counted.reads.count()
    counted.reads.release()
    assert answers[0][1].at == NOON + COUNTS_S


def test_what_took_long_to_count_is_told_for_twenty_times_as_long(desk: Desk) -> None:
    desk.ask()
    desk.time.advance(3.0)
    desk.reads.count()
    desk.reads.release()
    desk.time.advance(59.5)
    assert desk.told()[1].at == NOON
    desk.time.advance(0.5)
    answers = desk.ask()
    desk.reads.count()
    assert answers == []
    desk.reads.release()


def test_what_takes_too_long_to_count_is_left_out(desk: Desk) -> None:
    answers = desk.ask()
    desk.reads.release()
    desk.time.advance(10.0)
    desk.reads.fail()
    desk.reads.release()
    ((overview, counts),) = answers
    assert (overview.owed, counts.submitted) == (0, None)
    assert counts.unfinished is not None
    assert desk.told()[1] is counts


def test_a_read_that_fails_fails_for_all_who_wait_for_it(counted: Desk) -> None:
    one, other = counted.ask(), counted.ask()
    counted.reads.fail()
    for answer in (*one, *other):
        answer.trap(OperationalError)
    assert len(one) == len(other) == 1


def test_a_stop_returns_when_nothing_is_read_any_more(counted: Desk) -> None:
    answers = counted.ask()
    stopped: list[None] = []
    Deferred.fromCoroutine(counted.overviews.stop()).addCallback(stopped.append)
    assert (counted.reads.closed, stopped) == (True, [])
    counted.reads.fail()
    assert len(answers) == len(stopped) == 1
    answers[0].trap(OperationalError)


def test_a_stop_waits_for_the_read_that_comes_after_the_counts(desk: Desk) -> None:
    answers = desk.ask()
    stopped: list[None] = []
    Deferred.fromCoroutine(desk.overviews.stop()).addCallback(stopped.append)
    desk.reads.count()
    assert stopped == []
    desk.reads.release()
    assert len(answers) == len(stopped) == 1
