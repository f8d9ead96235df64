"""What the gateway asks of the world that keeps its state: the `Store`, in batches.

Every method takes a list and answers once, after the commit of everything it did. A method that fails has
done nothing, unless it fails with `CommitUnknown`. With `StoreUnable` it fails for a reason of the database's
own, with any other exception because of what it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

from gateway.message import Message
from gateway.stored import (
    Asked,
    Attempt,
    CarrierReceipt,
    Claimed,
    Delivery,
    FinishedDelivery,
    Found,
    Inbound,
    Joined,
    Outcome,
    Recorded,
    Recovered,
    RefusedSubmit,
    Replaced,
    Replacement,
    Unreadable,
    Whole,
)
from ledger.states import AccountState


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

    def replace(
        self, wanted: Sequence[Replacement], refused: Sequence[RefusedSubmit] = ()
    ) -> Deferred[list[Replaced]]:
        """Give messages that no carrier has another text.

        Of a text that a rule refuses nothing is stored but that it was, as of the `refused`.
        """
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

    def recount(self, accounts: Collection[str]) -> Deferred[Sequence[tuple[str, str, int]] | None]:
        """Account, route and how many messages wait there; None if nothing has put the last count in doubt.

        A commit of unknown outcome does, and so does the end of one of these `accounts`, of which messages
        should wait: a command deletes them, beside the gateway.
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
