"""What a session tells its owner.

An event is a fact that has happened; the session has already queued whatever answer the protocol itself owes.
Events come out in the order of the octets that caused them.
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum

from smpp.pdu import AlertNotification, Bind, Outbind, Pdu
from smpp.value import value


class CloseReason(Enum):
    """Why a session is over although nobody asked for an unbind."""

    FRAMING_LOST = "framing lost"
    SESSION_INIT = "no bind in time"
    BIND_TRIES = "too many refused binds"
    PEER_SILENT = "enquire_link unanswered twice"
    INACTIVITY = "unbound for inactivity"


@value(frozen=True, slots=True)
class BindRequested:
    """A peer wants to bind: answer with `Session.accept_bind` or `Session.refuse_bind`."""

    sequence_number: int
    bind: Bind


@value(frozen=True, slots=True)
class RequestReceived:
    """A well-formed request, legal in this state: answer with `Session.respond`.

    `body` is what `pdu` was read from, octet by octet, for whoever passes it on.
    """

    sequence_number: int
    pdu: Pdu
    body: bytes = field(default=b"", compare=False, repr=False)


@value(frozen=True, slots=True)
class AlertReceived:
    """The SMSC says that a subscriber can be reached again; there is nothing to answer."""

    pdu: AlertNotification


@value(frozen=True, slots=True)
class OutbindReceived:
    """The SMSC that connected here asks for a bind: verify it, then call `Session.bind` or close."""

    pdu: Outbind


@value(frozen=True, slots=True)
class ResponseReceived:
    """The answer to an own request, whose window slot is free again.

    `context` is what the owner passed with the request. `pdu` is None when the body was malformed, and a
    GenericNack when the peer answered with one; read `command_status` first.
    """

    sequence_number: int
    command_status: int
    pdu: Pdu | None
    context: object


@value(frozen=True, slots=True)
class LateResponse:
    """An answer after `RequestTimedOut` was reported for its request; kept for the most recent ones only."""

    command_status: int
    pdu: Pdu | None
    context: object


@value(frozen=True, slots=True)
class RequestTimedOut:
    """response_timer ran out for an own request, whose window slot is free again."""

    sequence_number: int
    context: object


@value(frozen=True, slots=True)
class Bound:
    """The peer accepted our bind. `bind_type` is the command_id of the bind."""

    bind_type: int
    interface_version: int


@value(frozen=True, slots=True)
class BindRefused:
    """The peer refused our bind; the session is OPEN and may try again."""

    command_status: int


@value(frozen=True, slots=True)
class PeerUnbound:
    """The peer sent unbind: finish the requests in flight, then call `Session.finish_unbind`."""


@value(frozen=True, slots=True)
class Unbound:
    """Our unbind was answered, or its timer ran out: flush, then close the transport."""


@value(frozen=True, slots=True)
class ProtocolFault:
    """The peer broke the protocol and has been answered already; for logs and counters.

    `command_status` is what was answered, 0 if the PDU was ignored. `command_id` is 0 if framing was lost.
    """

    command_status: int
    reason: str
    command_id: int


@value(frozen=True, slots=True)
class CloseRequired:
    """The session is over: flush what `Session.data_to_send` holds, then close the transport."""

    reason: CloseReason


Event = (
    BindRequested
    | RequestReceived
    | ResponseReceived
    | LateResponse
    | RequestTimedOut
    | Bound
    | BindRefused
    | PeerUnbound
    | Unbound
    | ProtocolFault
    | CloseRequired
    | AlertReceived
    | OutbindReceived
)
