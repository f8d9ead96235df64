from __future__ import annotations

from itertools import pairwise
from struct import pack
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.errors import PduError
from smpp.framer import Frame, Framer

FRAMES = st.lists(
    st.builds(
        Frame,
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFFFFFF),
        st.binary(max_size=40),
    ),
    max_size=5,
)


def octets(frame: Frame) -> bytes:
    header = (16 + len(frame.body), frame.command_id, frame.command_status, frame.sequence_number)
    return pack(">IIII", *header) + frame.body


def drain(framer: Framer) -> list[Frame]:
    return list(iter(framer.next_frame, None))


def test_an_enquire_link_is_read() -> None:
    framer = Framer(256)
    framer.feed(bytes.fromhex("00000010 00000015 00000000 00000007"))
    assert framer.next_frame() == Frame(0x15, 0, 7, b"")
    assert framer.next_frame() is None


def test_header_values_of_the_highest_bit_are_read_unsigned() -> None:
    framer = Framer(256)
    framer.feed(bytes.fromhex("00000011 80000004 ffffffff fffffffe 00"))
    assert framer.next_frame() == Frame(0x80000004, 0xFFFFFFFF, 0xFFFFFFFE, b"\0")


@given(FRAMES, st.lists(st.integers(0, 400)))
def test_any_chunking_gives_the_frames_of_one_chunk(frames: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(map(octets, frames))
    framer, seen = Framer(256), []
    for start, end in pairwise([0, *sorted(cuts), len(stream)]):
        framer.feed(stream[start : max(start, end)])
        seen += drain(framer)
    assert seen == frames
    assert framer.buffered == 0


@given(FRAMES)
def test_byte_by_byte_gives_the_frames_of_one_chunk(frames: list[Frame]) -> None:
    framer, seen = Framer(256), []
    for octet in b"".join(map(octets, frames)):
        framer.feed(bytes([octet]))
        seen += drain(framer)
    assert seen == frames


@given(FRAMES, st.integers(1, 60))
def test_frames_taken_late_are_those_taken_at_once(frames: list[Frame], chunk: int) -> None:
    stream = b"".join(map(octets, frames))
    framer, seen = Framer(256), []
    for start in range(0, len(stream), chunk):
        framer.feed(stream[start : start + chunk])
        if (frame := framer.next_frame()) is not None:
            seen.append(frame)
    assert framer.buffered == len(stream) - sum(len(octets(frame)) for frame in seen)
    assert seen + drain(framer) == frames


def test_a_large_frame_comes_whole_out_of_small_pieces() -> None:
    frame = Frame(0x04, 0, 1, bytes(range(256)) * 256)
    framer = Framer(70_000)
    stream = octets(frame)
    for start in range(0, len(stream) - 3, 3):
        framer.feed(stream[start : start + 3])
        assert framer.next_frame() is None
    framer.feed(stream[-(len(stream) % 3 or 3) :])
    assert framer.next_frame() == frame


@pytest.mark.parametrize("length", [0, 15, 101, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wrong_length_is_fatal_as_soon_as_its_four_octets_are_there(length: int) -> None:
    framer = Framer(100)
    framer.feed(pack(">I", length)[:3])
    assert framer.next_frame() is None
    framer.feed(pack(">I", length)[3:])
    for _ in range(2):
        with pytest.raises(PduError) as caught:
            framer.next_frame()
        assert caught.value.fatal
        assert caught.value.command_status == 0x02


@pytest.mark.parametrize("length", [15, 101])
def test_a_wrong_length_in_a_whole_header_is_fatal(length: int) -> None:
    framer = Framer(100)
    framer.feed(pack(">IIII", length, 0x04, 0, 1))
    with pytest.raises(PduError):
        framer.next_frame()


@pytest.mark.parametrize("length", [16, 100])
def test_the_shortest_and_the_longest_allowed_length_pass(length: int) -> None:
    framer = Framer(100)
    framer.feed(pack(">IIII", length, 0x04, 0, 1) + bytes(length - 16))
    assert framer.next_frame() == Frame(0x04, 0, 1, bytes(length - 16))


def test_a_line_of_text_is_not_a_pdu() -> None:
    framer = Framer(70_000)
    framer.feed(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(PduError):
        framer.next_frame()


def test_the_frames_before_a_wrong_length_are_handed_out_first() -> None:
    framer = Framer(100)
    framer.feed(octets(Frame(0x15, 0, 1, b"")) + b"\xff\xff\xff\xff")
    assert framer.next_frame() == Frame(0x15, 0, 1, b"")
    with pytest.raises(PduError):
        framer.next_frame()


def test_a_raised_limit_holds_for_the_next_frame() -> None:
    large = Frame(0x04, 0, 2, bytes(1000))
    framer = Framer(256)
    framer.feed(octets(Frame(0x09, 0, 1, b"")) + octets(large))
    assert framer.next_frame() == Frame(0x09, 0, 1, b"")
    framer.pdu_max = 70_000
    assert framer.next_frame() == large


def test_what_no_frame_has_taken_is_counted() -> None:
    framer = Framer(256)
    framer.feed(octets(Frame(0x15, 0, 1, b"")) + b"\0\0")
    assert framer.buffered == 18
    framer.next_frame()
    assert framer.buffered == 2
    framer.feed(b"\0")
    assert framer.buffered == 3


def test_the_time_for_a_frame_in_small_pieces_grows_with_its_length_only() -> None:
    # Joining what is there on every piece would copy 30 GB.
    framer, size, piece = Framer(1 << 20), 1 << 20, bytes(16)
    started = process_time()
    framer.feed(pack(">IIII", size, 0x04, 0, 1))
    for _ in range(size // 16 - 1):
        assert framer.next_frame() is None
        framer.feed(piece)
    assert framer.next_frame() == Frame(0x04, 0, 1, bytes(size - 16))
    assert process_time() - started < 2
