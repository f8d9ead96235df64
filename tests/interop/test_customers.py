"""Customers that others wrote bind to us, submit, read statuses, receipts and replies, and part.

Each says what it has read by itself; what it does not show, such as an enquire_link that it answers, is seen
on the line.
"""

from __future__ import annotations

import pytest

from smpp.commands import CommandId
from tests.e2e.carrier import Carrier
from tests.e2e.config import PASSWORD
from tests.e2e.customer import GREETING
from tests.interop.program import Event, Program
from tests.interop.wiretap import Wiretap

SENDER = "10690001"
SIGNATURE = "【中国银行】"


def bind(
    customer: Program,
    system_id: str = "bank",
    password: str = PASSWORD,
    bind_type: str = "transceiver",
    **options: object,
) -> Event:
    """Bind; what the customer says of the response."""
    before = len(customer.events(event="bound"))
    order = {"do": "bind", "as": bind_type, "system_id": system_id, "password": password}
    customer.tell(**order, **options)
    return customer.wait_for(event="bound", count=before + 1)


def submit(customer: Program, text: str, to: str, coding: str = "ucs2") -> Event:
    """Submit a text; what the customer says of the response."""
    before = len(customer.events(event="answer"))
    customer.tell(do="submit", to=to, source=SENDER, text=text, coding=coding)
    return customer.wait_for(event="answer", count=before + 1)


@pytest.mark.parametrize("bind_type", ["transmitter", "receiver", "transceiver"])
def test_a_customer_binds_in_every_way_and_parts_in_good_order(
    customer: Program, tap: Wiretap, bind_type: str
) -> None:
    assert bind(customer, bind_type=bind_type)["status"] == 0
    customer.tell(do="unbind")
    customer.wait_for(event="closed")
    requests = tap.recording.pdus(from_server=False)
    answers = tap.recording.pdus(from_server=True)
    assert [pdu.command_id for pdu in requests] == [CommandId[f"BIND_{bind_type.upper()}"], CommandId.UNBIND]
    expected = [CommandId[f"BIND_{bind_type.upper()}_RESP"], CommandId.UNBIND_RESP]
    assert [(pdu.command_id, pdu.command_status) for pdu in answers] == [(one, 0) for one in expected]


def test_a_wrong_password_is_refused_and_the_customer_knows(customer: Program, tap: Wiretap) -> None:
    # The others cannot read a bind response without a body, as errors have none.
    told = 0x0E if customer.name in ("npm smpp", "Net::SMPP") else None
    assert bind(customer, password="verkehrt")["status"] == told
    [answer, *_] = tap.recording.pdus(from_server=True)
    assert (answer.command_id, answer.command_status) == (CommandId.BIND_TRANSCEIVER_RESP, 0x0E)


def test_a_text_is_accepted_and_its_receipt_read(customer: Program, carrier: Carrier, number: str) -> None:
    bind(customer)
    answer = submit(customer, GREETING, number)
    assert answer["status"] == 0
    submitted = carrier.wait_for_one(number)
    assert (submitted.octets.decode("utf-16-be"), submitted.data_coding) == (GREETING, 8)
    carrier.report(submitted)
    receipt = customer.wait_for(event="receipt", source=number)
    assert (receipt["id"], receipt["state"]) == (answer["message_id"], 2)
    assert (receipt["source"], receipt["destination"]) == (number, SENDER)
    assert receipt["text"].startswith(f"id:{answer['message_id']} sub:001 dlvrd:001 submit date:")
    assert "stat:DELIVRD err:000" in receipt["text"]
    if "parsed" in receipt:  # by aiosmpplib
        assert (receipt["parsed"]["stat"], receipt["parsed"]["done date"]) == (
            "DELIVRD",
            "2026-11-22 08:01:00",
        )


@pytest.mark.parametrize(
    ("text", "coding"),
    [(GREETING.replace(SIGNATURE, ""), "ucs2"), ("Dear customer, happy birthday. Reply TD to stop", "gsm7")],
)
def test_a_text_without_a_signature_is_refused_and_the_bind_lives(
    customer: Program, carrier: Carrier, number: str, text: str, coding: str
) -> None:
    # A vendor's status is more than aiosmpplib can read: it hangs up. Such a customer wants "standard".
    system_id, status = ("standard", 0x45) if customer.name == "aiosmpplib" else ("bank", 0x403)
    bind(customer, system_id)
    assert submit(customer, text, number, coding)["status"] == status
    assert not carrier.to(number)
    assert submit(customer, GREETING, number)["status"] == 0


def test_a_reply_of_a_recipient_is_read(customer: Program, carrier: Carrier, number: str) -> None:
    bind(customer, "sender")
    answer = carrier.deliver(number, SENDER, "收到，谢谢".encode("utf-16-be"), data_coding=8)
    assert customer.wait_for(event="text", source=number)["text"] == "收到，谢谢"
    assert carrier.wait_for_answers(answer) == [0]


def test_a_customer_that_is_asked_whether_it_lives_answers_and_stays_bound(
    customer: Program, tap: Wiretap, number: str
) -> None:
    bind(customer, "curious")
    tap.recording.wait_for(CommandId.ENQUIRE_LINK_RESP, from_server=False, count=4)
    assert submit(customer, GREETING, number)["status"] == 0


# Not smpp34: the interval at which it asks is its own, and long.
@pytest.mark.parametrize("customer", ["npm smpp", "Net::SMPP", "aiosmpplib"], indirect=True)
def test_a_customer_that_asks_whether_we_live_is_answered_and_stays_bound(
    customer: Program, tap: Wiretap, number: str
) -> None:
    bind(customer, enquire_link_s=0.1)
    tap.recording.wait_for(CommandId.ENQUIRE_LINK_RESP, from_server=True, count=3)
    assert submit(customer, GREETING, number)["status"] == 0


def test_a_customer_that_is_sent_away_answers_and_goes(customer: Program, tap: Wiretap) -> None:
    bind(customer, "idle")
    tap.recording.wait_for(CommandId.UNBIND, from_server=True)
    if customer.name == "smpp34":  # goes without an answer
        customer.wait_for(event="closed")
    else:
        tap.recording.wait_for(CommandId.UNBIND_RESP, from_server=False)
