"""The customers of a run: each keeps its binds up, submits its messages once, and acknowledges what it gets.

Whatever happens to the gateway, they only see a connection end, and bind again. What was not answered by then
they do not send again, for then nobody could tell a message that came twice from one that was sent twice.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterable
from time import perf_counter

from tests.bench.link import Link, Poll
from tests.bench.pdus import (
    BIND_TRANSCEIVER_RESP,
    DELIVER_SM,
    DELIVER_SM_RESP,
    RESPONSE,
    SUBMIT_SM_RESP,
    SubmitSm,
    bind_transceiver,
    pdu,
)
from tests.crash import tokens
from tests.crash.notes import Answer, CustomerNotes
from tests.crash.pdus import Receipted, read_deliver_sm

_CONNECT_EVERY_S = 0.05


class Customer:
    """One account's; it may send the tokens below `released`."""

    def __init__(
        self,
        poll: Poll,
        port: int,
        account: str,
        password: str,
        own: Iterable[int],
        notes: CustomerNotes,
        binds: int,
        window: int,
    ) -> None:
        self.account = account
        self.password = password
        self.notes = notes
        self.window = window
        self.released = 0
        self._poll = poll
        self._port = port
        self._unsent = deque(own)
        self._links: list[CustomerLink | None] = [None] * binds
        self._connect_at = 0.0

    @property
    def idle(self) -> bool:
        """Everything that may be sent is sent, and answered unless its connection ended before."""
        nothing_left = not self._unsent or self._unsent[0] >= self.released
        return nothing_left and not any(link.unanswered for link in self._links if link is not None)

    def tick(self, now: float) -> None:
        """Bind where no bind is, and submit."""
        self._links = [None if link is None or link.closed else link for link in self._links]
        if None in self._links and now >= self._connect_at:
            self._connect_at = now + _CONNECT_EVERY_S
            self._links[self._links.index(None)] = self._connect()
        for link in self._links:
            if link is not None:
                link.submit()
                link.flush()

    def next_token(self) -> int | None:
        """The next one to send, which is from now on the caller's."""
        may_go = self._unsent and self._unsent[0] < self.released
        return self._unsent.popleft() if may_go else None

    def close(self) -> None:
        """Hang up."""
        for link in self._links:
            if link is not None:
                link.close()

    def _connect(self) -> CustomerLink | None:
        connection = socket.socket()
        try:
            connection.connect(("127.0.0.1", self._port))
            # Where nobody listens, a connection may be given the very port that it is for, and meet itself.
            if connection.getsockname() != connection.getpeername():
                return CustomerLink(connection, self._poll, self)
        except OSError:
            pass
        connection.close()
        return None


class CustomerLink(Link):
    """One bind."""

    def __init__(self, sock: socket.socket, poll: Poll, customer: Customer) -> None:
        super().__init__(sock, poll)
        self._customer = customer
        self._notes = customer.notes
        self._bound = False
        self._sequence_number = 1
        self.unanswered: dict[int, int] = {}
        self.out.append(bind_transceiver(customer.account, customer.password))
        self.flush()

    def submit(self) -> None:
        """Send as much as may be sent and has room in the window."""
        while self._bound and not self.closed and len(self.unanswered) < self._customer.window:
            token = self._customer.next_token()
            if token is None:
                return
            self._sequence_number += 1
            self.unanswered[self._sequence_number] = token
            self._notes.submitted_at[token] = perf_counter()
            number = tokens.number_of(token)
            submit_sm = SubmitSm(tokens.SOURCES[self._customer.account], tokens.text_of(token), len(number))
            self.out.append(submit_sm.build(self._sequence_number, number.encode()))

    def handle(
        self, command_id: int, command_status: int, sequence_number: int, data: bytes, start: int, end: int
    ) -> None:
        if command_id == SUBMIT_SM_RESP:
            token = self.unanswered.pop(sequence_number)
            waited_s = self.now - self._notes.submitted_at[token]
            message_id = data[start : end - 1].decode()
            self._notes.answers[token] = Answer(command_status, message_id, waited_s)
        elif command_id == DELIVER_SM:
            self._delivered(data[start:end])
            self.out.append(pdu(DELIVER_SM_RESP, sequence_number, b"\0"))
        elif command_id == BIND_TRANSCEIVER_RESP and command_status == 0:
            self._bound = True
        elif command_id == BIND_TRANSCEIVER_RESP:
            self.close()
        elif command_id < RESPONSE:
            self.answer_upkeep(command_id, sequence_number)
        else:
            self._notes.nonsense.append(f"{command_id:08x} with status {command_status:08x}")

    def after_read(self) -> None:
        self.submit()

    def _delivered(self, body: bytes) -> None:
        said = read_deliver_sm(body)
        if isinstance(said, Receipted):
            self._notes.receipts.setdefault(said.message_id, []).append(said.stat)
        else:
            self._notes.replies[said] += 1
