"""How long records are kept, as instants: what was made before is purged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.settings import Retention
from policy.facts import MessageClass

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Befores:
    """From when on records are kept (unix ms): by class, without those that are kept for ever.

    `replies` is that of what recipients send; None is for ever.
    """

    classes: dict[str, int]
    replies: int | None

    def __bool__(self) -> bool:
        return bool(self.classes) or self.replies is not None


def befores(retention: Retention, now: int, at_most: int | None = None) -> Befores:
    """What is kept as of `now`, in unix ms. `at_most` is an instant from which on everything is kept."""

    def before(days: int) -> int:
        at = now - days * _DAY_MS
        return at if at_most is None else min(at, at_most)

    days = {
        MessageClass.COMMERCIAL: retention.commercial_days,
        MessageClass.NOTICE: retention.notice_days,
        MessageClass.CODE: retention.code_days,
    }
    classes = {str(name): before(count) for name, count in days.items() if count}
    return Befores(classes, before(retention.reply_days) if retention.reply_days else None)


def next_purge(retention: Retention, zone: ZoneInfo, now: float) -> float:
    """When the next purge begins; both in unix seconds."""
    local = datetime.fromtimestamp(now, zone)
    at = datetime.combine(local.date(), retention.purge_at, zone)
    if at.timestamp() <= now:
        at = datetime.combine(local.date() + timedelta(days=1), retention.purge_at, zone)
    return at.timestamp()
