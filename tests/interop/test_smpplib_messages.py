"""A stock smpplib client submits texts, and reads the statuses and receipts that it gets."""

from __future__ import annotations

import re

import pytest
from smpplib import consts, gsm, smpp

from tests.e2e.carrier import Carrier
from tests.e2e.customer import GREETING, Answer, Customer
from tests.e2e.gateway import Gateway
from tests.interop.test_customers_long import arrived

LONG = "尊敬的会员:" + "春天来了，万物复苏😀" * 20 + "，回TD退订【中国银行】"
SIGNATURE = "【中国银行】"


@pytest.mark.parametrize(
    ("text", "rule", "status"),
    [
        (GREETING.replace("尊敬的", "亲爱的"), "SALUTATION_MISSING", 0x401),
        (GREETING.replace("，回TD退订", ""), "UNSUBSCRIBE_MISSING", 0x402),
        (GREETING.replace(SIGNATURE, ""), "SIGNATURE_MISSING", 0x403),
        (GREETING.replace("中国银行", "外国银行"), "SIGNATURE_NOT_REGISTERED", 0x404),
        (SIGNATURE + GREETING, "SIGNATURE_MISPLACED", 0x405),
        (GREETING.replace("生日快乐", "违反宪法基本原则"), "CONTENT_CONSTITUTION", 0x411),
        (GREETING.replace("生日快乐", "泄露国家秘密"), "CONTENT_STATE_SECURITY", 0x412),
        (GREETING.replace("生日快乐", "损害国家荣誉"), "CONTENT_NATIONAL_HONOUR", 0x413),
        (GREETING.replace("生日快乐", "煽动民族仇恨"), "CONTENT_ETHNIC_HATRED", 0x414),
        (GREETING.replace("生日快乐", "宣扬邪教"), "CONTENT_CULT", 0x415),
        (GREETING.replace("生日快乐", "造谣中伤"), "CONTENT_RUMOUR", 0x416),
        (GREETING.replace("生日快乐", "赌 博"), "CONTENT_OBSCENE_VIOLENT", 0x417),
        (GREETING.replace("生日快乐", "侮辱谩骂"), "CONTENT_DEFAMATION", 0x418),
        (GREETING.replace("生日快乐", "代开发票"), "CONTENT_UNLAWFUL", 0x419),
    ],
)
def test_a_text_against_the_contract_gets_the_status_of_its_rule(
    gateway: Gateway, carrier: Carrier, text: str, rule: str, status: int
) -> None:
    with Customer(gateway.port, "bank") as customer:
        assert customer.submit(text, "13800000200") == Answer(status, ""), rule
    assert not carrier.to("13800000200")


def test_an_account_with_standard_statuses_gets_rsubmitfail(gateway: Gateway) -> None:
    with Customer(gateway.port, "standard") as customer:
        answer = customer.submit(GREETING.replace(SIGNATURE, ""), "13800000201")
        assert answer.status == consts.SMPP_ESME_RSUBMITFAIL


@pytest.mark.parametrize(
    ("account", "fields", "status"),
    [
        ("closed", {}, 0x440),
        ("poor", {}, 0x450),
        ("sender", {"source_addr": "10690002"}, 0x460),
        ("slow", {}, consts.SMPP_ESME_RTHROTTLED),
        ("bank", {"short_message": GREETING.encode("utf-16-be")[:-1]}, 0x462),
        ("bank", {"destination_addr": "Bank"}, consts.SMPP_ESME_RINVDSTADR),
        ("bank", {"validity_period": "tomorrow"}, consts.SMPP_ESME_RINVEXPIRY),
        ("bank", {"priority_flag": 9}, consts.SMPP_ESME_RINVPRTFLG),
        ("bank", {"sar_msg_ref_num": 1, "sar_total_segments": 2}, consts.SMPP_ESME_RMISSINGOPTPARAM),
    ],
)
def test_a_message_that_may_not_pass_gets_the_status_that_says_why(
    gateway: Gateway, account: str, fields: dict[str, object], status: int
) -> None:
    with Customer(gateway.port, account) as customer:
        assert customer.submit(GREETING, "13800000202", **fields) == Answer(status, "")


def test_a_gsm_text_is_judged_as_text_and_has_no_signature(gateway: Gateway) -> None:
    octets = gsm.gsm_encode("Dear customer, today [a bonus] of 5 €")
    with Customer(gateway.port, "bank") as customer:
        fields = {"short_message": octets, "data_coding": consts.SMPP_ENCODING_DEFAULT}
        assert customer.submit("", "13800000203", **fields).status == 0x403


def test_a_gbk_text_goes_to_the_carrier_as_it_came(gateway: Gateway, carrier: Carrier) -> None:
    with Customer(gateway.port, "bank") as customer:
        octets = GREETING.encode("gbk")
        customer.accepted("", "13800000204", short_message=octets, data_coding=15)
    submitted = carrier.wait_for_one("13800000204")
    assert (submitted.octets, submitted.data_coding) == (octets, 15)


