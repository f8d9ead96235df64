"""The store as anybody with SQLite sees it, by statements that are not the gateway's own."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.store.audit import IDENTITIES, Audit
from gateway.store.snapshot import snapshot
from tests.crash.tokens import token_in

# The stored numbers, written out: taken from the gateway, they would change with it unseen.
STATES = {
    0: "QUEUED",
    1: "ENROUTE",
    2: "DELIVERED",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIVERABLE",
    7: "UNKNOWN",
    8: "REJECTED",
    16: "SUBMITTING",
    17: "IN_DOUBT",
}
SETTLE, VOID = 3, 4

_COUNTRY_CODE = "86"
_NAMED_MAX = 20

_UNFINISHED = """
    SELECT (SELECT count(*) FROM message WHERE final_at IS NULL)
         + (SELECT count(*) FROM delivery WHERE finished_at IS NULL)
"""
_MESSAGES = "SELECT message_id, account, state, units, resends, body, final_at IS NOT NULL FROM message"

# Each gives the rows that break an identity of the ledger.
_IDENTITIES = (
    """SELECT 'balance', account FROM ledger_account
        WHERE topped_up <> remaining + held + settled + returned
           OR min(remaining, held, settled, returned) < 0""",
    """SELECT 'held', account, held FROM ledger_account WHERE held <> (
        SELECT coalesce(sum(units), 0) FROM message
         WHERE message.account = ledger_account.account AND state IN (0, 16, 17))""",
    """SELECT 'settled', account, settled FROM ledger_account WHERE settled <> (
        SELECT coalesce(sum(units), 0) FROM ledger_transfer t
         WHERE t.account = ledger_account.account AND kind = 3)""",
    """SELECT 'hold', m.message_id FROM message m LEFT JOIN ledger_transfer t
            ON t.source_id = m.message_id AND t.stage = 1 AND t.account = m.account AND t.units = m.units
        WHERE t.source_id IS NULL""",
    """SELECT 'hold of nothing', source_id FROM ledger_transfer
        WHERE stage > 0 AND source_id NOT IN (SELECT message_id FROM message)""",
    """SELECT 'resolution', m.message_id, m.state FROM message m LEFT JOIN ledger_transfer t
            ON t.source_id = m.message_id AND t.stage = 2 AND t.account = m.account AND t.units = m.units
        WHERE (t.source_id IS NULL) <> (m.state IN (0, 16, 17))""",
    "SELECT 'refund', source_id FROM ledger_transfer WHERE stage = 3",
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A message; `resolution` is the kind of transfer that resolved its hold."""

    message_id: str
    token: int
    account: str
    state: str
    units: int
    resends: int
    ended: bool
    resolution: int | None


@dataclass(frozen=True, slots=True)
class StoreNotes:
    """What a store holds after a run. `receipts` are known by carrier and its id, replies by token."""

    messages: list[Stored]
    receipts: set[tuple[str, str]]
    replies: Counter[int]
    unfinished: int
    unbalanced: list[str]


def unfinished(path: Path) -> int:
    """Messages without an end and deliveries without an acknowledgement, also of a store in use."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        count: int = database.execute(_UNFINISHED).fetchone()[0]
    return count


def read(path: Path) -> StoreNotes:
    """Everything that the verdict asks of a store."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        resolutions = dict(database.execute("SELECT source_id, kind FROM ledger_transfer WHERE stage = 2"))
        messages = [_stored(row, resolutions) for row in database.execute(_MESSAGES)]
        receipts = set(database.execute("SELECT carrier, carrier_message_id FROM receipt"))
        replies = Counter(token_in(body) for (body,) in database.execute("SELECT body FROM inbound"))
        left = database.execute(_UNFINISHED).fetchone()[0]
        broken = [_words(row) for identity in _IDENTITIES for row in database.execute(identity)]
    return StoreNotes(messages, receipts, replies, left, broken + _violations(path))


def _stored(row: Iterable[Any], resolutions: dict[int, int]) -> Stored:
    message_id, account, state, units, resends, body, ended = row
    resolution = resolutions.get(message_id)
    name = STATES.get(state, f"state {state}")
    return Stored(str(message_id), token_in(body), account, name, units, resends, bool(ended), resolution)


def _violations(path: Path) -> list[str]:
    """What the gateway's own audit finds."""
    with snapshot(path, _COUNTRY_CODE) as connection:
        audit = Audit(connection, _NAMED_MAX)
        found = [audit.find(identity) for identity in IDENTITIES]
    return [str(violation) for finding in found for violation in finding.violations]


def _words(row: Iterable[object]) -> str:
    return " ".join(str(value) for value in row)
