"""The long messages of the run of `case_journal`, as it was seen and as it is stored; all are shop's.

Token 20 comes in two segments and leaves in two parts, both delivered. 21 comes whole and leaves in two
parts, the second undeliverable. The second segment of 22 never comes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from tests.sim.journal import (
    DeliverAnswered,
    Delivered,
    Entry,
    RelayAnswered,
    Relayed,
    Reported,
    SubmitAnswered,
    Submitted,
)
from tests.sim.long_text import pieces
from tests.sim.stored import (
    COLLECTING,
    DELIVERED,
    ENROUTE,
    JOINED,
    QUEUED,
    REJECTED,
    SUBMITTING,
    UNDELIVERABLE,
)

SHOP, NORTH = 2, 3
REASSEMBLY_S = 6.0
# Our ids of what the customer has sent, and of the parts.
FIRST, LAST, WHOLE, LONELY = 9020, 9021, 9022, 9023
PARTS_OF_20, PARTS_OF_21 = (9030, 9031), (9032, 9033)
_CUT_AT = {20: 60, 21: 96, 22: 60}


def text(token: int) -> str:
    """One of two parts."""
    return f"第一号#{token}#，" * 12


def number(token: int) -> str:
    return f"1380000{token:04}"


def submitted(at: float, token: int, segment: int) -> Submitted:
    """A segment, or all of the text for 0; the sequence_number tells them apart."""
    form, total = ("udh8", 2) if segment else ("payload", 0)
    piece = pieces(text(token), _CUT_AT[token])[segment - 1 if segment else 0]
    sequence_number = token * 10 + segment
    return Submitted(
        at, SHOP, "shop", sequence_number, token, number(token), 1, True, form, piece, segment, total
    )


def answered(at: float, token: int, segment: int, message_id: int) -> SubmitAnswered:
    return SubmitAnswered(at, SHOP, token * 10 + segment, 0, str(message_id))


def relayed(at: float, token: int, place: int, reference: int = 7) -> Relayed:
    part = pieces(text(token), 67)[place - 1]
    sequence_number, octets = token * 10 + place, 6 + 2 * len(part)
    return Relayed(
        at,
        NORTH,
        "north",
        sequence_number,
        token,
        number(token),
        part,
        "udh8",
        place,
        2,
        reference,
        octets,
    )


def _carried(at: float, token: int, place: int, state: int) -> Iterator[Entry]:
    """A part from its submit to its receipt."""
    sequence_number, named = token * 10 + place, f"1{token}{place}"
    yield relayed(at, token, place)
    yield RelayAnswered(at + 0.1, NORTH, sequence_number, token, 0, named, place)
    yield Reported(at + 0.3, NORTH, "north", sequence_number, named, token, state, place)
    yield DeliverAnswered(at + 0.4, NORTH, sequence_number, 0)


def _delivered(at: float, message_id: int, state: int) -> Delivered:
    return Delivered(at, SHOP, "shop", message_id, str(message_id), state, True, 0)


def long_entries(noon: float) -> list[Entry]:
    """What the outside saw."""
    return [
        submitted(noon + 9.2, 20, 1),
        answered(noon + 9.25, 20, 1, FIRST),
        submitted(noon + 9.26, 20, 2),
        answered(noon + 9.3, 20, 2, LAST),
        *_carried(noon + 9.32, 20, 1, DELIVERED),
        *_carried(noon + 9.33, 20, 2, DELIVERED),
        _delivered(noon + 9.8, FIRST, DELIVERED),
        _delivered(noon + 9.81, LAST, DELIVERED),
        submitted(noon + 10.2, 21, 0),
        answered(noon + 10.25, 21, 0, WHOLE),
        *_carried(noon + 10.3, 21, 1, DELIVERED),
        *_carried(noon + 10.31, 21, 2, UNDELIVERABLE),
        _delivered(noon + 10.75, WHOLE, UNDELIVERABLE),
        submitted(noon + 10.8, 22, 1),
        answered(noon + 10.85, 22, 1, LONELY),
        _delivered(noon + 17.1, LONELY, REJECTED),
    ]


def fill_long(connection: sqlite3.Connection, noon: float) -> None:
    """Write the rows into the database."""
    rows = _Rows(connection, noon)
    rows.add(FIRST, 20, 9.21, 9.7, [COLLECTING, JOINED, DELIVERED], segment=1, units=1, paid=False)
    rows.add(LAST, 20, 9.27, 9.7, [JOINED, DELIVERED], segment=2, units=0)
    rows.add(WHOLE, 21, 10.21, 10.7, [JOINED, UNDELIVERABLE], segment=1, units=0)
    rows.add(LONELY, 22, 10.81, 16.9, [COLLECTING, REJECTED], segment=1, units=1, paid=False)
    for token, ids, second in ((20, PARTS_OF_20, DELIVERED), (21, PARTS_OF_21, UNDELIVERABLE)):
        for place, (message_id, state) in enumerate(zip(ids, (DELIVERED, second), strict=True), 1):
            begun, ended = (9.28, 9.7) if token == 20 else (10.21, 10.7)
            rows.add(message_id, token, begun, ended, [QUEUED, SUBMITTING, ENROUTE, state], part=place)
            rows.report(message_id, f"1{token}{place}", state, begun)


class _Rows:
    def __init__(self, connection: sqlite3.Connection, noon: float) -> None:
        self._connection = connection
        self._noon = noon

    def add(
        self,
        message_id: int,
        token: int,
        begun: float,
        ended: float,
        states: list[int],
        *,
        segment: int = 0,
        part: int = 0,
        units: int = 1,
        paid: bool = True,
    ) -> None:
        """A row that went through these states, with its money and the receipt of a wrapper."""
        body = (
            b"\0\1\1"
            + b"10690002\0"
            + b"\1\1"
            + number(token).encode()
            + b"\0"
            + text(token).encode("utf-16-be")
        )
        asks, carrier, attempts = (0, "north", 1) if part else (1, None, 0)
        self._insert(
            "message",
            *(message_id, "shop", states[0], units, "10690002", number(token), asks, body),
            *("north", carrier, 1, attempts, 0, self._ms(begun), 0, self._ms(begun + REASSEMBLY_S)),
            *("ruleset", "", None, None, 8000 + token, part, segment, None, "commercial", "", None),
        )
        for state in states[1:]:
            self._connection.execute("UPDATE message SET state = ? WHERE message_id = ?", (state, message_id))
        self._connection.execute(
            "UPDATE message SET final_at = ? WHERE message_id = ?", (self._ms(ended), message_id)
        )
        if units:
            self._insert("ledger_transfer", message_id, 1, 2, "shop", units, 0, 1)
            self._insert("ledger_transfer", message_id, 2, 3 if paid else 4, "shop", units, 0, 1)
        if segment:
            body = b"\0\1\1" + b"138\0" + b"\1\1" + b"10690002\0" + bytes((4, 0, 0))
            done = self._ms(ended), self._ms(ended + 0.3)
            self._insert("delivery", message_id, "shop", message_id, body, 0, done[0], 0, 1, done[1])

    def report(self, message_id: int, named: str, state: int, begun: float) -> None:
        self._insert("receipt", "north", named, state, named, "", None, "", 0, 0)
        answered = self._ms(begun + 0.2)
        self._insert("attempt", message_id, 9, 1, "north", "north/0", named, named, 0, 0, answered)

    def _insert(self, table: str, *values: object) -> None:
        self._connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)

    def _ms(self, seconds: float) -> int:
        return round((self._noon + seconds) * 1000)
