"""Our bind to a carrier that runs PyPI's smpp34."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.config import Config
from tests.e2e.customer import GREETING, Customer
from tests.e2e.gateway import Gateway
from tests.interop.conftest import ROOT, SMPP34_SMSC
from tests.interop.smsc import Smsc

SENDER = "10690034"
LONG = "尊敬的会员:" + "春天来了，万物复苏😀" * 20 + "，回TD退订【中国银行】"


def test_the_carrier_sees_a_transceiver(gateway: Gateway, smpp34_smsc: Smsc) -> None:
    assert smpp34_smsc.wait_for(event="bound")["system_id"] == "signet"
    assert smpp34_smsc.events(event="bound", receives=True)


def test_a_text_arrives_whole_and_its_receipt_in_tlvs_comes_back(gateway: Gateway, smpp34_smsc: Smsc) -> None:
    with Customer(gateway.port, "rust") as customer:
        message_id = customer.accepted(GREETING, "13800034000", source_addr=SENDER)
        receipt = customer.receipt(message_id)
    assert (receipt.fields["id"], receipt.fields["stat"]) == (message_id, "DELIVRD")
    assert (receipt.source, receipt.destination) == ("13800034000", SENDER)
    [submit] = smpp34_smsc.events(event="submit", destination="13800034000")
    assert bytes.fromhex(submit["octets"]).decode("utf-16-be") == GREETING
    assert (submit["source"], submit["data_coding"]) == (SENDER, 8)
    smpp34_smsc.wait_for(event="answered", destination="13800034000", status=0)


def test_a_long_text_arrives_whole_in_message_payload(gateway: Gateway, smpp34_smsc: Smsc) -> None:
    with Customer(gateway.port, "rust") as customer:
        message_id = customer.accepted(LONG, "13800034010", source_addr=SENDER)
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"
    [submit] = smpp34_smsc.events(event="submit", destination="13800034010")
    assert bytes.fromhex(submit["octets"]).decode("utf-16-be") == LONG


def test_what_cannot_be_delivered_is_reported_as_such(gateway: Gateway) -> None:
    with Customer(gateway.port, "rust") as customer:
        message_id = customer.accepted(GREETING, "13800034001", source_addr=SENDER)
        assert customer.receipt(message_id).fields["stat"] == "UNDELIV"


def test_what_the_carrier_refuses_is_reported_as_rejected_with_its_status(gateway: Gateway) -> None:
    with Customer(gateway.port, "rust") as customer:
        message_id = customer.accepted(GREETING, "13800034008", source_addr=SENDER)
        fields = customer.receipt(message_id).fields
    assert (fields["stat"], fields["err"]) == ("REJECTD", "00b")


def test_what_the_carrier_throttles_is_sent_again(gateway: Gateway, smpp34_smsc: Smsc) -> None:
    with Customer(gateway.port, "rust") as customer:
        message_id = customer.accepted(GREETING, "13800034058", source_addr=SENDER)
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"
    submits = smpp34_smsc.events(event="submit", destination="13800034058")
    assert [submit["throttled"] for submit in submits] == [True, False]


def test_a_recipient_that_replies_td_is_heard_and_left_alone(gateway: Gateway) -> None:
    with Customer(gateway.port, "rust") as customer:
        customer.accepted(GREETING, "13800034077", source_addr=SENDER)
        reply = customer.delivery(lambda delivered: delivered.esm_class == 0)
        assert (reply.source, reply.destination) == ("13800034077", SENDER)
        assert reply.octets.decode("utf-16-be") == "TD"
        assert customer.submit(GREETING, "13800034077", source_addr=SENDER).status == 0x431


def test_a_carrier_that_unbinds_is_answered_and_bound_to_again(gateway: Gateway, smpp34_smsc: Smsc) -> None:
    before = len(smpp34_smsc.events(event="bound"))
    smpp34_smsc.tell(do="unbind")
    smpp34_smsc.wait_for(event="bound", count=before + 1)
    with Customer(gateway.port, "rust") as customer:
        message_id = customer.accepted(GREETING, "13800034040", source_addr=SENDER)
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"


def test_a_carrier_that_died_is_bound_to_again_and_gets_what_waited(tmp_path: Path) -> None:
    with Smsc(tmp_path, *SMPP34_SMSC, folder=ROOT) as smsc:
        config = Config()
        config.carrier("rust", smsc.port, "timers.unbind_s = 0.3")
        config.account("rust", "rust")
        with Gateway(tmp_path, config) as gateway:
            gateway.top_up("rust", 10)
            gateway.start()
            smsc.kill()
            gateway.wait_for_health(503)
            with Customer(gateway.port, "rust") as customer:
                message_id = customer.accepted(GREETING, "13800034020")
                smsc.start()
                assert customer.receipt(message_id).fields["stat"] == "DELIVRD"
            # smpp34 never answers an unbind: the gateway waits unbind_s, and goes.
            assert gateway.stop() == 0
