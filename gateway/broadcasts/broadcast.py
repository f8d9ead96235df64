"""A broadcast: one text that the operator sends to many for a customer (代发, contract clause 五(3)).

A recipient is given its message id before it is offered, and the id is committed. So whether it was accepted
is never in question: there is a message of that id, or there is none. After a crash nobody is skipped, and
nobody is written to twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from twisted.internet.defer import Deferred

from gateway.stored import Recorded
from smpp.value import value

# Recipients of a broadcast who are offered at a time.
IN_HAND_MAX = 1000


class BroadcastState(IntEnum):
    """Where a broadcast is. READY is scheduled until it starts, and running from then on.

    LOADING: its recipients are not all written yet. CANCELLING: nobody else is written to, and what still
    waits is to be deleted.
    """

    LOADING = 0
    READY = 1
    PAUSED = 2
    CANCELLING = 3
    CANCELLED = 4
    FINISHED = 5


class RecipientOutcome(IntEnum):
    """What has become of a recipient. UNDECIDED: not offered yet, or refused for now."""

    UNDECIDED = 0
    ACCEPTED = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Instants are unix milliseconds.

    After `deadline_at` nothing of it is sent any more; `forecast_at` is when it should have ended. `units`
    are those of one message.
    """

    broadcast_id: int
    account: str
    source_addr: str
    text: str
    message_class: str
    state: BroadcastState
    recipients: int
    handed_in_at: int
    starts_at: int
    deadline_at: int
    forecast_at: int
    units: int
    finished_at: int | None = None


@value(frozen=True, slots=True)
class Recipient:
    """One of a broadcast: its `place` in the list, and the id that its message has or is to have."""

    place: int
    number: str
    message_id: int


@value(frozen=True, slots=True)
class RefusedRecipient:
    """One who was not accepted by `rule`; unless `is_final` it is offered again."""

    place: int
    rule: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Those to be offered next; nobody where the carriers have enough to do, or where it is not READY."""

    recipients: Sequence[Recipient]
    state: BroadcastState


class BroadcastStore(Protocol):
    """The durable state of broadcasts, one transaction a call."""

    def running_broadcasts(self) -> Deferred[list[Broadcast]]:
        """Those that something is to be done for now."""
        ...

    def next_recipients(
        self,
        broadcast_id: int,
        refused: Sequence[RefusedRecipient],
        count: int,
        routes: Sequence[str],
        backlog_max: int,
    ) -> Deferred[Step]:
        """Write down who was refused, see who was accepted, and give ids to up to `count` others.

        Together with what is due on `routes` already, these are at most `backlog_max`.
        """
        ...

    def give_up_recipients(self, broadcast_id: int, count: int) -> Deferred[bool]:
        """Refuse up to `count` who are undecided when the time is over; whether there are more."""
        ...

    def cancel_recipients(
        self, broadcast_id: int, after_place: int, count: int
    ) -> Deferred[tuple[int | None, Recorded]]:
        """Delete up to `count` messages that wait, of recipients after a place.

        The place to go on from comes back, None at the end.
        """
        ...
