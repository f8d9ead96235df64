"""What customers that others wrote ask of us beside submit_sm, and how their parsers read what we answer.

Not by smpp34 and aiosmpplib, which have submit_sm only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.carrier import Carrier
from tests.e2e.customer import GREETING
from tests.interop.program import Event, Program
from tests.interop.test_customers import SENDER, SIGNATURE, bind, submit

OTHER = GREETING.replace("生日快乐", "万事如意")
LATER = "000000001000000R"  # in ten minutes
SOON = "000000000001000R"

# SMPP 3.4, 5.1.3 and 5.2.28.
RINVDSTADR, RINVMSGID, RCANCELFAIL, RREPLACEFAIL, RCNTSUBDL = 0x0B, 0x0C, 0x11, 0x13, 0x44
ENROUTE, DELIVERED, DELETED = 1, 2, 4

pytestmark = pytest.mark.parametrize("customer", ["npm smpp", "Net::SMPP"], indirect=True)


def ask(customer: Program, command: str, text: str | None = None, **fields: object) -> Event:
    """Send a request; what the customer says of the response. A text goes in UCS-2."""
    before = len(customer.events(event="told"))
    fields = {"source_addr": SENDER} | fields
    customer.tell(do="ask", command=command, fields=fields, **({} if text is None else {"text": text}))
    told = customer.wait_for(event="told", count=before + 1)
    assert told["command"] == f"{command}_resp"
    return told


def send(customer: Program, command: str, text: str, **fields: object) -> Event:
    """Ask for a text to be sent, with a receipt."""
    return ask(customer, command, text, data_coding=8, registered_delivery=1, **fields)


def scheduled(customer: Program, number: str) -> str:
    """A message that waits for ten minutes; its id."""
    told = send(customer, "submit_sm", GREETING, destination_addr=number, schedule_delivery_time=LATER)
    assert told["status"] == 0
    message_id: str = told["message_id"]
    return message_id


def date_in(final_date: str) -> datetime:
    """The date as Net::SMPP leaves it, or as npm smpp has read it."""
    if final_date.endswith("00+"):
        return datetime.strptime(final_date[:12], "%y%m%d%H%M%S").replace(tzinfo=UTC)
    return datetime.fromisoformat(final_date)


def sme(number: str) -> dict[str, str]:
    """One number among the destinations of a submit_multi."""
    return {"destination_addr": number}


def query(customer: Program, message_id: str) -> Event:
    """Ask what has become of a message."""
    told = ask(customer, "query_sm", message_id=message_id)
    assert (told["status"], told["message_id"]) == (0, message_id)
    return told


def test_a_query_is_told_the_state_and_after_the_end_its_date(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    message_id = submit(customer, GREETING, number)["message_id"]
    submitted = carrier.wait_for_one(number)
    told = query(customer, message_id)
    assert (told["state"], told["final_date"] or None, told["error"]) == (ENROUTE, None, 0)
    carrier.report(submitted)
    customer.wait_for(event="receipt", id=message_id)
    told = query(customer, message_id)
    assert (told["state"], told["error"]) == (DELIVERED, 0)
    assert abs(date_in(told["final_date"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_query_of_a_message_that_is_not_there_is_refused_and_the_bind_lives(customer: Program) -> None:
    bind(customer)
    assert ask(customer, "query_sm", message_id="1")["status"] == RINVMSGID
    assert ask(customer, "query_sm", message_id="x")["status"] == RINVMSGID


def test_what_waits_is_cancelled_reported_as_deleted_and_not_cancelled_again(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    message_id = scheduled(customer, number)
    assert query(customer, message_id)["state"] == ENROUTE
    meant = {"message_id": message_id, "destination_addr": number}
    assert ask(customer, "cancel_sm", **meant)["status"] == 0
    receipt = customer.wait_for(event="receipt", source=number)
    assert (receipt["id"], receipt["state"]) == (message_id, DELETED)
    assert query(customer, message_id)["state"] == DELETED
    assert ask(customer, "cancel_sm", **meant)["status"] == RCANCELFAIL
    assert not carrier.to(number)


def test_all_that_waits_for_a_number_is_cancelled_by_one_cancel_sm(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    message_ids = {scheduled(customer, number) for _ in range(2)}
    assert ask(customer, "cancel_sm", message_id="", destination_addr=number)["status"] == 0
    customer.wait_for(event="receipt", source=number, state=DELETED, count=2)
    assert {receipt["id"] for receipt in customer.events(event="receipt", source=number)} == message_ids
    assert not carrier.to(number)


def test_what_waits_is_replaced_sent_and_reported_under_its_id(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    message_id = scheduled(customer, number)
    meant = {"message_id": message_id, "schedule_delivery_time": SOON, "registered_delivery": 1}
    assert ask(customer, "replace_sm", OTHER, **meant)["status"] == 0
    submitted = carrier.wait_for_one(number)
    assert submitted.octets.decode("utf-16-be") == OTHER
    carrier.report(submitted)
    assert customer.wait_for(event="receipt", source=number, state=DELIVERED)["id"] == message_id
    assert ask(customer, "replace_sm", OTHER, **meant)["status"] == RREPLACEFAIL


def test_another_text_is_judged_too_and_a_refusal_leaves_the_first_one(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    message_id = scheduled(customer, number)
    unsigned = OTHER.replace(SIGNATURE, "")
    assert ask(customer, "replace_sm", unsigned, message_id=message_id)["status"] == 0x403
    assert query(customer, message_id)["state"] == ENROUTE
    assert not carrier.to(number)


def test_one_submit_multi_is_a_message_and_a_receipt_for_each_number_under_one_id(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    numbers = [number, number + "0", number + "1"]
    told = send(customer, "submit_multi", GREETING, dest_address=[sme(number) for number in numbers])
    assert (told["status"], told["refused"]) == (0, [])
    for number in numbers:
        submitted = carrier.wait_for_one(number)
        assert submitted.octets.decode("utf-16-be") == GREETING
        carrier.report(submitted)
    meant = {"event": "receipt", "id": told["message_id"]}
    customer.wait_for(**meant, state=DELIVERED, count=3)
    assert {receipt["source"] for receipt in customer.events(**meant)} == set(numbers)


def test_a_submit_multi_is_told_which_destinations_were_refused_and_why(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    destinations = [sme("Bank"), sme(number), {"dl_name": "everybody"}]
    told = send(customer, "submit_multi", GREETING, dest_address=destinations)
    assert (told["status"], bool(told["message_id"])) == (0, True)
    assert sorted(told["refused"]) == [["Bank", RINVDSTADR], ["everybody", RCNTSUBDL]]
    assert carrier.wait_for_one(number).octets.decode("utf-16-be") == GREETING


def test_a_submit_multi_without_a_signature_is_refused_to_all(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    told = send(customer, "submit_multi", GREETING.replace(SIGNATURE, ""), dest_address=[sme(number)])
    assert told["status"] == 0x403
    assert not carrier.to(number)


def test_a_text_in_data_sm_is_accepted_and_its_receipt_read(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    told = send(customer, "data_sm", GREETING, destination_addr=number)
    assert told["status"] == 0
    submitted = carrier.wait_for_one(number)
    assert submitted.octets.decode("utf-16-be") == GREETING
    carrier.report(submitted)
    assert customer.wait_for(event="receipt", source=number, state=DELIVERED)["id"] == told["message_id"]


def test_a_text_in_data_sm_without_a_signature_is_refused(
    customer: Program, carrier: Carrier, number: str
) -> None:
    bind(customer)
    told = send(customer, "data_sm", GREETING.replace(SIGNATURE, ""), destination_addr=number)
    assert told["status"] == 0x403
    assert not carrier.to(number)
