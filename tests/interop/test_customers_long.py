"""Long texts of customers that others wrote, each cut the way the customer does it.

Segments are joined and judged as one text. Each submit_sm has an answer, and a receipt if it asked for one.
"""

from __future__ import annotations

import pytest

from smpp.commands import CommandId
from tests.e2e.carrier import Carrier, Submitted
from tests.e2e.patience import until
from tests.interop.program import Program
from tests.interop.test_customers import SENDER, SIGNATURE, bind
from tests.interop.wiretap import Wiretap

LONG = "尊敬的会员:" + "春天来了，万物复苏，" * 16 + "回TD退订" + SIGNATURE
_PART = 67  # UCS-2 characters beside a user data header

# aiosmpplib tells its user one answer and one receipt of all the parts.
_TELLS_ONE = "aiosmpplib"


def submit(customer: Program, text: str, to: str, how: str) -> None:
    """Submit a text in parts, or whole in message_payload."""
    parts = [text] if how == "payload" else [text[at : at + _PART] for at in range(0, len(text), _PART)]
    customer.tell(do="submit_long", to=to, source=SENDER, parts=parts, how=how)


def segments(how: str) -> int:
    """How many submit_sm make a LONG."""
    return 1 if how == "payload" else -(-len(LONG) // _PART)


def arrived(carrier: Carrier, number: str, text: str = LONG) -> list[Submitted]:
    """The submits that carry a text to a number, in whichever way the gateway cuts it."""

    def look() -> list[Submitted]:
        submits = carrier.to(number)
        octets = b"".join(_text(submitted) for submitted in submits)
        return submits if octets.decode("utf-16-be") == text else []

    return until(look, f"a long text to {number}")


def _text(submitted: Submitted) -> bytes:
    octets = submitted.octets
    return octets[octets[0] + 1 :] if octets[:3] in (b"\5\0\3", b"\6\x08\4") else octets


@pytest.mark.parametrize("how", ["payload", "udh", "sar"])
def test_a_long_text_is_one_message_with_an_answer_and_a_receipt_for_each_part(
    customer: Program, tap: Wiretap, carrier: Carrier, number: str, how: str
) -> None:
    bind(customer)
    submit(customer, LONG, number, how)
    parts = segments(how)
    for submitted in arrived(carrier, number):
        carrier.report(submitted)
    tap.recording.wait_for(CommandId.DELIVER_SM_RESP, from_server=False, count=parts)
    answers = tap.recording.pdus(from_server=True, command_id=CommandId.SUBMIT_SM_RESP)
    assert [answer.command_status for answer in answers] == [0] * parts
    told = 1 if customer.name == _TELLS_ONE else parts
    customer.wait_for(event="receipt", source=number, state=2, count=told)
    message_ids = {answer["message_id"] for answer in customer.events(event="answer", to=number)}
    assert {receipt["id"] for receipt in customer.events(event="receipt", source=number)} == message_ids
    assert len(message_ids) == told


@pytest.mark.parametrize("how", ["payload", "udh", "sar"])
def test_a_long_text_without_a_signature_is_refused_as_one(
    customer: Program, tap: Wiretap, carrier: Carrier, number: str, how: str
) -> None:
    system_id, status = ("standard", 0x45) if customer.name == "aiosmpplib" else ("bank", 0x403)
    bind(customer, system_id)
    submit(customer, LONG.replace(SIGNATURE, "再见，朋友们！"), number, how)
    parts = segments(how)
    tap.recording.wait_for(CommandId.SUBMIT_SM_RESP, from_server=True, count=parts)
    answers = tap.recording.pdus(from_server=True, command_id=CommandId.SUBMIT_SM_RESP)
    # The part that completes the text is refused with it; what was accepted before ends REJECTED.
    assert sorted(answer.command_status for answer in answers) == [0] * (parts - 1) + [status]
    if parts > 1:
        tap.recording.wait_for(CommandId.DELIVER_SM_RESP, from_server=False, count=parts - 1)
        customer.wait_for(event="receipt", source=number, state=8)
    assert not carrier.to(number)