def test_a_long_text_in_message_payload_leaves_in_parts_costs_them_and_has_one_receipt(
    gateway: Gateway, carrier: Carrier
) -> None:
    before = gateway.balance("bank")["remaining"]
    with Customer(gateway.port, "bank") as customer:
        message_id = customer.accepted(LONG, "13800000205")
        parts = arrived(carrier, "13800000205", LONG)
        headers = [part.octets[:6] for part in parts]
        assert headers == [bytes((5, 0, 3, headers[0][3], 4, seq)) for seq in (1, 2, 3, 4)]
        carrier.wait_for_answers(*map(carrier.report, parts))
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"
        # Another receipt of it would come before that of the next message.
        next_id = customer.accepted(GREETING, "13800000207")
        carrier.report(carrier.wait_for_one("13800000207"))
        customer.receipt(next_id)
        assert [delivered.receipted for delivered in customer.deliveries] == [message_id, next_id]
    assert gateway.balance("bank")["remaining"] == before - len(parts) - 1


def test_a_query_is_told_what_has_become_of_a_message(gateway: Gateway, carrier: Carrier) -> None:
    with Customer(gateway.port, "bank") as customer:
        message_id = customer.accepted(GREETING, "13800000208")
        carrier.report(carrier.wait_for_one("13800000208"))
        customer.receipt(message_id)
        customer.client.query_message(message_id=message_id, source_addr="10690001")
        told = customer.client.read_pdu()
    assert (told.command, told.status) == ("query_sm_resp", consts.SMPP_ESME_ROK)
    assert (told.message_id.decode(), told.message_state, told.error_code or 0) == (message_id, 2, 0)
    assert re.fullmatch(rb"[0-9]{13}00\+", told.final_date)


def test_a_text_in_data_sm_is_accepted_and_its_receipt_read(gateway: Gateway, carrier: Carrier) -> None:
    fields = {
        "source_addr": "10690001",
        "destination_addr": "13800000209",
        "registered_delivery": 1,
        "data_coding": consts.SMPP_ENCODING_ISO10646,
        "message_payload": GREETING.encode("utf-16-be"),
    }
    with Customer(gateway.port, "bank") as customer:
        customer.client.send_pdu(smpp.make_pdu("data_sm", client=customer.client, **fields))
        told = customer.client.read_pdu()
        assert (told.command, told.status) == ("data_sm_resp", consts.SMPP_ESME_ROK)
        submitted = carrier.wait_for_one("13800000209")
        assert submitted.octets.decode("utf-16-be") == GREETING
        carrier.report(submitted)
        assert customer.receipt(told.message_id.decode()).fields["stat"] == "DELIVRD"


def test_a_transmitter_submits_and_a_receiver_gets_the_receipt(gateway: Gateway, carrier: Carrier) -> None:
    with (
        Customer(gateway.port, "bank", bind_type="transmitter") as transmitter,
        Customer(gateway.port, "bank", bind_type="receiver") as receiver,
    ):
        message_id = transmitter.accepted(GREETING, "13800000206")
        assert re.fullmatch("[1-9][0-9]{0,18}", message_id)
        submitted = carrier.wait_for_one("13800000206")
        assert submitted.octets.decode("utf-16-be") == GREETING
        carrier.report(submitted)
        receipt = receiver.receipt(message_id)
    assert (receipt.source, receipt.destination) == ("13800000206", "10690001")
    assert (receipt.esm_class, receipt.data_coding, receipt.state) == (4, 0, 2)
    dates = r"submit date:[0-9]{10} done date:2611220801"
    form = rf"id:{message_id} sub:001 dlvrd:001 {dates} stat:DELIVRD err:000 text:"
    assert re.fullmatch(form, receipt.octets.decode())


@pytest.mark.parametrize(
    ("stat", "state"),
    [("DELIVRD", 2), ("EXPIRED", 3), ("DELETED", 4), ("UNDELIV", 5), ("REJECTD", 8)],
)
def test_the_receipt_tells_the_state_that_the_carrier_told(
    gateway: Gateway, carrier: Carrier, stat: str, state: int
) -> None:
    destination = f"1380000021{state}"
    with Customer(gateway.port, "bank") as customer:
        message_id = customer.accepted(GREETING, destination)
        carrier.report(carrier.wait_for_one(destination), stat)
        receipt = customer.receipt(message_id)
    assert (receipt.fields["stat"], receipt.state) == (stat, state)


def test_only_a_failure_is_reported_to_who_asked_for_failures(gateway: Gateway, carrier: Carrier) -> None:
    with Customer(gateway.port, "bank") as customer:
        for destination, stat in (("13800000220", "DELIVRD"), ("13800000221", "UNDELIV")):
            customer.accepted(GREETING, destination, registered_delivery=2)
            carrier.wait_for_answers(carrier.report(carrier.wait_for_one(destination), stat))
        customer.delivery(lambda delivered: delivered.source == "13800000221")
        assert [delivered.source for delivered in customer.deliveries] == ["13800000221"]


def test_many_messages_at_once_are_each_answered_and_reported(gateway: Gateway, carrier: Carrier) -> None:
    destinations = [f"138000003{n:02}" for n in range(50)]
    with Customer(gateway.port, "bank") as customer:
        sequences = [customer.send(GREETING, destination) for destination in destinations]
        message_ids = [customer.answer(sequence).message_id for sequence in sequences]
        assert len(set(message_ids)) == len(destinations)
        for destination in destinations:
            carrier.report(carrier.wait_for_one(destination))
        receipts = [customer.receipt(message_id) for message_id in message_ids]
    assert [receipt.source for receipt in receipts] == destinations
