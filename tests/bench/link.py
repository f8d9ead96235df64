"""Sockets for the benchmark: one epoll, non-blocking connections that hand out whole PDUs.

Nothing cleverer: the benchmark shares the machine with what it measures.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from time import perf_counter

from tests.bench.pdus import ENQUIRE_LINK, HEADER, RESPONSE, UNBIND, pdu

_READ_MAX = 262_144


class BenchError(Exception):
    """The run cannot go on; the message says why."""


class Poll:
    """Runs handlers when their sockets are ready."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}

    def add(self, sock: socket.socket, handler: Callable[[], None]) -> None:
        """Call `handler` whenever `sock` can be read."""
        self._handlers[sock.fileno()] = handler
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def remove(self, sock: socket.socket) -> None:
        """Forget `sock`."""
        del self._handlers[sock.fileno()]
        self._epoll.unregister(sock.fileno())

    def want_write(self, sock: socket.socket, wanted: bool) -> None:
        """Also call the handler of `sock` when it can be written."""
        self._epoll.modify(sock.fileno(), select.EPOLLIN | (select.EPOLLOUT if wanted else 0))

    def once(self, pause_s: float) -> None:
        """Wait at most `pause_s` and run what is ready."""
        handlers = self._handlers
        for descriptor, _ in self._epoll.poll(pause_s):
            if descriptor in handlers:
                handlers[descriptor]()

    def until(self, done: Callable[[], bool], timeout_s: float, waiting_for: str) -> None:
        """Run until `done()`. Raises BenchError after `timeout_s`."""
        deadline = perf_counter() + timeout_s
        while not done():
            if perf_counter() > deadline:
                raise BenchError(f"waited {timeout_s:g} s in vain for {waiting_for}")
            self.once(0.02)

    def close(self) -> None:
        """Close the epoll itself."""
        self._epoll.close()


class Link:
    """One connection. A subclass handles the PDUs; `now` is the instant of the last read."""

    def __init__(self, sock: socket.socket, poll: Poll) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.now = perf_counter()
        self.closed = False
        self.out: list[bytes] = []
        self._sock = sock
        self._poll = poll
        self._unread = b""
        self._unsent = b""
        poll.add(sock, self._ready)

    def handle(
        self, command_id: int, command_status: int, sequence_number: int, data: bytes, start: int, end: int
    ) -> None:
        """A PDU came, its body is `data[start:end]`. What is put in `out` is sent after the whole read."""
        raise NotImplementedError

    def after_read(self) -> None:
        """Everything that was read has been handled."""

    def flush(self) -> None:
        """Send what is in `out`."""
        if not self.out or self.closed:
            return
        octets = self._unsent + b"".join(self.out)
        self.out.clear()
        self._send(octets)

    def close(self) -> None:
        """Close the connection."""
        if not self.closed:
            self.closed = True
            self._poll.remove(self._sock)
            self._sock.close()

    def _send(self, octets: bytes) -> None:
        try:
            sent = self._sock.send(octets)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        was_waiting, self._unsent = bool(self._unsent), octets[sent:]
        if bool(self._unsent) != was_waiting:
            self._poll.want_write(self._sock, not was_waiting)

    def _ready(self) -> None:
        if self._unsent:
            self._send(self._unsent)
        try:
            read = self._sock.recv(_READ_MAX)
        except BlockingIOError:
            return
        except OSError:
            read = b""
        if not read:
            self.close()
            return
        self.now = perf_counter()
        self._take(self._unread + read)
        self.after_read()
        self.flush()

    def _take(self, data: bytes) -> None:
        position, size, unpack, handle = 0, len(data), HEADER.unpack_from, self.handle
        while size - position >= 16:
            length, command_id, command_status, sequence_number = unpack(data, position)
            end = position + length
            if end > size:
                break
            handle(command_id, command_status, sequence_number, data, position + 16, end)
            position = end
        self._unread = data[position:]

    def answer_upkeep(self, command_id: int, sequence_number: int) -> None:
        """Answer an enquire_link or an unbind. Raises BenchError for any other request."""
        if command_id not in (ENQUIRE_LINK, UNBIND):
            raise BenchError(f"unexpected PDU with command_id 0x{command_id:08x}")
        self.out.append(pdu(command_id | RESPONSE, sequence_number))
