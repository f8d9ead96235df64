"""The few PDUs of the benchmark, by hand from SMPP 3.4 section 4: it owes nothing to the code it measures.

What is the same in every PDU of a run is joined once; a message then costs a few slices.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER = struct.Struct(">IIII")

SUBMIT_SM = 0x00000004
DELIVER_SM = 0x00000005
UNBIND = 0x00000006
BIND_TRANSCEIVER = 0x00000009
ENQUIRE_LINK = 0x00000015
GENERIC_NACK = 0x80000000
SUBMIT_SM_RESP = 0x80000004
DELIVER_SM_RESP = 0x80000005
UNBIND_RESP = 0x80000006
BIND_TRANSCEIVER_RESP = 0x80000009
RESPONSE = 0x80000000

_ESM_CLASS_RECEIPT = b"\x04"
_DATA_CODING_UCS2 = 8
_MESSAGE_PAYLOAD = 0x0424
_UDHI = 0x40
# A user data header (GSM 03.40, 9.2.3.24) up to total and place; one reference will do where every long
# message has a destination of its own.
_CONCATENATED = b"\x05\x00\x03\x2a"
_RECEIPTED_MESSAGE_ID = b"\x00\x1e"
_MESSAGE_STATE_DELIVERED = b"\x04\x27\x00\x01\x02"


def pdu(command_id: int, sequence_number: int, body: bytes = b"", command_status: int = 0) -> bytes:
    """A whole PDU."""
    return HEADER.pack(16 + len(body), command_id, command_status, sequence_number) + body


def bind_transceiver(system_id: str, password: str) -> bytes:
    """A bind_transceiver (4.1.5) with sequence_number 1, for interface version 3.4."""
    body = b"%b\0%b\0\0\x34\0\0\0" % (system_id.encode(), password.encode())
    return pdu(BIND_TRANSCEIVER, 1, body)


class SubmitSm:
    """The submit_sm (4.4.1) of one text from one source that ask for receipts, for many destinations.

    With `segments` over 1 the text is cut into so many; where it is 1 and the text is long, it goes into
    message_payload.
    """

    def __init__(self, source: str, text: str, destination_digits: int, segments: int = 1) -> None:
        octets = text.encode("utf-16-be")
        self._middle = b"\0\x01\x01%b\0\x01\x01" % source.encode()
        if segments > 1:
            size = 2 * -(-len(octets) // (2 * segments))
            pieces = [octets[start : start + size] for start in range(0, len(octets), size)]
            tails = [
                _tail(bytes((*_CONCATENATED, segments, seq)) + piece, _UDHI)
                for seq, piece in enumerate(pieces, 1)
            ]
        else:
            tails = [_tail(octets)]
        lengths = [16 + len(self._middle) + destination_digits + len(tail) for tail in tails]
        heads = [HEADER.pack(length, SUBMIT_SM, 0, 0)[:12] for length in lengths]
        self._pieces = list(zip(heads, tails, strict=True))

    def build(self, sequence_number: int, destination: bytes, segment: int = 0) -> bytes:
        """The whole PDU; `segment` counts from 0."""
        head, tail = self._pieces[segment]
        return b"".join((head, sequence_number.to_bytes(4, "big"), self._middle, destination, tail))


def _tail(octets: bytes, esm_class: int = 0) -> bytes:
    """What follows the destination: from esm_class to the end."""
    flags = bytes((0, esm_class, 0, 0, 0, 0, 1, 0, _DATA_CODING_UCS2, 0))
    if len(octets) <= 254:
        return flags + bytes((len(octets),)) + octets
    return flags + b"\0" + struct.pack(">HH", _MESSAGE_PAYLOAD, len(octets)) + octets


class Submitted(NamedTuple):
    """What a carrier needs of a submit_sm; `place` is that of a part of a long message, from 1."""

    source: bytes
    destination: bytes
    wants_receipt: bool
    place: int = 1


def read_submit_sm(data: bytes, start: int) -> Submitted:
    """The submit_sm whose body begins at `start`; the field lengths may be others than we once sent."""
    source = data.index(0, start) + 3  # behind service_type, source_addr_ton and source_addr_npi
    source_end = data.index(0, source)
    destination = source_end + 3
    destination_end = data.index(0, destination)
    schedule_end = data.index(0, destination_end + 4)  # behind esm_class, protocol_id and priority_flag
    validity_end = data.index(0, schedule_end + 1)
    text = validity_end + 6  # behind registered_delivery and what stands up to sm_length
    is_part = data[destination_end + 1] & _UDHI and data.startswith(_CONCATENATED[:3], text)
    return Submitted(
        data[source:source_end],
        data[destination:destination_end],
        data[validity_end + 1] & 1 == 1,
        data[text + 5] if is_part else 1,
    )


class Receipt:
    """A deliver_sm (4.6.1) with a receipt for DELIVRD in text and in TLVs, for many messages."""

    def __init__(self, minute: bytes) -> None:
        # From esm_class to sm_default_msg_id, then the text's front; `minute` is YYMMDDhhmm.
        self._flags = b"\0" + _ESM_CLASS_RECEIPT + bytes(8)
        self._text_tail = b" sub:001 dlvrd:001 submit date:%b done date:%b stat:DELIVRD err:000 text:" % (
            minute,
            minute,
        )

    def build(self, sequence_number: int, submitted: Submitted, message_id: bytes) -> bytes:
        """The whole PDU; its source is the message's destination."""
        text = b"id:" + message_id + self._text_tail
        body = b"".join(
            (
                b"\0\x01\x01",
                submitted.destination,
                b"\0\x01\x01",
                submitted.source,
                self._flags,
                bytes((len(text),)),
                text,
                _RECEIPTED_MESSAGE_ID,
                (len(message_id) + 1).to_bytes(2, "big"),
                message_id,
                b"\0" + _MESSAGE_STATE_DELIVERED,
            )
        )
        return HEADER.pack(16 + len(body), DELIVER_SM, 0, sequence_number) + body


class Receipted(NamedTuple):
    """What a customer needs of a receipt: whose it is, for which id, and whether it says DELIVRD."""

    number: bytes
    message_id: bytes
    delivered: bool


def read_receipt(data: bytes, start: int, end: int) -> Receipted:
    """The receipt in a deliver_sm whose body goes from `start` to `end`. Raises ValueError if it is none."""
    number = data.index(0, start) + 3
    number_end = data.index(0, number)
    destination_end = data.index(0, number_end + 3)
    if data[destination_end + 1] & 0x3C != 0x04:
        raise ValueError("a deliver_sm that is no receipt")
    message_id = data.index(b"id:", destination_end, end) + 3
    message_id_end = data.index(b" ", message_id, end)
    delivered = data.find(b"stat:DELIVRD", message_id_end, end) >= 0
    return Receipted(data[number:number_end], data[message_id:message_id_end], delivered)
