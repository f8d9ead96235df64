"""What the peers say, encoded by smpplib, and what they are told, cut into frames and read by smpplib."""

from __future__ import annotations

import struct
from typing import Any, cast

from smpplib.smpp import make_pdu, parse_pdu

BIND_TRANSCEIVER, UNBIND, ENQUIRE_LINK = 0x09, 0x06, 0x15
SUBMIT_SM, DELIVER_SM = 0x04, 0x05
RESP = 0x8000_0000

ESME_ROK, ESME_RSYSERR, ESME_RMSGQFUL, ESME_RTHROTTLED = 0x00, 0x08, 0x14, 0x58
ESME_RINVDSTADR = 0x0B
ESME_RX_T_APPN, ESME_RX_P_APPN = 0x64, 0x65

_HEADER = struct.Struct(">IIII")


class Frames:
    """Octets in any pieces, frames out. A frame is (command_id, command_status, sequence_number, octets)."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> list[tuple[int, int, int, bytes]]:
        found = []
        self._rest += data
        while len(self._rest) >= 4:
            (length,) = struct.unpack_from(">I", self._rest)
            assert 16 <= length <= 70_000, "the gateway wrote no PDU"
            if len(self._rest) < length:
                break
            octets, self._rest = self._rest[:length], self._rest[length:]
            _, command_id, command_status, sequence_number = _HEADER.unpack_from(octets)
            found.append((command_id, command_status, sequence_number, octets))
        return found


def write(name: str, sequence_number: int, **fields: Any) -> bytes:
    """A PDU by smpplib."""
    pdu = make_pdu(name, client=None, sequence=0, **fields)
    pdu.sequence = sequence_number
    return cast(bytes, pdu.generate())


def refuse(name: str, sequence_number: int, command_status: int) -> bytes:
    """A negative answer, which has no body (SMPP 3.4, 4.4.2)."""
    (command_id,) = struct.unpack_from(">4xI", write(name, sequence_number))
    return _HEADER.pack(16, command_id, command_status, sequence_number)


def read(octets: bytes) -> Any:
    """A PDU as smpplib understands it."""
    return parse_pdu(octets, client=None, sequence=0, allow_unknown_opt_params=True)
