"""submit_multi on the wire (SMPP 3.4, 4.5): one message, up to 254 destinations."""

from __future__ import annotations

from struct import Struct

from smpp import checks, spec, tlv
from smpp.address import Address
from smpp.errors import PduError
from smpp.fields import (
    decode_address,
    decode_octets,
    decode_short_message,
    decode_string,
    encode_address,
    encode_short_message,
    encode_string,
    keep_string,
    unterminated,
)
from smpp.pdu import DistributionList, SubmitMulti, SubmitMultiResp, Tlvs, UnsuccessSme
from smpp.status import CommandStatus

_SME_ADDRESS = 1
_DISTRIBUTION_LIST = 2
_DESTINATIONS_MAX = 254
_STATUS = Struct(">I")

_Destinations = tuple[Address | DistributionList, ...]


def decode(command_id: int, body: bytes, strict: bool) -> SubmitMulti:
    """Raises PduError with the status of the first field at fault."""
    service_type, start = decode_string(body, 0, spec.SERVICE_TYPE)
    source, start = decode_address(body, start, spec.SOURCE_ADDR)
    destinations, start = _decode_destinations(body, start)
    classes, start = decode_octets(body, start, 3, "schedule_delivery_time")
    schedule, start = decode_string(body, start, spec.SCHEDULE_DELIVERY_TIME)
    validity, start = decode_string(body, start, spec.VALIDITY_PERIOD)
    flags, start = decode_octets(body, start, 4, "sm_length")
    short_message, start = decode_short_message(body, start)
    tlvs = tlv.decode(body, start)
    esm_class, protocol_id, priority_flag = classes
    registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id = flags
    pdu = SubmitMulti(
        service_type,
        source,
        destinations,
        esm_class,
        protocol_id,
        priority_flag,
        schedule,
        validity,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        short_message,
        tlvs,
    )
    if strict:
        checks.message(pdu, spec.SUBMIT_MULTI_TLVS)
    return pdu


def _decode_destinations(body: bytes, start: int) -> tuple[_Destinations, int]:
    (count,), start = decode_octets(body, start, 1, "dest_address")
    if not 1 <= count <= _DESTINATIONS_MAX:
        raise PduError(CommandStatus.ESME_RINVNUMDESTS, f"number_of_dests is {count}")
    destinations: list[Address | DistributionList] = []
    for _ in range(count):
        (flag,), start = decode_octets(body, start, 1, "a dest_address")
        if flag == _SME_ADDRESS:
            address, start = decode_address(body, start, spec.DESTINATION_ADDR)
            destinations.append(address)
        elif flag == _DISTRIBUTION_LIST:
            name, start = decode_string(body, start, spec.DL_NAME)
            destinations.append(DistributionList(name))
        else:
            raise PduError(CommandStatus.ESME_RINVDESTFLAG, f"dest_flag is {flag}")
    return tuple(destinations), start


def encode(pdu: SubmitMulti) -> bytes:
    """The body. Raises ValueError or struct.error for what does not fit."""
    if not 1 <= len(pdu.destinations) <= _DESTINATIONS_MAX:
        raise ValueError(f"{len(pdu.destinations)} destinations are not within 1 and {_DESTINATIONS_MAX}")
    flags = (pdu.registered_delivery, pdu.replace_if_present_flag, pdu.data_coding, pdu.sm_default_msg_id)
    return b"".join(
        (
            encode_string(pdu.service_type, spec.SERVICE_TYPE),
            encode_address(pdu.source, spec.SOURCE_ADDR),
            bytes((len(pdu.destinations),)),
            *map(_encode_destination, pdu.destinations),
            bytes((pdu.esm_class, pdu.protocol_id, pdu.priority_flag)),
            encode_string(pdu.schedule_delivery_time, spec.SCHEDULE_DELIVERY_TIME),
            encode_string(pdu.validity_period, spec.VALIDITY_PERIOD),
            bytes(flags),
            encode_short_message(pdu.short_message),
            tlv.encode(pdu.tlvs),
        )
    )


def _encode_destination(destination: Address | DistributionList) -> bytes:
    if isinstance(destination, DistributionList):
        return bytes((_DISTRIBUTION_LIST,)) + encode_string(destination.name, spec.DL_NAME)
    return bytes((_SME_ADDRESS,)) + encode_address(destination, spec.DESTINATION_ADDR)


def decode_resp(command_id: int, body: bytes, strict: bool) -> SubmitMultiResp:
    """What can be read of the response: of a list that was cut the destinations that are whole."""
    message_id, start = keep_string(body, 0, spec.MESSAGE_ID)
    if start >= len(body):
        return SubmitMultiResp(message_id)
    count = body[start]
    start += 1
    unsuccess: list[UnsuccessSme] = []
    while len(unsuccess) < count:
        addr = start + 2
        end = body.find(0, addr, addr + spec.DESTINATION_ADDR.size)
        if end < 0 and addr + spec.DESTINATION_ADDR.size <= len(body):
            raise unterminated(spec.DESTINATION_ADDR)
        if end < 0 or end + 1 + _STATUS.size > len(body):
            return SubmitMultiResp(message_id, tuple(unsuccess))
        address = Address(body[start], body[start + 1], body[addr:end].decode("latin-1"))
        unsuccess.append(UnsuccessSme(address, *_STATUS.unpack_from(body, end + 1)))
        start = end + 1 + _STATUS.size
    tlvs: Tlvs = tlv.whole(body, start)[0]
    return SubmitMultiResp(message_id, tuple(unsuccess), tlvs)


def encode_resp(pdu: SubmitMultiResp) -> bytes:
    """The body. Raises ValueError or struct.error for what does not fit."""
    return b"".join(
        (
            encode_string(pdu.message_id, spec.MESSAGE_ID),
            bytes((len(pdu.unsuccess),)),
            *(
                encode_address(sme.address, spec.DESTINATION_ADDR) + _STATUS.pack(sme.command_status)
                for sme in pdu.unsuccess
            ),
            tlv.encode(pdu.tlvs),
        )
    )
