"""The other end of a session under test: octets by smpplib's encoder or by hand, never by our own."""

from __future__ import annotations

from struct import pack, unpack_from
from typing import NamedTuple, cast

from smpplib.smpp import make_pdu

from smpp.address import Address
from smpp.events import BindRequested, Bound, Event
from smpp.pdu import Bind
from smpp.session import Role, Session, SessionSettings, State
from smpp.timers import TimerSettings

RESPONSE = 0x80000000
GENERIC_NACK = 0x80000000
BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x01, 0x02, 0x09
QUERY_SM, SUBMIT_SM, DELIVER_SM, UNBIND, REPLACE_SM, CANCEL_SM = 0x03, 0x04, 0x05, 0x06, 0x07, 0x08
OUTBIND, ENQUIRE_LINK, SUBMIT_MULTI, ALERT_NOTIFICATION, DATA_SM = 0x0B, 0x15, 0x21, 0x102, 0x103

ESME_RINVCMDLEN, ESME_RINVCMDID, ESME_RINVBNDSTS, ESME_RALYBND, ESME_RSYSERR = 0x02, 0x03, 0x04, 0x05, 0x08

_SOURCE, _DESTINATION = b"\x01\x01" + b"106900001234\0", b"\x01\x01" + b"8613800138000\0"
BODIES = {
    SUBMIT_MULTI: b"\0" + _SOURCE + b"\2\1" + _DESTINATION + b"\2list\0" + bytes(9) + b"\2hi",
    QUERY_SM: b"42\0" + _SOURCE,
    CANCEL_SM: b"\0" + b"42\0" + _SOURCE + b"\0\0\0",
    REPLACE_SM: b"42\0" + _SOURCE + bytes(4) + b"\2hi",
    DATA_SM: b"\0" + _SOURCE + _DESTINATION + b"\0\0\0" + b"\x04\x24\0\2hi",
    ALERT_NOTIFICATION: _DESTINATION + _SOURCE,
    OUTBIND: b"smsc\0secret\0",
}
"""Bodies by hand, of the requests that smpplib cannot write or a session treats in its own way."""

BIND_OF = {
    State.BOUND_TX: BIND_TRANSMITTER,
    State.BOUND_RX: BIND_RECEIVER,
    State.BOUND_TRX: BIND_TRANSCEIVER,
}
BIND_NAMES = {
    BIND_RECEIVER: "bind_receiver",
    BIND_TRANSMITTER: "bind_transmitter",
    BIND_TRANSCEIVER: "bind_transceiver",
}


class Wire(NamedTuple):
    """A PDU as it crosses the wire."""

    command_id: int
    command_status: int
    sequence_number: int
    body: bytes = b""


def raw(command_id: int, sequence_number: int, body: bytes = b"", command_status: int = 0) -> bytes:
    """A PDU by hand."""
    return pack(">IIII", 16 + len(body), command_id, command_status, sequence_number) + body


def bind_pdu(bind_type: int, sequence_number: int = 1, interface_version: int = 0x34) -> bytes:
    """A bind by smpplib."""
    pdu = make_pdu(BIND_NAMES[bind_type], client=None, sequence=0, system_id="alice", password="secret")
    pdu.sequence = sequence_number
    pdu.interface_version = interface_version
    return cast(bytes, pdu.generate())


def bind_resp(bind_type: int, sequence_number: int, tlvs: bytes = b"\x02\x10\x00\x01\x34") -> bytes:
    """A bind response by hand: system_id "smsc" and, unless told otherwise, sc_interface_version 0x34."""
    return raw(bind_type | RESPONSE, sequence_number, b"smsc\0" + tlvs)


def message(name: str, sequence_number: int, text: bytes = b"hi", **fields: object) -> bytes:
    """A submit_sm or deliver_sm by smpplib."""
    fields = {"source_addr": "106900001234", "destination_addr": "8613800138000", **fields}
    pdu = make_pdu(name, client=None, sequence=0, short_message=text, **fields)
    pdu.sequence = sequence_number
    return cast(bytes, pdu.generate())


def submit_sm(sequence_number: int, text: bytes = b"hi") -> bytes:
    """A submit_sm by smpplib."""
    return message("submit_sm", sequence_number, text)


def deliver_sm(sequence_number: int, text: bytes = b"hi") -> bytes:
    """A deliver_sm by smpplib."""
    return message("deliver_sm", sequence_number, text)


def submit_sm_resp(sequence_number: int, message_id: bytes = b"id") -> bytes:
    """A submit_sm_resp by hand."""
    return raw(SUBMIT_SM | RESPONSE, sequence_number, message_id + b"\0")


def deliver_sm_resp(sequence_number: int, command_status: int = 0) -> bytes:
    """A deliver_sm_resp by hand, with its empty message_id."""
    return raw(DELIVER_SM | RESPONSE, sequence_number, b"\0", command_status)


def sent(session: Session) -> list[Wire]:
    """What the session queued, cut up without the help of its own framer."""
    data, wires = session.data_to_send(), []
    while data:
        length, command_id, command_status, sequence_number = unpack_from(">IIII", data)
        wires.append(Wire(command_id, command_status, sequence_number, data[16:length]))
        data = data[length:]
    return wires


def open_session(
    role: Role,
    now: float = 0.0,
    *,
    timers: TimerSettings | None = None,
    window_max: int = 10,
    inbound_window_max: int = 100,
    silent_version: int = 0x34,
    late_max: int = 1_000,
) -> Session:
    """A session nobody has bound yet."""
    settings = SessionSettings(
        role,
        timers=timers or TimerSettings(),
        window_max=window_max,
        inbound_window_max=inbound_window_max,
        strict=role is Role.SMSC,
        system_id="signet",
        late_max=late_max,
        silent_version=silent_version,
    )
    return Session(settings, now)


def own_bind(bind_type: int = BIND_TRANSCEIVER) -> Bind:
    """What we send as an ESME."""
    return Bind(bind_type, "signet", "secret", "", 0x34, Address(0, 0, ""))


def bind_as(session: Session, role: Role, bind_type: int, now: float = 0.0) -> None:
    """Take an OPEN session through its bind, and drop what it said."""
    if role is Role.SMSC:
        (event,) = session.receive_data(bind_pdu(bind_type), now)
        assert isinstance(event, BindRequested)
        session.accept_bind(event.sequence_number, now)
    else:
        session.bind(own_bind(bind_type), now)
        (request,) = sent(session)
        (bound,) = session.receive_data(bind_resp(bind_type, request.sequence_number), now)
        assert isinstance(bound, Bound)
    session.data_to_send()


def session_in(
    role: Role,
    state: State,
    *,
    timers: TimerSettings | None = None,
    window_max: int = 10,
    inbound_window_max: int = 100,
    late_max: int = 1_000,
) -> Session:
    """A session in `state` at instant 0 with nothing left to send."""
    session = open_session(
        role,
        timers=timers,
        window_max=window_max,
        inbound_window_max=inbound_window_max,
        late_max=late_max,
    )
    if state is State.OPEN:
        return session
    bind_as(session, role, BIND_OF.get(state, BIND_TRANSCEIVER))
    if state is State.UNBINDING:
        session.unbind(0.0)
    elif state is State.PEER_UNBINDING:
        session.receive_data(raw(UNBIND, 900), 0.0)
    session.data_to_send()
    assert session.state is state
    return session


def feed(session: Session, *pdus: bytes, now: float = 0.0) -> list[Event]:
    """Receive PDUs in one chunk."""
    return session.receive_data(b"".join(pdus), now)
