"""The customer's end: submits the messages over its binds and answers the receipts."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from tests.bench.journal import DESTINATION_DIGITS, Journal, destination_of
from tests.bench.link import BenchError, Link, Poll
from tests.bench.pdus import (
    BIND_TRANSCEIVER_RESP,
    DELIVER_SM,
    DELIVER_SM_RESP,
    GENERIC_NACK,
    RESPONSE,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
    SubmitSm,
    bind_transceiver,
    pdu,
    read_receipt,
)


@dataclass(frozen=True, slots=True)
class Load:
    """What is submitted and how fast: `rate_per_s` over all binds, None as fast as the windows allow.

    With `segments` over 1 each text is sent in so many submit_sm.
    """

    source: str
    text: str
    binds: int
    window: int
    rate_per_s: float | None
    segments: int = 1


class Customer:
    """Sends each message of the journal once, over whichever bind has room first."""

    def __init__(self, poll: Poll, journal: Journal, load: Load) -> None:
        self.journal = journal
        self.window = load.window
        self.submit_sm = SubmitSm(load.source, load.text, DESTINATION_DIGITS, load.segments)
        self.links: list[CustomerLink] = []
        self.next_index = 0
        self.released = 0  # how many messages the rate has let go by now
        self.late_max_s = 0.0
        self._load = load
        self._poll = poll
        self._began_at = 0.0

    def connect(self, port: int, system_id: str, password: str) -> None:
        """Open the binds; they are there when `bound` says so."""
        for _ in range(self._load.binds):
            link = CustomerLink(socket.create_connection(("127.0.0.1", port)), self._poll, self)
            self.links.append(link)
            link.out.append(bind_transceiver(system_id, password))
            link.flush()

    @property
    def bound(self) -> bool:
        """Every bind is there."""
        return all(link.bound for link in self.links)

    @property
    def unbound(self) -> bool:
        """Every connection is closed."""
        return all(link.closed for link in self.links)

    @property
    def lost(self) -> bool:
        """A connection is gone."""
        return any(link.closed for link in self.links)

    def begin(self, now: float) -> None:
        """Submit from now on."""
        self._began_at = now
        if self._load.rate_per_s is None:
            self.released = self.journal.messages
        self.tick(now)

    def tick(self, now: float) -> None:
        """Submit what the rate has let go in the meantime, bind by bind."""
        rate = self._load.rate_per_s
        if rate is not None:
            self.released = min(self.journal.messages, int((now - self._began_at) * rate) + 1)
        waiting = self.released - self.next_index
        share = max(1, waiting // len(self.links))
        for link in sorted(self.links, key=lambda link: link.outstanding):
            link.submit(now, share if rate else self.window)
            link.flush()

    def note_lateness(self, index: int, now: float) -> None:
        """Remember how long a message that goes out now has waited for a window since its rate let it go."""
        if self._load.rate_per_s is not None:
            self.late_max_s = max(self.late_max_s, now - self._began_at - index / self._load.rate_per_s)

    def unbind(self) -> None:
        """Ask for the end; every link closes when it is answered."""
        for link in self.links:
            link.out.append(pdu(UNBIND, 0x7FFFFFFF))
            link.flush()

    def close(self) -> None:
        """Close every connection."""
        for link in self.links:
            link.close()


class CustomerLink(Link):
    """One bind. Its sequence_number n stands for the n-th message it sent, so no table is needed."""

    def __init__(self, sock: socket.socket, poll: Poll, customer: Customer) -> None:
        super().__init__(sock, poll)
        self.bound = False
        self.outstanding = 0
        self._customer = customer
        self._journal = customer.journal
        self._sent: list[int] = []

    def handle(
        self, command_id: int, command_status: int, sequence_number: int, data: bytes, start: int, end: int
    ) -> None:
        if command_id == SUBMIT_SM_RESP:
            self._answered(self._sent[sequence_number - 2], command_status, data[start : end - 1])
        elif command_id == DELIVER_SM:
            self._receipted(data, start, end)
            self.out.append(pdu(DELIVER_SM_RESP, sequence_number, b"\0"))
        elif command_id == BIND_TRANSCEIVER_RESP:
            if command_status:
                raise BenchError(f"the bind was refused with status 0x{command_status:08x}")
            self.bound = True
        elif command_id == UNBIND_RESP:
            self.close()
        elif command_id == GENERIC_NACK:
            raise BenchError(f"generic_nack with status 0x{command_status:08x}")
        elif command_id < RESPONSE:
            self.answer_upkeep(command_id, sequence_number)

    def after_read(self) -> None:
        self.submit(self.now, self._customer.window)

    def submit(self, now: float, count_max: int) -> None:
        """Queue up to `count_max` messages, as far as the window and the rate allow."""
        customer = self._customer
        first = customer.next_index
        count = min(count_max, customer.window - self.outstanding, customer.released - first)
        if count <= 0:
            return
        customer.note_lateness(first, now)
        sequence_number, submitted_at = len(self._sent) + 2, self._journal.submitted_at
        build, segments = customer.submit_sm.build, self._journal.segments
        for index in range(first, first + count):
            text, segment = divmod(index, segments)
            self.out.append(build(sequence_number, destination_of(text), segment))
            submitted_at[index] = now
            sequence_number += 1
        self._sent.extend(range(first, first + count))
        self.outstanding += count
        customer.next_index = first + count

    def _answered(self, index: int, command_status: int, message_id: bytes) -> None:
        journal = self._journal
        if journal.answered_at[index]:
            journal.answered_twice += 1
            return
        self.outstanding -= 1
        journal.answered += 1
        journal.answered_at[index] = self.now
        if command_status:
            journal.refusals[command_status] += 1
        else:
            journal.message_ids[index] = message_id

    def _receipted(self, data: bytes, start: int, end: int) -> None:
        number, message_id, delivered = read_receipt(data, start, end)
        journal = self._journal
        index = journal.index_of(number, message_id)
        if not journal.receipts[index]:
            journal.receipted += 1
            journal.receipted_at[index] = self.now
            journal.receipt_ids[index] = message_id
        journal.receipts[index] += 1
        if not delivered:
            journal.undelivered += 1
