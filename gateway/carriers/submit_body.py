"""The body of a submit_sm as a carrier wants it, where that is not how the customer sent it."""

from __future__ import annotations

from dataclasses import replace

from gateway.settings import LongForm
from smpp import codec, packing, parts, segments, spec
from smpp.address import Address
from smpp.segments import Kind


def sent_by(sender: Address, body: bytes) -> bytes:
    """`body` with another sender. Raises PduError for one that cannot be read."""
    return codec.encode_body(replace(codec.submit_sm(body), source=sender))


def without_tlvs(body: bytes) -> bytes | None:
    """`body` for an SMSC from before SMPP 3.4 (section 3.4); None if its text needs message_payload.

    A segment keeps its place, in a user data header. Raises PduError for one that contradicts itself.
    """
    pdu = codec.submit_sm(body)
    place = segments.concat(pdu)
    if place is not None and place.kind == "sar":
        # A header holds eight bits of the reference.
        ref = spec.SAR_MSG_REF_NUM
        tlvs = tuple((tag, b"\0" + octets[-1:] if tag == ref else octets) for tag, octets in pdu.tlvs)
        pdu = parts.in_form(replace(pdu, tlvs=tlvs), "udh8")
    if len(pdu.payload) > spec.SHORT_MESSAGE_MAX:
        return None
    return codec.encode_body(replace(pdu, short_message=pdu.payload, tlvs=()))


def in_form(form: LongForm, body: bytes) -> bytes:
    """The body of a part of a long message as the carrier wants it; what it takes whole stays whole."""
    kind: Kind = "udh16" if form is LongForm.UDH16 else "udh8"
    if form is LongForm.SAR:
        return body
    return parts.body_in_form(body, kind) or codec.encode_body(parts.in_form(codec.submit_sm(body), kind))


def packed(body: bytes) -> bytes:
    """`body` with its septets packed. Raises ValueError where there are octets that are none."""
    return codec.encode_body(packing.packed(codec.submit_sm(body)))
