"""What the store is told, and what it tells: the values of `gateway.ports`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from gateway.message import Message, State
from smpp.pdu import Tlvs
from smpp.receipt import Receipt
from smpp.value import value

_Item = TypeVar("_Item")


class AttemptOutcome(IntEnum):
    """How a submit upstream ended. NOT_SENT leaves no attempt behind: no octet of it left."""

    ACCEPTED = 1
    REFUSED = 2
    TEMPORARY = 3
    IN_DOUBT = 4
    NOT_SENT = 5


@value(frozen=True, slots=True)
class Outcome:
    """The end of one attempt. Instants are unix milliseconds.

    `due_at` is when a message that goes back to the queue is due again; `resend` tells, for IN_DOUBT,
    whether it goes back at all or is parked until `deadline_at`. `late`: after an IN_DOUBT of this attempt.
    """

    message: Message
    outcome: AttemptOutcome
    carrier: str
    bind: str
    sent_at: int
    answered_at: int | None = None
    carrier_message_id: str | None = None
    command_status: int | None = None
    due_at: int = 0
    deadline_at: int = 0
    resend: bool = False
    late: bool = False


@value(frozen=True, slots=True)
class Attempt:
    """One submit on its way: the message (its `attempts` numbers this one), by which bind, and since when."""

    message: Message
    bind: str
    sent_at: int


@value(frozen=True, slots=True)
class CarrierReceipt:
    """A carrier's word on one of its message ids. `destination_addr` is the recipient it names.

    `done_at` is the instant it names for the state, or that of its arrival if it names none. `tlvs` are those
    of the carrier's own that some route lets through.
    """

    carrier: str
    receipt: Receipt
    destination_addr: str
    done_at: int
    received_at: int
    tlvs: Tlvs = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A deliver_sm that is a receipt by its esm_class and cannot be read, kept as it came."""

    carrier: str
    reason: str
    body: bytes
    received_at: int


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from a recipient (MO). `account` is its owner, None if nobody is."""

    carrier: str
    account: str | None
    source_addr: str
    destination_addr: str
    body: bytes
    opts_out: bool
    received_at: int


@value(frozen=True, slots=True)
class Delivery:
    """One deliver_sm owed to a customer: a receipt of `message_id`, or a reply (`message_id` None)."""

    delivery_id: int
    account: str
    message_id: int | None
    body: bytes
    attempts: int
    created_at: int


class DeliveryOutcome(IntEnum):
    """What became of a delivery. RETRY is the only one that leaves it waiting."""

    RETRY = 0
    ACKNOWLEDGED = 1
    REFUSED = 2
    ABANDONED = 3


@value(frozen=True, slots=True)
class FinishedDelivery:
    """An answer to a delivery, or the lack of one; `due_at` is when a RETRY may go out again."""

    delivery: Delivery
    outcome: DeliveryOutcome
    due_at: int = 0


@value(frozen=True, slots=True)
class Ended:
    """A message that has reached its end; `was_queued` if it was waiting until then.

    `is_part` tells that it was a part of a long message, which no customer knows of.
    """

    message_id: int
    account: str
    state: State
    was_queued: bool
    is_part: bool = False


@value(frozen=True, slots=True)
class RefusedSubmit:
    """What is kept of a submit_sm that a rule of the contract has refused: no message, and no transfer.

    Instants are unix milliseconds. `body` is the submit_sm body as it was judged, before anything was added;
    the span is the piece of its text that is to blame; `next_pass_at` is when the same text would pass.
    """

    refusal_id: int
    account: str
    rule: str
    message_class: str
    source_addr: str
    destination_addr: str
    body: bytes
    units: int
    ruleset: str
    submitted_by: str
    submitted_at: int
    span_start: int | None = None
    span_end: int | None = None
    next_pass_at: int | None = None


def refusal_of(message: Message, rule: str, next_pass_at: int | None = None) -> RefusedSubmit:
    """What is kept of a message that `rule` refuses, under the id that it would have had."""
    return RefusedSubmit(
        message.message_id,
        message.account,
        rule,
        message.message_class,
        message.source_addr,
        message.destination_addr,
        message.body if message.submitted_body is None else message.submitted_body,
        message.units,
        message.ruleset,
        message.submitted_by,
        message.submitted_at,
        next_pass_at=next_pass_at,
    )


@value(frozen=True, slots=True)
class Whole:
    """A long message of which every segment has come, and what is to become of it.

    `collected` are the ids of the segments that wait in the store, `last` is the one that is not there yet.
    `parts` carry the text to the carrier; none if `rule` refuses the message. They are QUEUED, or SUBMITTING
    where their slots are taken. `evidence` is what is kept if a rule refuses it, be it found here or by the
    store.
    """

    collected: tuple[int, ...]
    last: Message
    parts: tuple[Message, ...] = ()
    rule: str | None = None
    evidence: RefusedSubmit | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """For each whole None, or the rule that has refused its last segment; and what that brought about.

    `parts` are those of each whole as they are stored, with their reference; none of one that was refused.
    """

    rules: Sequence[str | None]
    recorded: Recorded
    parts: Sequence[Sequence[Message]] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch brought about: deliveries now owed, messages now ended.

    `unknown` are the receipts of messages that nobody knows (yet). They are parked, but for those that are
    only presumed to be receipts: such a one is a recipient's message, and not recorded here.
    `queued` have gone back to the queue, `unqueued` have left it by a late answer. `unended` are the ids of
    messages that should have ended and could not.
    """

    deliveries: Sequence[Delivery] = ()
    ended: Sequence[Ended] = ()
    unknown: Sequence[CarrierReceipt] = ()
    queued: Sequence[Message] = ()
    unqueued: Sequence[Message] = ()
    unended: Sequence[int] = ()

    def joined_with(self, perhaps: object) -> Recorded:
        """This, with what an earlier attempt brought about if it was committed after all.

        Whatever that was, this attempt did not do again, so what both name counts once, as it stands here.
        """
        if not isinstance(perhaps, Recorded):
            return self
        return Recorded(
            _joined(self.deliveries, perhaps.deliveries, lambda delivery: delivery.message_id),
            _joined(self.ended, perhaps.ended, lambda end: end.message_id),
            self.unknown,
            _joined(self.queued, perhaps.queued, lambda message: message.message_id),
            _joined(self.unqueued, perhaps.unqueued, lambda message: message.message_id),
        )


