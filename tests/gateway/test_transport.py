from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, cast

import pytest
from structlog.testing import capture_logs
from twisted.internet.base import DelayedCall
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport

from gateway.transport import SessionProtocol
from smpp.address import Address
from smpp.events import BindRequested, Event, PeerUnbound, RequestReceived, ResponseReceived
from smpp.pdu import DeliverSm, SubmitSmResp
from smpp.session import Role, Session, SessionSettings
from smpp.timers import TimerSettings
from tests.gateway.raw_pdus import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESP,
    SUBMIT_SM,
    UNBIND,
    bind,
    raw,
    split,
    submit,
)

DELIVERY = DeliverSm("", Address(0, 1, "1"), Address(0, 1, "2"), 0, 0, 0, "", "", 0, 0, 0, 0, b"hi")


class Tcp(FakeTransport):
    """A transport in memory that remembers what was asked of it."""

    no_delay = False
    paused = False
    half_closed = False
    aborted = False
    writes = 0

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.no_delay = enabled

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False

    def loseWriteConnection(self) -> None:
        self.half_closed = True

    def abortConnection(self) -> None:
        self.aborted = True

    def write(self, data: bytes) -> None:
        self.writes += 1
        super().write(data)  # type: ignore[no-untyped-call]  # Twisted's


class Link(SessionProtocol):
    """Lets everybody in, keeps what it was told, and answers as soon as it is asked unless `lazy`."""

    lazy = False
    handled: list[Event]
    lost_contexts: list[object] | None = None
    on_event: Callable[[Event], None] | None = None

    def opened(self) -> None:
        self.handled = []

    def handle(self, event: Event) -> None:
        self.handled.append(event)
        if self.on_event is not None:
            self.on_event(event)
        if isinstance(event, BindRequested):
            self.accept_bind(event.sequence_number)
        elif isinstance(event, RequestReceived) and not self.lazy:
            self.answer(event.sequence_number)
        elif isinstance(event, PeerUnbound):
            self.finish_unbind()

    def answer(self, sequence_number: int) -> None:
        self.session.respond(sequence_number, SubmitSmResp("77"))

    def lost(self, contexts: list[object]) -> None:
        self.lost_contexts = contexts

    def requests(self) -> list[int]:
        return [event.sequence_number for event in self.handled if isinstance(event, RequestReceived)]


class Ends:
    """A link on a fake reactor, and the peer's view of it."""

    def __init__(
        self,
        *,
        lazy: bool = False,
        inbound_window_max: int = 100,
        send_buffer_max: int = 1000,
        timers: TimerSettings | None = None,
    ) -> None:
        settings = SessionSettings(
            Role.SMSC, timers=timers or TimerSettings(), inbound_window_max=inbound_window_max
        )
        self.clock = Clock()
        self.link = Link(
            lambda now: Session(settings, now), self.clock, send_buffer_max=send_buffer_max, unbind_s=5.0
        )
        self.link.lazy = lazy
        self.transport = Tcp(self.link, isServer=True)  # type: ignore[no-untyped-call]  # Twisted's
        self.link.makeConnection(self.transport)  # type: ignore[no-untyped-call]  # Twisted's

    def bound(self) -> Ends:
        self.says(bind())
        assert self.hears() == [(BIND_TRANSCEIVER | RESP, 0, 1)]
        return self

    def says(self, octets: bytes) -> None:
        self.link.dataReceived(octets)

    def hears(self) -> list[tuple[int, int, int]]:
        """What was written since the last time: (command_id, command_status, sequence_number)."""
        octets = self.transport.getOutBuffer() or b""  # type: ignore[no-untyped-call]  # Twisted's
        return [(pdu.command_id, pdu.command_status, pdu.sequence_number) for pdu in split(octets)]

    def is_paused(self) -> bool:
        return self.transport.paused

    def is_half_closed(self) -> bool:
        return self.transport.half_closed

    def is_cut(self) -> bool:
        return self.transport.aborted

    def peer_ends(self) -> None:
        """The peer sends no more, and may still listen."""
        self.link.readConnectionLost()

    def loses_connection(self) -> None:
        self.link.connectionLost(Failure(ConnectionLost("gone")))  # type: ignore[no-untyped-call]  # Twisted's


