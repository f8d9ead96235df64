"""The carrier's end: takes every bind and every message, and sends the receipts that were asked for."""

from __future__ import annotations

import socket
from collections import deque
from time import strftime

from tests.bench.journal import Journal, index_of
from tests.bench.link import Link, Poll
from tests.bench.pdus import (
    BIND_TRANSCEIVER,
    BIND_TRANSCEIVER_RESP,
    DELIVER_SM_RESP,
    HEADER,
    RESPONSE,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    Receipt,
    Submitted,
    pdu,
    read_submit_sm,
)

_FIRST_MESSAGE_ID = 1_000_000_000


class Carrier:
    """Listens on a free loopback port. A receipt follows its response after `receipt_delay_s`."""

    def __init__(self, poll: Poll, journal: Journal, receipt_delay_s: float, receipt_window: int) -> None:
        self.journal = journal
        self.receipt_delay_s = receipt_delay_s
        self.receipt_window = receipt_window
        self.receipt = Receipt(strftime("%y%m%d%H%M").encode())
        self.links: list[CarrierLink] = []
        self.next_message_id = _FIRST_MESSAGE_ID
        self._poll = poll
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        poll.add(self._listener, self._accept)

    @property
    def bound(self) -> int:
        """How many binds are there."""
        return sum(link.bound and not link.closed for link in self.links)

    def tick(self, now: float) -> None:
        """Send the receipts that have become due."""
        for link in self.links:
            link.send_receipts(now)
            link.flush()

    def close(self) -> None:
        """Close every connection and the port."""
        self._poll.remove(self._listener)
        self._listener.close()
        for link in self.links:
            link.close()

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        self.links.append(CarrierLink(sock, self._poll, self))


class CarrierLink(Link):
    """One bind of the gateway."""

    def __init__(self, sock: socket.socket, poll: Poll, carrier: Carrier) -> None:
        super().__init__(sock, poll)
        self.bound = False
        self._carrier = carrier
        self._journal = carrier.journal
        self._due: deque[tuple[float, Submitted, bytes]] = deque()
        self._sequence_number = 0
        self._unanswered = 0

    def handle(
        self, command_id: int, command_status: int, sequence_number: int, data: bytes, start: int, end: int
    ) -> None:
        if command_id == SUBMIT_SM:
            self._submitted(sequence_number, read_submit_sm(data, start))
        elif command_id == DELIVER_SM_RESP:
            self._unanswered -= 1
        elif command_id == BIND_TRANSCEIVER:
            self.bound = True
            self.out.append(pdu(BIND_TRANSCEIVER_RESP, sequence_number, b"bench\0\x02\x10\x00\x01\x34"))
        elif command_id < RESPONSE:
            self.answer_upkeep(command_id, sequence_number)

    def after_read(self) -> None:
        self.send_receipts(self.now)

    def send_receipts(self, now: float) -> None:
        """Queue what is due and has room in the window."""
        due, carrier = self._due, self._carrier
        room = carrier.receipt_window - self._unanswered
        while due and room > 0 and due[0][0] <= now:
            _, submitted, message_id = due.popleft()
            self._sequence_number += 1
            self.out.append(carrier.receipt.build(self._sequence_number, submitted, message_id))
            self._unanswered += 1
            room -= 1

    def _submitted(self, sequence_number: int, submitted: Submitted) -> None:
        carrier = self._carrier
        first = index_of(submitted.destination) * self._journal.segments
        self._journal.relays[first + submitted.place - 1] += 1
        message_id = b"%d" % carrier.next_message_id
        carrier.next_message_id += 1
        length = 17 + len(message_id)
        self.out.append(HEADER.pack(length, SUBMIT_SM_RESP, 0, sequence_number) + message_id + b"\0")
        if submitted.wants_receipt:
            self._due.append((self.now + carrier.receipt_delay_s, submitted, message_id))
