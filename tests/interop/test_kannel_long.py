"""Kannel cuts a long text into segments by itself, and asks for the receipt of the first one only."""

from __future__ import annotations

from pathlib import Path

from smpp.commands import CommandId
from tests.e2e.carrier import Carrier
from tests.e2e.gateway import Gateway
from tests.interop.kannel import Kannel
from tests.interop.test_customers import SIGNATURE
from tests.interop.test_customers_long import LONG, arrived, segments
from tests.interop.test_kannel import DELIVERED, REFUSED, UCS2, UNDELIVERED
from tests.interop.wiretap import Recording, Wiretap

SENDER = "10690060"


def test_kannels_segments_are_one_message_and_the_one_receipt_calls_the_dlr_url(
    gateway: Gateway, tmp_path: Path, carrier: Carrier, number: str
) -> None:
    with (
        Wiretap(gateway.port, Recording()) as line,
        Kannel(tmp_path, line.port, "pair") as kannel,
    ):
        kannel.send(LONG, number, SENDER, UCS2)
        for submitted in arrived(carrier, number):
            carrier.report(submitted)
        kannel.wait_for(kind="dlr", to=number, dlr=DELIVERED)
        answers = line.recording.pdus(from_server=True, command_id=CommandId.SUBMIT_SM_RESP)
        assert [answer.command_status for answer in answers] == [0] * segments("udh")
        kannel.stop()
        line.recording.wait_for(CommandId.UNBIND_RESP, from_server=True)
        assert len(line.recording.pdus(from_server=True, command_id=CommandId.DELIVER_SM)) == 1


def test_kannels_segments_without_a_signature_are_refused_as_one(
    gateway: Gateway, tmp_path: Path, carrier: Carrier, number: str
) -> None:
    with (
        Wiretap(gateway.port, Recording()) as line,
        Kannel(tmp_path, line.port, "pair") as kannel,
    ):
        kannel.send(LONG.replace(SIGNATURE, "再见，朋友们！"), number, SENDER, UCS2)
        kannel.wait_for(kind="dlr", to=number, dlr=REFUSED)
        # The receipt of the part that asked, which was accepted before its text was known.
        assert "stat:REJECTD" in kannel.wait_for(kind="dlr", to=number, dlr=UNDELIVERED)["text"]
        statuses = {
            answer.command_status
            for answer in line.recording.pdus(from_server=True, command_id=CommandId.SUBMIT_SM_RESP)
        }
        assert statuses == {0, 0x403}
    assert not carrier.to(number)
