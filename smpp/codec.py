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

from smpp import spec
from smpp.address import Address
from smpp.commands import RESPONSE_BIT, CommandId
from smpp.errors import PduError
from smpp.pdu import (
    Bind,
    BindResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    SubmitSm,
    SubmitSmResp,
    Tlvs,
    Unbind,
    UnbindResp,
    UnparsedPdu,
)
from smpp.spec import CString, TlvSpec
from smpp.status import CommandStatus

_TLV_HEAD = struct.Struct(">HH")
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
_SAR = frozenset({spec.SAR_MSG_REF_NUM, spec.SAR_TOTAL_SEGMENTS, spec.SAR_SEGMENT_SEQNUM})
# TLVs whose validity depends on other fields.
_DEPENDENT = _SAR | {spec.MESSAGE_PAYLOAD}
_BINDS = (CommandId.BIND_RECEIVER, CommandId.BIND_TRANSMITTER, CommandId.BIND_TRANSCEIVER)
_BODILESS: dict[int, Pdu] = {
    pdu.command_id: pdu for pdu in (EnquireLink(), EnquireLinkResp(), Unbind(), UnbindResp(), GenericNack())
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
        raise PduError(CommandStatus.ESME_RINVCMDLEN, "the PDU ends before sm_length")
    registered_delivery, replace_if_present, data_coding, default_msg_id, sm_length = (
        _LAST_OCTETS.unpack_from(body, validity_end + 1)
    )
    text_end = text + sm_length
    if text_end > len(body) or sm_length > spec.SHORT_MESSAGE_MAX:
        raise PduError(CommandStatus.ESME_RINVMSGLEN, f"sm_length {sm_length} is over 254 or past the end")
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
        _decode_tlvs(body, text_end) if text_end < len(body) else (),
    )
    if strict:
        _check_values(pdu)
        if pdu.tlvs:
            _check_tlvs(pdu, expected)
    return pdu


def _string_fault(body: bytes) -> PduError:
    start = 0
    for octets_before, field in _STRINGS:
        start += octets_before
        if start >= len(body):
            return PduError(CommandStatus.ESME_RINVCMDLEN, f"the PDU ends before {field.name}")
        end = body.find(0, start, start + field.size)
        if end < 0:
            return _unterminated(field)
        start = end + 1
    raise AssertionError("all strings are terminated")


def _unterminated(field: CString) -> PduError:
    return PduError(field.status, f"{field.name} has no NUL within {field.size} octets")


def _check_values(pdu: SubmitSm | DeliverSm) -> None:
    if type(pdu) is SubmitSm and not pdu.destination.addr.isdecimal():
        raise PduError(CommandStatus.ESME_RINVDSTADR, "destination_addr is empty or not numeric")
    if pdu.priority_flag > 3:
        raise PduError(CommandStatus.ESME_RINVPRTFLG, "priority_flag is over 3")
    if pdu.schedule_delivery_time and len(pdu.schedule_delivery_time) != 16:
        raise PduError(
            CommandStatus.ESME_RINVSCHED, "schedule_delivery_time is neither empty nor 16 characters"
        )
    if pdu.validity_period and len(pdu.validity_period) != 16:
        raise PduError(CommandStatus.ESME_RINVEXPIRY, "validity_period is neither empty nor 16 characters")
    if pdu.registered_delivery & 3 == 3:
        raise PduError(
            CommandStatus.ESME_RINVREGDLVFLG, "registered_delivery asks for the reserved receipt type 3"
        )
    if pdu.replace_if_present_flag > 1:
        raise PduError(CommandStatus.ESME_RINVREPFLAG, "replace_if_present_flag is over 1")
    if pdu.sm_default_msg_id:
        raise PduError(CommandStatus.ESME_RINVDFTMSGID, "no predefined messages are held here")


def _decode_tlvs(body: bytes, start: int) -> Tlvs:
    tlvs, end = _whole_tlvs(body, start)
    # Some senders terminate their text with a NUL that sm_length does not count.
    if end == len(body) or (end == len(body) - 1 and not body[end]):
        return tlvs
    raise PduError(CommandStatus.ESME_RINVOPTPARSTREAM, f"{len(body) - end} octets at the end are not a TLV")


def _whole_tlvs(body: bytes, start: int) -> tuple[Tlvs, int]:
    """The TLVs from `start` on, as long as they are whole, and where they end."""
    tlvs = []
    size = len(body)
    while start + 4 <= size:
        tag, length = _TLV_HEAD.unpack_from(body, start)
        end = start + 4 + length
        if end > size:
            break
        tlvs.append((tag, body[start + 4 : end]))
        start = end
    return tuple(tlvs), start


def _check_tlvs(pdu: SubmitSm | DeliverSm, expected: Mapping[int, TlvSpec]) -> None:
    """Tags that the PDU is not expected to have pass as they are (SMPP 3.4, 3.3)."""
    depends = False
    for tag, octets in pdu.tlvs:
        tlv_spec = expected.get(tag)
        if tlv_spec is not None:
            if not tlv_spec.least <= len(octets) <= tlv_spec.most:
                raise PduError(CommandStatus.ESME_RINVPARLEN, f"{tlv_spec.name} has {len(octets)} octets")
            depends = depends or tag in _DEPENDENT
    if depends:
        _check_dependent(pdu.short_message, dict(pdu.tlvs))


