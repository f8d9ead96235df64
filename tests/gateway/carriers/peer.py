"""The carrier at the other end of a link, in memory: what it was sent, and octets of its own.

The connection behaves as Twisted's do: nothing is read while reading is paused or after the link has closed,
and the end of the connection is told in a later turn of the reactor.
"""

from __future__ import annotations

import struct

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]  # it has no types

from gateway.carriers.link import CarrierLink
from tests.gateway.raw_pdus import RESP, Raw, raw, split

SUBMIT_SM_RESP, DELIVER_SM_RESP = RESP | 4, RESP | 5
BIND_TRANSCEIVER_RESP, UNBIND_RESP, ENQUIRE_LINK_RESP = RESP | 9, RESP | 6, RESP | 0x15


@implementer(ITCPTransport)
class Connection:
    """The link's transport. `stuck`: the peer does not read, so a closed connection cannot end."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.written = b""
        self.reading = True
        self.closing = False
        self.aborted = False
        self.over = False
        self.stuck = False
        self.no_delay = False
        self.producer: object = None
        self.link: CarrierLink
        self._unread = b""

    def connect(self, link: CarrierLink) -> None:
        self.link = link
        link.makeConnection(self)  # type: ignore[no-untyped-call]  # Twisted's

    def end(self, reason: Exception) -> None:
        if not self.over:
            self.over = True
            self.link.connectionLost(Failure(reason))  # type: ignore[no-untyped-call]  # Twisted's

    def arrive(self, data: bytes) -> None:
        self._unread += data
        self._flow()

    def _flow(self) -> None:
        if self._unread and self.reading and not self.closing and not self.over:
            data, self._unread = self._unread, b""
            self.link.dataReceived(data)

    # -- ITCPTransport, as far as links use it

    def write(self, data: bytes) -> None:
        if not self.over:
            self.written += data

    def loseConnection(self) -> None:
        assert self.producer is None, "Twisted waits for a registered producer before it closes"
        self.closing = True
        if not self.stuck:
            self.clock.callLater(0, self.end, ConnectionDone())

    def abortConnection(self) -> None:
        self.closing = self.aborted = True
        self.clock.callLater(0, self.end, ConnectionAborted())

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True
        self.clock.callLater(0, self._flow)

    def registerProducer(self, producer: object, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.no_delay = enabled


class Peer:
    """A carrier that does what a test tells it to."""

    def __init__(self, link: CarrierLink, clock: Clock) -> None:
        self.connection = Connection(clock)
        self.connection.connect(link)

    def read(self) -> list[Raw]:
        """What has come since the last time."""
        written, self.connection.written = self.connection.written, b""
        return split(written)

    def send(self, *pdus: bytes) -> None:
        """All in one piece."""
        self.connection.arrive(b"".join(pdus))

    def accept_bind(self) -> None:
        """Answer the bind that has come."""
        self.send(bind_resp(self.read()[-1]))

    def lose(self) -> None:
        """The network is gone."""
        self.connection.end(ConnectionLost())


def bind_resp(bind: Raw, command_status: int = 0) -> bytes:
    """The answer to a bind of any type; an error is answered without a body (SMPP 3.4, 4.1.4)."""
    body = b"" if command_status else b"SMSC\0\x02\x10\x00\x01\x34"
    return raw(bind.command_id | RESP, body, bind.sequence_number, command_status)


def submit_resp(sequence_number: int, message_id: bytes = b"c1", command_status: int = 0) -> bytes:
    body = b"" if command_status else message_id + b"\0"
    return raw(SUBMIT_SM_RESP, body, sequence_number, command_status)


def deliver(
    sequence_number: int,
    short_message: bytes,
    *,
    esm_class: int = 0,
    data_coding: int = 0,
    source: bytes = b"13800138000",
    destination: bytes = b"10690001",
    tlvs: bytes = b"",
) -> bytes:
    """A deliver_sm, octet by octet from SMPP 3.4, 4.6.1."""
    body = (
        b"\0"
        + (b"\x01\x01" + source + b"\0")
        + (b"\x00\x01" + destination + b"\0")
        + bytes((esm_class, 0, 0))
        + b"\0\0"
        + bytes((0, 0, data_coding, 0, len(short_message)))
        + short_message
        + tlvs
    )
    return raw(5, body, sequence_number)


def tlv(tag: int, octets: bytes) -> bytes:
    return struct.pack(">HH", tag, len(octets)) + octets


def receipt(
    sequence_number: int,
    carrier_message_id: str,
    stat: str = "DELIVRD",
    done: str = "2603041205",
    **how: int | bytes,
) -> bytes:
    """A receipt as most carriers write it (SMPP 3.4, appendix B)."""
    said = (
        f"id:{carrier_message_id} sub:001 dlvrd:001 submit date:2603041200 done date:{done}"
        f" stat:{stat} err:000 text:hello"
    )
    return deliver(sequence_number, said.encode(), **{"esm_class": 4} | how)  # type: ignore[arg-type]