def _joined(here: Sequence[_Item], perhaps: Sequence[_Item], key: Callable[[_Item], object]) -> list[_Item]:
    known = {key(item) for item in here}
    return [*here, *(item for item in perhaps if key(item) not in known)]


@value(frozen=True, slots=True)
class Asked:
    """Which message a customer means: by our id, or the one that it was told, and by its sender's address.

    `source_addrs` are the ways to write that address; `destination_addr` is the recipient's, "" any. With
    neither id, all messages from there to `destination_addr` are meant, of `service_type` if that is not "",
    with ids below `before_id`.
    """

    account: str
    source_addrs: tuple[str, ...]
    message_id: int | None = None
    told_as: str = ""
    destination_addr: str = ""
    service_type: str = ""
    before_id: int | None = None

    @property
    def has_id(self) -> bool:
        """Whether one message is meant."""
        return self.message_id is not None or bool(self.told_as)


@value(frozen=True, slots=True)
class Found:
    """A message that a customer asked for; `state` is its end, None for one that has none yet.

    `final_at` is when it ended, in unix milliseconds. With several `destinations` it is that to the first.
    """

    message: Message
    state: State | None
    error: str
    final_at: int | None
    destinations: int


@value(frozen=True, slots=True)
class Replacement:
    """Another text for a message that waits: the `parts` that carry it, and what is told of it.

    `evidence` is what is kept if the store finds a rule that refuses it.
    """

    message_id: int
    registered_delivery: int
    body: bytes
    parts: tuple[Message, ...]
    evidence: RefusedSubmit


@dataclass(frozen=True, slots=True)
class Replaced:
    """`rule` is why a message keeps its text; `gone` is what waits no more."""

    rule: str | None
    gone: Sequence[Ended] = ()


@dataclass(frozen=True, slots=True)
class Claimed:
    """Messages whose intent to submit is now committed, and when the next ones are due, by route.

    `recorded` are those that ended instead, because their recipients may not be written to any more.
    """

    messages: Sequence[Message]
    due: Mapping[str, int]
    recorded: Recorded = Recorded()


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the store held when the gateway opened it, after this node's new epoch was committed.

    `queued` are account, route and how many messages wait there; `collecting` are the segments that wait for
    the rest of their message, oldest first.
    """

    epoch: int
    parked: int
    resent: int
    queued: Sequence[tuple[str, str, int]]
    owed: Sequence[str]
    collecting: Sequence[Message] = ()
