"""The purge of a running gateway: at its time of day, in steps, and again the next day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred, fail

from gateway.config.loading import load
from gateway.ports import StoreUnable
from gateway.purger import Purger
from gateway.settings import Retention, Settings
from gateway.store import purge, schema
from gateway.store.engine import connect
from gateway.store.schema_records import purge as purge_table
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import SHANGHAI, START_S, receipt

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
RETENTION = Retention(commercial_days=183, reply_days=183)
DAY_S = 86_400.0
NEXT_PURGE_S = datetime(2026, 11, 24, 3, tzinfo=SHANGHAI).timestamp() - START_S


@pytest.fixture
def rig(path: Path) -> Iterator[Rig]:
    engine: Engine = connect(path, busy_timeout_s=0.0)
    rig = Rig(engine)
    rig.recover()
    yield rig
    rig.close()
    engine.dispose()


@pytest.fixture(scope="module")
def settings() -> Settings:
    return replace(load(EXAMPLE), retention=RETENTION)


def purger_of(rig: Rig, settings: Settings) -> Purger:
    return Purger(settings, rig.reactor, rig.clock, rig.writer.run)


def deliver(rig: Rig, count: int = 1) -> None:
    for number in range(count):
        rig.enroute(f"A{number}")
        rig.hear(receipt(f"A{number}"))


def bare(rig: Rig) -> int:
    return sum(row.body == b"" for row in rig.rows(schema.message))


def pass_days(rig: Rig, days: float) -> None:
    for _ in range(int(days * 24)):
        rig.advance(3600)
    rig.reactor.pump([0.05] * 200)


def test_what_is_too_old_is_purged_at_the_next_time_of_day(rig: Rig, settings: Settings) -> None:
    deliver(rig)
    rig.advance(183 * DAY_S)
    purger = purger_of(rig, settings)
    purger.start()
    rig.advance(NEXT_PURGE_S - 1)
    assert (bare(rig), rig.rows(purge_table)) == (0, [])
    with capture_logs() as logs:
        rig.reactor.pump([1.0] * 100)
    assert bare(rig) == 1
    assert {(row.what, row.purged) for row in rig.rows(purge_table) if row.purged} == {
        ("messages", 1),
        ("receipts", 1),
    }
    assert ("messages", "commercial", 1) in [
        (entry["what"], entry["message_class"], entry["purged"]) for entry in logs
    ]
    purger.stop()
    assert rig.reactor.getDelayedCalls() == []


def test_the_next_day_brings_the_next_purge(rig: Rig, settings: Settings) -> None:
    deliver(rig)
    purger = purger_of(rig, settings)
    purger.start()
    pass_days(rig, 182)
    assert bare(rig) == 0
    pass_days(rig, 3)
    assert bare(rig) == 1
    assert len({row.at for row in rig.rows(purge_table)}) > 180
    purger.stop()


def test_without_days_nothing_is_looked_for(rig: Rig, settings: Settings) -> None:
    purger_of(rig, replace(settings, retention=Retention())).start()
    assert rig.reactor.getDelayedCalls() == []


def test_between_two_steps_there_is_a_pause(
    rig: Rig, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "LOOK", 2)
    deliver(rig, 5)
    rig.advance(183 * DAY_S)
    purger = purger_of(rig, settings)
    purger.start()
    rig.advance(NEXT_PURGE_S)
    seen = []
    for _ in range(12):
        rig.advance(0.01)
        seen.append(bare(rig))
    assert seen == sorted(seen)
    assert {2, 4, 5} <= set(seen)
    assert seen.count(2) >= 2, "other jobs have the writer in between"
    purger.stop()


def test_a_purge_that_stops_in_the_middle_takes_no_further_step(
    rig: Rig, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "LOOK", 2)
    deliver(rig, 5)
    rig.advance(183 * DAY_S)
    purger = purger_of(rig, settings)
    purger.start()
    rig.advance(NEXT_PURGE_S)
    while not bare(rig):
        rig.advance(0.01)
    purger.stop()
    rig.reactor.pump([0.1] * 50)
    assert bare(rig) == 2
    assert rig.reactor.getDelayedCalls() == []


def test_a_purge_that_fails_is_logged_and_tried_again_the_next_day(rig: Rig, settings: Settings) -> None:
    deliver(rig)
    rig.advance(183 * DAY_S)
    is_failing = True

    def run(job: Callable[[Connection], object]) -> Deferred[object]:
        return fail(StoreUnable("disk I/O error")) if is_failing else rig.writer.run(job)

    purger = Purger(settings, rig.reactor, rig.clock, run)  # type: ignore[arg-type]  # generic, and this is not
    purger.start()
    with capture_logs() as logs:
        pass_days(rig, 1)
    assert [(entry["event"], entry["error"]) for entry in logs] == [("purge.failed", "disk I/O error")]
    is_failing = False
    pass_days(rig, 1)
    assert bare(rig) == 1
    purger.stop()
