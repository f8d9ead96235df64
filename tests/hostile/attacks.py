"""What hostile peers do, on raw sockets, with octets made beforehand.

Each attack runs until its time is over and tells what it counted. Every one comes from an address of its own
(Linux answers for all of 127.0.0.0/8), as strangers do.
"""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle, islice

from tests.bench.journal import destination_of
from tests.bench.pdus import BIND_TRANSCEIVER_RESP, ENQUIRE_LINK, HEADER, SubmitSm, bind_transceiver, pdu
from tests.e2e.config import PASSWORD
from tests.e2e.customer import GREETING
from tests.hostile.house import THROTTLED_PER_S
from tests.hostile.load import MESSAGES_MAX

Count = Counter[str]
Attack = Callable[[int, float], Count]

_WRONG = "verkehrt"
_UNKNOWN_COMMAND = 0x00000777
_DATA_SM = 0x00000103
_CHUNK = 65_536
_DESTINATIONS = 100_000
_TRIES = 5
_PAUSE_S = 0.002
_SUBMIT = SubmitSm("10690001", GREETING, 11)


# -- what strangers do


def slow_binds(port: int, until: float) -> Count:
    """300 connections that never bind: half of them silent, half of them an octet now and then."""
    count: Count = Counter()
    bind = bind_transceiver("hostile", PASSWORD)
    peers: list[socket.socket | None] = [None] * 300
    sent = [0] * len(peers)
    while time.monotonic() < until:
        for place, peer in enumerate(peers):
            if peer is None:
                peers[place] = _connected(port, "127.0.0.11", count)
                sent[place] = 0
            elif is_closed(peer):
                count["closed"] += 1
                peers[place] = None
            elif place % 2 and sent[place] < len(bind) - 1:
                _send(peer, bind[sent[place] : sent[place] + 1])
                sent[place] += 1
        time.sleep(0.2)
    return count


def connection_flood(port: int, until: float) -> Count:
    """As many connections as there may be, and each one that is closed is opened again at once."""
    count: Count = Counter()
    peers: list[socket.socket] = []
    while time.monotonic() < until:
        peer = _connected(port, "127.0.0.12", count)
        if peer is not None:
            peers.append(peer)
        if len(peers) >= 1000:
            kept = [peer for peer in peers if not is_closed(peer)]
            count["closed"] += len(peers) - len(kept)
            peers = kept
            time.sleep(_PAUSE_S)
    return count


def huge_lengths(port: int, until: float) -> Count:
    """PDUs that announce a gigabyte and begin to send it."""
    head = HEADER.pack(1 << 30, 0x00000009, 0, 1)
    return _again_and_again(port, until, "127.0.0.13", head + bytes(_CHUNK))


def deaf_strangers(port: int, until: float) -> Count:
    """100 connections that send enquire_link for all they can and read nothing."""
    return _blast(_strangers(port, "127.0.0.14", 100), until, pdu(ENQUIRE_LINK, 7) * 4096)


def connection_flood_from_everywhere(port: int, until: float) -> Count:
    """As many connections as there may be, each from an address of its own."""
    count: Count = Counter()
    peers: list[socket.socket] = []
    while time.monotonic() < until:
        peer = _connected(port, _address(count["connected"]), count)
        if peer is not None:
            peers.append(peer)
        time.sleep(_PAUSE_S)
    return count


def wrong_passwords(port: int, until: float) -> Count:
    """40 connections that bind with wrong passwords as often as they may, and then come again."""
    count: Count = Counter()
    bind = bind_transceiver("guarded", _WRONG)
    peers: list[socket.socket | None] = [None] * 40
    while time.monotonic() < until:
        for place, peer in enumerate(peers):
            if peer is None:
                peers[place] = peer = _connected(port, "127.0.0.15", count)
                if peer is not None:
                    _send(peer, bind)
            else:
                answer = _read(peer)
                if answer == b"":
                    peers[place] = None
                elif answer:
                    count["refused"] += 1
                    _send(peer, bind)
        time.sleep(_PAUSE_S)
    return count


