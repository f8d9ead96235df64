"""A deliver_sm for an ESME from before SMPP 3.4, which must not be sent any TLV (SMPP 3.4, 3.4).

What a receipt says in TLVs stands in its text too. A text in message_payload goes into short_message; one
that is too long for it goes in several deliver_sm, which the ESME joins by their user data headers. They go
one by one, each when the one before is acknowledged, so that a delivery never takes two places in a window.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.stored import Delivery
from smpp import codec, segments, spec, text
from smpp.commands import CommandId
from smpp.errors import PduError
from smpp.pdu import DeliverSm
from smpp.text import Alphabet
from smpp.value import value

# A prime: what is left of a delivery's id depends on all of its bits, and is the same when it is sent again.
_REFERENCES = 251
# No phone sends more than 255 parts; of UTF-16 that is cut between characters, each holds so much at least.
_TEXT_MAX = segments.SEGMENTS_MAX * 132
# So long a header leaves room for a part and its own element.
_HEADER_MAX = 80


@value(frozen=True, slots=True)
class InParts:
    """A delivery of which one part is with the customer, and the bodies of those that come after it."""

    delivery: Delivery
    rest: list[bytes]


def without_tlvs(delivery: Delivery) -> list[bytes]:
    """The bodies that say without TLVs what the delivery's says, in order."""
    pdu = codec.decode(CommandId.DELIVER_SM, delivery.body, strict=False)
    assert isinstance(pdu, DeliverSm)
    octets = pdu.payload
    if len(octets) <= spec.SHORT_MESSAGE_MAX:
        return [codec.encode_body(replace(pdu, short_message=octets, tlvs=()))]
    parts = _parts(pdu, octets, delivery.delivery_id % _REFERENCES)
    esm_class = pdu.esm_class | segments.UDHI
    return [
        codec.encode_body(replace(pdu, esm_class=esm_class, short_message=part, tlvs=())) for part in parts
    ]


def _parts(pdu: DeliverSm, octets: bytes, reference: int) -> list[bytes]:
    """The user data of each part; the elements of a header of the whole text stand in all of them."""
    elements = b""
    if pdu.esm_class & segments.UDHI:
        try:
            _, end = segments.read_udh(octets)
        except PduError:
            end = 0  # marked as having a header, but there is none
        if end <= _HEADER_MAX:
            elements, octets = octets[1:end], octets[end:]
    alphabet = text.alphabet(pdu.data_coding, Alphabet.GSM7)
    parts = segments.split(octets[:_TEXT_MAX], alphabet, reference, "udh8")
    return [bytes((part[0] + len(elements),)) + elements + part[1:] for part in parts]
