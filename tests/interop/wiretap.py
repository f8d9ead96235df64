"""A tap on the line between two SMPP peers: it relays what they say, keeps it, and writes it as a capture.

The capture needs no right to listen to an interface: its IP and TCP headers are made up here, as if each
connection had gone to SMPP's own port.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from smpp.commands import CommandId
from tests.e2e.patience import until

SMPP_PORT = 2775  # as registered with IANA

_HEADER = struct.Struct(">4L")
_RAW_IP = 101  # LINKTYPE_RAW: a packet begins with its IP header
_LOCALHOST = socket.inet_aton("127.0.0.1")
_CHUNK_MAX = 16_384  # fits an IP packet


@dataclass(frozen=True)
class Crossing:
    """Octets that crossed on connection `stream`; `at` is in seconds of Unix time."""

    stream: int
    from_server: bool
    at: float
    octets: bytes


@dataclass(frozen=True)
class Crossed:
    """A PDU that crossed."""

    command_id: int
    command_status: int
    sequence_number: int
    body: bytes


class Recording:
    """Everything that crossed one or more taps, in order."""

    def __init__(self) -> None:
        self._crossings: list[Crossing] = []
        self._streams = 0
        self._lock = threading.Lock()

    def open(self) -> int:
        """A number for a new connection."""
        with self._lock:
            self._streams += 1
            return self._streams

    def add(self, stream: int, from_server: bool, octets: bytes) -> None:
        """Keep these octets."""
        with self._lock:
            self._crossings.append(Crossing(stream, from_server, time.time(), octets))

    def pdus(self, *, from_server: bool, command_id: int | None = None) -> list[Crossed]:
        """The whole PDUs that one side has sent on all connections, or those of one kind."""
        sent: dict[int, bytes] = defaultdict(bytes)
        for crossing in list(self._crossings):
            if crossing.from_server == from_server:
                sent[crossing.stream] += crossing.octets
        crossed = [pdu for octets in sent.values() for pdu in _pdus(octets)]
        return [pdu for pdu in crossed if command_id is None or pdu.command_id == command_id]

    def wait_for(self, command_id: CommandId, *, from_server: bool, count: int = 1) -> None:
        """Wait until one side has sent `count` PDUs of a kind."""
        until(
            lambda: len(self.pdus(from_server=from_server, command_id=command_id)) >= count,
            f"{count} {command_id.name} on the line",
        )

    def write(self, path: Path) -> None:
        """Write a capture file (libpcap's classic form)."""
        told: dict[tuple[int, bool], int] = defaultdict(int)
        with path.open("wb") as file:
            file.write(struct.pack(">LHHlLLL", 0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, _RAW_IP))
            for crossing in list(self._crossings):
                mine, other = (
                    (crossing.stream, crossing.from_server),
                    (crossing.stream, not crossing.from_server),
                )
                packet = _packet(crossing, told[mine] + 1, told[other] + 1)
                told[mine] += len(crossing.octets)
                second, rest = divmod(crossing.at, 1)
                size = len(packet)
                file.write(struct.pack(">4L", int(second), int(rest * 1e6), size, size) + packet)


class Wiretap:
    """Listens on `port` and relays to `target_port`; a context that ends with all its connections."""

    def __init__(self, target_port: int, recording: Recording) -> None:
        self.recording = recording
        self._target_port = target_port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing alone would not wake the thread that waits in accept().
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        for connection in self._sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        for connection in (self._server, *self._sockets):
            connection.close()

    def _run(self, work: object, *arguments: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self._sockets.append(client)
                try:
                    server = socket.create_connection(("127.0.0.1", self._target_port))
                except OSError:
                    client.close()
                    continue
                self._sockets.append(server)
                stream = self.recording.open()
                self._run(self._relay, client, server, stream, False)
                self._run(self._relay, server, client, stream, True)

    def _relay(self, source: socket.socket, target: socket.socket, stream: int, from_server: bool) -> None:
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            while octets := source.recv(_CHUNK_MAX):
                # Kept before it goes on, or the answer to it could be kept first.
                self.recording.add(stream, from_server, octets)
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)


def _pdus(octets: bytes) -> Iterator[Crossed]:
    at = 0
    while len(octets) - at >= _HEADER.size:
        length, command_id, command_status, sequence_number = _HEADER.unpack_from(octets, at)
        if length < _HEADER.size or at + length > len(octets):
            return
        yield Crossed(command_id, command_status, sequence_number, octets[at + _HEADER.size : at + length])
        at += length


def _packet(crossing: Crossing, sequence: int, acknowledged: int) -> bytes:
    """An IPv4 packet with a TCP segment; checksums are left out."""
    ports = (SMPP_PORT, 40_000 + crossing.stream)
    source, target = ports if crossing.from_server else ports[::-1]
    psh_ack, data_offset = 0x18, 5 << 4
    tcp = struct.pack(
        ">HHLLBBHHH", source, target, sequence, acknowledged, data_offset, psh_ack, 0xFFFF, 0, 0
    )
    size = 20 + len(tcp) + len(crossing.octets)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, socket.IPPROTO_TCP, 0, _LOCALHOST, _LOCALHOST)
    return ip + tcp + crossing.octets
