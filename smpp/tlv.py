"""Optional parameters: the area of TLVs behind a PDU's fields, and what a single one says (SMPP 3.4, 5.3).

In a PDU a TLV is a tag with its octets, as it came, whether it is known here or not. `integer`, `string` and
`octets` read one by the table in `spec`; `of_integer`, `of_string` and `of_octets` make one.
"""

from __future__ import annotations

import struct

from smpp.errors import PduError
from smpp.pdu import Tlvs, tlv
from smpp.spec import TLVS, TlvKind, TlvSpec
from smpp.status import CommandStatus

_HEAD = struct.Struct(">HH")


def decode(body: bytes, start: int) -> Tlvs:
    """The TLVs from `start` to the end. Raises PduError (ESME_RINVOPTPARSTREAM) if they are not whole."""
    tlvs, end = whole(body, start)
    # Some senders terminate their text with a NUL that sm_length does not count.
    if end == len(body) or (end == len(body) - 1 and not body[end]):
        return tlvs
    raise PduError(CommandStatus.ESME_RINVOPTPARSTREAM, f"{len(body) - end} octets at the end are not a TLV")


def whole(body: bytes, start: int) -> tuple[Tlvs, int]:
    """The TLVs from `start` on, as long as they are whole, and where they end."""
    tlvs = []
    size = len(body)
    while start + 4 <= size:
        tag, length = _HEAD.unpack_from(body, start)
        end = start + 4 + length
        if end > size:
            break
        tlvs.append((tag, body[start + 4 : end]))
        start = end
    return tuple(tlvs), start


def encode(tlvs: Tlvs) -> bytes:
    """The octets of the area. Raises struct.error for a tag or a length of more than 16 bits."""
    if not tlvs:
        return b""
    return b"".join([_HEAD.pack(tag, len(octets)) + octets for tag, octets in tlvs])


def check(spec: TlvSpec, octets: bytes) -> None:
    """Raise PduError unless length (ESME_RINVPARLEN) and value (ESME_RINVOPTPARAMVAL) are as specified."""
    if not spec.least <= len(octets) <= spec.most:
        raise PduError(CommandStatus.ESME_RINVPARLEN, f"{spec.name} has {len(octets)} octets")
    if spec.highest is not None and not spec.lowest <= int.from_bytes(octets) <= spec.highest:
        raise PduError(CommandStatus.ESME_RINVOPTPARAMVAL, f"{spec.name} is {int.from_bytes(octets)}")


def integer(tlvs: Tlvs, tag: int) -> int | None:
    """The number that `tag` says, None if it is absent. Raises PduError like `check`."""
    value = _checked(tlvs, tag, TlvKind.INTEGER)
    return None if value is None else int.from_bytes(value)


def string(tlvs: Tlvs, tag: int) -> str | None:
    """The C-octet string that `tag` says, None if it is absent; its NUL may be missing.

    Raises PduError like `check`.
    """
    value = _checked(tlvs, tag, TlvKind.STRING)
    return None if value is None else value.partition(b"\0")[0].decode("latin-1")


def octets(tlvs: Tlvs, tag: int) -> bytes | None:
    """The octet string that `tag` says, None if it is absent. Raises PduError like `check`."""
    return _checked(tlvs, tag, TlvKind.OCTETS)


def of_integer(tag: int, value: int) -> tuple[int, bytes]:
    """A TLV that says a number. Raises ValueError if it is out of range."""
    spec = _spec(tag, TlvKind.INTEGER)
    size = max(spec.least, (value.bit_length() + 7) // 8)
    if value < 0:
        raise ValueError(f"{spec.name} is {value}")
    return _made(tag, spec, value.to_bytes(size))


def of_string(tag: int, text: str) -> tuple[int, bytes]:
    """A TLV that says a C-octet string. Raises ValueError if it does not fit."""
    spec = _spec(tag, TlvKind.STRING)
    if "\0" in text:
        raise ValueError(f"{spec.name} holds a NUL")
    return _made(tag, spec, text.encode("latin-1") + b"\0")


def of_octets(tag: int, value: bytes) -> tuple[int, bytes]:
    """A TLV that says octets. Raises ValueError if they do not fit."""
    return _made(tag, _spec(tag, TlvKind.OCTETS), value)


def _checked(tlvs: Tlvs, tag: int, kind: TlvKind) -> bytes | None:
    spec = _spec(tag, kind)
    value = tlv(tlvs, tag)
    if value is not None:
        check(spec, value)
    return value


def _made(tag: int, spec: TlvSpec, value: bytes) -> tuple[int, bytes]:
    try:
        check(spec, value)
    except PduError as error:
        raise ValueError(error.reason) from error
    return tag, value


def _spec(tag: int, kind: TlvKind) -> TlvSpec:
    """What is specified for `tag`. Raises ValueError if it is not known, or of another kind."""
    spec = TLVS.get(tag)
    if spec is None or spec.kind is not kind:
        raise ValueError(f"TLV 0x{tag:04X} is not known to hold {kind.value}")
    return spec
