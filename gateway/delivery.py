"""What a customer is told: which ends of a message it asked for, and the deliver_sm that says so."""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache

from gateway.message import Message
from gateway.settings import ReceiptFormat
from gateway.told_id import told
from smpp import codec, receipt
from smpp.message_state import MessageState
from smpp.pdu import Tlvs, tlv
from smpp.spec import USER_MESSAGE_REFERENCE

_FAILURE_ONLY = 2
_INTERMEDIATE = 0x10
_REFERENCE_HEAD = b"\x02\x04\x00\x02"

COMMON = ReceiptFormat()
"""The form of Appendix B that every client reads."""


def wants_end(registered_delivery: int, state: MessageState) -> bool:
    """Whether a customer that set `registered_delivery` wants to hear of this end (SMPP 3.4, 5.2.17)."""
    wanted = registered_delivery & 3
    if wanted == _FAILURE_ONLY:
        return state is not MessageState.DELIVERED
    return wanted != 0


def wants_news(registered_delivery: int) -> bool:
    """Whether it wants to hear of states on the way."""
    return bool(registered_delivery & _INTERMEDIATE)


def receipt_body(
    message: Message,
    state: MessageState,
    error: str,
    done_at: int,
    zone: tzinfo,
    form: ReceiptFormat = COMMON,
    tlvs: Tlvs = (),
) -> bytes:
    """The deliver_sm body that reports `state` of a message to its sender.

    `done_at` is in unix milliseconds; `zone` is that of the dates in the text, `form` that of the account's
    receipts. `tlvs` go with it if it carries any, behind the user_message_reference of the message (SMPP 3.4,
    4.6.1).
    """
    digits = form.date_digits
    # Nearly no message has one, and only those that might have are read.
    if _REFERENCE_HEAD in message.body:
        tlvs = (*_reference(message.body), *tlvs)
    return receipt.receipt_body(
        message.body,
        message.told_as or told(message.message_id, form.message_id),
        state,
        error,
        _date(message.submitted_at // 1000, zone, digits),
        _date(done_at // 1000, zone, digits),
        form.tlvs,
        tlvs,
    )


def _reference(body: bytes) -> Tlvs:
    octets = tlv(codec.submit_sm(body).tlvs, USER_MESSAGE_REFERENCE)
    return () if octets is None else ((USER_MESSAGE_REFERENCE, octets),)


@lru_cache(maxsize=1024)
def _date(seconds: int, zone: tzinfo, digits: int) -> str:
    """The receipts of a second share their dates."""
    return receipt.date_digits(datetime.fromtimestamp(seconds, zone), digits)