def test_a_link_turns_off_nagles_algorithm() -> None:
    assert Ends().transport.no_delay


def test_all_that_one_read_asks_for_is_answered_in_one_write() -> None:
    ends = Ends().bound()
    ends.transport.writes = 0
    ends.says(submit(2) + submit(3) + raw(ENQUIRE_LINK, sequence_number=4))
    assert ends.transport.writes == 1
    assert sorted(ends.hears()) == [
        (SUBMIT_SM | RESP, 0, 2),
        (SUBMIT_SM | RESP, 0, 3),
        (ENQUIRE_LINK | RESP, 0, 4),
    ]


def test_a_read_that_asks_for_nothing_writes_nothing() -> None:
    ends = Ends().bound()
    ends.transport.writes = 0
    ends.says(submit(2)[:20])
    assert ends.transport.writes == 0


def test_an_answer_given_later_goes_out_with_a_flush() -> None:
    ends = Ends(lazy=True).bound()
    ends.says(submit(2) + submit(3))
    assert ends.hears() == []
    ends.link.answer(3)
    ends.link.answer(2)
    ends.link.flush()
    assert ends.hears() == [(SUBMIT_SM | RESP, 0, 3), (SUBMIT_SM | RESP, 0, 2)]


def test_a_flush_while_an_event_is_handled_waits_for_the_end_of_the_read() -> None:
    ends = Ends().bound()
    ends.transport.writes = 0
    ends.link.on_event = lambda event: ends.link.flush()
    ends.says(submit(2) + submit(3))
    assert ends.transport.writes == 1


class TestReading:
    def test_it_stops_while_the_owner_has_as_many_requests_as_it_may(self) -> None:
        ends = Ends(lazy=True, inbound_window_max=2).bound()
        ends.says(submit(2) + submit(3))
        assert not ends.is_paused()
        ends.says(submit(4) + submit(5))
        assert ends.is_paused()
        assert ends.link.requests() == [2, 3]

    def test_it_goes_on_with_what_was_held_back_as_soon_as_there_is_room(self) -> None:
        ends = Ends(lazy=True, inbound_window_max=2).bound()
        ends.says(submit(2) + submit(3) + submit(4))
        ends.link.answer(2)
        ends.link.flush()
        assert ends.link.requests() == [2, 3, 4]
        assert not ends.is_paused()

    def test_a_flush_without_room_hands_out_nothing(self) -> None:
        ends = Ends(lazy=True, inbound_window_max=2).bound()
        ends.says(submit(2) + submit(3) + submit(4))
        ends.link.flush()
        assert ends.link.requests() == [2, 3]
        assert ends.is_paused()

    def test_an_owner_that_answers_at_once_gets_all_of_a_read_larger_than_its_window(self) -> None:
        ends = Ends(inbound_window_max=2).bound()
        ends.says(b"".join(submit(number) for number in range(2, 12)))
        assert ends.link.requests() == list(range(2, 12))
        assert [sequence_number for _, _, sequence_number in ends.hears()] == list(range(2, 12))
        assert not ends.is_paused()

    def test_the_owner_can_stop_it(self) -> None:
        ends = Ends().bound()
        ends.link.stop_reading()
        assert ends.is_paused()
        ends.link.start_reading()
        assert not ends.is_paused()

    def test_nothing_held_back_is_handed_out_while_the_owner_has_stopped_it(self) -> None:
        ends = Ends(lazy=True, inbound_window_max=1).bound()
        ends.says(submit(2) + submit(3))
        ends.link.stop_reading()
        ends.link.answer(2)
        ends.link.flush()
        assert ends.link.requests() == [2]
        ends.link.start_reading()
        assert ends.link.requests() == [2, 3]

    def test_the_peers_silence_is_not_held_against_it_while_the_owner_does_not_listen(self) -> None:
        ends = Ends().bound()
        ends.link.stop_reading()
        ends.clock.pump([10.0] * 30)
        assert ends.hears() == []
        ends.link.start_reading()
        ends.clock.advance(0)
        assert [command_id for command_id, _, _ in ends.hears()] == [ENQUIRE_LINK]


