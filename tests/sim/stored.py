"""The database as the checks want it, read with plain SQL and nothing of the gateway's.

The numbers of states, outcomes, stages and kinds are written out here: message states as SMPP 3.4 has them
(5.2.28) where it has them, the others as the schema means them.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

QUEUED, ENROUTE, COLLECTING, JOINED, SUBMITTING, IN_DOUBT = 0, 1, 10, 11, 16, 17
DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, UNKNOWN, REJECTED = 2, 3, 4, 5, 7, 8
ENDS = frozenset({DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, UNKNOWN, REJECTED})
# Of a part: the rest of its message need not be sent.
FAILED = frozenset({REJECTED, UNDELIVERABLE, EXPIRED, DELETED})
# UNKNOWN is an end that we give; a carrier that says it has not said its last word.
LAST_WORDS = ENDS - {UNKNOWN}

ATTEMPT_ACCEPTED = 1
DELIVERY_ACKNOWLEDGED, DELIVERY_REFUSED, DELIVERY_ABANDONED = 1, 2, 3
STAGE_TOPUP, STAGE_HOLD, STAGE_RESOLUTION, STAGE_REFUND = 0, 1, 2, 3
KIND_TOPUP, KIND_HOLD, KIND_SETTLE, KIND_VOID, KIND_REFUND = 1, 2, 3, 4, 5

_ESM_CLASS_INTERMEDIATE = 0x20
_TOKEN = re.compile(rb"\x00#((?:\x00[0-9])+)\x00#")
_NUMBER_DIGITS = 11


# A text as carriers see it: its token, and the place of a part of it, from 1; 0 if it travels in one.
Key = tuple[int, int]


def name(key: Key) -> str:
    """What problems call a text, or a part of one."""
    token, place = key
    return f"token {token} part {place}" if place else f"token {token}"


class Message(NamedTuple):
    """A row of `message`; `token` is that of its text, None if it has none. Instants are unix seconds.

    `place` is that of a part of a long text, from 1; 0 for a message that travels in one, None for what a
    customer has sent and others carry on.
    """

    message_id: int
    account: str
    state: int
    units: int
    destination: str
    registered_delivery: int
    token: int | None
    carrier: str | None
    attempts: int
    resends: int
    deadline_at: float
    final_at: float | None
    submitted_at: float
    whole_id: int | None
    part: int
    segment: int
    place: int | None

    @property
    def key(self) -> Key | None:
        """By which carriers' submits of it are known; None if it is no message of its own."""
        return None if self.token is None or self.place is None else (self.token, self.place)

    def asks_for_end(self, state: int) -> bool:
        """Whether its sender wants to be told this end (registered_delivery, SMPP 3.4, 5.2.17)."""
        wanted = self.registered_delivery & 3
        return wanted != 0 and not (wanted == 2 and state == DELIVERED)

    @property
    def asks_for_news(self) -> bool:
        return bool(self.registered_delivery & 0x10)


class Attempt(NamedTuple):
    """A row of `attempt`. Instants are unix seconds."""

    message_id: int
    outcome: int
    carrier: str
    carrier_message_id: str | None
    answered_at: float | None


class Delivery(NamedTuple):
    """A row of `delivery`; `message_id` is None for a reply. Instants are unix seconds."""

    delivery_id: int
    account: str
    message_id: int | None
    is_end: bool
    outcome: int
    created_at: float
    finished_at: float | None


class Transfer(NamedTuple):
    """A row of `ledger_transfer`."""

    source_id: int
    stage: int
    kind: int
    account: str
    link: int
    units: int


class Lot(NamedTuple):
    """A row of `ledger_lot`, and what `ledger_rest` says is left of it (None: nothing is said)."""

    account: str
    at_ms: int
    lot_id: int
    units: int
    left: int | None


class Balance(NamedTuple):
    """A row of `ledger_account`."""

    account: str
    topped_up: int
    remaining: int
    held: int
    settled: int
    returned: int


