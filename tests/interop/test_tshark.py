"""Every PDU that the gateway sends, to customers and to carriers, as Wireshark's dissector reads it.

A gateway of its own lives between taps from its first bind to its stop, so that the captures hold everything.
What it learns to send belongs into the scene, and its command_id into one of the sets.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from smpplib import consts, smpp

from smpp.commands import CommandId
from tests.e2e.carrier import Carrier
from tests.e2e.config import PASSWORD, Config, free_port
from tests.e2e.customer import GREETING, Customer, refusal_of
from tests.e2e.gateway import Gateway
from tests.interop.program import lacking
from tests.interop.tshark import TSHARK, dissect
from tests.interop.wiretap import Recording, Wiretap

SENDER = "10690001"
LONG = "尊敬的会员:" + "春天来了，万物复苏😀" * 20 + "，回TD退订【中国银行】"
UNSIGNED = GREETING.replace("【中国银行】", "")

TO_CUSTOMERS = {
    CommandId.GENERIC_NACK,
    CommandId.BIND_RECEIVER_RESP,
    CommandId.BIND_TRANSMITTER_RESP,
    CommandId.BIND_TRANSCEIVER_RESP,
    CommandId.SUBMIT_SM_RESP,
    CommandId.DELIVER_SM,
    CommandId.UNBIND,
    CommandId.UNBIND_RESP,
    CommandId.ENQUIRE_LINK,
    CommandId.ENQUIRE_LINK_RESP,
}
TO_CARRIERS = {
    CommandId.GENERIC_NACK,
    CommandId.BIND_RECEIVER,
    CommandId.BIND_TRANSMITTER,
    CommandId.BIND_TRANSCEIVER,
    CommandId.SUBMIT_SM,
    CommandId.DELIVER_SM_RESP,
    CommandId.UNBIND,
    CommandId.UNBIND_RESP,
    CommandId.ENQUIRE_LINK,
    CommandId.ENQUIRE_LINK_RESP,
}


class Line:
    """What crossed between the gateway and customers, or carriers, and what tshark says of it."""

    def __init__(self, recording: Recording, capture: Path, gateway_serves: bool) -> None:
        recording.write(capture)
        self.sent = [pdu.command_id for pdu in recording.pdus(from_server=gateway_serves)]
        self.packets = [packet for packet in dissect(capture) if packet.from_server == gateway_serves]

    @property
    def dissected(self) -> list[int]:
        """The command_ids that tshark saw."""
        return [command_id for packet in self.packets for command_id in packet.command_ids]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Line]:
    """The lines of a gateway that has sent all that it can send."""
    if TSHARK is None:
        lacking("tshark")
    folder = tmp_path_factory.mktemp("tshark")
    customers, carriers = Recording(), Recording()
    with (
        Carrier(free_port()) as carrier,
        Carrier(free_port()) as pair,
        Wiretap(carrier.port, carriers) as tap,
        Wiretap(pair.port, carriers) as pair_tap,
        Gateway(folder, _config(tap.port, pair_tap.port)) as gateway,
        Wiretap(gateway.port, customers) as front,
    ):
        for account in ("bank", "explained"):
            gateway.top_up(account, 100)
        gateway.start()
        gateway.wait_for_event("carrier.bound", 3)
        _play(gateway, carrier, front.port, carriers)
        assert gateway.stop() == 0
    return {
        "customers": Line(customers, folder / "customers.pcap", gateway_serves=True),
        "carriers": Line(carriers, folder / "carriers.pcap", gateway_serves=False),
    }


def _config(carrier_port: int, pair_port: int) -> Config:
    config = Config()
    config.carrier("own", carrier_port, "timers = { enquire_link_s = 0.3 }")
    config.carrier("out", pair_port, 'bind_type = "transmitter"')
    config.carrier("in", pair_port, 'bind_type = "receiver"')
    config.account("bank", "own", f'source_addrs = ["{SENDER}"]')
    config.account("explained", "own", "explain = true")
    config.account("asked", "own", "timers = { enquire_link_s = 0.2 }")
    config.account("idle", "own", "timers = { inactivity_s = 0.2 }")
    return config


def _play(gateway: Gateway, carrier: Carrier, port: int, carriers: Recording) -> None:
    _bind_in_every_way(port)
    _send_and_receive(carrier, port)
    _be_refused(port)
    _keep_alive(port)
    _be_sent_away(port)
    _ask_as_a_carrier(gateway, carrier, carriers)


def _bind_in_every_way(port: int) -> None:
    for bind_type in ("transmitter", "receiver", "transceiver"):
        with Customer(port, "bank", bind_type=bind_type) as customer:
            customer.unbind()
    assert refusal_of(port, "bank", "verkehrt") == consts.SMPP_ESME_RINVPASWD
    with Customer(port, "bank", bind_type="") as customer:
        bind = smpp.make_pdu("bind_transceiver", client=customer.client, system_id="bank", password=PASSWORD)
        bind.interface_version = 0x33
        customer.client.send_pdu(bind)
        assert customer.client.read_pdu().status == 0


def _send_and_receive(carrier: Carrier, port: int) -> None:
    with Customer(port, "bank") as customer:
        for text, number, stat in ((GREETING, "13800000001", "DELIVRD"), (LONG, "13800000002", "UNDELIV")):
            message_id = customer.accepted(text, number)
            carrier.report(carrier.wait_for_one(number), stat)
            customer.receipt(message_id)
        carrier.deliver("13800000003", SENDER, b"hello")
        carrier.deliver("13800000004", SENDER, "回复".encode("utf-16-be"), data_coding=8)
        carrier.deliver("13800000005", SENDER, b"\5\0\3\7\2\1part", esm_class=0x40)
        carrier.deliver("13800000006", SENDER, b"", message_payload=LONG.encode("utf-16-be"), data_coding=8)
        customer.delivery(lambda delivered: delivered.source == "13800000006")


def _be_refused(port: int) -> None:
    with Customer(port, "explained") as customer:
        customer.send(UNSIGNED, "13800000010")
        # Past smpplib, which does not take additional_status_info_text here.
        assert customer.client._socket.recv(4096)
    with Customer(port, "bank") as customer:
        assert customer.submit(UNSIGNED, "13800000010").status == 0x403
        for command_length in (16, 8):  # of a command that does not exist, then of none that can be
            customer.client._socket.sendall(struct.pack(">4L", command_length, 0x99, 0, 7))
            assert customer.client.read_pdu().command == "generic_nack"


def _keep_alive(port: int) -> None:
    with Customer(port, "asked") as customer:
        customer.client._enquire_link_received(customer.client.read_pdu())
        customer.client.send_pdu(smpp.make_pdu("enquire_link", client=customer.client))
        while customer.client.read_pdu().command != "enquire_link_resp":
            pass


def _be_sent_away(port: int) -> None:
    with Customer(port, "idle") as customer:
        assert customer.client.read_pdu().command == "unbind"


def _ask_as_a_carrier(gateway: Gateway, carrier: Carrier, carriers: Recording) -> None:
    carrier.ask("enquire_link")
    carriers.wait_for(CommandId.ENQUIRE_LINK_RESP, from_server=False)
    carrier.ask("query_sm", message_id="1", source_addr="1")
    carriers.wait_for(CommandId.GENERIC_NACK, from_server=False)
    carriers.wait_for(CommandId.ENQUIRE_LINK, from_server=False)
    carrier.ask("unbind")
    gateway.wait_for_event("carrier.bound", 4)


@pytest.mark.parametrize(("peers", "demanded"), [("customers", TO_CUSTOMERS), ("carriers", TO_CARRIERS)])
def test_tshark_has_nothing_against_what_the_gateway_sends(
    lines: dict[str, Line], peers: str, demanded: set[CommandId]
) -> None:
    line = lines[peers]
    assert [packet for packet in line.packets if packet.complaints] == []
    assert sorted(line.dissected) == sorted(line.sent)
    assert {CommandId(command_id) for command_id in line.dissected} >= demanded


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(struct.pack(">4L", 20, CommandId.SUBMIT_SM_RESP, 0, 1) + b"1234", id="no NUL"),
        pytest.param(struct.pack(">4L", 25, CommandId.DELIVER_SM, 0, 1) + b"\0" * 9, id="cut short"),
    ],
)
def test_tshark_does_complain_about_what_is_malformed(tmp_path: Path, octets: bytes) -> None:
    if TSHARK is None:
        lacking("tshark")
    recording = Recording()
    recording.add(recording.open(), True, octets)
    recording.write(tmp_path / "malformed.pcap")
    [packet] = dissect(tmp_path / "malformed.pcap")
    assert packet.complaints