class TestTimer:
    def test_a_silent_peer_is_asked_for_life_when_the_time_has_come(self) -> None:
        ends = Ends(timers=TimerSettings(enquire_link_s=30.0)).bound()
        ends.clock.advance(29.0)
        assert ends.hears() == []
        ends.clock.advance(1.0)
        assert [command_id for command_id, _, _ in ends.hears()] == [ENQUIRE_LINK]

    def test_a_word_from_the_peer_puts_the_question_off(self) -> None:
        ends = Ends(timers=TimerSettings(enquire_link_s=30.0)).bound()
        ends.clock.advance(20.0)
        ends.says(raw(ENQUIRE_LINK, sequence_number=2))
        ends.hears()
        ends.clock.advance(20.0)
        assert ends.hears() == []
        ends.clock.advance(10.0)
        assert [command_id for command_id, _, _ in ends.hears()] == [ENQUIRE_LINK]

    def test_traffic_neither_makes_nor_moves_one(self) -> None:
        ends = Ends().bound()
        (before,) = cast(list[DelayedCall], ends.clock.getDelayedCalls())
        due = before.getTime()
        for number in range(2, 50):
            ends.clock.advance(0.1)
            ends.says(submit(number))
        assert ends.clock.getDelayedCalls() == [before]
        assert before.getTime() == due

    def test_it_is_moved_when_something_nearer_comes_up(self) -> None:
        ends = Ends(timers=TimerSettings(enquire_link_s=30.0, response_s=2.0)).bound()
        ends.link.session.request(DELIVERY, ends.clock.seconds(), "context")
        ends.link.flush()
        ends.clock.advance(2.0)
        assert [getattr(event, "context", None) for event in ends.link.handled[-1:]] == ["context"]

    def test_a_peer_that_never_binds_is_closed(self) -> None:
        ends = Ends(timers=TimerSettings(session_init_s=10.0))
        ends.clock.advance(10.0)
        assert ends.is_half_closed()
        assert ends.link.closed_by == "no bind in time"

    def test_none_is_left_behind_when_the_connection_is_gone(self) -> None:
        ends = Ends().bound()
        ends.loses_connection()
        assert ends.clock.getDelayedCalls() == []


class TestPeerThatDoesNotRead:
    def test_it_is_cut_off_beyond_the_limit(self) -> None:
        ends = Ends(send_buffer_max=100).bound()
        ends.link.pauseProducing()  # the transport's buffer is full
        ends.says(raw(ENQUIRE_LINK, sequence_number=2) * 6)
        assert not ends.is_cut()
        ends.says(raw(ENQUIRE_LINK, sequence_number=3))
        assert ends.is_cut()
        assert ends.link.closed_by == "peer does not read"

    def test_it_is_not_read_either(self) -> None:
        ends = Ends(lazy=True, inbound_window_max=1).bound()
        ends.says(submit(2) + submit(3))
        ends.link.pauseProducing()
        ends.link.answer(2)
        ends.link.flush()
        assert ends.link.is_choked
        assert ends.is_paused()
        assert ends.link.requests() == [2]
        ends.link.resumeProducing()
        assert not ends.is_paused()
        assert ends.link.requests() == [2, 3]

    def test_it_is_cut_off_after_a_while(self) -> None:
        ends = Ends().bound()
        ends.link.pauseProducing()
        ends.clock.advance(29.0)
        assert not ends.is_cut()
        ends.clock.advance(1.0)
        assert ends.is_cut()
        assert ends.link.closed_by == "peer does not read"
        ends.loses_connection()
        assert ends.clock.getDelayedCalls() == []

    def test_it_has_all_the_time_again_once_it_has_read(self) -> None:
        ends = Ends().bound()
        for _ in range(3):
            ends.link.pauseProducing()
            ends.clock.advance(29.0)
            ends.link.resumeProducing()
        assert not ends.is_cut()

    def test_its_answer_to_our_unbind_is_read_all_the_same(self) -> None:
        ends = Ends().bound()
        ends.link.pauseProducing()
        ends.link.start_unbind()
        assert not ends.is_paused()

    def test_it_is_closed_after_our_unbind_though_it_never_answers(self) -> None:
        ends = Ends(timers=TimerSettings(unbind_s=5.0)).bound()
        ends.link.pauseProducing()
        ends.link.start_unbind()
        ends.clock.advance(5.0)
        assert ends.is_half_closed()

    def test_it_is_forgiven_as_soon_as_it_has_read_everything(self) -> None:
        ends = Ends(send_buffer_max=100).bound()
        for _ in range(5):
            ends.link.pauseProducing()
            ends.says(raw(ENQUIRE_LINK, sequence_number=2) * 6)
            ends.link.resumeProducing()
        assert not ends.is_cut()

    def test_one_large_write_to_a_peer_that_reads_is_no_fault(self) -> None:
        ends = Ends(send_buffer_max=100).bound()
        ends.says(raw(ENQUIRE_LINK, sequence_number=2) * 60)
        assert not ends.is_cut()
        assert len(ends.hears()) == 60

    def test_a_full_buffer_does_not_keep_the_link_from_closing(self) -> None:
        ends = Ends().bound()
        ends.link.pauseProducing()
        ends.link.close("test")
        assert ends.transport.producer is None


