from __future__ import annotations

import struct
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport

from gateway.clock import SystemClock
from gateway.simulator.carrier import CarrierSettings, SimulatedCarrier
from gateway.simulator.customer import (
    BindRefusedError,
    LinkLostError,
    NotAnsweredError,
    SimulatedCustomer,
    Submitted,
)
from gateway.simulator.inbox import Inbound
from smpp.message_state import MessageState
from smpp.text import TextError
from smpp.timers import TimerSettings
from tests.gateway.raw_pdus import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    DELIVER_SM,
    MESSAGE_PAYLOAD,
    RESP,
    SUBMIT_SM,
    UNBIND,
    Raw,
    raw,
    split,
)

RECEIPT = b"id:%s sub:001 dlvrd:001 submit date:2311142213 done date:2311142213 stat:%s err:000 text:"


def deliver(sequence_number: int, short_message: bytes, esm_class: int = 0, data_coding: int = 0) -> bytes:
    """A deliver_sm from a phone, by SMPP 3.4 section 4.6.1."""
    body = (
        b"\0"
        + b"\0\x0113800000000\0"
        + b"\0\x0110690001\0"
        + bytes((esm_class, 0, 0, 0, 0, 0, 0, data_coding, 0, len(short_message)))
        + short_message
    )
    return raw(DELIVER_SM, body, sequence_number)


def receipt(sequence_number: int, message_id: bytes, stat: bytes = b"DELIVRD") -> bytes:
    return deliver(sequence_number, RECEIPT % (message_id, stat), esm_class=4)


class Gateway:
    """The other side of a simulated customer, in octets."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        settings.setdefault("timers", TimerSettings(response_s=10.0))
        self.customer = SimulatedCustomer(self.clock, "demo", "secret", **settings)
        self.transport = FakeTransport(self.customer, isServer=False)  # type: ignore[no-untyped-call]  # Twisted's
        self.customer.makeConnection(self.transport)  # type: ignore[no-untyped-call]  # Twisted's

    def bound(self, bind_type: int = BIND_TRANSCEIVER) -> Gateway:
        bound = self.customer.bind(bind_type)
        self.hears()
        self.says(raw(bind_type | RESP, b"signet\0", 1))
        assert value(bound) is None
        return self

    def says(self, octets: bytes) -> None:
        self.customer.dataReceived(octets)

    def hears(self) -> list[Raw]:
        return split(self.transport.getOutBuffer() or b"")  # type: ignore[no-untyped-call]  # Twisted's

    def loses_connection(self) -> None:
        self.customer.connectionLost(Failure(ConnectionLost("gone")))  # type: ignore[no-untyped-call]  # Twisted's


def value(deferred: Deferred[Any]) -> Any:
    """What has come of it; fails if nothing has."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "nothing yet"
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


class TestBind:
    def test_it_presents_the_credentials(self) -> None:
        gateway = Gateway()
        gateway.customer.bind()
        (pdu,) = gateway.hears()
        assert pdu == Raw(BIND_TRANSCEIVER, 0, 1, b"demo\0secret\0\0\x34\0\0\0")

    def test_it_waits_for_the_answer(self) -> None:
        gateway = Gateway()
        bound = gateway.customer.bind()
        assert not bound.called
        gateway.says(raw(BIND_TRANSCEIVER | RESP, b"signet\0", 1))
        assert value(bound) is None

    def test_a_refusal_tells_its_status(self) -> None:
        gateway = Gateway()
        bound = gateway.customer.bind()
        gateway.says(raw(BIND_TRANSCEIVER | RESP, b"", 1, command_status=0x0E))
        with pytest.raises(BindRefusedError) as raised:
            value(bound)
        assert raised.value.command_status == 0x0E

    def test_a_gateway_that_does_not_answer_loses_the_link(self) -> None:
        gateway = Gateway(timers=TimerSettings(session_init_s=10.0, unbind_s=5.0))
        bound = gateway.customer.bind()
        gateway.clock.pump([10.0, 5.0])
        assert gateway.transport.disconnecting
        gateway.loses_connection()
        with pytest.raises(LinkLostError):
            value(bound)


