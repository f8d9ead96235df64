"""data_sm on the wire (SMPP 3.4, 4.7.1). Its response is like that to a submit_sm."""

from __future__ import annotations

from smpp import checks, spec, tlv
from smpp.fields import (
    decode_address,
    decode_octets,
    decode_string,
    encode_address,
    encode_string,
)
from smpp.pdu import DataSm


def decode(command_id: int, body: bytes, strict: bool) -> DataSm:
    """Raises PduError with the status of the first field at fault."""
    service_type, start = decode_string(body, 0, spec.SERVICE_TYPE)
    source, start = decode_address(body, start, spec.LONG_SOURCE_ADDR)
    destination, start = decode_address(body, start, spec.LONG_DESTINATION_ADDR)
    (esm_class, registered_delivery, data_coding), start = decode_octets(body, start, 3, "its TLVs")
    tlvs = tlv.decode(body, start)
    pdu = DataSm(service_type, source, destination, esm_class, registered_delivery, data_coding, tlvs)
    if strict:
        checks.data_sm(pdu)
    return pdu


def encode(pdu: DataSm) -> bytes:
    """The body. Raises ValueError or struct.error for what does not fit."""
    return b"".join(
        (
            encode_string(pdu.service_type, spec.SERVICE_TYPE),
            encode_address(pdu.source, spec.LONG_SOURCE_ADDR),
            encode_address(pdu.destination, spec.LONG_DESTINATION_ADDR),
            bytes((pdu.esm_class, pdu.registered_delivery, pdu.data_coding)),
            tlv.encode(pdu.tlvs),
        )
    )