class TestFailure:
    @pytest.fixture(autouse=True)
    def logs(self) -> Iterator[list[MutableMapping[str, Any]]]:
        with capture_logs() as logs:
            yield logs

    def fail(self, event: Event) -> None:
        raise RuntimeError("a defect")

    def test_a_defect_in_handling_ends_the_link_and_goes_no_further(self) -> None:
        ends = Ends().bound()
        ends.link.on_event = self.fail
        ends.says(submit(2))
        assert ends.is_cut()
        assert ends.link.closed_by == "internal error"

    def test_a_defect_is_logged_with_its_traceback(self, logs: list[MutableMapping[str, Any]]) -> None:
        ends = Ends().bound()
        ends.link.on_event = self.fail
        ends.says(submit(2))
        assert [(line["event"], line["doing"], line["exc_info"]) for line in logs] == [
            ("link.failed", "RequestReceived", True)
        ]

    def test_no_context_of_the_read_is_lost_by_it(self) -> None:
        ends = Ends().bound()
        for context in ("a", "b", "c"):
            ends.link.session.request(DELIVERY, 0.0, context)
        ends.link.flush()
        ends.link.on_event = self.fail
        ends.says(raw(DELIVER_SM | RESP, b"\0", 1) + raw(DELIVER_SM | RESP, b"\0", 3))
        ends.loses_connection()
        answered = [event.context for event in ends.link.handled if isinstance(event, ResponseReceived)]
        assert answered == ["a", "c"]
        assert ends.link.lost_contexts == ["b"]

    def test_a_defect_in_a_timer_ends_the_link_and_goes_no_further(self) -> None:
        ends = Ends(timers=TimerSettings(response_s=2.0)).bound()
        ends.link.session.request(DELIVERY, 0.0, "context")
        ends.link.flush()
        ends.link.on_event = self.fail
        ends.clock.advance(2.0)
        assert ends.is_cut()


