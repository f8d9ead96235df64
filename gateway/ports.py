"""What the gateway asks of the world that keeps its state: the `Store`, in batches.

Every method takes a list and answers once, after the commit of everything it did. A method that fails has
done nothing, unless it fails with `CommitUnknown`. With `StoreUnable` it fails for a reason of the database's
own, with any other exception because of what it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred

from gateway.message import Message, State
from ledger.states import AccountState
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


def refusal_of(message: Message, rule: str) -> RefusedSubmit:
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
    """Another text for a message that waits: the `parts` that carry it, and what is told of it."""

    message_id: int
    registered_delivery: int
    body: bytes
    parts: tuple[Message, ...]


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


class CommitUnknown(Exception):
    """COMMIT failed: what was in the transaction may or may not be stored.

    `result` is what the call would have returned if it is.
    """

    def __init__(self, reason: str, result: object = None) -> None:
        super().__init__(reason)
        self.result = result


class StoreUnable(Exception):
    """The database cannot do it now: its disk is full or fails, or another process has it. It did nothing."""


class StoreClosed(Exception):
    """The store takes nothing more."""


class Store(Protocol):
    """The durable state, one transaction a call or fewer."""

    def record_rulesets(self, rulesets: Mapping[str, str]) -> Deferred[None]:
        """Keep the rules that messages are judged by, as JSON by version; those that are known stay."""
        ...

    async def recover(self, resend_accounts: Collection[str], in_doubt_deadline_at: int) -> Recovered:
        """Begin a new epoch: submits of older ones are in doubt, parked or queued again by account."""
        ...

    def admit(
        self, messages: Sequence[Message], refused: Sequence[RefusedSubmit] = ()
    ) -> Deferred[list[str | None]]:
        """Store messages with their holds; for each None, or the rule that refuses it.

        Of one that is refused nothing is stored but that it was, as of the `refused`. A message that is
        JOINED is followed by its parts, and all of them are stored or none.
        """
        ...

    def collect(
        self, segments: Sequence[Message], beginning: Collection[int], since: int
    ) -> Deferred[list[Message | str | None]]:
        """Store segments that wait for others, with their holds; for each None, or the rule that refuses it.

        Of those whose ids are in `beginning` it may say, instead, that the segment is stored already: of a
        message that was joined after `since`, in unix milliseconds. Then that is what is told.
        """
        ...

    def join(self, wholes: Sequence[Whole]) -> Deferred[Joined]:
        """Send long messages on in parts; where one is refused, the segments that were collected end."""
        ...

    def account_state(self, account: str) -> Deferred[AccountState]:
        """How an account stands: only one that is OPEN may bind and send."""
        ...

    def look_up(self, asked: Sequence[Asked]) -> Deferred[list[Found | None]]:
        """What became of messages; None for one that the account has not sent."""
        ...

    def cancel(self, asked: Sequence[Asked]) -> Deferred[tuple[list[str | None], Recorded]]:
        """End messages that no carrier has, DELETED; for each None, or the reason why not."""
        ...

    def replace(self, wanted: Sequence[Replacement]) -> Deferred[list[Replaced]]:
        """Give messages that no carrier has another text."""
        ...

    def claim(
        self,
        routes: Collection[str],
        carrier: str,
        count: int,
        opens_at: Callable[[Message, int], int],
    ) -> Deferred[Claimed]:
        """Commit the intent to submit up to `count` due messages of `routes` to `carrier`.

        `opens_at(message, now)` is the instant from which it may be sent; a message whose hours are closed is
        put off until then.
        """
        ...

    def record_outcomes(self, outcomes: Sequence[Outcome]) -> Deferred[Recorded]:
        """Write down how attempts ended, resolve the holds, and join receipts that came before."""
        ...

    def record_receipts(self, receipts: Sequence[CarrierReceipt | Unreadable]) -> Deferred[Recorded]:
        """Write down what carriers said, and owe the customers what they asked to be told."""
        ...

    def record_inbound(self, inbound: Sequence[Inbound]) -> Deferred[Recorded]:
        """Write down replies; one that opts out also deletes the waiting messages that it is about."""
        ...

    def recount(self) -> Deferred[Sequence[tuple[str, str, int]] | None]:
        """Account, route and how many messages wait there; None if nothing has put the last count in doubt.

        A commit of unknown outcome does.
        """
        ...

    def waiting_deliveries(
        self, account: str, count: int, besides: Collection[int]
    ) -> Deferred[tuple[list[Delivery], int | None]]:
        """The oldest due deliveries of an account besides those in hand, and when a later one is due."""
        ...

    def finish_deliveries(self, finished: Sequence[FinishedDelivery]) -> Deferred[None]:
        """Write down what became of deliveries."""
        ...

    def end_overdue(self, count: int, receipt_wait_s: float) -> Deferred[Recorded]:
        """End up to `count` messages past their deadline: EXPIRED if never accepted, UNKNOWN after that."""
        ...

    def forget_contacts(self, count: int) -> Deferred[int]:
        """Drop up to `count` records of who was written to that nothing can ask for; how many there were."""
        ...

    def abandon_deliveries(self, created_before: int, count: int) -> Deferred[list[Delivery]]:
        """Give up deliveries that are older than that; they are returned so that they can be logged."""
        ...


class Slot(Protocol):
    """A place in a carrier's window: taken before an intent is committed, given back after the outcome is."""

    @property
    def name(self) -> str:
        """The bind's."""

    @property
    def carrier_name(self) -> str: ...

    @property
    def is_bound(self) -> bool: ...

    def submit(self, attempts: list[Attempt]) -> None: ...

    def give_back(self, slots: int = 1, *, unused: bool = False) -> None: ...


class Outlet(Protocol):
    """Where admitted messages go: the carriers' side, as the customers' side sees it."""

    def take_slots(self, route: str, count: int) -> list[Slot]:
        """Up to `count` slots for messages that are about to be admitted; the others have to queue."""

    def take_together(self, route: str, count: int) -> Slot | None:
        """`count` slots of one bind, which this stands for, for the parts of a message; None: they queue."""

    def send(self, messages: Sequence[tuple[Message, Slot]]) -> None:
        """Submit messages whose intent is committed, each in its slot."""

    def unsent(self, messages: Sequence[tuple[Message, Slot]]) -> None:
        """These are not submitted after all, although their intent is committed, or may be."""

    def queued(self, messages: Sequence[Message]) -> None:
        """These messages now wait."""

    def perhaps_queued(self, messages: Sequence[Message]) -> None:
        """These may wait: they are looked for when they would be due."""

    def waiting(self, account: str) -> int:
        """How many messages of an account wait."""
