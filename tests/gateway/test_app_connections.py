"""The ways in and out of a whole gateway that are not the usual ones."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from gateway.message import State
from gateway.settings import BindType, InterfaceVersion, ListenTls, LongForm
from ledger.accounts import Balance
from tests.certificates import Authority
from tests.gateway.carriers.peer import receipt, submit_resp
from tests.gateway.carriers.samples import a_carrier
from tests.gateway.customers.proxies import version_1
from tests.gateway.customers.samples import a_customer, bank_bind, submit
from tests.gateway.customers.wire import Wire
from tests.gateway.raw_pdus import RESP, SUBMIT_SM
from tests.gateway.store.told import told
from tests.gateway.whole import BOUGHT, Whole, settings_of


def test_the_receipt_of_a_message_comes_back_on_the_receiver_of_a_pair(path: Path) -> None:
    pair = a_carrier(bind_type=BindType.PAIR)
    whole = Whole(settings_of(path, carriers=[pair])).top_up().start()
    transmitter, receiver = whole.network.peers("north")
    transmitter.accept_bind()
    customer = whole.customer()
    customer.send(submit(2, registered_delivery=1))
    (relayed,) = [pdu for pdu in transmitter.read() if pdu.command_id == SUBMIT_SM]
    transmitter.send(submit_resp(relayed.sequence_number, b"c1"))
    whole.turn()
    receiver.send(receipt(5, "c1"))
    whole.turn()
    (_, delivery) = customer.read()
    assert told(0, delivery.body).stat == "DELIVRD"
    assert receiver.read()[-1].command_status == 0
    whole.stop()
    assert whole.problems() == []


def test_what_is_too_long_for_an_old_carrier_is_rejected_and_its_units_come_back(path: Path) -> None:
    old = a_carrier(interface_version=InterfaceVersion.V33, long_messages=LongForm.PAYLOAD)
    whole = Whole(settings_of(path, carriers=[old])).top_up().start()
    customer = whole.customer()
    text = "尊敬的客户:" + "今天是您生日，" * 20 + "回TD退订【中国银行】"
    long = submit(2, short_message=b"", message_payload=text.encode("utf-16-be"))
    customer.send(long)
    response, delivery = customer.read()
    assert (response.command_id, response.command_status) == (SUBMIT_SM | RESP, 0)
    assert whole.submits() == []
    assert (whole.states(), whole.balance()) == ([State.REJECTED], Balance(BOUGHT, BOUGHT, 0, 0, 0))
    assert told(0, delivery.body).stat == "REJECTD"
    customer.send(submit(3))
    assert len(whole.submits()) == 1
    whole.stop()
    assert whole.problems() == []


def test_a_gateway_opens_a_port_for_tls_beside_the_plain_one(path: Path, tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("gateway")
    settings = settings_of(path)
    tls = ListenTls(3550, own.certificate, own.key)
    whole = Whole(replace(settings, listen=replace(settings.listen, tls=tls))).start()
    assert [port.number for port in whole.ports.opened] == [2775, 3550]
    whole.stop()
    assert not any(port.is_open for port in whole.ports.opened)
    only = Whole(replace(settings, listen=replace(settings.listen, tls=tls, plain=False))).start()
    assert (only.gateway.port, len(only.ports.opened)) == (3550, 1)
    only.stop()


def test_a_gateway_that_stops_cuts_proxies_that_have_not_said_whose_they_are(path: Path) -> None:
    settings = settings_of(path, accounts=[a_customer(allowed_networks=(ip_network("203.0.113.7"),))])
    listen = replace(settings.listen, proxy_networks=(ip_network("10.0.0.0/8"),))
    whole = Whole(replace(settings, listen=listen)).top_up().start()
    door = whole.ports.opened[0].factory
    silent, customer = (Wire(whole.reactor, door, "10.0.0.1") for _ in range(2))
    assert [pdu.command_status for pdu in customer.send(version_1("203.0.113.7"), bank_bind())] == [0]
    assert b"\nsignet_connections_unannounced 1.0\n" in whole.gateway.metrics.render()
    whole.stop()
    assert silent.aborted
