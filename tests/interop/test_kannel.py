"""Kannel binds to us, submits, calls its DLR URL on our receipts, and hands on replies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smpp.commands import CommandId
from tests.e2e.carrier import Carrier
from tests.e2e.customer import GREETING
from tests.e2e.gateway import Gateway
from tests.interop.kannel import Kannel
from tests.interop.wiretap import Recording, Wiretap

SENDER = "10690060"
GSM, UCS2 = 0, 2  # Kannel's `coding`

# Kannel's kinds of report, dlr-mask.
DELIVERED, UNDELIVERED, ACCEPTED, REFUSED = "1", "2", "8", "16"


@pytest.fixture(scope="module")
def line(gateway: Gateway) -> Iterator[Wiretap]:
    """Kannel's line to the gateway."""
    with Wiretap(gateway.port, Recording()) as line:
        yield line


@pytest.fixture(scope="module")
def kannel(tmp_path_factory: pytest.TempPathFactory, line: Wiretap) -> Iterator[Kannel]:
    """Kannel, bound as a transceiver."""
    with Kannel(tmp_path_factory.mktemp("kannel"), line.port, "kannel") as kannel:
        line.recording.wait_for(CommandId.BIND_TRANSCEIVER_RESP, from_server=True)
        yield kannel


def test_a_text_is_accepted_and_its_receipt_calls_the_dlr_url(
    kannel: Kannel, carrier: Carrier, number: str
) -> None:
    assert kannel.send(GREETING, number, SENDER, UCS2) == "0: Accepted for delivery"
    submitted = carrier.wait_for_one(number)
    assert (submitted.octets.decode("utf-16-be"), submitted.data_coding) == (GREETING, 8)
    accepted = kannel.wait_for(kind="dlr", to=number, dlr=ACCEPTED)
    carrier.report(submitted)
    delivered = kannel.wait_for(kind="dlr", to=number, dlr=DELIVERED)
    assert delivered["id"] == accepted["id"]
    assert delivered["text"].startswith(f"id:{accepted['id']} sub:001 dlvrd:001 ")


def test_what_cannot_be_delivered_calls_the_dlr_url_as_such(
    kannel: Kannel, carrier: Carrier, number: str
) -> None:
    kannel.send(GREETING, number, SENDER, UCS2)
    carrier.report(carrier.wait_for_one(number), "UNDELIV")
    assert "stat:UNDELIV" in kannel.wait_for(kind="dlr", to=number, dlr=UNDELIVERED)["text"]


@pytest.mark.parametrize(
    ("text", "coding"),
    [(GREETING.replace("【中国银行】", ""), UCS2), ("Dear customer, @ 5€ [today] only", GSM)],
)
def test_a_text_without_a_signature_calls_the_dlr_url_with_its_status(
    kannel: Kannel, carrier: Carrier, number: str, text: str, coding: int
) -> None:
    kannel.send(text, number, SENDER, coding)
    assert kannel.wait_for(kind="dlr", to=number, dlr=REFUSED)["text"].startswith("NACK/0x00000403/")
    assert not carrier.to(number)


def test_a_reply_of_a_recipient_is_handed_on(kannel: Kannel, carrier: Carrier, number: str) -> None:
    answer = carrier.deliver(number, SENDER, "收到，谢谢".encode("utf-16-be"), data_coding=8)
    assert kannel.text(kannel.wait_for(kind="reply", **{"from": number})) == "收到，谢谢"
    assert carrier.wait_for_answers(answer) == [0]


def test_each_side_asks_the_other_whether_it_lives(kannel: Kannel, line: Wiretap) -> None:
    line.recording.wait_for(CommandId.ENQUIRE_LINK_RESP, from_server=True)
    line.recording.wait_for(CommandId.ENQUIRE_LINK_RESP, from_server=False)
    assert len(line.recording.pdus(from_server=True, command_id=CommandId.BIND_TRANSCEIVER_RESP)) == 1


def test_kannel_bound_twice_transmits_on_one_bind_and_is_reported_to_on_the_other(
    gateway: Gateway, tmp_path: Path, carrier: Carrier, number: str
) -> None:
    with (
        Wiretap(gateway.port, Recording()) as line,
        Kannel(tmp_path, line.port, "pair", pair=True) as kannel,
    ):
        line.recording.wait_for(CommandId.BIND_TRANSMITTER_RESP, from_server=True)
        line.recording.wait_for(CommandId.BIND_RECEIVER_RESP, from_server=True)
        kannel.send(GREETING, number, SENDER, UCS2)
        carrier.report(carrier.wait_for_one(number))
        kannel.wait_for(kind="dlr", to=number, dlr=DELIVERED)
        kannel.stop()
        line.recording.wait_for(CommandId.UNBIND_RESP, from_server=True, count=2)
