"""What the outside saw: every request and answer at the customers' and the carriers' ends, and each crash.

Peers write it, the checker reads it. Entries are values with the simulation's instant (unix seconds), and
a text's `token` tells the copies of one submit from those of any other. The hash of a journal is the
fingerprint of a run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Started:
    """A life of the gateway has opened its door. `life` counts from 1."""

    at: float
    life: int


@dataclass(frozen=True, slots=True)
class Died:
    """A life ended without a word; `point` names where."""

    at: float
    life: int
    point: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A life ended in order."""

    at: float
    life: int


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection between a peer (a customer's account or a carrier's name) and the gateway."""

    at: float
    connection: int
    side: str  # "customer" or "carrier"
    peer: str


@dataclass(frozen=True, slots=True)
class Lost:
    """That connection has ended, for the peer."""

    at: float
    connection: int


@dataclass(frozen=True, slots=True)
class Submitted:
    """A customer sent a submit_sm. `valid`: all of its text and its sender fulfil the contract."""

    at: float
    connection: int
    account: str
    sequence_number: int
    token: int
    destination: str
    registered_delivery: int
    valid: bool
    form: str = "plain"  # of a long text: "payload", or that of its segments
    text: str = ""  # what it carries of a long text
    segment: int = 0  # its place in a long text, from 1; 0 if it carries all of it
    total: int = 0


@dataclass(frozen=True, slots=True)
class SubmitAnswered:
    """A customer got an answer to a submit_sm; `message_id` is "" unless the status is 0."""

    at: float
    connection: int
    sequence_number: int
    command_status: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """A customer got a deliver_sm that is a receipt; `command_status` is its answer, None if it gave none."""

    at: float
    connection: int
    account: str
    sequence_number: int
    message_id: str
    message_state: int
    final: bool
    command_status: int | None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A customer got a deliver_sm that is a recipient's message, from `number`."""

    at: float
    connection: int
    account: str
    sequence_number: int
    number: str
    command_status: int | None


@dataclass(frozen=True, slots=True)
class Relayed:
    """A carrier got a submit_sm; `place` is that of a part of a long message, from 1, else 0."""

    at: float
    connection: int
    carrier: str
    sequence_number: int
    token: int
    destination: str
    text: str = ""
    form: str = "plain"  # of a part, or "payload" if its text stands in one
    place: int = 0
    total: int = 0
    reference: int = 0
    octets: int = 0  # of its user data, with a header


@dataclass(frozen=True, slots=True)
class RelayAnswered:
    """A carrier answered a submit_sm; `carrier_message_id` is "" where it gave none."""

    at: float
    connection: int
    sequence_number: int
    token: int
    command_status: int
    carrier_message_id: str
    place: int = 0


@dataclass(frozen=True, slots=True)
class Reported:
    """A carrier sent a receipt."""

    at: float
    connection: int
    carrier: str
    sequence_number: int
    carrier_message_id: str
    token: int
    message_state: int
    place: int = 0


@dataclass(frozen=True, slots=True)
class Replied:
    """A carrier sent a recipient's message to an account's sender; `opts_out` if it says TD."""

    at: float
    connection: int
    carrier: str
    sequence_number: int
    number: str
    account: str
    opts_out: bool


@dataclass(frozen=True, slots=True)
class DeliverAnswered:
    """The gateway answered a carrier's deliver_sm (a Reported or a Replied)."""

    at: float
    connection: int
    sequence_number: int
    command_status: int


@dataclass(frozen=True, slots=True)
class Logged:
    """The gateway logged an event that the checker wants to know of, as `key=value` words."""

    at: float
    event: str
    words: str


@dataclass(frozen=True, slots=True)
class Gauged:
    """A gauge as it stood, with the label's value in `of` ("" if it has none)."""

    at: float
    gauge: str
    of: str
    value: float


Entry = (
    Started
    | Died
    | Stopped
    | Connected
    | Lost
    | Submitted
    | SubmitAnswered
    | Delivered
    | Forwarded
    | Relayed
    | RelayAnswered
    | Reported
    | Replied
    | DeliverAnswered
    | Logged
    | Gauged
)

Kind = TypeVar("Kind", bound=Entry)


@dataclass(slots=True)
class Journal:
    """Everything that happened, in order."""

    entries: list[Entry] = field(default_factory=list)

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)

    def of(self, kind: type[Kind]) -> Iterator[Kind]:
        """The entries of one kind, in order."""
        return (entry for entry in self.entries if isinstance(entry, kind))

    def fingerprint(self) -> str:
        """The same for two runs in which the same happened at the same instants."""
        digest = hashlib.sha256()
        for entry in self.entries:
            digest.update(repr(entry).encode())
        return digest.hexdigest()