class Move(NamedTuple):
    """A row of `history`: `old` is None where the message begins, `new` is -1 where it is gone."""

    message_id: int
    old: int | None
    new: int
    was_final: int


class Inbound(NamedTuple):
    """A row of `inbound`."""

    inbound_id: int
    carrier: str
    account: str | None
    number: str


class Refused(NamedTuple):
    """A row of `refusal`; `token` is that of its text."""

    refusal_id: int
    account: str
    rule: str
    token: int | None


@dataclass(slots=True)
class Stored:
    """All tables."""

    messages: dict[int, Message]
    by_key: dict[Key, Message]
    wholes: dict[int, list[Message]]
    attempts: defaultdict[int, list[Attempt]]
    deliveries: list[Delivery]
    receipts: set[tuple[str, str, int]]
    inbound: list[Inbound]
    opt_outs: set[tuple[str, str]]
    transfers: list[Transfer]
    balances: dict[str, Balance]
    lots: list[Lot]
    draws: dict[tuple[str, int], dict[int, int]]
    voided: set[int]
    history: list[Move]
    refusals: list[Refused]

    def has_opted_out(self, number: str, account: str) -> bool:
        """Whether no message of the account may go to the number, under any signature."""
        return not self.opt_outs.isdisjoint({(number, account), (number, "")})


def fell(row: Message, stored: Stored) -> bool:
    """Whether a part ended as another one had that failed, before it was with a carrier."""
    return (
        row.part > 0
        and row.state in FAILED
        and row.message_id in stored.voided
        and any(
            other.part and other is not row and other.state == row.state
            for other in stored.wholes[row.whole_id or 0]
            if (other.final_at or 0.0) <= (row.final_at or 0.0)
        )
    )


def last_digits(number: str) -> str:
    """A number as it can be compared, however it is spelled."""
    return number[-_NUMBER_DIGITS:]


