"""Receipts: an input is read as the text of one, as its TLVs, and as the body of a whole deliver_sm.

Any deliver_sm is a receipt or none; one that is marked always is. What is read of it has its limits, its id
finds itself, and a receipt that we write of it reads the same. `corpus/receipt` holds texts as carriers send
them, and bodies.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from smpp import codec, receipt, spec
from smpp.address import Address
from smpp.commands import CommandId
from smpp.errors import PduError
from smpp.message_id import candidates, look_up_key
from smpp.message_state import MessageState
from smpp.pdu import DeliverSm
from smpp.receipt import ERROR_MAX, INTERMEDIATE, RECEIPT, WORD_MAX, Receipt
from smpp.segments import UDHI
from tests.fuzz.pdus import user_data

_ZONE = ZoneInfo("Asia/Shanghai")
_WORDS = {"DELIVERED_OK": MessageState.DELIVERED}
_MARKED = (RECEIPT, RECEIPT | UDHI, INTERMEDIATE)
_ID_MAX = 64
_SOURCE, _DESTINATION = Address(5, 0, "Signet"), Address(1, 1, "8613800138000")


def target(data: bytes) -> None:
    """One text, one value of a TLV, one body."""
    for esm_class in _MARKED:
        _check(user_data(data, esm_class))
    _check(user_data(data, 0))
    for tag in (spec.RECEIPTED_MESSAGE_ID, spec.MESSAGE_STATE, spec.NETWORK_ERROR_CODE):
        _check(user_data(b"id:1 stat:DELIVRD", RECEIPT, ((tag, data[:65_535]),)))
    try:
        pdu = codec.decode(CommandId.DELIVER_SM, data, strict=False)
    except PduError:
        return
    assert isinstance(pdu, DeliverSm)
    _check(pdu)


def _check(pdu: DeliverSm) -> None:
    found = receipt.parse(pdu, _ZONE, _WORDS)
    if found is None:
        assert not pdu.esm_class & RECEIPT or pdu.esm_class & 0x18
        return
    assert len(found.error) <= ERROR_MAX
    assert len(found.word) <= WORD_MAX
    assert found.understood or not found.is_final
    assert not (found.is_final and found.intermediate)
    _check_id(found.message_id)
    if found.message_id.isascii() and found.message_id.isalnum() and len(found.message_id) <= _ID_MAX:
        _check_written(found)


def _check_id(message_id: str) -> None:
    forms = candidates(message_id)
    assert forms[0] == message_id
    assert len(set(forms)) == len(forms) <= 6
    assert look_up_key(message_id) in forms


def _check_written(found: Receipt) -> None:
    """The receipt that we would write for the same message."""
    done = found.done or datetime(2026, 2, 3, 4, 5, tzinfo=UTC)
    submitted = found.submitted or done - timedelta(seconds=7)
    written = receipt.format_receipt(
        _SOURCE, _DESTINATION, found.message_id, found.state, found.error, submitted, done, "the text"
    )
    body = codec.encode_body(written)
    again = codec.decode(CommandId.DELIVER_SM, body)
    assert isinstance(again, DeliverSm)
    assert again == written
    assert (again.source, again.destination) == (_DESTINATION, _SOURCE)
    read = receipt.parse(again, _ZONE)
    assert read is not None
    assert (read.message_id, read.state) == (found.message_id, found.state)
    assert len(read.error) >= 3