def _check_dependent(short_message: bytes, values: Mapping[int, bytes]) -> None:
    if short_message and spec.MESSAGE_PAYLOAD in values:
        raise PduError(CommandStatus.ESME_ROPTPARNOTALLWD, "message_payload beside a short_message")
    if _SAR.isdisjoint(values):
        return
    if not values.keys() >= _SAR:
        raise PduError(CommandStatus.ESME_RMISSINGOPTPARAM, "one of the three sar TLVs is missing")
    total, seqnum = values[spec.SAR_TOTAL_SEGMENTS][0], values[spec.SAR_SEGMENT_SEQNUM][0]
    if not 1 <= seqnum <= total:
        raise PduError(CommandStatus.ESME_RINVOPTPARAMVAL, f"segment {seqnum} of {total}")


def _decode_submit_sm_resp(command_id: int, body: bytes, strict: bool) -> SubmitSmResp:
    return SubmitSmResp(*_decode_response(body, spec.MESSAGE_ID))


def _decode_deliver_sm_resp(command_id: int, body: bytes, strict: bool) -> DeliverSmResp:
    return DeliverSmResp(*_decode_response(body, spec.MESSAGE_ID))


def _decode_bind_resp(command_id: int, body: bytes, strict: bool) -> BindResp:
    return BindResp(command_id, *_decode_response(body, spec.SYSTEM_ID))


def _decode_response(body: bytes, field: CString) -> tuple[str, Tlvs]:
    size = len(body)
    end = body.find(0, 0, field.size)
    if end < 0:
        if size >= field.size:
            raise _unterminated(field)
        end = size
    return body[:end].decode("latin-1"), _whole_tlvs(body, end + 1)[0] if end + 1 < size else ()


def _decode_bind(command_id: int, body: bytes, strict: bool) -> Bind:
    system_id, start = _decode_string(body, 0, spec.SYSTEM_ID)
    password, start = _decode_string(body, start, spec.PASSWORD)
    system_type, start = _decode_string(body, start, spec.SYSTEM_TYPE)
    octets = body[start : start + 3]
    if len(octets) < 3:
        raise PduError(CommandStatus.ESME_RINVCMDLEN, "the PDU ends before address_range")
    interface_version, ton, npi = octets
    # No TLV belongs to a bind, so what may follow is not read.
    address_range, _ = _decode_string(body, start + 3, spec.ADDRESS_RANGE)
    return Bind(
        command_id, system_id, password, system_type, interface_version, Address(ton, npi, address_range)
    )


def _decode_string(body: bytes, start: int, field: CString) -> tuple[str, int]:
    """The string and where the next field starts."""
    if start >= len(body):
        raise PduError(CommandStatus.ESME_RINVCMDLEN, f"the PDU ends before {field.name}")
    end = body.find(0, start, start + field.size)
    if end < 0:
        raise _unterminated(field)
    return body[start:end].decode("latin-1"), end + 1


_DECODERS: dict[int, Callable[[int, bytes, bool], Pdu]] = {
    CommandId.SUBMIT_SM: _decode_message,
    CommandId.DELIVER_SM: _decode_message,
    CommandId.SUBMIT_SM_RESP: _decode_submit_sm_resp,
    CommandId.DELIVER_SM_RESP: _decode_deliver_sm_resp,
    **dict.fromkeys(_BINDS, _decode_bind),
    **dict.fromkeys((command_id | RESPONSE_BIT for command_id in _BINDS), _decode_bind_resp),
}


def encode(pdu: Pdu, sequence_number: int, command_status: int = 0) -> bytes:
    """The whole PDU; an error response is `frame` with an empty body instead. Raises ValueError like both."""
    return frame(pdu.command_id, command_status, sequence_number, encode_body(pdu))


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
            case SubmitSmResp() | DeliverSmResp():
                return _encode_string(pdu.message_id, spec.MESSAGE_ID) + _encode_tlvs(pdu.tlvs)
            case BindResp():
                return _encode_string(pdu.system_id, spec.SYSTEM_ID) + _encode_tlvs(pdu.tlvs)
            case Bind():
                return _encode_bind(pdu)
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
    return head.encode("latin-1") + short_message + _encode_tlvs(pdu.tlvs)


def _encode_bind(pdu: Bind) -> bytes:
    return b"".join(
        (
            _encode_string(pdu.system_id, spec.SYSTEM_ID),
            _encode_string(pdu.password, spec.PASSWORD),
            _encode_string(pdu.system_type, spec.SYSTEM_TYPE),
            bytes((pdu.interface_version, pdu.address.ton, pdu.address.npi)),
            _encode_string(pdu.address.addr, spec.ADDRESS_RANGE),
        )
    )


def _encode_string(text: str, field: CString) -> bytes:
    if len(text) >= field.size or "\0" in text:
        raise ValueError(f"{field.name} has more than {field.size - 1} characters or a NUL")
    return text.encode("latin-1") + b"\0"


def _encode_tlvs(tlvs: Tlvs) -> bytes:
    if not tlvs:
        return b""
    return b"".join([_TLV_HEAD.pack(tag, len(octets)) + octets for tag, octets in tlvs])
