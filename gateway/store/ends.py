"""The end of a message: its final state, its hold, and the receipt that its sender asked for.

However a message ends, here is where it happens: a carrier's receipt, a carrier's refusal, a deadline, a
recipient's opt-out. The caller has read the message in the same transaction, and seen that it has no end
yet. The end of a part brings about others, as `gateway.whole` says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from gateway.delivery import COMMON, receipt_body, wants_end
from gateway.message import ENDS, Message, State
from gateway.settings import Caps, ReceiptFormat, Recipients, Route
from gateway.store import schema
from gateway.store.dialect import Bulk, insert_rows
from gateway.stored import CarrierReceipt, Delivery, Ended, Recorded
from gateway.tlvs import of_receipt
from gateway.whole import Fate, failed, segment_ends
from ledger import sql as ledger
from ledger.charge import Resolution
from ledger.prepared import Prepared
from ledger.rows import dumps, integers
from ledger.transfer import Hold, Kind
from policy.scope import Mode
from smpp.message_id import Notations
from smpp.message_state import MessageState
from smpp.pdu import Tlvs
from smpp.value import value

MessageRow = Sequence[Any]

MESSAGE_COLUMNS = [schema.message.c[name] for name in Message.__dataclass_fields__]
_WIDTH = len(MESSAGE_COLUMNS)
_STATES = {int(state): state for state in State}
_MESSAGE_STATES = {end: MessageState(end) for end in ENDS}
_RESOLVED = (State.ENROUTE, State.JOINED)
# Ends that a carrier tells.
_TOLD = frozenset({State.DELIVERED, State.UNDELIVERABLE, State.EXPIRED})

_BY_ID = Prepared(select(*MESSAGE_COLUMNS).where(schema.message.c.message_id.in_(integers("ids"))))
_END = Bulk(
    update(schema.message)
    .values(state=bindparam("state"), final_at=bindparam("final_at"), error=bindparam("error"))
    .where(schema.message.c.message_id == bindparam("_message_id")),
    ("state", "final_at", "error", "_message_id"),
)
_OWE = insert_rows(schema.delivery)
_OF_WHOLES = Prepared(
    select(*MESSAGE_COLUMNS, schema.message.c.error)
    .where(schema.message.c.whole_id.in_(integers("ids")))
    .order_by(schema.message.c.message_id)
)


@dataclass(frozen=True, slots=True)
class Means:
    """What the rows do not say: fresh ids, the zone of dates in receipts, how to compare numbers.

    `receipts` are the forms of accounts that have one of their own; `notations` those of the carriers that
    leave less than everything to guess; `last_unknown` the carriers whose UNKNOWN is their last word;
    `telling_once` those that report on one part of a long message for all of them; `charged_if_delivered` the
    accounts that get back what a carrier reports as anything else. `routes` say which TLVs of a carrier's own
    go to the customer. `caps` are those of accounts that have some, and so are the rules of `recipients`.
    `modes` tells by account, class and rule whether a rule that the store finds broken refuses; `shadowed`
    hears of account and rule where it only reports. `opens_at(message, at)` is the first instant from `at` on
    (unix milliseconds) at which the hours let a message out.
    """

    new_id: Callable[[], int]
    zone: tzinfo
    country_code: str
    telling_once: frozenset[str] = frozenset()
    charged_if_delivered: frozenset[str] = frozenset()
    receipts: Mapping[str, ReceiptFormat] = field(default_factory=dict)
    notations: Mapping[str, Notations] = field(default_factory=dict)
    last_unknown: Collection[str] = ()
    routes: Sequence[Route] = ()
    caps: Mapping[str, Caps] = field(default_factory=dict)
    recipients: Mapping[str, Recipients] = field(default_factory=dict)
    modes: Callable[[str, str, str], Mode] = lambda account, message_class, rule: Mode.ON
    shadowed: Callable[[str, str], None] = lambda account, rule: None
    opens_at: Callable[[Message, int], int] = lambda message, at: at

    def refuses(self, rule: str, message: Message) -> bool:
        """Whether a rule that a message breaks refuses it; one that only reports is told of here."""
        mode = self.modes(message.account, message.message_class, rule)
        if mode is Mode.SHADOW:
            self.shadowed(message.account, rule)
        return mode is Mode.ON

    def is_last(self, said: CarrierReceipt) -> bool:
        """Whether the carrier has said its last word on the message."""
        receipt = said.receipt
        if receipt.is_final:
            return True
        unknown = receipt.state is MessageState.UNKNOWN and receipt.understood and not receipt.intermediate
        return unknown and said.carrier in self.last_unknown

    def reported(self, account: str, state: State) -> Kind:
        """What becomes of the hold of a message when its carrier reports its end."""
        if state is not State.DELIVERED and account in self.charged_if_delivered:
            return Kind.REFUND
        return Kind.SETTLE

    def passing(self, said: CarrierReceipt, message: Message) -> Tlvs:
        """The TLVs that the receipt of a message takes from its carrier's."""
        if not said.tlvs:
            return ()
        return of_receipt(self.routes, message.account, message.destination_addr, said.tlvs)


