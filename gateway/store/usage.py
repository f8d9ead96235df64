"""Caps: the units that an account has had accepted in a day and in a month of the operator's zone.

Counted in the transaction that accepts them, for accounts with caps only, so that no two batches can exceed
a cap together. What was accepted counts for good, whatever becomes of the message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import sqlite

from gateway.message import Message, State
from gateway.statuses import GatewayError
from gateway.store.dialect import Bulk
from gateway.store.ends import Means
from gateway.store.schema_records import usage
from ledger.prepared import Prepared
from ledger.rows import dumps, texts

Demand = tuple[str, int]
"""An account and how many units it wants."""

_USED = Prepared(
    select(usage.c.account, usage.c.period, usage.c.units).where(
        usage.c.account.in_(texts("accounts")), usage.c.period.in_(texts("periods"))
    )
)
_insert = sqlite.insert(usage)
_ADD = Bulk(
    _insert.on_conflict_do_update(
        index_elements=["account", "period"], set_={"units": usage.c.units + _insert.excluded.units}
    ),
    ("account", "period", "units"),
)


def fitting(connection: Connection, demands: Sequence[Demand], means: Means, now: int) -> list[bool]:
    """For each demand in turn, whether the account's caps leave room for all of it."""
    periods = _periods(means, now)
    accounts = sorted({account for account, units in demands if units and account in means.caps})
    rows = _USED.fetch(connection, accounts=dumps(accounts), periods=dumps(periods)) if accounts else ()
    used = Counter({(account, period): units for account, period, units in rows})
    fits = []
    for account, units in demands:
        caps = means.caps.get(account)
        limits = (None, None) if caps is None else (caps.units_per_day, caps.units_per_month)
        keys = [(account, period) for period in periods]
        fits.append(
            units == 0
            or all(
                limit is None or used[key] + units <= limit for key, limit in zip(keys, limits, strict=True)
            )
        )
        if fits[-1]:
            used.update(dict.fromkeys(keys, units))
    return fits


def cap(
    connection: Connection, messages: Sequence[Message], verdicts: list[str | None], means: Means, now: int
) -> None:
    """Refuse what goes beyond a cap: a long message whole, with its parts.

    A segment that waits for others costs nothing until they are joined.
    """
    wanted: dict[int, list[int]] = {}
    for index, (message, verdict) in enumerate(zip(messages, verdicts, strict=True)):
        if verdict is None and message.account in means.caps and message.state is not State.COLLECTING:
            wanted.setdefault(message.whole_id or message.message_id, []).append(index)
    demands = [(messages[i[0]].account, sum(messages[index].units for index in i)) for i in wanted.values()]
    for indexes, fits in zip(wanted.values(), fitting(connection, demands, means, now), strict=True):
        if not fits:
            for index in indexes:
                verdicts[index] = GatewayError.CAP_REACHED


def count(connection: Connection, accepted: Iterable[Demand], means: Means, now: int) -> None:
    """Count what was accepted."""
    units = Counter[str]()
    for account, more in accepted:
        if account in means.caps:
            units[account] += more
    periods = _periods(means, now)
    rows = [(account, period, more) for account, more in units.items() if more for period in periods]
    _ADD.run(connection, rows)


def count_messages(connection: Connection, accepted: Sequence[Message], means: Means, now: int) -> None:
    """Count messages that are stored."""
    demands = ((m.account, m.units) for m in accepted if m.state is not State.COLLECTING)
    count(connection, demands, means, now)


def _periods(means: Means, now: int) -> tuple[str, str]:
    """The day and the month of `now`, as they stand in the table."""
    day = datetime.fromtimestamp(now / 1000, means.zone).date().isoformat()
    return day, day[:7]