class TestSubmit:
    def test_a_text_of_the_gsm_alphabet_goes_out_in_it(self) -> None:
        gateway = Gateway().bound()
        gateway.customer.submit("1 @ 2", "13800000000", "10690001")
        (pdu,) = gateway.hears()
        assert pdu.command_id == SUBMIT_SM
        assert pdu.body == (b"\0\0\x0110690001\0\0\x0113800000000\0\0\0\0\0\0\x01\0\0\0\x051 \x00 2")

    def test_any_other_text_goes_out_in_ucs2(self) -> None:
        gateway = Gateway().bound()
        gateway.customer.submit("好", "+8613800000000", "SIGNET", registered_delivery=0)
        (pdu,) = gateway.hears()
        assert pdu.body == b"\0\x05\0SIGNET\0\x01\x018613800000000\0\0\0\0\0\0\0\0\x08\0\x02\x59\x7d"

    def test_a_long_text_goes_out_as_message_payload(self) -> None:
        gateway = Gateway().bound()
        gateway.customer.submit("好" * 128, "13800000000")
        (pdu,) = gateway.hears()
        assert pdu.body.endswith(b"\x08\0\x00" + struct.pack(">HH", MESSAGE_PAYLOAD, 256) + b"\x59\x7d" * 128)

    def test_the_answers_may_come_in_any_order(self) -> None:
        gateway = Gateway().bound()
        answers = [gateway.customer.submit("hi", "13800000000") for _ in range(2)]
        first, second = gateway.hears()
        gateway.says(raw(SUBMIT_SM | RESP, b"b\0", second.sequence_number))
        gateway.says(raw(SUBMIT_SM | RESP, b"a\0", first.sequence_number))
        assert [value(answer) for answer in answers] == [Submitted(0, "a"), Submitted(0, "b")]

    def test_a_refusal_is_an_answer_too(self) -> None:
        gateway = Gateway().bound()
        answer = gateway.customer.submit("hi", "13800000000")
        (pdu,) = gateway.hears()
        gateway.says(raw(SUBMIT_SM | RESP, b"", pdu.sequence_number, command_status=0x403))
        assert value(answer) == (0x403, "")

    def test_what_the_window_has_no_room_for_waits(self) -> None:
        gateway = Gateway(window_max=2).bound()
        answers = [gateway.customer.submit("hi", "13800000000") for _ in range(3)]
        first, _ = gateway.hears()
        gateway.says(raw(SUBMIT_SM | RESP, b"a\0", first.sequence_number))
        (third,) = gateway.hears()
        gateway.says(raw(SUBMIT_SM | RESP, b"c\0", third.sequence_number))
        assert not answers[1].called
        assert value(answers[2]).message_id == "c"

    def test_no_answer_in_time_is_told_and_makes_room(self) -> None:
        gateway = Gateway(window_max=1, timers=TimerSettings(response_s=3.0)).bound()
        answer = gateway.customer.submit("hi", "13800000000")
        gateway.customer.submit("hi", "13800000000")
        assert len(gateway.hears()) == 1
        gateway.clock.advance(3.0)
        with pytest.raises(NotAnsweredError):
            value(answer)
        assert [pdu.command_id for pdu in gateway.hears()] == [SUBMIT_SM]

    def test_without_a_bind_it_fails(self) -> None:
        with pytest.raises(LinkLostError):
            value(Gateway().customer.submit("hi", "13800000000"))
        with pytest.raises(LinkLostError):
            value(Gateway().bound(BIND_RECEIVER).customer.submit("hi", "13800000000"))

    @pytest.mark.parametrize(
        ("message", "destination", "error"), [("hi", "1" * 21, ValueError), ("\ud83d", "1", TextError)]
    )
    def test_what_cannot_be_written_raises_at_once(
        self, message: str, destination: str, error: type[Exception]
    ) -> None:
        gateway = Gateway().bound()
        with pytest.raises(error):
            gateway.customer.submit(message, destination)
        assert gateway.hears() == []


class TestReceipt:
    def test_it_is_acknowledged_and_given_to_who_waits(self) -> None:
        gateway = Gateway().bound()
        mine, other = gateway.customer.receipt("17"), gateway.customer.receipt("18")
        gateway.says(receipt(9, b"17"))
        assert gateway.hears() == [Raw(DELIVER_SM | RESP, 0, 9, b"\0")]
        assert value(mine).state is MessageState.DELIVERED
        assert not other.called

    def test_it_may_have_come_before_anyone_waits(self) -> None:
        gateway = Gateway().bound()
        gateway.says(receipt(9, b"17", b"UNDELIV"))
        assert value(gateway.customer.receipt("17")).state is MessageState.UNDELIVERABLE
        assert value(gateway.customer.receipt("17")).state is MessageState.UNDELIVERABLE

    def test_the_first_one_counts(self) -> None:
        gateway = Gateway().bound()
        gateway.says(receipt(9, b"17", b"UNDELIV") + receipt(10, b"17", b"DELIVRD"))
        assert value(gateway.customer.receipt("17")).state is MessageState.UNDELIVERABLE

    def test_one_that_ends_nothing_is_passed_over(self) -> None:
        gateway = Gateway().bound()
        wait = gateway.customer.receipt("17")
        gateway.says(receipt(9, b"17", b"ENROUTE") + receipt(10, b"17", b"ACCEPTD"))
        assert not wait.called
        gateway.says(receipt(11, b"17", b"UNKNOWN"))
        assert value(wait).state is MessageState.UNKNOWN

    def test_the_wait_for_it_can_be_given_up(self) -> None:
        gateway = Gateway().bound()
        patient = gateway.customer.receipt("17")
        impatient = gateway.customer.receipt("17").addTimeout(5.0, gateway.clock)  # type: ignore[arg-type]  # zope's interface
        gateway.clock.advance(5.0)
        with pytest.raises(TimeoutError):
            value(impatient)
        gateway.says(receipt(9, b"17"))
        assert value(patient).message_id == "17"

    def test_only_the_latest_are_kept(self) -> None:
        gateway = Gateway(kept_max=2).bound()
        gateway.says(receipt(9, b"1") + receipt(10, b"2") + receipt(11, b"3"))
        assert not gateway.customer.receipt("1").called
        assert gateway.customer.receipt("2").called
        assert gateway.customer.receipt("3").called


