"""Texts of packed septets, for the few peers that pack (GSM 03.38, 6.1.2): all others want them unpacked.

Behind a user data header the text begins at a septet boundary.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from smpp import segments, spec
from smpp.pdu import MessagePdu
from smpp.segments import UDHI
from smpp.septets import pack, unpack
from smpp.text import Alphabet, alphabet

_Message = TypeVar("_Message", bound=MessagePdu)


def unpacked(message: _Message) -> _Message:
    """The message of a peer that packs. Raises `PduError` for a broken user data header."""
    coding = segments.coding(message, Alphabet.GSM7_PACKED)
    if coding.alphabet is not Alphabet.GSM7_PACKED:
        return message
    text = segments.user_text(message)
    return _with_text(message, unpack(text, fill_bits=coding.fill_bits))


def packed(message: _Message) -> _Message:
    """The message for a peer that packs: septets of data_coding 0 are.

    Raises `PduError` for a broken user data header, ValueError for a text that is no septets.
    """
    if alphabet(message.data_coding, Alphabet.GSM7_PACKED) is not Alphabet.GSM7_PACKED:
        return message
    text = segments.user_text(message)
    fill_bits = segments.coding(message, Alphabet.GSM7_PACKED).fill_bits
    return _with_text(message, pack(text, fill_bits))


def _with_text(message: _Message, text: bytes) -> _Message:
    header = message.payload[: segments.read_udh(message.payload)[1]] if message.esm_class & UDHI else b""
    user_data = header + text
    tlvs = tuple((tag, octets) for tag, octets in message.tlvs if tag != spec.MESSAGE_PAYLOAD)
    if len(user_data) > spec.SHORT_MESSAGE_MAX:
        tlvs, user_data = (*tlvs, (spec.MESSAGE_PAYLOAD, user_data)), b""
    return replace(message, short_message=user_data, tlvs=tlvs)