@value(frozen=True, slots=True)
class End:
    """A message as it was, and how it ends. `tlvs` go with the receipt.

    `kind` is its hold's fate: SETTLE, VOID, or REFUND, which is settled first.
    """

    message: Message
    state: State
    error: str
    done_at: int
    kind: Kind
    tlvs: Tlvs = ()


def message_of(row: MessageRow) -> Message:
    """The message in a row of MESSAGE_COLUMNS."""
    message_id, account, state, *rest = row[:_WIDTH]
    return Message(message_id, account, _STATES[state], *rest)


def messages_of(connection: Connection, message_ids: Sequence[int]) -> dict[int, Message]:
    """These messages by id."""
    return {row[0]: message_of(row) for row in _BY_ID.fetch(connection, ids=dumps(message_ids))}


def end(connection: Connection, ends: Sequence[End], means: Means, now: int) -> Recorded:
    """Write the ends down, resolve the holds that are still open, owe the receipts."""
    if not ends:
        return Recorded()
    recorded = _end(connection, ends, means, now)
    parts = [e for e in ends if e.message.part and e.message.whole_id is not None]
    if not parts:
        return recorded
    done_at: dict[int, int] = {}
    for e in parts:
        assert e.message.whole_id is not None
        done_at[e.message.whole_id] = max(e.done_at, done_at.get(e.message.whole_id, 0))
    following = _end(connection, _following(connection, done_at, means), means, now)
    return Recorded(
        [*recorded.deliveries, *following.deliveries],
        [*recorded.ended, *following.ended],
    )


def end_fallen(connection: Connection, queued: Sequence[Message], means: Means, now: int) -> Recorded:
    """End those parts, put back into the queue, of whose message another one has failed meanwhile."""
    done_at = {message.whole_id: now for message in queued if message.part and message.whole_id is not None}
    return _end(connection, _following(connection, done_at, means), means, now) if done_at else Recorded()


def _following(connection: Connection, done_at: Mapping[int, int], means: Means) -> list[End]:
    """The ends that the ends of parts of these messages bring about; `done_at` is by whole_id.

    A receipt that sums up those of several parts has no TLVs of a carrier's.
    """
    wholes: dict[int, list[tuple[Message, Fate]]] = {}
    for row in _OF_WHOLES.fetch(connection, ids=dumps(list(done_at))):
        message = message_of(row)
        wholes.setdefault(message.whole_id or 0, []).append((message, Fate(message.state, row[-1] or "")))
    return [
        End(message, fate.state, fate.error, done_at[whole_id], _kind_of_fellow(message, fate, means))
        for whole_id, rows in wholes.items()
        for message, fate in _ends_of(rows, means)
    ]


