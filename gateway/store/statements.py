"""The statement of an account for a month: the ledger's, with what was sent and what was refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from sqlalchemy import Connection, func, select

from gateway.store import schema
from gateway.store.dialect import constant
from gateway.store.schema_records import refusal
from ledger.errors import LedgerError
from ledger.schema import ledger_transfer
from ledger.statement import Statement, statement
from ledger.transfer import Kind
from policy.clauses import RULES

_message = schema.message.c
_transfer = ledger_transfer.c
# No zone is off by less: so few rows are fetched, and each belongs to one day.
_QUARTER_MS = 900_000


@dataclass(frozen=True, slots=True)
class Sent:
    """What was charged on a day for what a carrier took; "" is a carrier that is not known any more.

    A submit_sm that is long by itself is one of the `submits`, and as many units as it has segments.
    """

    day: date
    carrier: str
    submits: int
    units: int


@dataclass(frozen=True, slots=True)
class Refused:
    """What was refused by a rule of a clause of the contract."""

    rule: str
    clause: str
    submits: int
    units: int


@dataclass(frozen=True, slots=True)
class Month:
    """The statement of an account for the month that begins on `first`."""

    first: date
    ledger: Statement
    sent: Sequence[Sent]
    refused: Sequence[Refused]


def month_of(connection: Connection, account: str, first: date, zone: tzinfo) -> Month:
    """The statement of the month that begins on `first`, in the operator's zone.

    Raises LedgerError where its sums do not agree with the ledger.
    """
    start_ms, end_ms = instants_of(first, zone)
    made = statement(connection, account, start_ms, end_ms)
    sent = _sent(connection, made, zone)
    charged = made.moved.get(Kind.SETTLE, 0)
    if sum(each.units for each in sent) != charged:
        raise LedgerError(
            f"{account!r}: what was sent does not add up to the {charged} units that were charged"
        )
    return Month(first, made, sent, _refused(connection, account, start_ms, end_ms))


def instants_of(first: date, zone: tzinfo) -> tuple[int, int]:
    """The first instant of the month that begins on `first`, and that of the next (unix milliseconds)."""
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return _instant(first, zone), _instant(following, zone)


def _instant(day: date, zone: tzinfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _sent(connection: Connection, made: Statement, zone: tzinfo) -> list[Sent]:
    quarter = _transfer.at_ms - _transfer.at_ms % constant(_QUARTER_MS)
    found = connection.execute(
        select(quarter, func.coalesce(_message.carrier, ""), func.count(), func.sum(_transfer.units))
        .outerjoin_from(ledger_transfer, schema.message, _message.message_id == _transfer.source_id)
        .where(
            _transfer.account == made.account,
            _transfer.kind == int(Kind.SETTLE),
            _transfer.link > made.after_link,
            _transfer.link <= made.link,
        )
        .group_by(quarter, _message.carrier)
    )
    sums: defaultdict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for at_ms, carrier, submits, units in found:
        of_day = sums[datetime.fromtimestamp(at_ms / 1000, zone).date(), carrier]
        of_day[0] += submits
        of_day[1] += units
    return [Sent(day, carrier, *sums[day, carrier]) for day, carrier in sorted(sums)]


def _refused(connection: Connection, account: str, start_ms: int, end_ms: int) -> list[Refused]:
    found = connection.execute(
        select(refusal.c.rule, func.count(), func.sum(refusal.c.units))
        .where(
            refusal.c.account == account,
            refusal.c.submitted_at >= start_ms,
            refusal.c.submitted_at < end_ms,
        )
        .group_by(refusal.c.rule)
        .order_by(refusal.c.rule)
    )
    return [
        Refused(rule, RULES[rule].clause if rule in RULES else "", submits, units)
        for rule, submits, units in found
    ]
