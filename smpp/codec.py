"""PDU bodies to values and back.

Every message passes here some four times, so submit_sm, deliver_sm and their responses have hand-written
code: the ends of the five strings are found first, and only a PDU in which one is missing is walked again.

Faults are reported in this order: strings and lengths in wire order, values in wire order, contents of TLVs.
A request that fails is answered with the fault's status. A response cannot be answered, so what can be read
of it is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from smpp import checks, data_sm, notices, operations, spec, submit_multi, tlv
from smpp.address import Address
from smpp.commands import RESPONSE_BIT, CommandId
from smpp.errors import PduError
from smpp.fields import (
    decode_address,
    decode_octets,
    decode_string,
    encode_address,
    encode_string,
    ends_before,
    message_length,
    unterminated,
)
from smpp.pdu import (
    AlertNotification,
    Bind,
    BindResp,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Tlvs,
    Unbind,
    UnbindResp,
    UnparsedPdu,
)
from smpp.spec import CString, TlvSpec

_LAST_OCTETS = struct.Struct("5B")

_SERVICE_TYPE_SIZE = spec.SERVICE_TYPE.size
_ADDR_SIZE = spec.SOURCE_ADDR.size
_TIME_SIZE = spec.VALIDITY_PERIOD.size

_MESSAGES: dict[int, tuple[type[SubmitSm | DeliverSm], Mapping[int, TlvSpec]]] = {
    CommandId.SUBMIT_SM: (SubmitSm, spec.SUBMIT_SM_TLVS),
    CommandId.DELIVER_SM: (DeliverSm, spec.DELIVER_SM_TLVS),
}
# The strings of submit_sm and deliver_sm, and how many octets stand before each.
_STRINGS = (
    (0, spec.SERVICE_TYPE),
    (2, spec.SOURCE_ADDR),
    (2, spec.DESTINATION_ADDR),
    (3, spec.SCHEDULE_DELIVERY_TIME),
    (0, spec.VALIDITY_PERIOD),
)
_BINDS = (CommandId.BIND_RECEIVER, CommandId.BIND_TRANSMITTER, CommandId.BIND_TRANSCEIVER)
_BODILESS: dict[int, Pdu] = {
    pdu.command_id: pdu
    for pdu in (
        EnquireLink(),
        EnquireLinkResp(),
        Unbind(),
        UnbindResp(),
        GenericNack(),
        CancelSmResp(),
        ReplaceSmResp(),
    )
}


def decode(command_id: int, body: bytes, *, strict: bool = True) -> Pdu:
    """The PDU in `body`; a command that is not read here comes back as an UnparsedPdu.

    `strict` checks values, and the lengths of the TLVs that the specification has for the PDU, as an SMSC
    does for its customers; without it only what is needed to read on is checked. The body of a response may
    be empty, as it is beside an error status. Raises PduError with the fault's status (SMPP 3.4, 5.1.3).
    """
    decoder = _DECODERS.get(command_id)
    if decoder is not None:
        return decoder(command_id, body, strict)
    return _BODILESS.get(command_id) or UnparsedPdu(command_id, body)


def _decode_message(command_id: int, body: bytes, strict: bool) -> SubmitSm | DeliverSm:
    find = body.find
    service_end = find(0, 0, _SERVICE_TYPE_SIZE)
    source = service_end + 3
    source_end = find(0, source, source + _ADDR_SIZE)
    destination = source_end + 3
    destination_end = find(0, destination, destination + _ADDR_SIZE)
    schedule = destination_end + 4
    schedule_end = find(0, schedule, schedule + _TIME_SIZE)
    validity = schedule_end + 1
    validity_end = find(0, validity, validity + _TIME_SIZE)
    if service_end < 0 or source_end < 0 or destination_end < 0 or schedule_end < 0 or validity_end < 0:
        raise _string_fault(body)
    text = validity_end + 6
    if text > len(body):
        raise ends_before("sm_length")
    registered_delivery, replace_if_present, data_coding, default_msg_id, sm_length = (
        _LAST_OCTETS.unpack_from(body, validity_end + 1)
    )
    text_end = text + sm_length
    if text_end > len(body) or sm_length > spec.SHORT_MESSAGE_MAX:
        raise message_length(sm_length)
    head = body[:validity_end].decode("latin-1")
    make, expected = _MESSAGES[command_id]
    pdu = make(
        head[:service_end],
        Address(body[service_end + 1], body[service_end + 2], head[source:source_end]),
        Address(body[source_end + 1], body[source_end + 2], head[destination:destination_end]),
        body[destination_end + 1],
        body[destination_end + 2],
        body[destination_end + 3],
        head[schedule:schedule_end],
        head[validity:],
        registered_delivery,
        replace_if_present,
        data_coding,
        default_msg_id,
        body[text:text_end],
        tlv.decode(body, text_end) if text_end < len(body) else (),
    )
    if strict:
        checks.message(pdu, expected)
    return pdu


def _string_fault(body: bytes) -> PduError:
    start = 0
    for octets_before, field in _STRINGS:
        start += octets_before
        if start >= len(body):
            return ends_before(field.name)
        end = body.find(0, start, start + field.size)
        if end < 0:
            return unterminated(field)
        start = end + 1
    raise AssertionError("all strings are terminated")


def _decode_submit_sm_resp(command_id: int, body: bytes, strict: bool) -> SubmitSmResp:
    return SubmitSmResp(*_decode_response(body, spec.MESSAGE_ID))


def _decode_deliver_sm_resp(command_id: int, body: bytes, strict: bool) -> DeliverSmResp:
    return DeliverSmResp(*_decode_response(body, spec.MESSAGE_ID))


def _decode_data_sm_resp(command_id: int, body: bytes, strict: bool) -> DataSmResp:
    return DataSmResp(*_decode_response(body, spec.MESSAGE_ID))


def _decode_bind_resp(command_id: int, body: bytes, strict: bool) -> BindResp:
    return BindResp(command_id, *_decode_response(body, spec.SYSTEM_ID))


def _decode_response(body: bytes, field: CString) -> tuple[str, Tlvs]:
    size = len(body)
    end = body.find(0, 0, field.size)
    if end < 0:
        if size >= field.size:
            raise unterminated(field)
        end = size
    return body[:end].decode("latin-1"), tlv.whole(body, end + 1)[0] if end + 1 < size else ()


def _decode_bind(command_id: int, body: bytes, strict: bool) -> Bind:
    system_id, start = decode_string(body, 0, spec.SYSTEM_ID)
    password, start = decode_string(body, start, spec.PASSWORD)
    system_type, start = decode_string(body, start, spec.SYSTEM_TYPE)
    (interface_version,), start = decode_octets(body, start, 1, spec.ADDRESS_RANGE.name)
    # No TLV belongs to a bind, so what may follow is not read.
    address, _ = decode_address(body, start, spec.ADDRESS_RANGE)
    return Bind(command_id, system_id, password, system_type, interface_version, address)


_DECODERS: dict[int, Callable[[int, bytes, bool], Pdu]] = {
    CommandId.SUBMIT_SM: _decode_message,
    CommandId.DELIVER_SM: _decode_message,
    CommandId.SUBMIT_SM_RESP: _decode_submit_sm_resp,
    CommandId.DELIVER_SM_RESP: _decode_deliver_sm_resp,
    **dict.fromkeys(_BINDS, _decode_bind),
    **dict.fromkeys((command_id | RESPONSE_BIT for command_id in _BINDS), _decode_bind_resp),
    CommandId.DATA_SM: data_sm.decode,
    CommandId.DATA_SM_RESP: _decode_data_sm_resp,
    CommandId.SUBMIT_MULTI: submit_multi.decode,
    CommandId.SUBMIT_MULTI_RESP: submit_multi.decode_resp,
    CommandId.QUERY_SM: operations.decode_query,
    CommandId.QUERY_SM_RESP: operations.decode_query_resp,
    CommandId.CANCEL_SM: operations.decode_cancel,
    CommandId.REPLACE_SM: operations.decode_replace,
    CommandId.ALERT_NOTIFICATION: notices.decode_alert,
    CommandId.OUTBIND: notices.decode_outbind,
}


def encode(pdu: Pdu, sequence_number: int, command_status: int = 0) -> bytes:
    """The whole PDU; an error response is `frame` with an empty body instead. Raises ValueError like both."""
    return frame(pdu.command_id, command_status, sequence_number, encode_body(pdu))


def submit_sm(body: bytes) -> SubmitSm:
    """The submit_sm in a body that was read, or written, before."""
    pdu = decode(CommandId.SUBMIT_SM, body, strict=False)
    assert isinstance(pdu, SubmitSm)
    return pdu


def with_registered_delivery(body: bytes, registered_delivery: int) -> bytes:
    """The body of a submit_sm, read before, with another registered_delivery and no octet else changed."""
    find = body.find
    destination_end = find(0, find(0, find(0) + 3) + 3)
    at = find(0, find(0, destination_end + 4) + 1) + 1
    return b"%b%c%b" % (body[:at], registered_delivery, body[at + 1 :])


def frame(command_id: int, command_status: int, sequence_number: int, body: bytes) -> bytes:
    """`body` behind its header (SMPP 3.4, 3.2). Raises ValueError for a header value of more than 32 bits."""
    try:
        return (
            spec.HEADER.pack(spec.HEADER.size + len(body), command_id, command_status, sequence_number) + body
        )
    except struct.error as error:
        raise ValueError(f"header value out of range: {error}") from error


def encode_body(pdu: Pdu) -> bytes:
    """The octets behind the header. Raises ValueError for what does not fit its field: nothing is cut."""
    try:
        match pdu:
            case SubmitSm() | DeliverSm():
                return _encode_message(pdu)
            case SubmitSmResp() | DeliverSmResp() | DataSmResp():
                return encode_string(pdu.message_id, spec.MESSAGE_ID) + tlv.encode(pdu.tlvs)
            case BindResp():
                return encode_string(pdu.system_id, spec.SYSTEM_ID) + tlv.encode(pdu.tlvs)
            case Bind():
                return _encode_bind(pdu)
            case DataSm():
                return data_sm.encode(pdu)
            case SubmitMulti():
                return submit_multi.encode(pdu)
            case SubmitMultiResp():
                return submit_multi.encode_resp(pdu)
            case QuerySm():
                return operations.encode_query(pdu)
            case QuerySmResp():
                return operations.encode_query_resp(pdu)
            case CancelSm():
                return operations.encode_cancel(pdu)
            case ReplaceSm():
                return operations.encode_replace(pdu)
            case AlertNotification():
                return notices.encode_alert(pdu)
            case Outbind():
                return notices.encode_outbind(pdu)
            case UnparsedPdu():
                return pdu.body
            case _:
                return b""
    except (struct.error, OverflowError) as error:
        raise ValueError(f"value out of range in {type(pdu).__name__}: {error}") from error


def _encode_message(pdu: SubmitSm | DeliverSm) -> bytes:
    source, destination, short_message = pdu.source, pdu.destination, pdu.short_message
    service_type, schedule, validity = pdu.service_type, pdu.schedule_delivery_time, pdu.validity_period
    if (
        len(service_type) >= _SERVICE_TYPE_SIZE
        or len(source.addr) >= _ADDR_SIZE
        or len(destination.addr) >= _ADDR_SIZE
        or len(schedule) >= _TIME_SIZE
        or len(validity) >= _TIME_SIZE
        or "\0" in f"{service_type}{source.addr}{destination.addr}{schedule}{validity}"
    ):
        raise ValueError("a string is too long for its field or holds a NUL")
    if len(short_message) > spec.SHORT_MESSAGE_MAX:
        raise ValueError(f"short_message has {len(short_message)} octets, more than {spec.SHORT_MESSAGE_MAX}")
    # An octet is the latin-1 character of its value, and latin-1 refuses what is over 255.
    head = "%s\0%c%c%s\0%c%c%s\0%c%c%c%s\0%s\0%c%c%c%c%c" % (  # noqa: UP031 - an f-string takes twice as long
        service_type,
        source.ton,
        source.npi,
        source.addr,
        destination.ton,
        destination.npi,
        destination.addr,
        pdu.esm_class,
        pdu.protocol_id,
        pdu.priority_flag,
        schedule,
        validity,
        pdu.registered_delivery,
        pdu.replace_if_present_flag,
        pdu.data_coding,
        pdu.sm_default_msg_id,
        len(short_message),
    )
    return head.encode("latin-1") + short_message + tlv.encode(pdu.tlvs)


def _encode_bind(pdu: Bind) -> bytes:
    return b"".join(
        (
            encode_string(pdu.system_id, spec.SYSTEM_ID),
            encode_string(pdu.password, spec.PASSWORD),
            encode_string(pdu.system_type, spec.SYSTEM_TYPE),
            bytes((pdu.interface_version,)),
            encode_address(pdu.address, spec.ADDRESS_RANGE),
        )
    )
