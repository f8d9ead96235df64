"""A gateway purges at its time of day what an earlier life left behind, and stops in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.settings import Retention
from gateway.store import purge, schema
from tests.gateway.carriers.peer import receipt
from tests.gateway.carriers.samples import NOON, ZONE, a_carrier
from tests.gateway.customers.samples import submit
from tests.gateway.whole import Whole, settings_of

DAY_S = 86_400.0
LATER = NOON + 184 * DAY_S
SOON = (datetime.fromtimestamp(LATER, ZONE) + timedelta(seconds=5)).time()


@pytest.fixture
def later(path: Path) -> Iterator[Whole]:
    """The next life of a gateway that relayed three messages half a year ago."""
    settings = settings_of(path, carriers=[a_carrier(window_max=3)])
    before = Whole(settings).top_up().start()
    customer = before.customer()
    for number in range(3):
        customer.send(submit(2 + number))
        (relayed,) = before.submits()
        before.accept(relayed, first_id=1 + number)
        before.say(receipt(5 + number, f"c{1 + number}"))
    before.stop()
    assert len(before.rows(schema.receipt)) == 3
    retention = Retention(commercial_days=183, purge_at=SOON)
    later = Whole(replace(settings, retention=retention), now=LATER).start()
    yield later
    later.stop()
    assert later.problems() == []


def bare(whole: Whole) -> int:
    return sum(row.body == b"" for row in whole.rows(schema.message))


def test_what_is_too_old_is_purged_while_messages_go_on(later: Whole) -> None:
    later.pass_time(4)
    assert bare(later) == 0
    later.pass_time(4)
    assert bare(later) == 3
    assert later.rows(schema.receipt) == []
    later.customer().send(submit(2))
    assert len(later.submits()) == 1


def test_a_gateway_may_stop_between_two_steps(later: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "LOOK", 1)
    while not bare(later):
        later.pass_time(0.01, step=0.01)
    later.stop()
    assert bare(later) < 3
