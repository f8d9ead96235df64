"""Our bind to a carrier that runs npm's smpp."""

from __future__ import annotations

from tests.e2e.customer import GREETING, Customer
from tests.e2e.gateway import Gateway
from tests.interop.smsc import Smsc

SENDER = "10690020"
LONG = "尊敬的会员:" + "春天来了，万物复苏😀" * 20 + "，回TD退订【中国银行】"


def test_the_carrier_sees_a_transceiver_of_smpp_34(gateway: Gateway, node_smsc: Smsc) -> None:
    bound = node_smsc.wait_for(event="bound")
    assert (bound["command"], bound["version"], bound["system_id"]) == ("bind_transceiver", 0x34, "signet")


def test_a_text_arrives_whole_and_its_receipt_finds_it(gateway: Gateway, node_smsc: Smsc) -> None:
    with Customer(gateway.port, "node") as customer:
        message_id = customer.accepted(GREETING, "13800020000", source_addr=SENDER)
        receipt = customer.receipt(message_id)
    assert (receipt.fields["id"], receipt.fields["stat"]) == (message_id, "DELIVRD")
    assert (receipt.source, receipt.destination) == ("13800020000", SENDER)
    [submit] = node_smsc.events(event="submit", destination="13800020000")
    assert (submit["text"], submit["source"], submit["data_coding"]) == (GREETING, SENDER, 8)
    node_smsc.wait_for(event="answered", destination="13800020000", status=0)


def test_a_long_text_arrives_in_parts_and_has_one_receipt(gateway: Gateway, node_smsc: Smsc) -> None:
    with Customer(gateway.port, "node") as customer:
        message_id = customer.accepted(LONG, "13800020010", source_addr=SENDER)
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"
        # Another receipt of it would come before that of the next message.
        next_id = customer.accepted(GREETING, "13800020011", source_addr=SENDER)
        customer.receipt(next_id)
        assert [delivered.receipted for delivered in customer.deliveries] == [message_id, next_id]
    submits = node_smsc.events(event="submit", destination="13800020010")
    assert "".join(submit["text"] for submit in submits) == LONG
    headers = [bytes.fromhex(submit["udh"]) for submit in submits]
    assert headers == [bytes((0, 3, headers[0][2], 4, seq)) for seq in (1, 2, 3, 4)]


def test_what_cannot_be_delivered_is_reported_as_such(gateway: Gateway, node_smsc: Smsc) -> None:
    with Customer(gateway.port, "node") as customer:
        message_id = customer.accepted(GREETING, "13800020001", source_addr=SENDER)
        assert customer.receipt(message_id).fields["stat"] == "UNDELIV"


def test_what_the_carrier_refuses_is_reported_as_rejected_with_its_status(
    gateway: Gateway, node_smsc: Smsc
) -> None:
    with Customer(gateway.port, "node") as customer:
        message_id = customer.accepted(GREETING, "13800020008", source_addr=SENDER)
        fields = customer.receipt(message_id).fields
    assert (fields["stat"], fields["err"]) == ("REJECTD", "00b")


def test_what_the_carrier_throttles_is_sent_again(gateway: Gateway, node_smsc: Smsc) -> None:
    with Customer(gateway.port, "node") as customer:
        message_id = customer.accepted(GREETING, "13800020058", source_addr=SENDER)
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"
    submits = node_smsc.events(event="submit", destination="13800020058")
    assert [submit["throttled"] for submit in submits] == [True, False]


def test_a_recipient_that_replies_td_is_heard_and_left_alone(gateway: Gateway, node_smsc: Smsc) -> None:
    with Customer(gateway.port, "node") as customer:
        customer.accepted(GREETING, "13800020077", source_addr=SENDER)
        reply = customer.delivery(lambda delivered: delivered.esm_class == 0)
        assert (reply.source, reply.octets.decode("utf-16-be")) == ("13800020077", "TD")
        assert customer.submit(GREETING, "13800020077", source_addr=SENDER).status == 0x431


def test_a_quiet_carrier_is_asked_whether_it_lives(gateway: Gateway, node_smsc: Smsc) -> None:
    node_smsc.wait_for(event="enquired", count=len(node_smsc.events(event="enquired")) + 2)


def test_a_carrier_that_asks_is_answered(gateway: Gateway, node_smsc: Smsc) -> None:
    before = len(node_smsc.events(to="enquire_link"))
    node_smsc.tell(command="enquire_link")
    answer = node_smsc.wait_for(to="enquire_link", count=before + 1)
    assert (answer["command"], answer["status"]) == ("enquire_link_resp", 0)


def test_a_command_that_is_not_for_us_gets_a_generic_nack(gateway: Gateway, node_smsc: Smsc) -> None:
    before = len(node_smsc.events(to="query_sm"))
    node_smsc.tell(command="query_sm", fields={"message_id": "1"})
    answer = node_smsc.wait_for(to="query_sm", count=before + 1)
    assert (answer["command"], answer["status"]) == ("generic_nack", 3)


def test_an_alert_notification_which_has_no_response_gets_none(gateway: Gateway, node_smsc: Smsc) -> None:
    before = len(node_smsc.events(to="enquire_link"))
    node_smsc.tell(command="alert_notification", fields={"source_addr": "13800020030"})
    node_smsc.tell(command="enquire_link")
    node_smsc.wait_for(to="enquire_link", count=before + 1)
    assert not node_smsc.events(to="alert_notification")


def test_a_carrier_that_unbinds_is_answered_and_bound_to_again(gateway: Gateway, node_smsc: Smsc) -> None:
    before = len(node_smsc.events(event="bound"))
    node_smsc.tell(command="unbind")
    answer = node_smsc.wait_for(to="unbind")
    assert (answer["command"], answer["status"]) == ("unbind_resp", 0)
    node_smsc.wait_for(event="bound", count=before + 1)
    with Customer(gateway.port, "node") as customer:
        message_id = customer.accepted(GREETING, "13800020040", source_addr=SENDER)
        assert customer.receipt(message_id).fields["stat"] == "DELIVRD"


def test_a_carrier_that_refuses_our_password_is_tried_again_and_troubles_nobody(
    gateway: Gateway, node_smsc: Smsc
) -> None:
    node_smsc.wait_for(event="refused", count=2)
    gateway.wait_for_event("carrier.refused_bind", 2)
    refused = gateway.events("carrier.refused_bind")[0]
    assert (refused["bind"], refused["status"]) == ("locked/0", "ESME_RINVPASWD")
    gateway.wait_for_health(200)
