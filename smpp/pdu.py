"""PDUs as values.

A PDU says what its body says; sequence_number and command_status belong to the frame that carries it. Strings
are latin-1 without their NUL, numbers are plain octets, and TLVs are kept in order exactly as received.
"""

from __future__ import annotations

from typing import ClassVar

from smpp.address import Address
from smpp.commands import CommandId
from smpp.spec import MESSAGE_PAYLOAD
from smpp.value import value

Tlvs = tuple[tuple[int, bytes], ...]


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
        return self.short_message or tlv(self.tlvs, MESSAGE_PAYLOAD) or b""


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
class DataSm:
    """A message in either direction whose text is a TLV (SMPP 3.4, 4.7.1)."""

    command_id: ClassVar[int] = CommandId.DATA_SM

    service_type: str
    source: Address
    destination: Address
    esm_class: int
    registered_delivery: int
    data_coding: int
    tlvs: Tlvs = ()

    @property
    def payload(self) -> bytes:
        """The user data, which is the message_payload TLV."""
        return tlv(self.tlvs, MESSAGE_PAYLOAD) or b""


@value(frozen=True, slots=True)
class DataSmResp:
    """The answer to a data_sm; `message_id` is empty beside an error status (SMPP 3.4, 4.7.2)."""

    command_id: ClassVar[int] = CommandId.DATA_SM_RESP

    message_id: str
    tlvs: Tlvs = ()


@value(frozen=True, slots=True)
class DistributionList:
    """A destination of a submit_multi that is a list of the SMSC's, by name (SMPP 3.4, 4.5.1.2)."""

    name: str


@value(frozen=True, slots=True)
class SubmitMulti:
    """One message for 1 to 254 destinations (SMPP 3.4, 4.5.1)."""

    command_id: ClassVar[int] = CommandId.SUBMIT_MULTI

    service_type: str
    source: Address
    destinations: tuple[Address | DistributionList, ...]
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
        return self.short_message or tlv(self.tlvs, MESSAGE_PAYLOAD) or b""


@value(frozen=True, slots=True)
class UnsuccessSme:
    """A destination that a submit_multi did not reach, and why (SMPP 3.4, 4.5.2.1)."""

    address: Address
    command_status: int


@value(frozen=True, slots=True)
class SubmitMultiResp:
    """The answer to a submit_multi; who is not in `unsuccess` was accepted (SMPP 3.4, 4.5.2)."""

    command_id: ClassVar[int] = CommandId.SUBMIT_MULTI_RESP

    message_id: str
    unsuccess: tuple[UnsuccessSme, ...] = ()
    tlvs: Tlvs = ()


@value(frozen=True, slots=True)
class QuerySm:
    """What has become of the message? (SMPP 3.4, 4.8.1)"""

    command_id: ClassVar[int] = CommandId.QUERY_SM

    message_id: str
    source: Address


@value(frozen=True, slots=True)
class QuerySmResp:
    """The answer to a query_sm (SMPP 3.4, 4.8.2).

    `final_date` is absolute, and empty until the message has ended; `error_code` is the carrier's own. A body
    that ends early leaves its numbers 0.
    """

    command_id: ClassVar[int] = CommandId.QUERY_SM_RESP

    message_id: str
    final_date: str
    message_state: int
    error_code: int


@value(frozen=True, slots=True)
class CancelSm:
    """Do not deliver a message, or all between two addresses if `message_id` is empty (SMPP 3.4, 4.9.1)."""

    command_id: ClassVar[int] = CommandId.CANCEL_SM

    service_type: str
    message_id: str
    source: Address
    destination: Address


@value(frozen=True, slots=True)
class CancelSmResp:
    """The answer to a cancel_sm (SMPP 3.4, 4.9.2)."""

    command_id: ClassVar[int] = CommandId.CANCEL_SM_RESP


@value(frozen=True, slots=True)
class ReplaceSm:
    """Another text and other times for a message not delivered yet (SMPP 3.4, 4.10.1).

    SMPP 3.4 has no TLV here; 5.0 allows message_payload.
    """

    command_id: ClassVar[int] = CommandId.REPLACE_SM

    message_id: str
    source: Address
    schedule_delivery_time: str
    validity_period: str
    registered_delivery: int
    sm_default_msg_id: int
    short_message: bytes
    tlvs: Tlvs = ()

    @property
    def payload(self) -> bytes:
        """The user data: short_message, or the message_payload TLV where short_message is empty."""
        return self.short_message or tlv(self.tlvs, MESSAGE_PAYLOAD) or b""


@value(frozen=True, slots=True)
class ReplaceSmResp:
    """The answer to a replace_sm (SMPP 3.4, 4.10.2)."""

    command_id: ClassVar[int] = CommandId.REPLACE_SM_RESP


@value(frozen=True, slots=True)
class AlertNotification:
    """The subscriber `source` can be reached again; it has no response (SMPP 3.4, 4.12.1)."""

    command_id: ClassVar[int] = CommandId.ALERT_NOTIFICATION

    source: Address
    esme: Address
    tlvs: Tlvs = ()


@value(frozen=True, slots=True)
class Outbind:
    """An SMSC that has connected asks the ESME to bind; it has no response (SMPP 3.4, 4.1.7)."""

    command_id: ClassVar[int] = CommandId.OUTBIND

    system_id: str
    password: str


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
    | DataSm
    | DataSmResp
    | SubmitMulti
    | SubmitMultiResp
    | QuerySm
    | QuerySmResp
    | CancelSm
    | CancelSmResp
    | ReplaceSm
    | ReplaceSmResp
    | AlertNotification
    | Outbind
)
