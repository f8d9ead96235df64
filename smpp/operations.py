"""Operations on a message that was submitted before, on the wire: query_sm, cancel_sm, replace_sm
(SMPP 3.4, 4.8 to 4.10). The responses to the last two have no body."""

from __future__ import annotations

from smpp import checks, spec, tlv
from smpp.fields import (
    decode_address,
    decode_octets,
    decode_short_message,
    decode_string,
    encode_address,
    encode_short_message,
    encode_string,
    keep_string,
)
from smpp.pdu import CancelSm, QuerySm, QuerySmResp, ReplaceSm


def decode_query(command_id: int, body: bytes, strict: bool) -> QuerySm:
    """Raises PduError with the status of the first field at fault."""
    message_id, start = decode_string(body, 0, spec.MESSAGE_ID)
    source, _ = decode_address(body, start, spec.SOURCE_ADDR)
    pdu = QuerySm(message_id, source)
    if strict:
        checks.query_sm(pdu)
    return pdu


def encode_query(pdu: QuerySm) -> bytes:
    """The body. Raises ValueError for what does not fit."""
    return encode_string(pdu.message_id, spec.MESSAGE_ID) + encode_address(pdu.source, spec.SOURCE_ADDR)


def decode_query_resp(command_id: int, body: bytes, strict: bool) -> QuerySmResp:
    """What can be read of the response."""
    message_id, start = keep_string(body, 0, spec.MESSAGE_ID)
    final_date, start = keep_string(body, start, spec.FINAL_DATE)
    message_state, error_code = body[start : start + 2].ljust(2, b"\0")
    return QuerySmResp(message_id, final_date, message_state, error_code)


def encode_query_resp(pdu: QuerySmResp) -> bytes:
    """The body. Raises ValueError for what does not fit."""
    return b"".join(
        (
            encode_string(pdu.message_id, spec.MESSAGE_ID),
            encode_string(pdu.final_date, spec.FINAL_DATE),
            bytes((pdu.message_state, pdu.error_code)),
        )
    )


def decode_cancel(command_id: int, body: bytes, strict: bool) -> CancelSm:
    """Raises PduError with the status of the first field at fault."""
    service_type, start = decode_string(body, 0, spec.SERVICE_TYPE)
    message_id, start = decode_string(body, start, spec.MESSAGE_ID)
    source, start = decode_address(body, start, spec.SOURCE_ADDR)
    destination, _ = decode_address(body, start, spec.DESTINATION_ADDR)
    pdu = CancelSm(service_type, message_id, source, destination)
    if strict:
        checks.cancel_sm(pdu)
    return pdu


def encode_cancel(pdu: CancelSm) -> bytes:
    """The body. Raises ValueError for what does not fit."""
    return b"".join(
        (
            encode_string(pdu.service_type, spec.SERVICE_TYPE),
            encode_string(pdu.message_id, spec.MESSAGE_ID),
            encode_address(pdu.source, spec.SOURCE_ADDR),
            encode_address(pdu.destination, spec.DESTINATION_ADDR),
        )
    )


def decode_replace(command_id: int, body: bytes, strict: bool) -> ReplaceSm:
    """Raises PduError with the status of the first field at fault."""
    message_id, start = decode_string(body, 0, spec.MESSAGE_ID)
    source, start = decode_address(body, start, spec.SOURCE_ADDR)
    schedule, start = decode_string(body, start, spec.SCHEDULE_DELIVERY_TIME)
    validity, start = decode_string(body, start, spec.VALIDITY_PERIOD)
    (registered_delivery, sm_default_msg_id), start = decode_octets(body, start, 2, "sm_length")
    short_message, start = decode_short_message(body, start)
    pdu = ReplaceSm(
        message_id,
        source,
        schedule,
        validity,
        registered_delivery,
        sm_default_msg_id,
        short_message,
        tlv.decode(body, start),
    )
    if strict:
        checks.replace_sm(pdu)
    return pdu


def encode_replace(pdu: ReplaceSm) -> bytes:
    """The body. Raises ValueError or struct.error for what does not fit."""
    return b"".join(
        (
            encode_string(pdu.message_id, spec.MESSAGE_ID),
            encode_address(pdu.source, spec.SOURCE_ADDR),
            encode_string(pdu.schedule_delivery_time, spec.SCHEDULE_DELIVERY_TIME),
            encode_string(pdu.validity_period, spec.VALIDITY_PERIOD),
            bytes((pdu.registered_delivery, pdu.sm_default_msg_id)),
            encode_short_message(pdu.short_message),
            tlv.encode(pdu.tlvs),
        )
    )
