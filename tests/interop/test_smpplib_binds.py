"""A stock smpplib client binds, is asked whether it lives, breaks the rules, and parts."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from smpplib import consts, smpp

from tests.e2e.carrier import Carrier
from tests.e2e.config import PASSWORD
from tests.e2e.customer import GREETING, Customer, refusal_of
from tests.e2e.gateway import Gateway


@pytest.mark.parametrize("bind_type", ["transmitter", "receiver", "transceiver"])
def test_a_client_binds_in_every_way(gateway: Gateway, bind_type: str) -> None:
    with Customer(gateway.port, "bank", bind_type=bind_type) as customer:
        assert customer.bind_resp.command == f"bind_{bind_type}_resp"
        assert customer.bind_resp.system_id == b"signet"
        assert customer.bind_resp.sc_interface_version == 0x34
        customer.unbind()


def test_a_wrong_password_is_refused_with_rinvpaswd(gateway: Gateway) -> None:
    assert refusal_of(gateway.port, "bank", "verkehrt") == consts.SMPP_ESME_RINVPASWD


def test_an_unknown_system_id_is_refused_with_rinvsysid(gateway: Gateway) -> None:
    assert refusal_of(gateway.port, "nobody", "verkehrt") == consts.SMPP_ESME_RINVSYSID


def test_a_bind_beyond_those_that_the_account_has_is_refused(gateway: Gateway) -> None:
    with Customer(gateway.port, "single"):
        assert refusal_of(gateway.port, "single", PASSWORD) == consts.SMPP_ESME_RALYBND


def test_a_second_bind_on_a_connection_is_refused_and_the_first_one_lives(gateway: Gateway) -> None:
    with Customer(gateway.port, "bank") as customer:
        bind = smpp.make_pdu("bind_receiver", client=customer.client, system_id="bank", password=PASSWORD)
        customer.client._socket.sendall(bind.generate())
        answer = customer.client.read_pdu()
        assert (answer.command, answer.status) == ("bind_receiver_resp", consts.SMPP_ESME_RALYBND)
        assert customer.accepted(GREETING, "13800000100")


def test_a_submit_on_a_receiver_is_refused_with_rinvbndsts(gateway: Gateway) -> None:
    with Customer(gateway.port, "bank", bind_type="receiver") as customer:
        customer.client.state = consts.SMPP_CLIENT_STATE_BOUND_TX  # or smpplib would not let it out
        assert customer.submit(GREETING, "13800000101").status == consts.SMPP_ESME_RINVBNDSTS


def test_a_submit_before_the_bind_is_refused_with_rinvbndsts(gateway: Gateway) -> None:
    with Customer(gateway.port, "bank", bind_type="") as customer:
        customer.client.state = consts.SMPP_CLIENT_STATE_BOUND_TX
        assert customer.submit(GREETING, "13800000102").status == consts.SMPP_ESME_RINVBNDSTS


def test_a_client_of_smpp_33_is_sent_no_tlvs(gateway: Gateway, carrier: Carrier) -> None:
    with Customer(gateway.port, "bank", bind_type="") as customer:
        bind = smpp.make_pdu("bind_transceiver", client=customer.client, system_id="bank", password=PASSWORD)
        bind.interface_version = 0x33
        customer.client.send_pdu(bind)
        answer = customer.client.read_pdu()
        assert (answer.status, answer.sc_interface_version) == (0, None)
        message_id = customer.accepted(GREETING, "13800000105")
        carrier.report(carrier.wait_for_one("13800000105"))
        receipt = customer.delivery(lambda delivered: delivered.source == "13800000105")
        assert receipt.fields["id"] == message_id
        assert (receipt.receipted, receipt.state) == ("", None)


def test_an_enquire_link_is_answered(gateway: Gateway) -> None:
    with Customer(gateway.port, "bank") as customer:
        enquiry = smpp.make_pdu("enquire_link", client=customer.client)
        customer.client.send_pdu(enquiry)
        answer = customer.client.read_pdu()
        assert (answer.command, answer.status, answer.sequence) == (
            "enquire_link_resp",
            0,
            enquiry.sequence,
        )


def test_a_client_that_answers_enquire_link_stays_bound(gateway: Gateway) -> None:
    with Customer(gateway.port, "asked") as customer:
        start = time.monotonic()
        for _ in range(4):
            enquiry = customer.client.read_pdu()
            assert enquiry.command == "enquire_link"
            customer.client._enquire_link_received(enquiry)
        assert time.monotonic() - start > 3 * 0.2
        customer.unbind()


def test_a_client_that_does_not_answer_enquire_link_is_hung_up_on(gateway: Gateway) -> None:
    with Customer(gateway.port, "asked") as customer:
        assert customer.client.read_pdu().command == "enquire_link"
        assert customer.client.read_pdu().command == "enquire_link"
        assert customer.is_closed()


def test_a_client_that_says_nothing_is_unbound(gateway: Gateway) -> None:
    with Customer(gateway.port, "idle") as customer:
        unbind = customer.client.read_pdu()
        assert unbind.command == "unbind"
        answer = smpp.make_pdu("unbind_resp", client=customer.client)
        answer.sequence = unbind.sequence
        customer.client.send_pdu(answer)
        assert customer.is_closed()


def test_a_client_that_unbinds_and_ends_its_half_at_once_is_answered(gateway: Gateway) -> None:
    for _ in range(10):
        with Customer(gateway.port, "bank") as customer:
            customer.client.send_pdu(smpp.make_pdu("unbind", client=customer.client))
            customer.client._socket.shutdown(socket.SHUT_WR)
            assert customer.client.read_pdu().command == "unbind_resp"
            assert customer.is_closed()


def test_an_unknown_command_gets_a_generic_nack_and_the_bind_lives(gateway: Gateway) -> None:
    with Customer(gateway.port, "bank") as customer:
        customer.client._socket.sendall(struct.pack(">4L", 20, 0x99, 0, 0x12345678) + b"what")
        nack = customer.client.read_pdu()
        assert (nack.command, nack.status, nack.sequence) == (
            "generic_nack",
            consts.SMPP_ESME_RINVCMDID,
            0x12345678,
        )
        assert customer.accepted(GREETING, "13800000103")


def test_a_query_of_a_message_that_is_not_there_is_refused_and_the_bind_lives(gateway: Gateway) -> None:
    with Customer(gateway.port, "bank") as customer:
        query = customer.client.query_message(message_id="1", source_addr="10690001")
        answer = customer.client.read_pdu()
        assert (answer.command, answer.status, answer.sequence) == (
            "query_sm_resp",
            consts.SMPP_ESME_RINVMSGID,
            query.sequence,
        )
        assert customer.accepted(GREETING, "13800000104")


@pytest.mark.parametrize("command_length", [0, 8, 15, 70_001, 0x7FFFFFFF, 0xFFFFFFFF])
def test_an_impossible_command_length_gets_a_generic_nack_and_the_end(
    gateway: Gateway, command_length: int
) -> None:
    with Customer(gateway.port, "bank") as customer:
        customer.client._socket.sendall(struct.pack(">4L", command_length, 4, 0, 7))
        nack = customer.client.read_pdu()
        assert (nack.command, nack.status, nack.sequence) == (
            "generic_nack",
            consts.SMPP_ESME_RINVCMDLEN,
            0,
        )
        assert customer.is_closed()
