"""What framer and session hold on to, in octets allocated, whatever lengths a peer announces."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from struct import pack

import pytest

from smpp import codec
from smpp.errors import PduError
from smpp.framer import Framer
from smpp.session import Role, Session, SessionSettings, State
from tests.smpp.session_peer import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    SUBMIT_MULTI,
    SUBMIT_SM,
    bind_as,
    raw,
    submit_sm,
)

PDU_MAX = 70_000
CHUNK = 65_536
# A growing buffer is given an eighth more than it needs; the objects themselves are small.
SPARE = PDU_MAX // 8 + 6_000
WIDEST = (
    b"\0"
    + b"\x01\x01"
    + b"10\0"
    + b"\xfe"
    + b"".join(b"\x01\x01\x01" + b"86138%015d\0" % n for n in range(254))
    + bytes(9)
    + b"\xfe"
    + bytes(254)
)
VENDOR_TLV = pack(">HH", 0x1400, 0)


def held(feed: Callable[[], object]) -> int:
    """How many octets more are allocated after `feed` than before, while its answer lives."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = feed()
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        del kept
        return after - before
    finally:
        tracemalloc.stop()


def drain(framer: Framer) -> None:
    while framer.next_frame() is not None:
        pass


@pytest.mark.parametrize("piece", [1, 7, 1_000, CHUNK])
def test_a_frame_that_never_ends_takes_no_more_than_it_may_be_long(piece: int) -> None:
    octets = pack(">I", PDU_MAX) + bytes(PDU_MAX - 5)

    def feed() -> Framer:
        framer = Framer(PDU_MAX)
        for at in range(0, len(octets), piece):
            framer.feed(octets[at : at + piece])
            drain(framer)
        return framer

    assert held(feed) <= PDU_MAX + SPARE


@pytest.mark.parametrize("length", [0, 15, PDU_MAX + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_is_refused_takes_nothing(length: int) -> None:
    def feed() -> Session:
        session = bound()
        session.receive_data(pack(">I", length), 0.0)
        for _ in range(100):
            session.receive_data(bytes(CHUNK), 0.0)
        session.data_to_send()
        return session

    assert held(feed) <= SPARE


@pytest.mark.parametrize("rest", [0, 3, 15, 100])
def test_a_chunk_is_not_kept_for_its_last_octets(rest: int) -> None:
    chunk = raw(ENQUIRE_LINK, 1) * (CHUNK // 16) + pack(">I", 200) + bytes(196)
    chunk = chunk[: CHUNK + rest]

    def feed() -> Framer:
        framer = Framer(PDU_MAX)
        framer.feed(bytes(bytearray(chunk)))
        drain(framer)
        return framer

    assert held(feed) <= 6_000


@pytest.mark.parametrize("rest", [0, 3, 15, 100])
def test_the_octets_behind_a_chunk_still_become_frames(rest: int) -> None:
    frames = raw(ENQUIRE_LINK, 1) * 3 + raw(DELIVER_SM, 2, bytes(184)) + raw(ENQUIRE_LINK, 3)
    framer = Framer(PDU_MAX)
    framer.feed(frames[: 48 + rest])
    drain(framer)
    assert framer.buffered == rest
    framer.feed(frames[48 + rest :])
    assert [frame and frame.sequence_number for frame in (framer.next_frame(), framer.next_frame())] == [2, 3]


def test_a_full_window_of_the_longest_pdus_is_held_by_its_numbers_only() -> None:
    body = submit_sm(1)[16:]
    tlvs = VENDOR_TLV * 500 + pack(">HH", 0x1400, 60_000) + bytes(60_000)
    longest = body + tlvs + VENDOR_TLV * ((PDU_MAX - 16 - len(body) - len(tlvs)) // 4)

    def feed() -> Session:
        session = bound()
        for number in range(1, 102):
            session.receive_data(raw(SUBMIT_SM, number, longest), 0.0)
        assert session.blocked
        return session

    # The one beyond the window is held back whole, with the chunk that it came in.
    assert held(feed) <= 2 * PDU_MAX + SPARE


def test_a_full_window_of_the_widest_submit_multi_is_held_by_its_numbers_only() -> None:
    session = bound()
    body = WIDEST

    def feed() -> Session:
        for number in range(1, 101):
            session.receive_data(raw(SUBMIT_MULTI, number, body), 0.0)
        assert session.unanswered == 100
        return session

    assert held(feed) <= SPARE + len(body)


def test_the_widest_submit_multi_takes_a_few_times_its_octets() -> None:
    assert held(lambda: codec.decode(SUBMIT_MULTI, WIDEST)) <= 8 * len(WIDEST)


@pytest.mark.parametrize("count", [0, 255])
def test_nothing_is_gathered_for_too_many_destinations(count: int) -> None:
    body = WIDEST[:6] + bytes((count,)) + WIDEST[7:]

    def feed() -> str:
        with pytest.raises(PduError) as caught:
            codec.decode(SUBMIT_MULTI, body)
        assert caught.value.command_status == 0x33
        return caught.value.reason

    feed()
    # A table of the interpreter's own that grows meanwhile counts too, but not each time.
    assert min(held(feed) for _ in range(3)) <= 1_000


def test_a_peer_that_answers_nothing_makes_nothing_grow() -> None:
    """Requests that time out are remembered, the latest `late_max` of them, without their bodies."""
    body = submit_sm(1)[16:] + VENDOR_TLV * 10_000

    def feed() -> Session:
        session = bound(Role.ESME)
        for minute in range(20):
            for number in range(10):
                session.request_body(SUBMIT_SM, body, 60.0 * minute, number)
            session.data_to_send()
            session.tick(60.0 * minute + 11)
            session.receive_data(raw(ENQUIRE_LINK, 1), 60.0 * minute + 12)
            session.data_to_send()
        return session

    assert held(feed) <= 60_000


def bound(role: Role = Role.SMSC) -> Session:
    session = Session(SessionSettings(role, pdu_max=PDU_MAX, strict=False), 0.0)
    bind_as(session, role, BIND_TRANSCEIVER)
    assert session.state is State.BOUND_TRX
    return session
