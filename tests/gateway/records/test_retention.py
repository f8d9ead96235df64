"""From when on records are kept, and when the next purge is."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from gateway.records.retention import Befores, befores, next_purge
from gateway.settings import Retention

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_MS = 86_400_000
NOW = 1000 * DAY_MS


def at(day: int, hour: int, minute: int = 0) -> float:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI).timestamp()


def test_without_days_everything_is_kept() -> None:
    assert not befores(Retention(), NOW)
    assert befores(Retention(reply_days=183), NOW)


def test_each_class_is_kept_for_its_days() -> None:
    kept = befores(Retention(commercial_days=400, code_days=183, reply_days=200), NOW)
    assert kept == Befores({"commercial": NOW - 400 * DAY_MS, "code": NOW - 183 * DAY_MS}, NOW - 200 * DAY_MS)


def test_more_may_be_kept_and_never_less() -> None:
    retention = Retention(commercial_days=200, notice_days=300)
    early, late = NOW - 250 * DAY_MS, NOW - DAY_MS
    assert befores(retention, NOW, early).classes == {"commercial": early, "notice": NOW - 300 * DAY_MS}
    assert befores(retention, NOW, late) == befores(retention, NOW)


def test_the_next_purge_is_today_or_tomorrow_in_the_operators_zone() -> None:
    retention = Retention(purge_at=time(3, 30))
    assert next_purge(retention, SHANGHAI, at(22, 1)) == at(22, 3, 30)
    assert next_purge(retention, SHANGHAI, at(22, 3, 30)) == at(23, 3, 30)
    assert next_purge(retention, SHANGHAI, at(22, 23)) == at(23, 3, 30)
