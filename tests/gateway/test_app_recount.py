"""The gauge of the queue, after a commit that nobody knows of, or what a command has done beside us."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from twisted.internet.defer import Deferred

from gateway.message import State
from gateway.store import terminate
from gateway.store.ends import Means
from tests.gateway.carriers.samples import NOON, ZONE
from tests.gateway.customers.samples import submit
from tests.gateway.store.commits import HeldCommits
from tests.gateway.whole import Whole, settings_of


class Commits:
    """Commits that are made at once; while it `loses` them, nobody hears of it."""

    def __init__(self) -> None:
        self.loses = False
        self._held = HeldCommits()

    def __call__(self, work: Callable[[], None]) -> Deferred[None]:
        done = self._held(work)
        if self.loses:
            self._held.lose_the_answer()
        else:
            self._held.release()
        return done


def test_the_gauge_is_right_again_within_a_minute(path: Path) -> None:
    commits = Commits()
    whole = Whole(settings_of(path), commits).top_up().start()
    whole.carrier().lose()
    first, second = whole.customer(), whole.customer()
    first.send(submit(2))
    commits.loses = True
    second.send(submit(2))
    commits.loses = False
    assert whole.states() == [State.QUEUED] * 2
    whole.network.hanging = True
    whole.pass_time(59.0)
    assert b'signet_queued_messages{account="bank"} 2.0' in whole.gateway.metrics.render()
    whole.stop()


def test_it_is_right_within_seconds_of_the_end_of_an_account(path: Path) -> None:
    whole = Whole(settings_of(path)).top_up().start()
    whole.carrier().lose()
    whole.customer().send(submit(2), submit(3))
    means = Means(count(1).__next__, ZONE, country_code="86")
    with whole.observer.begin() as connection:
        terminate.close(connection, "bank", "the end", "", int(NOON * 1000))
        ids = terminate.waiting(connection, "bank")
        terminate.delete(connection, ids, means, int(NOON * 1000))
    assert whole.states() == [State.DELETED] * 2
    assert b'signet_queued_messages{account="bank"} 2.0' in whole.gateway.metrics.render()
    whole.network.hanging = True
    whole.pass_time(11.0)
    assert b'signet_queued_messages{account="bank"}' not in whole.gateway.metrics.render()
    assert whole.problems() == []
    whole.stop()
