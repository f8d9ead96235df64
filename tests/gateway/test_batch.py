from __future__ import annotations

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.batch import Batch


class Store:
    """Where batches go; each waits there until it is let go."""

    def __init__(self, size_max: int = 100) -> None:
        self.reactor = Clock()
        self.sent: list[list[str]] = []
        self.at_work: list[Deferred[None]] = []
        self.batch: Batch[str] = Batch(self.reactor, size_max, self.send)

    async def send(self, items: list[str]) -> None:
        self.sent.append(items)
        done: Deferred[None] = Deferred()
        self.at_work.append(done)
        await done

    def turn(self) -> None:
        self.reactor.advance(0)

    def let_go(self) -> None:
        self.at_work.pop().callback(None)
        self.turn()


def test_the_items_of_one_turn_leave_together_when_it_ends() -> None:
    store = Store()
    for item in "abc":
        store.batch.add(item)
    assert store.sent == []
    store.turn()
    assert store.sent == [["a", "b", "c"]]


def test_what_comes_while_a_batch_is_under_way_is_the_next() -> None:
    store = Store()
    store.batch.add("a")
    store.turn()
    for item in "bc":
        store.batch.add(item)
        store.turn()
    assert store.sent == [["a"]]
    store.let_go()
    assert store.sent == [["a"], ["b", "c"]]


def test_only_one_is_under_way_at_a_time() -> None:
    store = Store(size_max=1)
    for item in "abc":
        store.batch.add(item)
    store.turn()
    assert len(store.at_work) == 1
    store.let_go()
    assert len(store.at_work) == 1
    assert store.sent == [["a"], ["b"]]


def test_no_batch_is_larger_than_allowed_and_the_order_is_kept() -> None:
    store = Store(size_max=2)
    for item in "abcde":
        store.batch.add(item)
    store.turn()
    for _ in range(2):
        store.let_go()
    assert store.sent == [["a", "b"], ["c", "d"], ["e"]]


def test_its_length_counts_what_is_not_yet_dealt_with() -> None:
    store = Store(size_max=2)
    assert len(store.batch) == 0
    for item in "abc":
        store.batch.add(item)
    assert len(store.batch) == 3
    store.turn()
    assert len(store.batch) == 3
    store.let_go()
    assert len(store.batch) == 1
    store.let_go()
    assert len(store.batch) == 0


def test_a_batch_that_failed_does_not_stop_the_next() -> None:
    store = Store()
    store.batch.add("a")
    store.turn()
    store.batch.add("b")
    with capture_logs() as logs:
        store.at_work.pop().errback(ValueError("the store is gone"))
        store.turn()
    assert store.sent == [["a"], ["b"]]
    assert [(line["event"], line["doing"]) for line in logs] == [("task.failed", "batch")]
    store.let_go()
    assert len(store.batch) == 0


class TestIdle:
    def fired(self, store: Store) -> list[None]:
        """Empty until the batch is idle."""
        fired: list[None] = []
        store.batch.idle().addCallback(fired.append)
        return fired

    def test_with_nothing_to_do_it_is(self) -> None:
        assert self.fired(Store()) == [None]

    @pytest.mark.parametrize("size_max", [1, 100])
    def test_it_is_when_the_last_batch_is_dealt_with(self, size_max: int) -> None:
        store = Store(size_max)
        store.batch.add("a")
        fired = self.fired(store)
        store.turn()
        store.batch.add("b")
        store.let_go()
        assert fired == []
        store.let_go()
        assert fired == [None]

    def test_everyone_who_waits_is_told(self) -> None:
        store = Store()
        store.batch.add("a")
        first, second = self.fired(store), self.fired(store)
        store.turn()
        store.let_go()
        assert (first, second) == ([None], [None])

    def test_it_can_be_busy_again_after_that(self) -> None:
        store = Store()
        for item in "ab":
            store.batch.add(item)
            store.turn()
            fired = self.fired(store)
            assert fired == []
            store.let_go()
            assert fired == [None]