class TestInbound:
    def test_a_message_from_a_phone_is_told_from_a_receipt(self) -> None:
        gateway = Gateway().bound()
        gateway.says(deliver(9, b"TD") + receipt(10, b"17"))
        assert value(gateway.customer.inbound()) == Inbound("13800000000", "10690001", "TD")
        assert not gateway.customer.inbound().called

    def test_those_who_wait_are_served_in_order(self) -> None:
        gateway = Gateway().bound()
        first, second = gateway.customer.inbound(), gateway.customer.inbound()
        gateway.says(deliver(9, b"a") + deliver(10, b"b"))
        assert [value(first).text, value(second).text] == ["a", "b"]

    def test_a_wait_that_was_given_up_takes_nothing(self) -> None:
        gateway = Gateway().bound()
        given_up, patient = gateway.customer.inbound(), gateway.customer.inbound()
        given_up.addErrback(lambda failure: None)
        given_up.cancel()
        gateway.says(deliver(9, b"a"))
        assert value(patient).text == "a"

    def test_the_text_is_read_behind_its_header(self) -> None:
        gateway = Gateway().bound()
        gateway.says(deliver(9, b"\x05\x00\x03\x01\x02\x01\x59\x7d", esm_class=0x40, data_coding=8))
        assert value(gateway.customer.inbound()).text == "好"

    def test_what_is_no_text_is_shown_in_hex(self) -> None:
        gateway = Gateway().bound()
        gateway.says(deliver(9, b"\x59", data_coding=8))
        assert value(gateway.customer.inbound()).text == "59"


class TestEnd:
    def test_every_open_wait_fails_when_the_connection_is_lost(self) -> None:
        gateway = Gateway(window_max=1).bound()
        customer = gateway.customer
        waits: list[Deferred[Any]] = [
            customer.submit("sent", "13800000000"),
            customer.submit("waiting", "13800000000"),
            customer.receipt("17"),
            customer.inbound(),
        ]
        gateway.loses_connection()
        for wait in waits:
            with pytest.raises(LinkLostError):
                value(wait)

    def test_an_unbind_is_over_when_the_connection_is_gone(self) -> None:
        gateway = Gateway().bound()
        gone = gateway.customer.unbind()
        ((sequence_number),) = [pdu.sequence_number for pdu in gateway.hears() if pdu.command_id == UNBIND]
        gateway.says(raw(UNBIND | RESP, b"", sequence_number))
        assert not gone.called
        gateway.loses_connection()
        assert value(gone) is None
        assert value(gateway.customer.ended()) is None

    def test_the_gateways_unbind_is_granted(self) -> None:
        gateway = Gateway().bound()
        gateway.says(raw(UNBIND, b"", 5))
        assert gateway.hears() == [Raw(UNBIND | RESP, 0, 5, b"")]


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]  # pytest_twisted's
async def test_a_customer_and_a_carrier_speak_over_tcp() -> None:
    reactor: Any = global_reactor
    carrier = SimulatedCarrier(reactor, SystemClock(), CarrierSettings(receipt_delay_s=0.0))
    listening = reactor.listenTCP(0, carrier, interface="127.0.0.1")
    try:
        customer = SimulatedCustomer(reactor, "demo", "secret")
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", listening.getHost().port)
        await connectProtocol(endpoint, customer)  # type: ignore[no-untyped-call]  # Twisted's
        await customer.bind()
        command_status, message_id = await customer.submit("尊敬的客户:hi", "13800000077", "10690001")
        assert command_status == 0
        assert (await customer.receipt(message_id)).state is MessageState.DELIVERED
        assert (await customer.inbound()).text == "TD"
        await customer.unbind()
        await carrier.unbind()
        assert customer.closed_by == "unbound"
        assert carrier.kept == 0
    finally:
        await listening.stopListening()
