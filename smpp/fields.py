"""The fields that PDUs are made of: strings, addresses, single octets, short_message.

A reader takes the body and where its field starts, and says where the next one starts. It raises PduError
with the status of the field that does not fit, or ESME_RINVCMDLEN where the body ends before it. A writer
raises ValueError for what does not fit: nothing is cut.
"""

from __future__ import annotations

from smpp.address import Address
from smpp.errors import PduError
from smpp.spec import SHORT_MESSAGE_MAX, CString
from smpp.status import CommandStatus


def decode_string(body: bytes, start: int, field: CString) -> tuple[str, int]:
    """A NUL-terminated string."""
    if start >= len(body):
        raise ends_before(field.name)
    end = body.find(0, start, start + field.size)
    if end < 0:
        raise unterminated(field)
    return body[start:end].decode("latin-1"), end + 1


def keep_string(body: bytes, start: int, field: CString) -> tuple[str, int]:
    """The same of a response: a body may end in the string or before it, and what is there is kept."""
    end = body.find(0, start, start + field.size)
    if end < 0:
        end = len(body)
        if end >= start + field.size:
            raise unterminated(field)
    return body[start:end].decode("latin-1"), end + 1


def encode_string(text: str, field: CString) -> bytes:
    """The string with its NUL."""
    if len(text) >= field.size or "\0" in text:
        raise ValueError(f"{field.name} has more than {field.size - 1} characters or a NUL")
    return text.encode("latin-1") + b"\0"


def decode_address(body: bytes, start: int, field: CString) -> tuple[Address, int]:
    """Type of number, numbering plan and the string."""
    (ton, npi), start = decode_octets(body, start, 2, field.name)
    addr, start = decode_string(body, start, field)
    return Address(ton, npi, addr), start


def encode_address(address: Address, field: CString) -> bytes:
    """The three fields of an address."""
    return bytes((address.ton, address.npi)) + encode_string(address.addr, field)


def decode_octets(body: bytes, start: int, count: int, following: str) -> tuple[bytes, int]:
    """As many numbers of one octet; `following` names the field behind them."""
    end = start + count
    if end > len(body):
        raise ends_before(following)
    return body[start:end], end


def decode_short_message(body: bytes, start: int) -> tuple[bytes, int]:
    """sm_length and short_message."""
    (length,), start = decode_octets(body, start, 1, "short_message")
    end = start + length
    if end > len(body) or length > SHORT_MESSAGE_MAX:
        raise message_length(length)
    return body[start:end], end


def encode_short_message(short_message: bytes) -> bytes:
    """sm_length and short_message."""
    if len(short_message) > SHORT_MESSAGE_MAX:
        raise ValueError(f"short_message has {len(short_message)} octets, more than {SHORT_MESSAGE_MAX}")
    return bytes((len(short_message),)) + short_message


def ends_before(name: str) -> PduError:
    """The fault of a body that was cut short."""
    return PduError(CommandStatus.ESME_RINVCMDLEN, f"the PDU ends before {name}")


def unterminated(field: CString) -> PduError:
    """The fault of a string that does not end in its field."""
    return PduError(field.status, f"{field.name} has no NUL within {field.size} octets")


def message_length(sm_length: int) -> PduError:
    """The fault of a short_message that is too long, or not all there."""
    return PduError(CommandStatus.ESME_RINVMSGLEN, f"sm_length {sm_length} is over 254 or past the end")