def read(database: Path) -> Stored:
    """Read a database without changing it; a log of changes that lies beside it counts."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        return _read(connection)


def _read(connection: sqlite3.Connection) -> Stored:
    fetch = connection.execute
    parts = dict(
        fetch("SELECT whole_id, max(part) FROM message WHERE whole_id IS NOT NULL GROUP BY whole_id")
    )
    messages = [
        _message(parts, *row)
        for row in fetch(
            "SELECT message_id, account, state, units, destination_addr, registered_delivery, body, carrier, "
            "attempts, resends, deadline_at, final_at, submitted_at, whole_id, part, segment FROM message "
            "ORDER BY message_id"
        )
    ]
    wholes: defaultdict[int, list[Message]] = defaultdict(list)
    for message in messages:
        if message.whole_id is not None:
            wholes[message.whole_id].append(message)
    attempts = fetch("SELECT message_id, outcome, carrier, carrier_message_id, answered_at FROM attempt")
    deliveries = fetch(
        "SELECT delivery_id, account, message_id, body, outcome, created_at, finished_at FROM delivery"
    )
    return Stored(
        messages={message.message_id: message for message in messages},
        by_key={message.key: message for message in messages if message.key is not None},
        wholes=wholes,
        attempts=_by_message(_attempt(*row) for row in attempts),
        deliveries=[_delivery(*row) for row in deliveries],
        receipts=set(fetch("SELECT carrier, carrier_message_id, state FROM receipt")),
        inbound=[
            Inbound(inbound_id, carrier, account, last_digits(number))
            for inbound_id, carrier, account, number in fetch(
                "SELECT inbound_id, carrier, account, source_addr FROM inbound"
            )
        ],
        opt_outs={
            (last_digits(number), account)
            for number, account in fetch(
                "SELECT number, account FROM opt_out WHERE signature = '' AND ended_at IS NULL"
            )
        },
        transfers=[
            Transfer(*row)
            for row in fetch("SELECT source_id, stage, kind, account, link, units FROM ledger_transfer")
        ],
        balances={
            row[0]: Balance(*row)
            for row in fetch(
                "SELECT account, topped_up, remaining, held, settled, returned FROM ledger_account"
            )
        },
        lots=_lots(connection),
        draws=_draws(connection),
        voided={
            source_id
            for (source_id,) in fetch("SELECT source_id FROM ledger_transfer WHERE kind = ?", (KIND_VOID,))
        },
        history=[Move(*row) for row in fetch("SELECT message_id, old, new, was_final FROM history")],
        refusals=[
            Refused(refusal_id, account, rule, _token(body))
            for refusal_id, account, rule, body in fetch(
                "SELECT refusal_id, account, rule, body FROM refusal"
            )
        ],
    )


def _lots(connection: sqlite3.Connection) -> list[Lot]:
    """The oldest of an account first."""
    rows = connection.execute(
        "SELECT account, at_ms, lot_id, l.units, r.units FROM ledger_lot l "
        "LEFT JOIN ledger_rest r USING (account, lot_id, at_ms) ORDER BY account, at_ms, lot_id"
    )
    return [Lot(*row) for row in rows]


def _draws(connection: sqlite3.Connection) -> dict[tuple[str, int], dict[int, int]]:
    """What each link of an account took from lots, or gave back."""
    draws: defaultdict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    rows = connection.execute("SELECT account, link, lot_id, units FROM ledger_draw")
    for account, link, lot_id, units in rows:
        draws[account, link][lot_id] = units
    return draws


def _message(
    parts: dict[int, int],
    message_id: int,
    account: str,
    state: int,
    units: int,
    destination: str,
    registered_delivery: int,
    body: bytes,
    carrier: str | None,
    attempts: int,
    resends: int,
    deadline_at: int,
    final_at: int | None,
    submitted_at: int,
    whole_id: int | None,
    part: int,
    segment: int,
) -> Message:
    place: int | None = 0
    if whole_id is not None and not part:
        place = None
    elif whole_id is not None and parts[whole_id] > 1:
        place = part
    return Message(
        message_id,
        account,
        state,
        units,
        destination,
        registered_delivery,
        _token(body),
        carrier,
        attempts,
        resends,
        deadline_at / 1000,
        _seconds(final_at),
        submitted_at / 1000,
        whole_id,
        part,
        segment,
        place,
    )


def _attempt(
    message_id: int, outcome: int, carrier: str, carrier_message_id: str | None, answered_at: int | None
) -> Attempt:
    return Attempt(message_id, outcome, carrier, carrier_message_id, _seconds(answered_at))


def _by_message(attempts: Iterable[Attempt]) -> defaultdict[int, list[Attempt]]:
    found: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        found[attempt.message_id].append(attempt)
    return found


def _delivery(
    delivery_id: int,
    account: str,
    message_id: int | None,
    body: bytes,
    outcome: int,
    created_at: int,
    finished_at: int | None,
) -> Delivery:
    is_end = message_id is not None and not _esm_class(body) & _ESM_CLASS_INTERMEDIATE
    return Delivery(
        delivery_id, account, message_id, is_end, outcome, created_at / 1000, _seconds(finished_at)
    )


def _esm_class(body: bytes) -> int:
    """That of a deliver_sm body (SMPP 3.4, 4.6.1): it follows service_type and the two addresses."""
    source_at = body.index(0) + 1
    destination_at = body.index(0, source_at + 2) + 1
    return body[body.index(0, destination_at + 2) + 1]


def _token(body: bytes) -> int | None:
    """The decimal number between two '#' in a text in UCS-2."""
    found = _TOKEN.search(body)
    return None if found is None else int(found[1].replace(b"\0", b""))


def _seconds(unix_ms: int | None) -> float | None:
    return None if unix_ms is None else unix_ms / 1000
