"""PDUs written octet by octet from SMPP 3.4, so that the links under test never read only what they wrote."""

from __future__ import annotations

import struct
from dataclasses import dataclass

BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 1, 2, 9
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 4, 5, 6, 0x15
RESP = 0x80000000
GENERIC_NACK = 0x80000000
MESSAGE_PAYLOAD, RECEIPTED_MESSAGE_ID = 0x0424, 0x001E


def raw(command_id: int, body: bytes = b"", sequence_number: int = 1, command_status: int = 0) -> bytes:
    """One whole PDU."""
    return struct.pack(">IIII", 16 + len(body), command_id, command_status, sequence_number) + body


def bind(
    sequence_number: int = 1,
    command_id: int = BIND_TRANSCEIVER,
    system_id: bytes = b"demo",
    password: bytes = b"secret",
    interface_version: int = 0x34,
) -> bytes:
    """A bind without system_type and address_range."""
    body = system_id + b"\0" + password + b"\0\0" + bytes((interface_version, 0, 0)) + b"\0"
    return raw(command_id, body, sequence_number)


def submit(
    sequence_number: int,
    destination: bytes = b"13800000000",
    short_message: bytes = b"hi",
    registered_delivery: int = 1,
) -> bytes:
    """A submit_sm from 10690001 without TLVs."""
    body = (
        b"\0"  # service_type
        + b"\x00\x0110690001\0"
        + (b"\x00\x01" + destination + b"\0")
        + b"\0\0\0"  # esm_class, protocol_id, priority_flag
        + b"\0\0"  # schedule_delivery_time, validity_period
        + bytes((registered_delivery, 0, 0, 0, len(short_message)))
        + short_message
    )
    return raw(SUBMIT_SM, body, sequence_number)


@dataclass(frozen=True)
class Raw:
    """One PDU as it was written."""

    command_id: int
    command_status: int
    sequence_number: int
    body: bytes


def split(octets: bytes) -> list[Raw]:
    """The PDUs in `octets`; fails on a piece of one."""
    found = []
    while octets:
        length, command_id, command_status, sequence_number = struct.unpack_from(">IIII", octets)
        assert 16 <= length <= len(octets)
        found.append(Raw(command_id, command_status, sequence_number, octets[16:length]))
        octets = octets[length:]
    return found
