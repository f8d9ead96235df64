"""Carriers' receipts in the database: matched to a message, or parked until their message is known.

A receipt is known by (carrier, carrier_message_id, state), under which its newest words are kept. The same
words again (number, date, error) are a repeat and change nothing, whatever message the id means by now:
carriers use ids again. Other words are about the message that the id means now.

The map from ids to messages belongs to the carrier, not to the bind. The exact id on the recipient's number
wins, then another form of it (hex or decimal, zeros, case) on that number, then the exact id alone: carriers
write the number as they like, but where "10" and "16" are both given out, only the number tells which of them
a "16" means. Where the carrier has said how it writes its ids, nothing is guessed: the id tells, and the
number only chooses among messages of one id. The first end of a message wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, select, update

from gateway.delivery import wants_news
from gateway.message import ENDS, Message
from gateway.store import news, schema
from gateway.store.dialect import Bulk, insert_rows, upsert_rows
from gateway.store.doubt import given_away
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, end, message_of, owe, owed
from gateway.stored import CarrierReceipt, Delivery, Outcome, Recorded, Unreadable
from ledger.prepared import Prepared
from ledger.rows import dumps, texts
from smpp.message_id import GUESSED, Notations, candidates, look_up_key
from smpp.message_state import MessageState
from smpp.receipt import Receipt
from smpp.value import value

_table = schema.receipt
_WORDS = upsert_rows(_table)
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
_HEARD = Prepared(
    select(
        _table.c.carrier_message_id,
        _table.c.state,
        _table.c.message_id,
        _table.c.destination_addr,
        _table.c.error,
        _table.c.done_at,
    ).where(_table.c.carrier == bindparam("carrier"), _table.c.carrier_message_id.in_(texts("ids")))
)
_ANY_PARKED = Prepared(
    select(_table.c.carrier)
    .where(_table.c.message_id.is_(None), _table.c.carrier == bindparam("carrier"))
    .limit(1)
)
_PARKED = Prepared(
    select(
        _table.c.carrier_message_id,
        _table.c.state,
        _table.c.error,
        _table.c.destination_addr,
        _table.c.done_at,
        _table.c.received_at,
    )
    .where(
        _table.c.message_id.is_(None),
        _table.c.carrier == bindparam("carrier"),
        _table.c.carrier_key.in_(texts("keys")),
    )
    .order_by(_table.c.received_at)
)

_ENDS = {MessageState(end): end for end in ENDS}
# UNKNOWN is not news, and an end only of carriers that mean it so.
_ON_THE_WAY = frozenset({MessageState.ENROUTE, MessageState.ACCEPTED})

# Digits that two spellings of one number share from the right, with or without country code.
_NUMBER_DIGITS = 8


@value(frozen=True, slots=True)
class _Match:
    message: Message
    said: CarrierReceipt

    @property
    def is_news(self) -> bool:
        """Whether it tells a sender who asked for it of a state on the way; that of a part asks elsewhere."""
        return self.said.receipt.state in _ON_THE_WAY and (
            self.message.part > 0 or wants_news(self.message.registered_delivery)
        )


class _Sent:
    """The messages behind a set of carrier ids.

    Nearly all are found under their own key by the first query of a carrier; only for the others are the
    forms that another base would give looked up.
    """

    def __init__(self, connection: Connection, notations: Mapping[str, Notations]) -> None:
        self._connection = connection
        self._notations = notations
        self._told = {carrier for carrier, how in notations.items() if how.are_known}
        self._by_key: dict[tuple[str, str], list[tuple[str, Message]]] = {}

    def find_all(self, said: Sequence[CarrierReceipt]) -> list[Message | None]:
        """The message that each receipt means."""
        self._look_up(said, guessing=False)
        told = self._told
        found = [self._find_told(item) if item.carrier in told else self._find_exact(item) for item in said]
        unsure = [
            index
            for index, message in enumerate(found)
            if message is None and said[index].carrier not in told
        ]
        if unsure:
            self._look_up([said[index] for index in unsure], guessing=True)
            for index in unsure:
                found[index] = self._find_other(said[index])
        return found

    def _look_up(self, said: Sequence[CarrierReceipt], *, guessing: bool) -> None:
        for carrier in dict.fromkeys(item.carrier for item in said):
            ids = dict.fromkeys(item.receipt.message_id for item in said if item.carrier == carrier)
            if guessing or carrier in self._told:
                notations = self._notations.get(carrier, GUESSED)
                keys = [form for message_id in ids for form in candidates(message_id, notations)]
            else:
                keys = [look_up_key(message_id) for message_id in ids]
            found: dict[tuple[str, str], list[tuple[str, Message]]] = {}
            for row in _SENT.fetch(self._connection, carrier=carrier, keys=dumps(list(dict.fromkeys(keys)))):
                # The carrier's key and id stand behind the message's own columns.
                found.setdefault((carrier, row[-2]), []).append((row[-1], message_of(row)))
            self._by_key.update(found)

    def _find_told(self, said: CarrierReceipt) -> Message | None:
        """The message of the one id that the receipt can mean, on its number if there are several."""
        raw = said.receipt.message_id
        key = self._notations[said.carrier].key(raw)
        found = [
            message
            for carrier_message_id, message in self._by_key.get((said.carrier, key or look_up_key(raw)), ())
            if key is not None or carrier_message_id == raw
        ]
        for message in found:
            if _same_number(message, said):
                return message
        return found[0] if found and not said.receipt.presumed else None

    def _find_exact(self, said: CarrierReceipt) -> Message | None:
        """Of several messages with the id on the number the newest; the query has put it first."""
        raw = said.receipt.message_id
        for carrier_message_id, message in self._by_key.get((said.carrier, look_up_key(raw)), ()):
            if carrier_message_id == raw and _same_number(message, said):
                return message
        return None

    def _find_other(self, said: CarrierReceipt) -> Message | None:
        """Another form of the id on the number, or the id on whatever number.

        A text that only looks like a receipt may be a recipient's own: the id alone does not make it one.
        """
        for message in self._in_other_forms(said):
            if _same_number(message, said):
                return message
        raw = said.receipt.message_id
        if not said.receipt.presumed:
            for carrier_message_id, message in self._by_key.get((said.carrier, look_up_key(raw)), ()):
                if carrier_message_id == raw:
                    return message
        return None

    def _in_other_forms(self, said: CarrierReceipt) -> Iterator[Message]:
        notations = self._notations.get(said.carrier, GUESSED)
        for form in candidates(said.receipt.message_id, notations):
            for _, message in self._by_key.get((said.carrier, form), ()):
                yield message


def _same_number(message: Message, said: CarrierReceipt) -> bool:
    return message.destination_addr[-_NUMBER_DIGITS:] == said.destination_addr[-_NUMBER_DIGITS:]


def record_receipts(
    connection: Connection, items: Sequence[CarrierReceipt | Unreadable], means: Means, now: int
) -> Recorded:
    """Write down what carriers said; end, or report on, the messages that are known."""
    unreadable = [item for item in items if isinstance(item, Unreadable)]
    _UNREADABLE.run(
        connection, [(means.new_id(), u.carrier, u.reason, u.body, u.received_at) for u in unreadable]
    )
    said = [
        _on_the_way(item) if item.receipt.intermediate else item
        for item in items
        if isinstance(item, CarrierReceipt)
    ]
    if not said:
        return Recorded()
    found = _unheard(connection, said, _Sent(connection, means.notations).find_all(said))
    strange = [item for item, message in found if message is None]
    if strange:
        given = given_away(connection, strange, means, now)
        found = [(item, message or given.get(id(item))) for item, message in found]
    _WORDS.run(
        connection,
        [_receipt_row(item, message) for item, message in found if message or not item.receipt.presumed],
    )
    matches = [_Match(message, item) for item, message in found if message is not None]
    unknown = [item for item, message in found if message is None]
    return replace(_apply(connection, matches, means, now), unknown=unknown)


def join(connection: Connection, accepted: Sequence[Outcome], means: Means, now: int) -> Recorded:
    """Apply the receipts that came before the response that names their message."""
    parked = _parked(connection, accepted)
    if not parked:
        return Recorded()
    found = zip(parked, _Sent(connection, means.notations).find_all(parked), strict=True)
    matches = [
        _Match(message, item)
        for item, message in found
        # What was heard before the message was even submitted is about an older one of the same id.
        if message is not None and message.submitted_at <= item.received_at
    ]
    _JOINED.run(
        connection,
        [
            (m.message.message_id, m.said.carrier, m.said.receipt.message_id, int(m.said.receipt.state))
            for m in matches
        ],
    )
    return _apply(connection, matches, means, now)


def _parked(connection: Connection, accepted: Sequence[Outcome]) -> list[CarrierReceipt]:
    """What may belong to these, and more: all that is written alike in some notation.

    A carrier's own TLVs are not stored with a receipt that is parked: its customer goes without them.
    """
    parked: list[CarrierReceipt] = []
    for carrier in dict.fromkeys(outcome.carrier for outcome in accepted):
        if not _ANY_PARKED.fetch(connection, carrier=carrier):
            continue
        keys = dict.fromkeys(
            look_up_key(form)
            for o in accepted
            if o.carrier == carrier and o.carrier_message_id is not None
            for form in candidates(o.carrier_message_id)
        )
        parked += [
            CarrierReceipt(
                carrier,
                Receipt(message_id, MessageState(state), error, None, None, False),
                destination_addr,
                done_at,
                received_at,
            )
            for message_id, state, error, destination_addr, done_at, received_at in _PARKED.fetch(
                connection, carrier=carrier, keys=dumps(list(keys))
            )
        ]
    return parked


def _on_the_way(said: CarrierReceipt) -> CarrierReceipt:
    """An intermediate notification as what it is, whatever state it names: a failed try is not the end."""
    if said.receipt.state in _ON_THE_WAY:
        return said
    return replace(said, receipt=replace(said.receipt, state=MessageState.ENROUTE))


def _unheard(
    connection: Connection, said: Sequence[CarrierReceipt], messages: Sequence[Message | None]
) -> list[tuple[CarrierReceipt, Message | None]]:
    """Drop what was heard before: the same words of whatever message, or the same state of this one."""
    heard: dict[tuple[str, str, int], tuple[object, ...]] = {}
    for carrier in dict.fromkeys(item.carrier for item in said):
        ids = [item.receipt.message_id for item in said if item.carrier == carrier]
        for row in _HEARD.fetch(connection, carrier=carrier, ids=dumps(ids)):
            heard[carrier, row[0], row[1]] = row[2:]
    keys = [(item.carrier, item.receipt.message_id, item.receipt.state) for item in said]
    if not heard and len(set(keys)) == len(keys):
        return list(zip(said, messages, strict=True))
    unheard = []
    for key, item, message in zip(keys, said, messages, strict=True):
        words = item.destination_addr, item.receipt.error, item.done_at
        about, *known = heard.get(key, (None,))
        if [*words] == known or (message is not None and message.message_id == about):
            continue
        heard[key] = None if message is None else message.message_id, *words
        unheard.append((item, message))
    return unheard


def _apply(connection: Connection, matches: Sequence[_Match], means: Means, now: int) -> Recorded:
    ends: dict[int, End] = {}
    told: list[Delivery] = []
    of_parts: list[tuple[Message, CarrierReceipt]] = []
    # After the end of another part, which may be that of a segment.
    later: list[tuple[Message, CarrierReceipt]] = []
    ending: set[int | None] = set()
    for match in matches:
        message, receipt = match.message, match.said.receipt
        if message.state in ENDS or message.message_id in ends:
            continue
        said = match.said
        if means.is_last(said):
            tlvs = means.passing(said, message)
            state = _ENDS[receipt.state]
            kind = means.reported(message.account, state)
            ends[message.message_id] = End(message, state, receipt.error, said.done_at, kind, tlvs)
            ending.add(message.whole_id)
        elif match.is_news and message.part:
            (later if message.whole_id in ending else of_parts).append((message, said))
        elif match.is_news:
            tlvs = means.passing(said, message)
            told.append(owed(message, receipt.state, receipt.error, said.done_at, means, now, tlvs))
    told += news.of_parts(connection, of_parts, means, now)
    owe(connection, told)
    ended = end(connection, list(ends.values()), means, now)
    after = news.of_parts(connection, later, means, now)
    owe(connection, after)
    return Recorded([*told, *ended.deliveries, *after], ended.ended)


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
