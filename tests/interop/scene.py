"""A gateway between taps that says to customers and carriers all that it can say, from first bind to stop.

What it learns to send belongs in here. Customers ask by the codec of the house where smpplib cannot.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

from smpplib import consts, smpp

from smpp import codec, spec
from smpp.address import Address
from smpp.commands import CommandId
from smpp.pdu import CancelSm, DataSm, DistributionList, Pdu, QuerySm, ReplaceSm, SubmitMulti
from tests.e2e.carrier import Carrier
from tests.e2e.config import PASSWORD, Config, free_port
from tests.e2e.customer import GREETING, Customer, refusal_of
from tests.e2e.gateway import Gateway
from tests.interop.test_customers_long import arrived
from tests.interop.wiretap import Recording, Wiretap

SENDER = "10690001"
LONG = "尊敬的会员:" + "春天来了，万物复苏😀" * 20 + "，回TD退订【中国银行】"
UNSIGNED = GREETING.replace("【中国银行】", "")
LATER = "000000001000000R"  # in ten minutes

FORMS = {
    "hex": 'message_ids = "hex"\nreceipts = { message_id = "hex", date_digits = 12 }',
    "century": "receipts = { date_digits = 14, message_state = false, network_error_code = false }",
    "bare": "receipts = { tlvs = false }",
}
CARRIERS = {
    "udh16": 'long_messages = "udh16"',
    "sar": 'long_messages = "sar"\ninterface_version = "5.0"',
    "payload": 'long_messages = "payload"',
    "old": 'interface_version = "3.3"',
}

_SENDER = Address(0, 0, SENDER)
_RECIPIENT = Address(1, 1, "13800000100")
_GREETING = GREETING.encode("utf-16-be")


def play(folder: Path) -> tuple[Recording, Recording]:
    """What crossed between the gateway and its customers, and between it and its carriers."""
    customers, carriers = Recording(), Recording()
    with (
        Carrier(free_port()) as carrier,
        Carrier(free_port()) as others,
        Wiretap(carrier.port, carriers) as tap,
        Wiretap(others.port, carriers) as others_tap,
        Gateway(folder, _config(tap.port, others_tap.port)) as gateway,
        Wiretap(gateway.port, customers) as front,
    ):
        for account in ("bank", "explained", *FORMS, *CARRIERS):
            gateway.top_up(account, 100)
        gateway.let_in("asked", "idle")
        gateway.start()
        binds = 3 + len(CARRIERS)
        gateway.wait_for_event("carrier.bound", binds)
        _bind_in_every_way(front.port)
        _send_and_receive(carrier, front.port)
        _be_told_in_every_form(carrier, front.port)
        _be_told_without_tlvs(carrier, front.port)
        _be_told_of_congestion(front.port)
        _be_refused(front.port)
        _ask_for_operations(front.port)
        _keep_alive(front.port)
        _be_sent_away(front.port)
        _send_long_texts_in_every_form(others, front.port)
        _ask_as_a_carrier(carrier, carriers)
        gateway.wait_for_event("carrier.bound", binds + 1)
        assert gateway.stop() == 0
    return customers, carriers


def _config(carrier_port: int, others_port: int) -> Config:
    config = Config()
    config.carrier("own", carrier_port, "timers = { enquire_link_s = 0.3 }")
    config.carrier("out", others_port, 'bind_type = "transmitter"')
    config.carrier("in", others_port, 'bind_type = "receiver"')
    config.account("bank", "own", f'source_addrs = ["{SENDER}"]\nbinds_max = 20')
    config.account("explained", "own", "explain = true")
    config.account("asked", "own", "timers = { enquire_link_s = 0.2 }")
    config.account("idle", "own", "timers = { inactivity_s = 0.2 }")
    for name, form in FORMS.items():
        config.account(name, "own", form)
    for name, form in CARRIERS.items():
        config.carrier(name, others_port, form)
        config.account(name, name)
    return config


def _bound(port: int, account: str, interface_version: int) -> Customer:
    """A customer of another version than smpplib's own."""
    customer = Customer(port, account, bind_type="")
    bind = smpp.make_pdu("bind_transceiver", client=customer.client, system_id=account, password=PASSWORD)
    bind.interface_version = interface_version
    customer.client.send_pdu(bind)
    assert customer.client.read_pdu().status == 0
    return customer


def _read_on(customer: Customer, deliveries: int) -> None:
    """Read until there are so many deliver_sm."""
    customer.read_until(lambda: len(customer.deliveries) >= deliveries)


def _bind_in_every_way(port: int) -> None:
    for bind_type in ("transmitter", "receiver", "transceiver"):
        with Customer(port, "bank", bind_type=bind_type) as customer:
            customer.unbind()
    assert refusal_of(port, "bank", "verkehrt") == consts.SMPP_ESME_RINVPASWD


def _send_and_receive(carrier: Carrier, port: int) -> None:
    with Customer(port, "bank") as customer:
        for text, number, stat in ((GREETING, "13800000001", "DELIVRD"), (LONG, "13800000002", "UNDELIV")):
            message_id = customer.accepted(text, number)
            for part in arrived(carrier, number, text):
                carrier.report(part, stat)
            customer.receipt(message_id)
        carrier.deliver("13800000003", SENDER, b"hello")
        carrier.deliver("13800000004", SENDER, "回复".encode("utf-16-be"), data_coding=8)
        carrier.deliver("13800000005", SENDER, b"\5\0\3\7\2\1part", esm_class=0x40)
        carrier.deliver("13800000006", SENDER, b"", message_payload=LONG.encode("utf-16-be"), data_coding=8)
        customer.delivery(lambda delivered: delivered.source == "13800000006")


