"""A carrier that runs npm's smpp sends a receipt as data_sm."""

from __future__ import annotations

from tests.e2e.customer import GREETING, Customer
from tests.e2e.gateway import Gateway
from tests.interop.smsc import Smsc

SENDER = "10690020"


def test_a_receipt_in_a_data_sm_is_answered_and_brought_back(gateway: Gateway, node_smsc: Smsc) -> None:
    with Customer(gateway.port, "node") as customer:
        message_id = customer.accepted(GREETING, "13800020033", source_addr=SENDER)
        receipt = customer.receipt(message_id)
    assert (receipt.fields["id"], receipt.fields["stat"]) == (message_id, "DELIVRD")
    node_smsc.wait_for(event="answered", destination="13800020033", command="data_sm_resp", status=0)
