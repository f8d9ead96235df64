"""Counting the queue anew, after a commit of which nobody knows whether it added to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine
from twisted.internet.defer import Deferred

from gateway.message import State
from gateway.ports import CommitUnknown
from gateway.store import terminate
from tests.gateway.store.commits import HeldCommits
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import message


class Losing:
    """Commits that are made at once, but for those that are to be lost in some way."""

    def __init__(self) -> None:
        self.way: Callable[[HeldCommits], None] = HeldCommits.release
        self._held = HeldCommits()

    def __call__(self, work: Callable[[], None]) -> Deferred[None]:
        done = self._held(work)
        self.way(self._held)
        return done


def test_while_every_commit_is_known_there_is_nothing_to_count(rig: Rig) -> None:
    rig.queued()
    before = len(rig.transactions)
    assert rig.result(rig.store.recount(())) is None
    assert len(rig.transactions) == before
    assert rig.result(rig.store.recount(["bank"])) is None


def test_where_an_account_that_has_a_queue_is_at_its_end_it_is_counted(rig: Rig) -> None:
    rig.top_up("shop", 10)
    rig.queued()
    rig.queued(account="shop")
    with rig.engine.begin() as connection:
        terminate.close(connection, "shop", "the end", "", rig.now())
    assert rig.result(rig.store.recount(["bank"])) is None
    assert rig.result(rig.store.recount(["bank", "shop"])) == [("bank", "north", 1), ("shop", "north", 1)]


@pytest.mark.parametrize(
    ("way", "count"), [(HeldCommits.lose, 1), (HeldCommits.lose_the_answer, 2)], ids=["not made", "made"]
)
def test_after_one_that_is_not_what_waits_is_counted_once(
    engine: Engine, way: Callable[[HeldCommits], None], count: int
) -> None:
    commits = Losing()
    rig = Rig(engine, commit=commits)
    rig.queued()
    rig.enroute("A1")
    commits.way = way
    with pytest.raises(CommitUnknown):
        rig.admit(message(rig.ids.next(), state=State.QUEUED))
    with pytest.raises(CommitUnknown):
        rig.result(rig.store.recount(()))
    commits.way = HeldCommits.release
    assert rig.result(rig.store.recount(())) == [("bank", "north", count)]
    assert rig.result(rig.store.recount(())) is None
    rig.close()