def _be_told_in_every_form(carrier: Carrier, port: int) -> None:
    number = 13800000020
    for account in FORMS:
        with Customer(port, account) as customer:
            for stat in ("DELIVRD", "EXPIRED", "UNDELIV", "REJECTD"):
                number += 1
                customer.accepted(GREETING, str(number))
                carrier.report(carrier.wait_for_one(str(number)), stat)
                _read_on(customer, len(customer.deliveries) + 1)


def _be_told_without_tlvs(carrier: Carrier, port: int) -> None:
    with _bound(port, "bank", 0x33) as customer:
        customer.accepted(GREETING, "13800000040")
        carrier.report(carrier.wait_for_one("13800000040"))
        customer.delivery(lambda delivered: delivered.source == "13800000040")
        for octets, data_coding in ((LONG.encode("utf-16-be"), 8), (b"hello, world; " * 40, 0)):
            carrier.deliver("13800000041", SENDER, b"", message_payload=octets, data_coding=data_coding)
            _read_on(customer, len(customer.deliveries) + 4)


def _be_told_of_congestion(port: int) -> None:
    with _bound(port, "bank", 0x50) as customer:
        customer.send(GREETING, "13800000042")
        # Past smpplib, which does not know congestion_state.
        assert customer.client._socket.recv(4096)


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


class _Asker:
    """A customer that sends by the codec of the house, and reads by hand."""

    def __init__(self, customer: Customer) -> None:
        self._socket = customer.client._socket
        self._sequence = 100

    def ask(self, pdu: Pdu) -> tuple[int, str]:
        """The command_status of the answer, and the message_id where it begins with one."""
        self._sequence += 1
        self._socket.sendall(codec.encode(pdu, self._sequence))
        while True:
            length = int.from_bytes(self._read(4), "big")
            rest = self._read(length - 4)
            _, status, sequence = struct.unpack_from(">3L", rest)
            if sequence == self._sequence:
                return status, rest[12:].partition(b"\0")[0].decode()

    def _read(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            octets += self._socket.recv(count - len(octets))
        return octets


def _ask_for_operations(port: int) -> None:
    payload = ((spec.MESSAGE_PAYLOAD, _GREETING),)
    data = DataSm("", _SENDER, _RECIPIENT, 0, 0, 8, payload)
    unsigned = replace(data, tlvs=((spec.MESSAGE_PAYLOAD, UNSIGNED.encode("utf-16-be")),))
    multi = SubmitMulti("", _SENDER, (_RECIPIENT,), 0, 0, 0, LATER, "", 0, 0, 8, 0, _GREETING)
    everybody = (_RECIPIENT, Address(5, 0, "Bank"), DistributionList("everybody"))
    with Customer(port, "bank") as customer:
        asker = _Asker(customer)
        assert asker.ask(data)[0] == 0
        assert asker.ask(unsigned)[0] == 0x403
        status, sent_id = asker.ask(multi)
        assert status == 0
        status, deleted_id = asker.ask(replace(multi, destinations=everybody))
        assert status == 0
        assert asker.ask(replace(multi, short_message=b""))[0] != 0
        assert asker.ask(QuerySm(sent_id, _SENDER))[0] == 0
        other = ReplaceSm(sent_id, _SENDER, "", "", 0, 0, _GREETING)
        assert asker.ask(other)[0] == 0
        assert asker.ask(replace(other, message_id="1"))[0] != 0
        cancel = CancelSm("", deleted_id, _SENDER, Address(0, 0, ""))
        assert asker.ask(cancel)[0] == 0
        assert asker.ask(QuerySm(deleted_id, _SENDER))[0] == 0
        assert asker.ask(replace(cancel, message_id="1"))[0] != 0
        assert asker.ask(QuerySm("1", _SENDER))[0] != 0
    with Customer(port, "explained") as customer:
        assert _Asker(customer).ask(unsigned)[0] == 0x403


def _keep_alive(port: int) -> None:
    with Customer(port, "asked") as customer:
        customer.client._enquire_link_received(customer.client.read_pdu())
        customer.client.send_pdu(smpp.make_pdu("enquire_link", client=customer.client))
        while customer.client.read_pdu().command != "enquire_link_resp":
            pass


def _be_sent_away(port: int) -> None:
    with Customer(port, "idle") as customer:
        assert customer.client.read_pdu().command == "unbind"


def _send_long_texts_in_every_form(others: Carrier, port: int) -> None:
    for index, account in enumerate(CARRIERS):
        with Customer(port, account) as customer:
            customer.accepted(LONG, f"1380000005{index}")
        arrived(others, f"1380000005{index}", LONG)


def _ask_as_a_carrier(carrier: Carrier, carriers: Recording) -> None:
    carrier.ask("enquire_link")
    carriers.wait_for(CommandId.ENQUIRE_LINK_RESP, from_server=False)
    fields = {"source_addr": "13800000060", "destination_addr": SENDER}
    carrier.ask("data_sm", message_payload=b"hello", **fields)
    carrier.ask("data_sm", **fields)
    carriers.wait_for(CommandId.DATA_SM_RESP, from_server=False, count=2)
    carrier.ask("query_sm", message_id="1", source_addr="1")
    carriers.wait_for(CommandId.GENERIC_NACK, from_server=False)
    carriers.wait_for(CommandId.ENQUIRE_LINK, from_server=False)
    carrier.ask("unbind")
