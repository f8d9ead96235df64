from __future__ import annotations

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.insist import in_parts, insist
from gateway.ports import CommitUnknown, StoreClosed, StoreUnable

NOT_ITS_FAULT = [StoreUnable("disk full"), CommitUnknown("disk gone"), StoreClosed()]


class Teller:
    """Insists on a call whose answers the test has laid out; a wait is as long as the tries before it."""

    def __init__(self, *answers: str | Exception) -> None:
        self.clock = Clock()
        self.left = list(answers)
        self.ended: list[str | Failure] = []
        told = insist(
            self._attempt,
            self.clock,
            float,
            "notes",
            lambda perhaps, result: f"{perhaps} {result}",
        )
        Deferred.fromCoroutine(told).addBoth(self.ended.append)

    def _attempt(self) -> Deferred[str]:
        answer = self.left.pop(0)
        return succeed(answer) if isinstance(answer, str) else fail(answer)


class TestInsist:
    def test_asks_once_if_that_is_enough(self) -> None:
        assert Teller("done").ended == ["done"]

    def test_asks_again_after_a_longer_wait_each_time_while_the_store_is_unable(self) -> None:
        with capture_logs() as logs:
            teller = Teller(StoreUnable("disk full"), StoreUnable("disk full"), "done")
            teller.clock.advance(1.0)
            teller.clock.advance(1.75)
            assert teller.ended == []
            teller.clock.advance(0.25)
        assert teller.ended == ["None None done"]
        assert [(e["event"], e["tries"]) for e in logs] == [("store.refused", 1), ("store.refused", 2)]

    def test_makes_one_result_of_a_commit_that_may_have_happened_and_the_next(self) -> None:
        teller = Teller(CommitUnknown("disk gone", "first"), "second")
        teller.clock.advance(1.0)
        assert teller.ended == ["first second"]

    @pytest.mark.parametrize("error", [ValueError("bad"), StoreClosed()], ids=repr)
    def test_does_not_repeat_what_would_fail_again(self, error: Exception) -> None:
        [failure] = Teller(error, "done").ended
        assert isinstance(failure, Failure)
        assert failure.value is error


def told_in_parts(
    items: str, poison: str, error: Exception | None = None
) -> tuple[list[tuple[str, str]], list[str]]:
    """Tell a store that fails over each of `poison`: the parts with their results, and every call."""
    calls: list[str] = []
    parts: list[tuple[str, str]] = []

    def tell(some: Sequence[str]) -> Deferred[int]:
        calls.append("".join(some))
        return fail(error or KeyError("bad")) if set(some) & set(poison) else succeed(len(some))

    async def run() -> None:
        async for part, result in in_parts(list(items), tell):
            parts.append(("".join(part), str(result) if isinstance(result, int) else type(result).__name__))

    done: list[None] = []
    Deferred.fromCoroutine(run()).addCallback(done.append)
    assert done == [None]
    return parts, calls


class TestInParts:
    def test_all_at_once_if_nothing_is_wrong(self) -> None:
        assert told_in_parts("abc", "") == ([("abc", "3")], ["abc"])

    def test_one_that_fails_is_left_alone_and_the_others_are_told_in_their_order(self) -> None:
        parts, calls = told_in_parts("abcdefgh", "f")
        assert parts == [("abcd", "4"), ("e", "1"), ("f", "KeyError"), ("gh", "2")]
        assert calls == ["abcdefgh", "abcd", "efgh", "ef", "e", "f", "gh"]

    @pytest.mark.parametrize("items", ["a", "abc", "abcdefghijk"])
    def test_if_all_fail_each_does_alone(self, items: str) -> None:
        parts, calls = told_in_parts(items, items)
        assert parts == [(item, "KeyError") for item in items]
        assert len(calls) == 2 * len(items) - 1

    @pytest.mark.parametrize("error", NOT_ITS_FAULT, ids=repr)
    def test_where_no_item_is_at_fault_they_stay_together(self, error: Exception) -> None:
        assert told_in_parts("abc", "a", error) == ([("abc", type(error).__name__)], ["abc"])