def wrong_passwords_from_everywhere(port: int, until: float) -> Count:
    """Binds with wrong passwords, each from an address of its own, that do not wait for the answer."""
    count: Count = Counter()
    bind = bind_transceiver("guarded", _WRONG)
    while time.monotonic() < until:
        peer = _connected(port, _address(count["connected"]), count)
        if peer is not None:
            _send(peer, bind)
            peer.close()
        time.sleep(_PAUSE_S)
    return count


# -- what customers do


def dribble(port: int, until: float) -> Count:
    """10 binds that send every submit_sm octet by octet."""
    count: Count = Counter()
    peers = [_bound(port, "127.0.0.16", "throttled" if n < 4 else "hostile") for n in range(10)]
    octets = _submits()
    while time.monotonic() < until:
        for peer in peers:
            count["octets"] += _send(peer, octets[count["rounds"] : count["rounds"] + 1])
            _read(peer)
        count["rounds"] += 1
    return count


def junk(port: int, until: float) -> Count:
    """10 binds that send PDUs of no meaning, and read what they are told."""
    octets = b"".join(pdu(_UNKNOWN_COMMAND if n % 2 else _DATA_SM, n) for n in range(4096))
    return _blast([_bound(port, "127.0.0.17") for _ in range(10)], until, octets, reads=True)


def enquiries(port: int, until: float) -> Count:
    """10 binds that ask for nothing but life, and read the answers."""
    octets = pdu(ENQUIRE_LINK, 7) * 4096
    return _blast([_bound(port, "127.0.0.18") for _ in range(10)], until, octets, reads=True)


def window_overrun(port: int, until: float) -> Count:
    """A bind that pipelines submits far beyond its window and never reads."""
    return _blast([_bound(port, "127.0.0.19")], until, _submits())


def deaf(port: int, until: float) -> Count:
    """10 binds that submit steadily, want receipts, and never read."""
    count: Count = Counter()
    peers = [_bound(port, "127.0.0.20") for _ in range(10)]
    numbers = _destinations()
    for sequence_number in range(2, 1 << 30):
        if time.monotonic() >= until:
            break
        for peer in peers:
            count["sent"] += bool(_send(peer, _SUBMIT.build(sequence_number, next(numbers))))
        time.sleep(0.1)
    return count


def over_rate(port: int, until: float) -> Count:
    """A bind that submits ten times what its contract allows, and reads."""
    count: Count = Counter()
    peer = _bound(port, "127.0.0.21", "throttled")
    numbers = _destinations()
    began_at, sent = time.monotonic(), 0
    while (now := time.monotonic()) < until:
        while sent < (now - began_at) * 10 * THROTTLED_PER_S:
            sent += 1
            _send(peer, _SUBMIT.build(sent + 1, next(numbers)))
        _read(peer)
        time.sleep(_PAUSE_S)
    count["sent"] = sent
    return count


def flood(port: int, until: float) -> Count:
    """4 binds that submit as fast as they can to an account that may send little, and read."""
    return _blast([_bound(port, "127.0.0.22", "throttled") for _ in range(4)], until, _submits(), reads=True)


def silent(port: int, until: float) -> Count:
    """20 binds that submit a little, want receipts, and then say nothing any more."""
    count: Count = Counter()
    peers = [_bound(port, "127.0.0.23", "asleep") for _ in range(20)]
    numbers = _destinations()
    for peer in peers:
        for sequence_number in range(2, 12):
            _send(peer, _SUBMIT.build(sequence_number, next(numbers)))
    while time.monotonic() < until:
        time.sleep(0.05)
    count["silent"] = len(peers)
    count["closed"] = sum(is_closed(peer) for peer in peers)
    return count


