"""A carrier on a string: an SMSC in this process that answers and reports as the test tells it to.

It speaks through smpplib's own PDUs, so that the gateway's codec is not tested by itself.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from smpplib import consts, smpp
from smpplib.client import SimpleSequenceGenerator
from smpplib.exceptions import UnknownCommandError

from tests.e2e.patience import until


@dataclass(frozen=True)
class Submitted:
    """A submit_sm that has arrived; `carrier_id` is the message_id for it."""

    source: str
    destination: str
    octets: bytes
    data_coding: int
    registered_delivery: int
    carrier_id: str


class Carrier:
    """Listens on `port` from `with` to its end, or from `open` to `close`, as often as you like.

    `status` gives the command_status of the answer to a message, None for none until `answer_all`. It is
    asked from another thread. By default everything is accepted. With `tls` it speaks that.
    """

    def __init__(
        self,
        port: int,
        status: Callable[[Submitted], int | None] = lambda _: 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.port = port
        self.tls = tls
        self.status = status
        self.submitted: list[Submitted] = []
        self.delivered: dict[int, int] = {}
        self.unbinds = 0
        self._ids = SimpleSequenceGenerator()
        self._unanswered: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._server: socket.socket | None = None
        self._binds: list[_Bind] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Let gateways in."""
        self._server = socket.create_server(("127.0.0.1", self.port))
        self._run(self._accept, self._server)

    def close(self) -> None:
        """Hang up on everyone, and let nobody in."""
        if self._server is not None:
            # Closing alone would not wake the thread that waits in accept().
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
        for bind in self._binds:
            bind.hang_up()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        self._server, self._binds, self._threads = None, [], []

    # -- what a test does with it

    def wait_for(self, count: int) -> list[Submitted]:
        """Wait until so many messages have arrived; all that have."""
        until(lambda: len(self.submitted) >= count, f"{count} messages at the carrier")
        return list(self.submitted)

    def to(self, destination: str) -> list[Submitted]:
        """The messages to a number."""
        return [submitted for submitted in self.submitted if submitted.destination == destination]

    def wait_for_one(self, destination: str) -> Submitted:
        """Wait until a message to a number has arrived; it must be the only one."""
        [submitted] = until(lambda: self.to(destination), f"a message to {destination}")
        return submitted

    def answer_all(self) -> None:
        """Accept what has no answer yet."""
        with self._lock:
            unanswered, self._unanswered = self._unanswered, []
        for answer in unanswered:
            answer()

    def report(self, submitted: Submitted, stat: str = "DELIVRD") -> int:
        """Send the receipt of a message, in the text form; the sequence number of its deliver_sm."""
        text = (
            f"id:{submitted.carrier_id} sub:001 dlvrd:001 submit date:2611220800 done date:2611220801 "
            f"stat:{stat} err:000 text:"
        )
        return self.deliver(submitted.destination, submitted.source, text.encode(), esm_class=4)

    def deliver(self, source: str, destination: str, octets: bytes, **fields: object) -> int:
        """Send a deliver_sm to whoever bound last; its sequence number."""
        return self.ask(
            "deliver_sm", source_addr=source, destination_addr=destination, short_message=octets, **fields
        )

    def ask(self, command: str, **fields: object) -> int:
        """Send a request to whoever bound last; its sequence number."""
        bind = until(lambda: next((b for b in self._binds[::-1] if b.is_bound), None), "a bound gateway")
        return bind.ask(command, **fields)

    def wait_for_answers(self, *sequences: int) -> list[int]:
        """Wait until these deliver_sm are answered; the command_status of each."""
        until(lambda: all(s in self.delivered for s in sequences), "answers to deliver_sm")
        return [self.delivered[sequence] for sequence in sequences]

    @property
    def was_asked(self) -> bool:
        """Whether anything at all was said to it since it was opened."""
        return any(bind.was_asked for bind in self._binds)

    # -- inside

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                if self.tls is not None:
                    try:
                        connection = self.tls.wrap_socket(connection, server_side=True)
                    except OSError:
                        connection.close()
                        continue
                bind = _Bind(connection, self)
                self._binds.append(bind)
                self._run(bind.serve)

    def take(self, pdu: Any, answer: Callable[[int, str], None]) -> None:
        """A bind has received a submit_sm, to be answered with status and message_id."""
        with self._lock:
            submitted = Submitted(
                pdu.source_addr.decode(),
                pdu.destination_addr.decode(),
                pdu.message_payload or pdu.short_message or b"",
                pdu.data_coding,
                pdu.registered_delivery,
                f"c{self._ids.next_sequence()}",
            )
            self.submitted.append(submitted)
            status = self.status(submitted)
            if status is None:
                self._unanswered.append(lambda: answer(0, submitted.carrier_id))
                return
        answer(status, submitted.carrier_id)


class _Bind:
    """One connection of a gateway."""

    def __init__(self, connection: socket.socket, carrier: Carrier) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._carrier = carrier
        self._numbers = SimpleSequenceGenerator()
        self._sending = threading.Lock()
        self.is_bound = False
        self.was_asked = False

    def hang_up(self) -> None:
        """End the connection."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def ask(self, command: str, **fields: object) -> int:
        """Send a request."""
        pdu = smpp.make_pdu(command, client=self._numbers, **fields)
        self._send(pdu.generate())
        return int(pdu.sequence)

    def serve(self) -> None:
        """Answer until the connection ends, or what is read is torn.

        Python's TLS sockets are not made for two threads at a time, one that reads and one that writes.
        """
        ends = (OSError, UnknownCommandError)
        with self._connection, suppress(*ends), self._connection.makefile("rb") as stream:
            while head := stream.read(4):
                body = stream.read(int.from_bytes(head, "big") - 4)
                self._handle(smpp.parse_pdu(head + body, client=self._numbers, allow_unknown_opt_params=True))
        self.is_bound = False

    def _handle(self, pdu: Any) -> None:
        self.was_asked = True
        if pdu.command == "submit_sm":
            self._carrier.take(pdu, lambda status, id: self._answer(pdu, status, message_id=id))
        elif pdu.command == "deliver_sm_resp":
            self._carrier.delivered[pdu.sequence] = int(pdu.status)
        elif pdu.command == "unbind":
            self._carrier.unbinds += 1
            self._answer(pdu)
            self.hang_up()
        elif not pdu.is_response():
            self._answer(pdu)
            self.is_bound = self.is_bound or pdu.command.startswith("bind")

    def _answer(self, pdu: Any, status: int = consts.SMPP_ESME_ROK, **fields: object) -> None:
        answer = smpp.make_pdu(f"{pdu.command}_resp", client=self._numbers, status=status, **fields)
        answer.sequence = pdu.sequence
        octets = answer.generate()
        # smpplib writes a body in any case; an error is the header alone.
        self._send((16).to_bytes(4, "big") + octets[4:16] if status else octets)

    def _send(self, octets: bytes) -> None:
        with self._sending:
            self._connection.sendall(octets)