def _kind_of_fellow(message: Message, fate: Fate, means: Means) -> Kind:
    """A part that is with its carrier ends by what that has told of another one; the others were not sent."""
    if message.part and message.state is State.ENROUTE:
        return means.reported(message.account, fate.state)
    return Kind.VOID


def _ends_of(rows: Sequence[tuple[Message, Fate]], means: Means) -> list[tuple[Message, Fate]]:
    """The rows of one long message that end because a part has.

    There may be two of a segment, if nobody knew of the first one that it was stored.
    """
    parts = [(message, fate) for message, fate in rows if message.part]
    lost = failed([fate for _, fate in parts])
    told: dict[str | None, Fate] = {
        message.carrier: fate
        for message, fate in parts
        if message.carrier in means.telling_once and fate.state in _TOLD
    }
    after = [(message, _fate_of_fellow(message, fate, lost, told)) for message, fate in parts]
    segments = [message for message, _ in rows if message.segment]
    places = sorted({message.segment for message in segments})
    by_place = dict(zip(places, segment_ends(len(places), [fate for _, fate in after]), strict=True))
    fates = [*after, *((message, by_place[message.segment]) for message in segments)]
    return [
        (message, fate)
        for message, fate in fates
        if fate is not None and fate.state in ENDS and message.state not in ENDS
    ]


def _fate_of_fellow(part: Message, fate: Fate, lost: Fate | None, told: Mapping[str | None, Fate]) -> Fate:
    """What becomes of a part when its whole is `lost`, or its carrier has `told` of another one."""
    if fate.state is State.QUEUED:
        return lost or fate
    if fate.state is State.ENROUTE:
        return told.get(part.carrier, fate)
    return fate


def _end(connection: Connection, ends: Sequence[End], means: Means, now: int) -> Recorded:
    if not ends:
        return Recorded()
    _END.run(connection, [(int(e.state), now, e.error, e.message.message_id) for e in ends])
    _resolve(connection, Kind.SETTLE, [e for e in ends if e.kind is not Kind.VOID], now)
    _resolve(connection, Kind.VOID, [e for e in ends if e.kind is Kind.VOID], now)
    refunded = [_hold(e.message) for e in ends if e.kind is Kind.REFUND]
    if refunded:
        ledger.refund(connection, refunded, now)
    deliveries = [
        owed(e.message, _MESSAGE_STATES[e.state], e.error, e.done_at, means, now, e.tlvs)
        for e in ends
        if wants_end(e.message.registered_delivery, _MESSAGE_STATES[e.state])
    ]
    owe(connection, deliveries)
    return Recorded(
        deliveries,
        [
            Ended(
                e.message.message_id,
                e.message.account,
                e.state,
                e.message.state is State.QUEUED,
                e.message.part > 0,
            )
            for e in ends
        ],
    )


def _resolve(connection: Connection, kind: Resolution, ends: Sequence[End], now: int) -> None:
    """Resolve holds that a carrier's acceptance has not settled, nor parts that took a text over voided."""
    unresolved = [_hold(e.message) for e in ends if e.message.state not in _RESOLVED]
    if unresolved:
        ledger.resolve(connection, kind, unresolved, now)


def _hold(message: Message) -> Hold:
    return Hold(message.message_id, message.account, message.units)


def owed(
    message: Message,
    state: MessageState,
    error: str,
    done_at: int,
    means: Means,
    now: int,
    tlvs: Tlvs = (),
) -> Delivery:
    """The receipt of `state` for the sender of a message."""
    form = means.receipts.get(message.account, COMMON)
    body = receipt_body(message, state, error, done_at, means.zone, form, tlvs)
    return Delivery(means.new_id(), message.account, message.message_id, body, 0, now)


def owe(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Store deliveries, due at once."""
    _OWE.run(
        connection,
        [
            (d.delivery_id, d.account, d.message_id, d.body, 0, d.created_at, d.created_at, 0, None)
            for d in deliveries
        ],
    )