class TestEnd:
    def test_lost_framing_is_answered_and_the_link_half_closed(self) -> None:
        ends = Ends().bound()
        ends.says(struct.pack(">I", 15) + bytes(12))
        assert ends.hears() == [(GENERIC_NACK, 2, 0)]
        assert ends.is_half_closed()
        assert not ends.is_cut()
        assert ends.link.closed_by == "framing lost"

    def test_what_still_comes_on_a_closing_link_is_dropped(self) -> None:
        ends = Ends().bound()
        ends.link.close("test")
        ends.hears()
        ends.says(submit(2))
        assert ends.link.requests() == []
        assert ends.hears() == []

    def test_a_closing_link_reads_on_to_see_the_peers_end(self) -> None:
        ends = Ends(lazy=True, inbound_window_max=1).bound()
        ends.says(submit(2) + submit(3))
        assert ends.is_paused()
        ends.link.close("test")
        assert not ends.is_paused()

    def test_a_peer_that_does_not_close_is_cut_off_after_unbind_s(self) -> None:
        ends = Ends().bound()
        ends.link.close("test")
        ends.clock.advance(4.9)
        assert not ends.is_cut()
        ends.clock.advance(0.1)
        assert ends.is_cut()

    def test_the_peers_unbind_is_granted_behind_what_it_is_owed(self) -> None:
        ends = Ends().bound()
        ends.says(submit(2) + raw(UNBIND, sequence_number=3))
        assert ends.hears() == [(SUBMIT_SM | RESP, 0, 2), (UNBIND | RESP, 0, 3)]
        assert ends.is_half_closed()

    def test_a_peer_that_unbinds_and_sends_no_more_gets_its_answer_all_the_same(self) -> None:
        ends = Ends(lazy=True).bound()
        ends.link.handle = lambda event: None  # type: ignore[method-assign]  # its unbind is granted below
        ends.says(raw(UNBIND, sequence_number=2))
        ends.peer_ends()
        assert not ends.transport.disconnecting
        ends.link.finish_unbind()
        assert ends.hears() == [(UNBIND | RESP, 0, 2)]
        assert ends.transport.disconnecting

    def test_a_peer_that_ends_after_our_half_close_is_not_waited_for(self) -> None:
        ends = Ends().bound()
        ends.says(raw(UNBIND, sequence_number=2))
        assert not ends.transport.disconnecting
        ends.peer_ends()
        assert ends.transport.disconnecting

    def test_a_peer_that_ends_without_an_unbind_gets_what_was_written_and_is_lost(self) -> None:
        ends = Ends().bound()
        ends.says(submit(2))
        ends.peer_ends()
        assert ends.hears() == [(SUBMIT_SM | RESP, 0, 2)]
        assert ends.transport.disconnecting
        assert ends.link.closed_by == "the peer has closed"

    def test_our_unbind_closes_the_link_when_it_is_answered(self) -> None:
        ends = Ends().bound()
        ends.link.start_unbind()
        ((command_id, _, sequence_number),) = ends.hears()
        assert command_id == UNBIND
        assert not ends.is_half_closed()
        ends.says(raw(UNBIND | RESP, sequence_number=sequence_number))
        assert ends.is_half_closed()
        assert ends.link.closed_by == "unbound"

    def test_our_unbind_refuses_what_was_held_back(self) -> None:
        ends = Ends(lazy=True, inbound_window_max=1).bound()
        ends.says(submit(2) + submit(3))
        ends.link.start_unbind()
        assert (SUBMIT_SM | RESP, 8, 3) in ends.hears()

    def test_our_unbind_reads_its_answer_though_the_owner_had_stopped_reading(self) -> None:
        ends = Ends().bound()
        ends.link.stop_reading()
        ends.link.start_unbind()
        assert not ends.is_paused()

    def test_an_unbind_of_a_link_that_is_not_bound_just_closes_it(self) -> None:
        ends = Ends()
        ends.link.start_unbind()
        assert ends.hears() == []
        assert ends.is_half_closed()

    def test_too_many_refused_binds_close_the_link(self) -> None:
        ends = Ends()
        ends.link.lazy = True

        def refuse(event: Event) -> None:
            if isinstance(event, BindRequested):
                ends.link.refuse_bind(event.sequence_number, 0x0E)

        ends.link.handle = refuse  # type: ignore[method-assign]
        for number in (1, 2, 3):
            assert not ends.is_half_closed()
            ends.says(bind(number))
            assert ends.hears() == [(BIND_TRANSCEIVER | RESP, 0x0E, number)]
        assert ends.is_half_closed()

    def test_a_lost_connection_hands_back_the_requests_without_a_response(self) -> None:
        ends = Ends().bound()
        ends.link.session.request(DELIVERY, 0.0, "context")
        ends.link.flush()
        ends.loses_connection()
        assert ends.link.lost_contexts == ["context"]
        assert "gone" in ends.link.closed_by

    def test_the_owner_may_answer_flush_and_close_a_link_that_is_gone(self) -> None:
        ends = Ends(lazy=True).bound()
        ends.says(submit(2))
        ends.loses_connection()
        ends.link.answer(2)
        ends.link.flush()
        ends.link.start_reading()
        ends.link.start_unbind()
        ends.link.close("test")
        ends.link.abort("test")
        assert ends.hears() == []
        assert not ends.is_cut()
        assert ends.clock.getDelayedCalls() == []
