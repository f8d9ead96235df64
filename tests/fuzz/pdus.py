"""Messages around the octets that a target is about."""

from __future__ import annotations

from smpp.address import Address
from smpp.pdu import DeliverSm, Tlvs
from smpp.spec import MESSAGE_PAYLOAD, SHORT_MESSAGE_MAX

_ADDRESS = Address(1, 1, "8613800138000")


def user_data(octets: bytes, esm_class: int, tlvs: Tlvs = ()) -> DeliverSm:
    """A deliver_sm with this user data, in message_payload where short_message is too short for it."""
    if len(octets) > SHORT_MESSAGE_MAX:
        tlvs, octets = (*tlvs, (MESSAGE_PAYLOAD, octets)), b""
    return DeliverSm("", _ADDRESS, _ADDRESS, esm_class, 0, 0, "", "", 0, 0, 0, 0, octets, tlvs)
