"""PDUs as values.

A PDU says what its body says; sequence_number and command_status belong to the frame that carries it. Strings
are latin-1 without their NUL, numbers are plain octets, and TLVs are kept in order exactly as received.
"""

from __future__ import annotations

from typing import ClassVar

from smpp.address import Address
from smpp.commands import CommandId
from smpp.value import value

Tlvs = tuple[tuple[int, bytes], ...]

_MESSAGE_PAYLOAD = 0x0424


def tlv(tlvs: Tlvs, tag: int) -> bytes | None:
    """The value of `tag`, None if it is absent; of a repeated tag the last one counts."""
    value = None
    for present, octets in tlvs:
        if present == tag:
            value = octets
    return value


@value(frozen=True, slots=True)
class Bind:
    """bind_transmitter, bind_receiver or bind_transceiver, as `command_id` says (SMPP 3.4, 4.1)."""

    command_id: int
    system_id: str
    password: str
    system_type: str
    interface_version: int
    address: Address


@value(frozen=True, slots=True)
class BindResp:
    """The answer to the bind whose response id is `command_id` (SMPP 3.4, 4.1.2)."""

    command_id: int
    system_id: str
    tlvs: Tlvs = ()


@value(frozen=True, slots=True)
class MessagePdu:
    """The fields that submit_sm and deliver_sm share."""

    command_id: ClassVar[int]

    service_type: str
    source: Address
    destination: Address
    esm_class: int
    protocol_id: int
    priority_flag: int
    schedule_delivery_time: str
    validity_period: str
    registered_delivery: int
    replace_if_present_flag: int
    data_coding: int
    sm_default_msg_id: int
    short_message: bytes
    tlvs: Tlvs = ()

    @property
    def payload(self) -> bytes:
        """The user data: short_message, or the message_payload TLV where short_message is empty."""
        return self.short_message or tlv(self.tlvs, _MESSAGE_PAYLOAD) or b""


@value(frozen=True, slots=True)
class SubmitSm(MessagePdu):
    """A message from an ESME (SMPP 3.4, 4.4.1)."""

    command_id: ClassVar[int] = CommandId.SUBMIT_SM


@value(frozen=True, slots=True)
class DeliverSm(MessagePdu):
    """A message or a delivery receipt for an ESME (SMPP 3.4, 4.6.1)."""

    command_id: ClassVar[int] = CommandId.DELIVER_SM


@value(frozen=True, slots=True)
class SubmitSmResp:
    """The answer to a submit_sm; `message_id` is empty beside an error status (SMPP 3.4, 4.4.2)."""

    command_id: ClassVar[int] = CommandId.SUBMIT_SM_RESP

    message_id: str
    tlvs: Tlvs = ()


@value(frozen=True, slots=True)
class DeliverSmResp:
    """The answer to a deliver_sm; its message_id is unused (SMPP 3.4, 4.6.2)."""

    command_id: ClassVar[int] = CommandId.DELIVER_SM_RESP

    message_id: str = ""
    tlvs: Tlvs = ()


@value(frozen=True, slots=True)
class EnquireLink:
    """Are you there? (SMPP 3.4, 4.11)"""

    command_id: ClassVar[int] = CommandId.ENQUIRE_LINK


@value(frozen=True, slots=True)
class EnquireLinkResp:
    """I am."""

    command_id: ClassVar[int] = CommandId.ENQUIRE_LINK_RESP


@value(frozen=True, slots=True)
class Unbind:
    """The session is to end (SMPP 3.4, 4.2)."""

    command_id: ClassVar[int] = CommandId.UNBIND


@value(frozen=True, slots=True)
class UnbindResp:
    """The session has ended."""

    command_id: ClassVar[int] = CommandId.UNBIND_RESP


@value(frozen=True, slots=True)
class GenericNack:
    """The answer to a PDU whose header made no sense (SMPP 3.4, 4.3)."""

    command_id: ClassVar[int] = CommandId.GENERIC_NACK


@value(frozen=True, slots=True)
class UnparsedPdu:
    """A command that this package does not read, as it came."""

    command_id: int
    body: bytes


Pdu = (
    Bind
    | BindResp
    | SubmitSm
    | SubmitSmResp
    | DeliverSm
    | DeliverSmResp
    | EnquireLink
    | EnquireLinkResp
    | Unbind
    | UnbindResp
    | GenericNack
    | UnparsedPdu
)
