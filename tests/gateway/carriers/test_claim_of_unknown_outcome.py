"""A claim whose COMMIT failed must not take back the claim that came after it.

A claim that is not stored after all is taken back by a NOT_SENT. Were that told late, because the store took
nothing then either, the message might have been claimed again meanwhile, under the same number, and sent.
The late word would then send it a second time, uncounted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, fail

from gateway.message import State
from tests.gateway.carriers.relay import Relay
from tests.gateway.carriers.samples import LIMITS, a_waiting_message


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    made = Relay(tmp_path / "store.db")
    yield made
    made.close()


def test_the_word_that_takes_a_claim_back_comes_before_the_next_claim(relay: Relay) -> None:
    message = a_waiting_message(1)
    relay.file.admit(message)
    failing = [True, True]
    commit = relay.file._writer._elsewhere

    def sometimes(work: Callable[[], None]) -> Deferred[None]:
        return fail(OSError("disk gone")) if failing and failing.pop() else commit(work)

    relay.file._writer._elsewhere = sometimes
    chances = [0.0, 0.999]
    relay.dispatcher._random = lambda: chances.pop(0) if chances else 0.0
    relay.dispatcher.queued([message])
    relay.pass_time(4 * LIMITS.retry_min_s)
    assert len(relay.submits()) == 1
    assert relay.file.state(1) is State.SUBMITTING
