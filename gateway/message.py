"""A message (MT): one accepted submit_sm, from its acceptance to exactly one end.

A long message is several rows. A customer's submit_sm whose text travels in parts is JOINED to them: it is
sent nowhere itself, and ends as they do. Each part is a message of its own, with units, a submit and an end,
that no customer knows of. A segment that a customer sends waits as COLLECTING for the others, and is JOINED
when the whole has been judged. The rows of a long message share `whole_id`.

The states and the moves between them are one table. The ends carry SMPP's own `message_state` numbers
(SMPP 3.4, 5.2.28); the states before the first answer of a carrier are ours. The first end wins: no end
has a way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from policy.facts import MessageClass
from smpp.value import value


class State(IntEnum):
    """Where a message is. QUEUED, COLLECTING, JOINED, SUBMITTING and IN_DOUBT are ours, the others SMPP's."""

    QUEUED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    UNKNOWN = 7
    REJECTED = 8
    COLLECTING = 10
    JOINED = 11
    SUBMITTING = 16
    IN_DOUBT = 17


ENDS = frozenset(
    {State.DELIVERED, State.EXPIRED, State.DELETED, State.UNDELIVERABLE, State.UNKNOWN, State.REJECTED}
)

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.COLLECTING: frozenset({State.JOINED}) | ENDS,
    State.JOINED: ENDS,
    State.QUEUED: frozenset({State.SUBMITTING, State.ENROUTE, State.JOINED}) | ENDS,
    State.SUBMITTING: frozenset({State.ENROUTE, State.QUEUED, State.IN_DOUBT}) | ENDS,
    State.IN_DOUBT: frozenset({State.ENROUTE, State.QUEUED}) | ENDS,
    State.ENROUTE: ENDS,
} | {end: frozenset() for end in ENDS}


def sources(following: State) -> tuple[State, ...]:
    """Every state from which a message may become `following`, in the order of the table."""
    return tuple(state for state, nexts in TRANSITIONS.items() if following in nexts)


@value(frozen=True, slots=True)
class Message:
    """One row of the message table. Instants are unix milliseconds.

    `body` is the submit_sm body as it is relayed; `registered_delivery` is what the customer asked for;
    `route` names the carriers to try, in order; `submitted_by` is the bind and address it came from.
    `part` is the place of a part of a long message, `segment` that of what a customer has sent of it, both
    from 1; `told_as` is the id that the customer knows, where that is not `message_id`. `signature` ends the
    text, here without 【】; `submitted_body` is the body as it came, where it was changed.
    """

    message_id: int
    account: str
    state: State
    units: int
    source_addr: str
    destination_addr: str
    registered_delivery: int
    body: bytes
    route: str
    carrier: str | None
    epoch: int
    attempts: int
    resends: int
    submitted_at: int
    due_at: int
    deadline_at: int
    ruleset: str
    submitted_by: str
    whole_id: int | None = None
    part: int = 0
    segment: int = 0
    told_as: str | None = None
    message_class: str = MessageClass.COMMERCIAL
    signature: str = ""
    submitted_body: bytes | None = None

    @property
    def is_segment(self) -> bool:
        """Whether its customer has sent others of the same text."""
        return self.segment > 0 and self.whole_id != self.message_id
