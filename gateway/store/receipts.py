"""Carriers' receipts in the database: matched to a message, or parked until their message is known.

A receipt is known by (carrier, carrier_message_id, state), so a repeat changes nothing. The map from ids to
messages belongs to the carrier, not to the bind. The exact id wins over its other forms (hex or decimal,
zeros, case), and a form that is not exact must also agree on the recipient's number. The first end of a
message wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, select, tuple_, update

from gateway.delivery import wants_news
from gateway.message import ENDS, Message
from gateway.ports import CarrierReceipt, Outcome, Recorded, Unreadable
from gateway.store import schema
from gateway.store.dialect import Bulk, insert_new_rows, insert_rows
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, end, message_of, owe, owed
from ledger.prepared import Prepared
from ledger.rows import dumps, texts
from ledger.transfer import Kind
from smpp.message_state import MessageState
from smpp.receipt import Receipt, candidates, look_up_key
from smpp.value import value

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

_attempt = schema.attempt.c
_SENT = Prepared(
    select(*MESSAGE_COLUMNS, _attempt.carrier_key, _attempt.carrier_message_id)
    .join_from(schema.attempt, schema.message, _attempt.message_id == schema.message.c.message_id)
    .where(_attempt.carrier == bindparam("carrier"), _attempt.carrier_key.in_(texts("keys")))
    .order_by(_attempt.message_id.desc())
)
_ANY_PARKED = Prepared(
    select(_table.c.carrier)
    .where(_table.c.message_id.is_(None), _table.c.carrier == bindparam("carrier"))
    .limit(1)
)
_PARKED = Prepared(
    select(_table)
    .where(
        _table.c.message_id.is_(None),
        _table.c.carrier == bindparam("carrier"),
        _table.c.carrier_key.in_(texts("keys")),
    )
    .order_by(_table.c.received_at)
)

_ENDS = {MessageState(end): end for end in ENDS}

# Digits that two spellings of one number share from the right, with or without country code.
_NUMBER_DIGITS = 8


@value(frozen=True, slots=True)
class _Match:
    message: Message
    said: CarrierReceipt


class _Sent:
    """The messages behind a set of carrier ids.

    Nearly all are found under their own key by the first query of a carrier; only for the others are the
    forms that another base would give looked up.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._by_key: dict[tuple[str, str], list[tuple[str, Message]]] = {}

    def find_all(self, said: Sequence[CarrierReceipt]) -> list[Message | None]:
        """The message that each receipt means."""
        self._look_up(said, lambda message_id: (look_up_key(message_id),))
        found = [self._find(item) for item in said]
        missing = [index for index, message in enumerate(found) if message is None]
        if missing:
            self._look_up([said[index] for index in missing], candidates)
            for index in missing:
                found[index] = self._find(said[index])
        return found

    def _look_up(self, said: Sequence[CarrierReceipt], forms: Callable[[str], tuple[str, ...]]) -> None:
        for carrier in {item.carrier for item in said}:
            ids = {item.receipt.message_id for item in said if item.carrier == carrier}
            keys = list({form for message_id in ids for form in forms(message_id)})
            found: dict[tuple[str, str], list[tuple[str, Message]]] = {}
            for row in _SENT.execute(self._connection, carrier=carrier, keys=dumps(keys)):
                # The carrier's key and id stand behind the message's own columns.
                found.setdefault((carrier, row[-2]), []).append((row[-1], message_of(row)))
            self._by_key.update(found)

    def _find(self, said: CarrierReceipt) -> Message | None:
        """Of several messages with the same id the newest; the query has put it first."""
        raw = said.receipt.message_id
        sent = self._by_key.get((said.carrier, look_up_key(raw)), ())
        for carrier_message_id, message in sent:
            if carrier_message_id == raw:
                return message
        for form in (look_up_key(raw),) if sent else candidates(raw):
            for _, message in self._by_key.get((said.carrier, form), ()):
                if _same_number(message.destination_addr, said.destination_addr):
                    return message
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
    found = list(zip(said, _Sent(connection).find_all(said), strict=True))
    matches = _unheard(connection, [_Match(message, item) for item, message in found if message is not None])
    unknown = [item for item, message in found if message is None]
    _NEW.run(
        connection,
        [_receipt_row(item, message) for item, message in found if message or not item.receipt.presumed],
    )
    return replace(_apply(connection, matches, means, now), unknown=unknown)


def join(connection: Connection, accepted: Sequence[Outcome], means: Means, now: int) -> Recorded:
    """Apply the receipts that came before the response that names their message."""
    parked = _parked(connection, accepted)
    if not parked:
        return Recorded()
    found = zip(parked, _Sent(connection).find_all(parked), strict=True)
    matches = [_Match(message, item) for item, message in found if message is not None]
    _JOINED.run(
        connection,
        [
            (m.message.message_id, m.said.carrier, m.said.receipt.message_id, int(m.said.receipt.state))
            for m in matches
        ],
    )
    return _apply(connection, matches, means, now)


def _parked(connection: Connection, accepted: Sequence[Outcome]) -> list[CarrierReceipt]:
    parked: list[CarrierReceipt] = []
    for carrier in {outcome.carrier for outcome in accepted}:
        if _ANY_PARKED.execute(connection, carrier=carrier).scalar() is None:
            continue
        keys = {
            look_up_key(form)
            for o in accepted
            if o.carrier == carrier and o.carrier_message_id is not None
            for form in candidates(o.carrier_message_id)
        }
        parked += [
            CarrierReceipt(
                row.carrier,
                Receipt(row.carrier_message_id, MessageState(row.state), row.error, None, None, False),
                row.destination_addr,
                row.done_at,
                row.received_at,
            )
            for row in _PARKED.execute(connection, carrier=carrier, keys=dumps(list(keys)))
        ]
    return parked


def _unheard(connection: Connection, matches: Sequence[_Match]) -> list[_Match]:
    """Drop repeats of states that end nothing: an end repeated is harmless, news repeated is not."""
    news = [
        (m.said.carrier, m.said.receipt.message_id, int(m.said.receipt.state))
        for m in matches
        if not m.said.receipt.is_final and wants_news(m.message.registered_delivery)
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
        message, receipt = match.message, match.said.receipt
        if message.state in ENDS or message.message_id in ends:
            continue
        if receipt.is_final:
            ends[message.message_id] = End(
                message, _ENDS[receipt.state], receipt.error, match.said.done_at, Kind.SETTLE
            )
        elif wants_news(message.registered_delivery):
            news.append(owed(message, receipt.state, receipt.error, match.said.done_at, means, now))
    owe(connection, news)
    ended = end(connection, list(ends.values()), means, now)
    return Recorded([*news, *ended.deliveries], ended.ended)


def _receipt_row(said: CarrierReceipt, message: Message | None) -> tuple[object, ...]:
    return (
        said.carrier,
        said.receipt.message_id,
        int(said.receipt.state),
        look_up_key(said.receipt.message_id),
        said.destination_addr,
        None if message is None else message.message_id,
        said.receipt.error,
        said.done_at,
        said.received_at,
    )