def frozen(port: int, until: float) -> Count:
    """20 binds that submit a little, want receipts, and take them, until somebody stops their process."""
    count: Count = Counter()
    peers = [_bound(port, "127.0.0.24", "asleep") for _ in range(20)]
    numbers = _destinations()
    for sequence_number in range(2, 1 << 30):
        if time.monotonic() >= until:
            break
        for peer in peers:
            count["sent"] += bool(_send(peer, _SUBMIT.build(sequence_number, next(numbers))))
            _read(peer)
        time.sleep(0.1)
    return count


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        slow_binds,
        connection_flood,
        connection_flood_from_everywhere,
        huge_lengths,
        deaf_strangers,
        wrong_passwords,
        wrong_passwords_from_everywhere,
        dribble,
        junk,
        enquiries,
        window_overrun,
        deaf,
        over_rate,
        flood,
        silent,
        frozen,
    )
}


# -- sockets


def _connected(port: int, address: str, count: Count) -> socket.socket | None:
    try:
        peer = socket.create_connection(("127.0.0.1", port), timeout=1.0, source_address=(address, 0))
    except OSError:
        count["not connected"] += 1
        return None
    count["connected"] += 1
    peer.setblocking(False)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def _address(number: int) -> str:
    """One of many loopback addresses."""
    return f"127.{1 + number // 62_500 % 250}.{number // 250 % 250}.{1 + number % 250}"


def _strangers(port: int, address: str, number: int) -> list[socket.socket]:
    peers = (_connected(port, address, Counter()) for _ in range(number))
    return [peer for peer in peers if peer is not None]


def _bound(port: int, address: str, system_id: str = "hostile") -> socket.socket:
    """A bind; whoever is cut off before it is granted, by what an earlier attack has left, tries again."""
    for _ in range(_TRIES):
        peer = socket.create_connection(("127.0.0.1", port), timeout=10.0, source_address=(address, 0))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            peer.sendall(bind_transceiver(system_id, PASSWORD))
            answer = peer.recv(_CHUNK)
            if answer:
                _, command_id, command_status, _ = HEADER.unpack_from(answer)
                assert (command_id, command_status) == (BIND_TRANSCEIVER_RESP, 0)
                peer.setblocking(False)
                return peer
        peer.close()
    raise AssertionError(f"{system_id} was never bound")


def _send(peer: socket.socket, octets: bytes) -> int:
    with suppress(OSError):
        return peer.send(octets)
    return 0


def _read(peer: socket.socket) -> bytes | None:
    """What there is, None if there is nothing, b"" at the end."""
    try:
        return peer.recv(_CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def is_closed(peer: socket.socket) -> bool:
    """Whether the gateway has ended the connection, behind all that it had to say."""
    while read := _read(peer):
        pass
    return read == b""


def _again_and_again(port: int, until: float, address: str, octets: bytes) -> Count:
    """Connect, send, and when it is over do it again."""
    count: Count = Counter()
    peers: list[socket.socket] = []
    while time.monotonic() < until:
        peer = _connected(port, address, count)
        if peer is not None:
            _send(peer, octets)
            peers.append(peer)
        peers = [peer for peer in peers if not is_closed(peer)]
        time.sleep(_PAUSE_S)
    return count


def _blast(peers: list[socket.socket], until: float, octets: bytes, *, reads: bool = False) -> Count:
    """Send these over and over, as fast as they are taken."""
    count: Count = Counter()
    sent = [0] * len(peers)
    while time.monotonic() < until:
        taken = 0
        for place, peer in enumerate(peers):
            at = sent[place] % len(octets)
            now = _send(peer, octets[at : at + _CHUNK])
            sent[place] += now
            taken += now
            if reads:
                _read(peer)
        if not taken:
            time.sleep(_PAUSE_S)
    count["octets"] = sum(sent)
    return count


def _destinations() -> Iterator[bytes]:
    """Numbers that the carrier's journal has room for, behind those of the good customers."""
    return (destination_of(MESSAGES_MAX + number) for number in cycle(range(_DESTINATIONS)))


def _submits() -> bytes:
    numbers = enumerate(islice(_destinations(), 5000), 2)
    return b"".join(_SUBMIT.build(sequence_number, number) for sequence_number, number in numbers)
