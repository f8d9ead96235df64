"""data_sm as the message that it is: in the house there are submit_sm and deliver_sm only (SMPP 3.4, 4.7)."""

from __future__ import annotations

from typing import TypeVar

from smpp import spec
from smpp.pdu import DataSm, DeliverSm, MessagePdu, SubmitSm

_Message = TypeVar("_Message", bound=MessagePdu)


def as_submit_sm(pdu: DataSm) -> SubmitSm:
    """A customer's data_sm."""
    return _as(SubmitSm, pdu)


def as_deliver_sm(pdu: DataSm) -> DeliverSm:
    """A carrier's data_sm."""
    return _as(DeliverSm, pdu)


def _as(kind: type[_Message], pdu: DataSm) -> _Message:
    text, tlvs = b"", pdu.tlvs
    if len(pdu.payload) <= spec.SHORT_MESSAGE_MAX:
        text = pdu.payload
        tlvs = tuple((tag, octets) for tag, octets in tlvs if tag != spec.MESSAGE_PAYLOAD)
    return kind(
        pdu.service_type,
        pdu.source,
        pdu.destination,
        pdu.esm_class,
        0,
        0,
        "",
        "",
        pdu.registered_delivery,
        0,
        pdu.data_coding,
        0,
        text,
        tlvs,
    )
