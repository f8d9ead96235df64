"""Whatever octets a carrier sends: nothing is raised, and every submit is told of at most once."""

from __future__ import annotations

import struct
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.gateway.carriers.link_ends import Ends, bound_ends, ids
from tests.gateway.carriers.peer import deliver, submit_resp
from tests.gateway.raw_pdus import ENQUIRE_LINK, raw

COMMANDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xB, 0x15, 0x21, 0x102, 0x103, 0x111]
command_ids = st.sampled_from([*COMMANDS, *(c | 0x80000000 for c in COMMANDS)]) | st.integers(0, 0xFFFFFFFF)
pdus = st.builds(
    raw,
    command_ids,
    st.binary(max_size=60),
    st.integers(0, 6) | st.integers(0, 0xFFFFFFFF),
    st.just(0) | st.integers(0, 0xFFFFFFFF),
)
deliveries = st.builds(deliver, st.integers(0, 20), st.binary(max_size=100))
streams = st.lists(pdus | deliveries | st.binary(max_size=40), max_size=12).map(b"".join)


def feed(ends: Ends, octets: bytes, cuts: list[int], pause_s: float = 1.0) -> list[str]:
    """Send octets in pieces, then be silent; the names of the errors that were logged."""
    with capture_logs() as logs:
        at = 0
        for cut in [*cuts, len(octets)]:
            ends.peer.send(octets[at : at + cut])
            at += cut
            ends.link.respond([number for number, _ in ends.heard.deliveries])
            ends.heard.deliveries.clear()
            ends.clock.advance(pause_s)
        for _ in range(30):
            ends.clock.advance(10)
    return [str(entry["event"]) for entry in logs if entry["log_level"] == "error"]


@given(streams, st.lists(st.integers(1, 50), max_size=5))
def test_a_link_that_is_not_bound_survives_any_octets(octets: bytes, cuts: list[int]) -> None:
    ends = Ends()
    assert feed(ends, octets, cuts) == []
    assert len(ends.heard.losses) <= 1


@given(streams, st.lists(st.integers(1, 50), max_size=5))
def test_a_bound_link_survives_any_octets_and_tells_every_submit_once(octets: bytes, cuts: list[int]) -> None:
    ends = bound_ends()
    ends.submit(1, 2, 3)
    assert feed(ends, octets, cuts) == []
    if not ends.connection.over:
        ends.peer.lose()
    (lost,) = ends.heard.losses
    told = [*ids([a.attempt for a in ends.heard.answers]), *ids(ends.heard.timeouts), *ids(lost)]
    assert Counter(told) == Counter((1, 2, 3))
    assert set(ids([a.attempt for a in ends.heard.late_answers])) <= set(ids(ends.heard.timeouts))
    assert ends.clock.getDelayedCalls() == []


@given(st.lists(st.integers(1, 30), max_size=20))
def test_the_same_pdus_in_any_pieces_are_the_same(cuts: list[int]) -> None:
    ends = bound_ends()
    numbers = ends.submit(1, 2)
    octets = raw(ENQUIRE_LINK, b"", 3) + submit_resp(numbers[1]) + deliver(4, b"hi") + submit_resp(numbers[0])
    assert feed(ends, octets, cuts, 0.0) == []
    assert ids([answer.attempt for answer in ends.heard.answers]) == [2, 1]


@given(st.integers(0, 15) | st.integers(70_001, 0xFFFFFFFF))
def test_a_length_that_cannot_be_always_ends_the_connection(command_length: int) -> None:
    ends = bound_ends()
    ends.peer.send(struct.pack(">I", command_length))
    ends.clock.advance(0)
    assert ends.connection.over
