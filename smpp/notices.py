"""The requests that have no response, on the wire: alert_notification and outbind (SMPP 3.4, 4.12, 4.1.7)."""

from __future__ import annotations

from smpp import checks, spec, tlv
from smpp.fields import decode_address, decode_string, encode_address, encode_string
from smpp.pdu import AlertNotification, Outbind


def decode_alert(command_id: int, body: bytes, strict: bool) -> AlertNotification:
    """Raises PduError with the status of the first field at fault."""
    source, start = decode_address(body, 0, spec.LONG_SOURCE_ADDR)
    esme, start = decode_address(body, start, spec.ESME_ADDR)
    pdu = AlertNotification(source, esme, tlv.decode(body, start))
    if strict:
        checks.alert_notification(pdu)
    return pdu


def encode_alert(pdu: AlertNotification) -> bytes:
    """The body. Raises ValueError or struct.error for what does not fit."""
    return b"".join(
        (
            encode_address(pdu.source, spec.LONG_SOURCE_ADDR),
            encode_address(pdu.esme, spec.ESME_ADDR),
            tlv.encode(pdu.tlvs),
        )
    )


def decode_outbind(command_id: int, body: bytes, strict: bool) -> Outbind:
    """Raises PduError with the status of the first field at fault."""
    system_id, start = decode_string(body, 0, spec.SYSTEM_ID)
    password, _ = decode_string(body, start, spec.PASSWORD)
    return Outbind(system_id, password)


def encode_outbind(pdu: Outbind) -> bytes:
    """The body. Raises ValueError for what does not fit."""
    return encode_string(pdu.system_id, spec.SYSTEM_ID) + encode_string(pdu.password, spec.PASSWORD)
