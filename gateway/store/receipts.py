"""Carriers' receipts in the database: matched to a message, or parked until their message is known.

A receipt is known by (carrier, carrier_message_id, state), so a repeat changes nothing. The map from ids to
messages belongs to the carrier, not to the bind. The exact id wins over its other forms (hex or decimal, zeros,
case), and a form that is not exact must also agree on the recipient's number. The first end of a message wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, select, tuple_, update

from gateway.delivery import wants_news
from gateway.message import ENDS, State
from gateway.ports import CarrierReceipt, Outcome, Recorded, Unreadable
from gateway.store import schema
from gateway.store.dialect import Bulk, insert_new_rows, insert_rows
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, MessageRow, end, owe, owed
from ledger.transfer import Kind
from smpp.message_state import MessageState
from smpp.receipt import Receipt, candidates, look_up_key

_table = schema.receipt
_NEW = insert_new_rows(_table)
_JOINED = Bulk(
    update(_table)
    .values(message_id=bindparam("message_id"))
    .where(
        _table.c.carrier == bindparam("_carrier"),
        _table.c.carrier_message_id == bindparam("_carrier_message_id"),
        _table.c.state == bindparam("_state"),
    ),
    ("message_id", "_carrier", "_carrier_message_id", "_state"),
)
_UNREADABLE = insert_rows(schema.unreadable)

# Digits that two spellings of one number share from the right, with or without country code.
_NUMBER_DIGITS = 8


@dataclass(frozen=True, slots=True)
class _Match:
    row: MessageRow
    said: CarrierReceipt


class _Sent:
    """The messages behind a set of carrier ids.

    Nearly all are found under their own key by the first query of a carrier; only for the others are the forms
    that another base would give looked up.
    """

    def __init__(self, connection: Connection, said: Sequence[CarrierReceipt]) -> None:
        self._connection = connection
        self._by_key: dict[tuple[str, str], list[MessageRow]] = {}
        self._look_up(said, lambda message_id: (look_up_key(message_id),))
        missing = [item for item in said if self.find(item) is None]
        if missing:
            self._look_up(missing, candidates)

    def _look_up(self, said: Sequence[CarrierReceipt], forms: Callable[[str], tuple[str, ...]]) -> None:
        attempt = schema.attempt.c
        for carrier in {item.carrier for item in said}:
            ids = {item.receipt.message_id for item in said if item.carrier == carrier}
            keys = {form for message_id in ids for form in forms(message_id)}
            query = (
                select(*MESSAGE_COLUMNS, attempt.carrier_key, attempt.carrier_message_id)
                .join_from(schema.attempt, schema.message, attempt.message_id == schema.message.c.message_id)
                .where(attempt.carrier == carrier, attempt.carrier_key.in_(keys))
                .order_by(attempt.message_id.desc())
            )
            found: dict[tuple[str, str], list[MessageRow]] = {}
            for row in self._connection.execute(query):
                found.setdefault((carrier, row.carrier_key), []).append(row)
            self._by_key.update(found)

    def find(self, said: CarrierReceipt) -> MessageRow | None:
        """The message that a receipt means; of several with the same id the newest."""
        raw = said.receipt.message_id
        rows = self._by_key.get((said.carrier, look_up_key(raw)), ())
        for row in rows:
            if row.carrier_message_id == raw:
                return row
        for row in rows:
            if _same_number(row.destination_addr, said.destination_addr):
                return row
        if rows:
            return None
        for form in candidates(raw):
            for row in self._by_key.get((said.carrier, form), ()):
                if _same_number(row.destination_addr, said.destination_addr):
                    return row
        return None


def _same_number(ours: str, theirs: str) -> bool:
    return ours[-_NUMBER_DIGITS:] == theirs[-_NUMBER_DIGITS:]


def record_receipts(
    connection: Connection, items: Sequence[CarrierReceipt | Unreadable], means: Means, now: int
) -> Recorded:
    """Write down what carriers said; end, or report on, the messages that are known."""
    unreadable = [item for item in items if isinstance(item, Unreadable)]
    _UNREADABLE.run(
        connection, [(means.new_id(), u.carrier, u.reason, u.body, u.received_at) for u in unreadable]
    )
    said = [item for item in items if isinstance(item, CarrierReceipt)]
    if not said:
        return Recorded()
    sent = _Sent(connection, said)
    found = [(item, sent.find(item)) for item in said]
    matches = _unheard(connection, [_Match(row, item) for item, row in found if row is not None])
    unknown = [item for item, row in found if row is None]
    _NEW.run(
        connection, [_receipt_row(item, row) for item, row in found if row or not item.receipt.presumed]
    )
    return replace(_apply(connection, matches, means, now), unknown=unknown)


def join(connection: Connection, accepted: Sequence[Outcome], means: Means, now: int) -> Recorded:
    """Apply the receipts that came before the response that names their message."""
    parked = _parked(connection, accepted)
    if not parked:
        return Recorded()
    sent = _Sent(connection, parked)
    matches = [_Match(row, item) for item in parked if (row := sent.find(item)) is not None]
    _JOINED.run(
        connection,
        [
            (m.row.message_id, m.said.carrier, m.said.receipt.message_id, int(m.said.receipt.state))
            for m in matches
        ],
    )
    return _apply(connection, matches, means, now)


def _parked(connection: Connection, accepted: Sequence[Outcome]) -> list[CarrierReceipt]:
    parked = []
    for carrier in {outcome.carrier for outcome in accepted}:
        keys = {
            look_up_key(form)
            for o in accepted
            if o.carrier == carrier and o.carrier_message_id is not None
            for form in candidates(o.carrier_message_id)
        }
        query = (
            select(_table)
            .where(_table.c.message_id.is_(None), _table.c.carrier == carrier, _table.c.carrier_key.in_(keys))
            .order_by(_table.c.received_at)
        )
        parked += [
            CarrierReceipt(
                row.carrier,
                Receipt(row.carrier_message_id, MessageState(row.state), row.error, None, None, False),
                row.destination_addr,
                row.done_at,
                row.received_at,
            )
            for row in connection.execute(query)
        ]
    return parked


def _unheard(connection: Connection, matches: Sequence[_Match]) -> list[_Match]:
    """Drop repeats of states that end nothing: an end repeated is harmless, news repeated is not."""
    news = [
        (m.said.carrier, m.said.receipt.message_id, int(m.said.receipt.state))
        for m in matches
        if not m.said.receipt.is_final and wants_news(m.row.registered_delivery)
    ]
    if not news:
        return list(matches)
    columns = (_table.c.carrier, _table.c.carrier_message_id, _table.c.state)
    heard = {tuple(row) for row in connection.execute(select(*columns).where(tuple_(*columns).in_(news)))}
    return [
        m
        for m in matches
        if (m.said.carrier, m.said.receipt.message_id, int(m.said.receipt.state)) not in heard
    ]


def _apply(connection: Connection, matches: Sequence[_Match], means: Means, now: int) -> Recorded:
    ends: dict[int, End] = {}
    news = []
    for match in matches:
        row, receipt = match.row, match.said.receipt
        if row.state in ENDS or row.message_id in ends:
            continue
        if receipt.is_final:
            ends[row.message_id] = End(
                row, State(receipt.state), receipt.error, match.said.done_at, Kind.SETTLE
            )
        elif wants_news(row.registered_delivery):
            news.append(owed(row, receipt.state, receipt.error, match.said.done_at, means, now))
    owe(connection, news)
    ended = end(connection, list(ends.values()), means, now)
    return Recorded([*news, *ended.deliveries], ended.ended)


def _receipt_row(said: CarrierReceipt, row: MessageRow | None) -> tuple[object, ...]:
    return (
        said.carrier,
        said.receipt.message_id,
        int(said.receipt.state),
        look_up_key(said.receipt.message_id),
        said.destination_addr,
        None if row is None else row.message_id,
        said.receipt.error,
        said.done_at,
        said.received_at,
    )
