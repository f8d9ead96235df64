"""What a carrier's submit_sm_resp says beside its status: the message's id, and how full the carrier is."""

from __future__ import annotations

import structlog

from smpp import codec, spec, tlv
from smpp.commands import CommandId
from smpp.errors import PduError
from smpp.pdu import SubmitSmResp

log = structlog.get_logger()

_MESSAGE_ID_MAX = 64
# 90 to 99 is nearly congested, 100 is congested.
_NEARLY_CONGESTED = 90


def message_id(body: bytes, carrier: str) -> str | None:
    """The carrier's id for the message, None if it gives none that can be read."""
    end = body.find(0)
    if 0 < end <= _MESSAGE_ID_MAX:
        return body[:end].decode("latin-1")
    try:
        return _read(body).message_id
    except PduError as error:
        # Accepted all the same; without its id no receipt will find the message.
        log.warning("submit_sm_resp.malformed", carrier=carrier, reason=error.reason)
        return None


def is_congested(body: bytes) -> bool:
    """Whether the carrier says that it is nearly congested, or more (SMPP 5.0, 4.8.4.18)."""
    try:
        congestion = tlv.integer(_read(body).tlvs, spec.CONGESTION_STATE)
    except PduError:
        return False
    return congestion is not None and congestion >= _NEARLY_CONGESTED


def _read(body: bytes) -> SubmitSmResp:
    pdu = codec.decode(CommandId.SUBMIT_SM_RESP, body, strict=False)
    assert isinstance(pdu, SubmitSmResp)
    return pdu
