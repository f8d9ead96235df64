"""A Twisted connection that speaks through a sans-IO session.

The session decides, the link moves octets: what was read goes in with the time of reading, the events
that come out are handled one by one, and what the session then has to say is written once per read.
A link of ours is a subclass with a `handle` of its own.

Reading stops while the session has as many unanswered requests as it allows, while the owner says so
(`stop_reading`), and while the peer does not read: TCP then slows the peer down, and what may still be
written to it is what its session owes. A peer that has not read for `send_stall_s`, or has left
`send_buffer_max` octets unread, is cut off.

The session's timers share one of ours. It is looked at after each flush and moved only when the next deadline
is nearer than it; a deadline that has moved away lets it fire for nothing, which is cheaper than moving it
with every PDU.

A link ends by `close` (write, half-close, wait for the peer's end, so that nothing written is lost to a
reset) or by `abort`. The peer may half-close, too: right after its unbind, for one, which is answered.
Whatever goes wrong while handling a peer's octets ends that peer's link only.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable
from typing import cast

import structlog
from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IHalfCloseableProtocol, ISSLTransport, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

from gateway.reactor import ReactorTime
from gateway.tls import reason_of
from smpp.events import CloseRequired, Event, Unbound
from smpp.session import Session, State

log = structlog.get_logger()


class Transport(typing.Protocol):
    """What we use of a stream transport, plain or TLS (zope interfaces carry no types for mypy)."""

    def write(self, data: bytes) -> None: ...
    def loseConnection(self) -> None: ...
    def loseWriteConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def registerProducer(self, producer: object, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def setTcpNoDelay(self, enabled: bool) -> None: ...
    def getPeer(self) -> object: ...


@implementer(IHalfCloseableProtocol)
class SessionProtocol(Protocol):
    """One connection and its session, for either role. Subclass it and override the three hooks.

    `make_session` makes the session when the connection is there, given the time. `unbind_s` is how long
    a closed link waits for the peer's end before it is cut. For logs, `peer` is the peer's `host:port`, that
    of the connection unless its factory knows better, and `closed_by` says why the link ended.
    """

    session: Session
    _transport: Transport

    def __init__(
        self,
        make_session: Callable[[float], Session],
        reactor: ReactorTime,
        *,
        send_buffer_max: int = 4_194_304,
        send_stall_s: float = 30.0,
        unbind_s: float = 5.0,
    ) -> None:
        self.reactor = reactor
        self.peer = ""
        self.closed_by = ""
        self._make_session = make_session
        self._send_buffer_max = send_buffer_max
        self._send_stall_s = send_stall_s
        self._unbind_s = unbind_s
        self._unread_by_peer: int | None = None  # octets written since the transport's buffer filled up
        self._stall: DelayedCall | None = None
        self._timer: DelayedCall | None = None
        self._timer_at = 0.0
        self._handling = False
        self._blocked_at = 0  # how many requests were unanswered when the session last held one back
        self._held = False
        self._reading = True
        self._closing = False
        self._peer_ended = False
        self._ended = False

    # -- for the subclass

    def opened(self) -> None:
        """The connection is there and `session` is made."""

    def handle(self, event: Event) -> None:
        """The session says something. What is queued while handling is written after the whole read."""

    def lost(self, contexts: list[object]) -> None:
        """The connection is gone; `contexts` are those of our requests that were not answered."""

    # -- for the owner

    @property
    def is_choked(self) -> bool:
        """Whether the peer has left unread what it was sent."""
        return self._unread_by_peer is not None

    def flush(self) -> None:
        """Write what the session has queued; take up requests that waited for room; look at the timer.

        Call it once after a batch of `session.respond` and `session.request`. While an event is being
        handled it does nothing, since a flush follows anyway; on a link that has ended it does nothing.
        """
        if self._handling or self._ended:
            return
        self._write()
        while self.session.blocked and self._has_room():
            self._receive(b"")
            self._write()
        self._balance_reading()
        self._look_at_timer()

    def stop_reading(self) -> None:
        """Take nothing more from the peer until `start_reading`; what was read already still comes.

        The session's timers rest meanwhile: the peer's silence is our doing.
        """
        self._held = True
        self._balance_reading()

    def start_reading(self) -> None:
        """Undo `stop_reading`."""
        self._held = False
        self.flush()

    def accept_bind(self, sequence_number: int) -> None:
        """Let the peer in."""
        self.session.accept_bind(sequence_number, self.reactor.seconds())
        self.flush()

    def refuse_bind(self, sequence_number: int, command_status: int) -> None:
        """Do not; after too many tries the link closes."""
        self._handle_all(self.session.refuse_bind(sequence_number, command_status, self.reactor.seconds()))
        self.flush()

    def start_unbind(self) -> None:
        """Ask the peer to part; the link closes when it has answered or its time is over.

        A link that is not bound closes at once.
        """
        if self._ended or not self.session.state.is_bound:
            self.close("not bound")
            return
        self.session.unbind(self.reactor.seconds())
        if self.session.blocked:
            self._receive(b"")  # what was held back is refused now
        self.flush()

    def finish_unbind(self) -> None:
        """Grant the peer's unbind, and close."""
        self.session.finish_unbind()
        self.close("unbound by peer")

    def close(self, reason: str) -> None:
        """Write what is queued, then end the connection; cut it when the peer does not follow in time."""
        if self._closing or self._ended or not self._write():
            return
        self._closing = True
        self.closed_by = reason
        self._balance_reading()
        self._cancel_timers()
        self._timer = self.reactor.callLater(self._unbind_s, self.abort, f"{reason}, peer did not close")
        self._end_output()

    def abort(self, reason: str) -> None:
        """Cut the connection without another word."""
        if self._ended:
            return
        self._ended = True
        self.closed_by = reason
        self._cancel_timers()
        self._transport.abortConnection()

    # -- Twisted's Protocol

    def connectionMade(self) -> None:
        transport = self._transport = cast(Transport, self.transport)
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)  # with Nagle on, small windows wait 40 ms for delayed acks
        transport.registerProducer(self, True)
        self.peer = self.peer or address_text(transport.getPeer())
        self.session = self._make_session(self.reactor.seconds())
        self.opened()
        self.flush()

    def dataReceived(self, data: bytes) -> None:
        if self._closing or self._ended:
            return
        self._receive(data)
        self.flush()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._ended = True
        self._cancel_timers()
        if not self.closed_by:
            self.closed_by = reason_of(reason)
        self.lost(self.session.connection_lost())

    # -- IHalfCloseableProtocol

    def readConnectionLost(self) -> None:
        """The peer sends no more, but may still listen: to the answer to its unbind, for one."""
        self._peer_ended = True
        if self._closing:
            self._transport.loseConnection()
        elif self.session.state is not State.PEER_UNBINDING:
            self.close("the peer has closed")

    def writeConnectionLost(self) -> None:
        pass

    # -- IPushProducer, called by the transport when its buffer is full, or empty again

    def pauseProducing(self) -> None:
        if self._unread_by_peer is None and not self._ended:
            self._unread_by_peer = 0
            self._stall = self.reactor.callLater(self._send_stall_s, self._stalled)
            self._balance_reading()

    def resumeProducing(self) -> None:
        self._unread_by_peer = None
        self._cancel_stall()
        self.flush()

    def stopProducing(self) -> None:
        pass

    # -- inside

    def _receive(self, data: bytes) -> None:
        try:
            events = self.session.receive_data(data, self.reactor.seconds())
        except Exception:
            self._fail("receive_data")
            return
        if self.session.blocked:
            self._blocked_at = self.session.unanswered
        self._handle_all(events)

    def _has_room(self) -> bool:
        """Whether a request that the session holds back may be handed out now."""
        stopped = self._is_deaf or self._closing or self._ended
        return not stopped and self.session.unanswered < self._blocked_at

    def _handle_all(self, events: Iterable[Event]) -> None:
        """Every event is handled, even after one has failed: each may carry a context that must not go."""
        outer, self._handling = self._handling, True
        for event in events:
            try:
                self.handle(event)
            except Exception:
                self._fail(type(event).__name__)
            if isinstance(event, CloseRequired):
                self.close(event.reason.value)
            elif isinstance(event, Unbound):
                self.close("unbound")
        self._handling = outer

    def _fail(self, doing: str) -> None:
        log.exception("link.failed", peer=self.peer, doing=doing)
        self.abort("internal error")

    def _write(self) -> bool:
        """Write what the session has queued; False when the peer does not read and was cut off for it."""
        output = self.session.data_to_send()
        if not output or self._ended:
            return not self._ended
        if self._unread_by_peer is not None:
            self._unread_by_peer += len(output)
            if self._unread_by_peer > self._send_buffer_max:
                self.abort("peer does not read")
                return False
        self._transport.write(output)
        return True

    def _end_output(self) -> None:
        transport = self._transport
        transport.unregisterProducer()  # a transport with a paused producer would wait for it, not close
        half_closes = ITCPTransport.providedBy(transport) and not ISSLTransport.providedBy(transport)
        if half_closes and not self._peer_ended:
            transport.loseWriteConnection()
        else:
            transport.loseConnection()

    @property
    def _is_deaf(self) -> bool:
        """Whether nothing is to be read: the peer's silence is then our doing, and the timers rest."""
        # The answer to our unbind must be read, and new requests are refused then.
        return (self._held or self.is_choked) and self.session.state is not State.UNBINDING

    def _balance_reading(self) -> None:
        # A closing link reads on, and drops what it reads, to see the peer's end.
        wanted = self._closing or not (self._is_deaf or self.session.blocked)
        if wanted == self._reading or self._ended:
            return
        self._reading = wanted
        if wanted:
            self._transport.resumeProducing()
        else:
            self._transport.pauseProducing()

    def _look_at_timer(self) -> None:
        if self._is_deaf or self._closing or self._ended:
            return
        deadline = self.session.next_deadline()
        if deadline is None or (self._timer is not None and deadline >= self._timer_at):
            return
        delay = max(0.0, deadline - self.reactor.seconds())
        if self._timer is None:
            self._timer = self.reactor.callLater(delay, self._timer_fired)
        else:
            self._timer.reset(delay)
        self._timer_at = deadline

    def _timer_fired(self) -> None:
        self._timer = None
        if self._is_deaf:
            return
        try:
            events = self.session.tick(self.reactor.seconds())
        except Exception:
            self._fail("tick")
            return
        self._handle_all(events)
        self.flush()

    def _stalled(self) -> None:
        self._stall = None
        self.abort("peer does not read")

    def _cancel_timers(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        self._cancel_stall()

    def _cancel_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


def address_text(address: object) -> str:
    """An address of Twisted's as `host:port`, or what it calls itself."""
    host = getattr(address, "host", None)
    return str(address) if host is None else f"{host}:{getattr(address, 'port', '')}"
