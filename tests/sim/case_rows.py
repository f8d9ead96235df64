"""The rows that the gateway would have written in the run of `case_journal`."""

from __future__ import annotations

import sqlite3

from tests.sim.case_journal import NOON, OPTED_OUT, at, destination, message_id
from tests.sim.case_long import fill_long
from tests.sim.stored import (
    DELIVERED,
    ENROUTE,
    EXPIRED,
    IN_DOUBT,
    QUEUED,
    REJECTED,
    SUBMITTING,
    UNDELIVERABLE,
    UNKNOWN,
)

_SENT = [QUEUED, SUBMITTING]


def fill(connection: sqlite3.Connection) -> None:
    """Write them all into an empty database."""
    for lot, account in enumerate(("bank", "shop"), 1):
        _insert(connection, "ledger_lot", lot, account, 40, 0, "paid", 0)
        _insert(connection, "ledger_transfer", lot, 0, 1, account, 40, 0, 1)
    _message(connection, 1, [SUBMITTING, ENROUTE, DELIVERED], 2.05)
    _message(connection, 3, [SUBMITTING, REJECTED], 1.75, asks=0, paid=False)
    _message(connection, 4, [*_SENT, *_SENT, ENROUTE, EXPIRED], 6.05, account="shop", resends=1)
    _message(connection, 5, [QUEUED, EXPIRED], 18.5, paid=False)
    _message(connection, 6, [*_SENT, *_SENT, ENROUTE, UNDELIVERABLE], 8.65, asks=0x11)
    _message(connection, 7, [SUBMITTING, IN_DOUBT, UNKNOWN], 18.5, asks=2, paid=False)
    for token, state in ((1, DELIVERED), (4, EXPIRED), (6, ENROUTE), (6, UNDELIVERABLE)):
        named = f"100{token}"
        _insert(connection, "receipt", "north", named, state, named, destination(token), None, "", 0, 0)
    for token, answered in ((1, 1.25), (4, 5.65), (6, 8.25)):
        named, at_ms = f"100{token}", _ms(answered)
        _insert(connection, "attempt", message_id(token), 9, 1, "north", "north/0", named, named, 0, 0, at_ms)
    _delivery(connection, 71, 1, 2.05, 2.25)
    _delivery(connection, 72, 4, 6.05, 6.25, account="shop")
    _delivery(connection, 73, 5, 18.5, 199.0, outcome=3)
    _delivery(connection, 74, 6, 8.35, 8.55, esm_class=0x20)
    _delivery(connection, 75, 6, 8.65, 8.85)
    _delivery(connection, 76, 7, 18.5, 20.05)
    _delivery(connection, 77, None, 9.05, 9.25, esm_class=0)
    _insert(connection, "inbound", 77, "north", "bank", OPTED_OUT, "10690001", b"", 1, _ms(9.05))
    _insert(connection, "opt_out", OPTED_OUT, "bank", _ms(9.05), 77, "", None, "")
    for token, rule in ((2, "SIGNATURE_MISSING"), (8, "RECIPIENT_OPTED_OUT")):
        _refusal(connection, 90 + token, token, rule)
    fill_long(connection, NOON)
    connection.execute(
        "INSERT INTO ledger_account SELECT account, sum(units * (kind = 1)), "
        "sum(units * ((kind = 1) - (kind = 2) + (kind = 4))), "
        "sum(units * ((kind = 2) - (kind = 3) - (kind = 4))), sum(units * (kind = 3)), 0, 2, 0, '' "
        "FROM ledger_transfer GROUP BY account"
    )
    connection.execute(
        "INSERT INTO ledger_draw SELECT t.account, t.link, lot_id, sum(t.units) FROM ledger_transfer t "
        "JOIN ledger_lot USING (account) WHERE kind = 3 GROUP BY t.account, t.link"
    )
    connection.execute(
        "INSERT INTO ledger_rest SELECT account, lot_id, l.at_ms, l.units - settled FROM ledger_lot l "
        "JOIN ledger_account USING (account)"
    )
    connection.commit()


def _insert(connection: sqlite3.Connection, table: str, *values: object) -> None:
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)


def _message(
    connection: sqlite3.Connection,
    token: int,
    states: list[int],
    ended_s: float,
    *,
    account: str = "bank",
    asks: int = 1,
    resends: int = 0,
    paid: bool = True,
) -> None:
    """A message that went through these states, the last of which is its end, and its money."""
    of, to, body = message_id(token), destination(token), _body(token)
    sent = ("10690001", to, asks, body, "north", "north", 1, states.count(SUBMITTING), resends)
    times = 0, 0, _ms(18.0)
    _insert(
        connection,
        "message",
        *(of, account, states[0], 1, *sent, *times, "ruleset", "", None, None, None, 0, 0),
        *(None, "commercial", "", None),
    )
    for state in states[1:]:
        connection.execute("UPDATE message SET state = ? WHERE message_id = ?", (state, of))
    connection.execute("UPDATE message SET final_at = ? WHERE message_id = ?", (_ms(ended_s), of))
    _insert(connection, "ledger_transfer", of, 1, 2, account, 1, 0, 1)
    _insert(connection, "ledger_transfer", of, 2, 3 if paid else 4, account, 1, 0, 1)


def _body(token: int) -> bytes:
    addresses = b"\0\1\1" + b"10690001\0" + b"\1\1" + destination(token).encode() + b"\0"
    return addresses + f"尊敬的客户:代码#{token}#，回TD退订".encode("utf-16-be")


def _refusal(connection: sqlite3.Connection, refusal_id: int, token: int, rule: str) -> None:
    addresses = "10690001", destination(token)
    judged = _body(token), 1, "ruleset", "", 0, None, None, None
    _insert(connection, "refusal", refusal_id, "bank", rule, "commercial", *addresses, *judged)


def _delivery(
    connection: sqlite3.Connection,
    delivery_id: int,
    token: int | None,
    created_s: float,
    finished_s: float,
    *,
    account: str = "bank",
    outcome: int = 1,
    esm_class: int = 0x04,
) -> None:
    body = b"\0\1\1" + b"138\0" + b"\1\1" + b"10690001\0" + bytes((esm_class, 0, 0))
    of = None if token is None else message_id(token)
    created, finished = _ms(created_s), _ms(finished_s)
    _insert(connection, "delivery", delivery_id, account, of, body, 0, created, 0, outcome, finished)


def _ms(seconds: float) -> int:
    return round(at(seconds) * 1000)
