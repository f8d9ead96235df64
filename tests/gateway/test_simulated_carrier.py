from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport

from gateway.clock import StatedClock
from gateway.simulator.carrier import CarrierSettings, IdForm, SimulatedCarrier
from smpp.pdu import SubmitSm
from tests.gateway.raw_pdus import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DELIVER_SM,
    RECEIPTED_MESSAGE_ID,
    RESP,
    SUBMIT_SM,
    UNBIND,
    Raw,
    bind,
    raw,
    split,
    submit,
)

START = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


class Carrier:
    """A simulated carrier on a fake reactor."""

    def __init__(self, settings: CarrierSettings | None = None) -> None:
        self.clock = Clock()
        self.watched: list[tuple[str, int, str]] = []
        self.carrier = SimulatedCarrier(
            self.clock, StatedClock(START, self.clock.seconds), settings, self.watch
        )

    def watch(self, message: SubmitSm, command_status: int, message_id: str) -> None:
        self.watched.append((message.destination.addr, command_status, message_id))

    def connected(self) -> Peer:
        return Peer(self)

    def bound(
        self, command_id: int = BIND_TRANSCEIVER, system_id: bytes = b"demo", interface_version: int = 0x34
    ) -> Peer:
        peer = self.connected()
        peer.says(bind(1, command_id, system_id, interface_version=interface_version))
        answer = peer.hears_next()
        assert (answer.command_id, answer.command_status) == (command_id | RESP, 0)
        return peer


class Peer:
    """One connection to it, in octets; what is heard and not yet looked at stays in `heard`."""

    def __init__(self, carrier: Carrier) -> None:
        self._clock = carrier.clock
        self._link = carrier.carrier.buildProtocol(None)
        self._transport = FakeTransport(self._link, isServer=True)  # type: ignore[no-untyped-call]  # Twisted's
        self._link.makeConnection(self._transport)  # type: ignore[no-untyped-call]  # Twisted's
        self._heard: list[Raw] = []

    def says(self, octets: bytes) -> None:
        self._link.dataReceived(octets)

    def hear(self, after_s: float = 0.0) -> list[Raw]:
        """What came until `after_s` seconds from now."""
        self._clock.pump([0.0, after_s, 0.0])
        octets = self._transport.getOutBuffer() or b""  # type: ignore[no-untyped-call]  # Twisted's
        heard, self._heard = [*self._heard, *split(octets)], []
        return heard

    def hears_next(self) -> Raw:
        """The next PDU; what follows it is heard later."""
        first, *self._heard = self.hear()
        return first

    def submits(self, octets: bytes) -> tuple[int, str]:
        """A submit_sm and what it is answered: (command_status, message_id). The rest is heard later."""
        self.says(octets)
        heard = self.hear()
        (answer,) = [pdu for pdu in heard if pdu.command_id == SUBMIT_SM | RESP]
        heard.remove(answer)
        self._heard = heard
        return answer.command_status, answer.body.rstrip(b"\0").decode()

    def deliveries(self, after_s: float = 2.0) -> list[Raw]:
        return [pdu for pdu in self.hear(after_s) if pdu.command_id == DELIVER_SM]

    def acknowledges(self, deliveries: Sequence[Raw], command_status: int = 0) -> None:
        for delivery in deliveries:
            body = b"" if command_status else b"\0"
            self.says(raw(DELIVER_SM | RESP, body, delivery.sequence_number, command_status))

    def loses_connection(self) -> None:
        self._link.connectionLost(Failure(ConnectionLost("gone")))  # type: ignore[no-untyped-call]  # Twisted's


def texts(deliveries: Sequence[Raw]) -> list[bytes]:
    """The short_message of each."""
    return [short_message(delivery) for delivery in deliveries]


def short_message(delivery: Raw) -> bytes:
    """Read by hand: three strings with ton and npi, then fixed fields, as SMPP 3.4 section 4.6.1 has them."""
    at = delivery.body.index(b"\0") + 1
    for _ in range(2):
        at = delivery.body.index(b"\0", at + 2) + 1
    at += 3
    for _ in range(2):
        at = delivery.body.index(b"\0", at) + 1
    length = delivery.body[at + 4]
    return delivery.body[at + 5 : at + 5 + length]


class TestBind:
    def test_anyone_is_let_in_and_told_our_version(self) -> None:
        peer = Carrier().connected()
        peer.says(bind(7, system_id=b"whoever", password=b"what"))
        (answer,) = peer.hear()
        assert (answer.command_id, answer.command_status, answer.sequence_number) == (
            BIND_TRANSCEIVER | RESP,
            0,
            7,
        )
        assert answer.body.endswith(struct.pack(">HHB", 0x0210, 1, 0x34))

    @pytest.mark.parametrize(
        ("system_id", "password", "command_status"),
        [(b"demo", b"secret", 0), (b"other", b"secret", 0x0F), (b"demo", b"wrong", 0x0E)],
    )
    def test_only_the_one_that_is_expected_is_let_in(
        self, system_id: bytes, password: bytes, command_status: int
    ) -> None:
        peer = Carrier(CarrierSettings(system_id="demo", password="secret")).connected()
        peer.says(bind(1, system_id=system_id, password=password))
        assert [pdu.command_status for pdu in peer.hear()] == [command_status]

    def test_everyone_is_asked_to_part(self) -> None:
        carrier = Carrier()
        peers = [carrier.bound(), carrier.bound()]
        gone = carrier.carrier.unbind()
        for peer in peers:
            assert [pdu.command_id for pdu in peer.hear()] == [UNBIND]
            assert not gone.called
            peer.loses_connection()
        assert gone.called


class TestMessageId:
    @pytest.mark.parametrize(
        ("id_form", "in_response", "in_receipt"),
        [
            (IdForm.DECIMAL, "1700000000000001", b"id:1700000000000001 "),
            (IdForm.HEX, "60A24181E4001", b"id:60A24181E4001 "),
            (IdForm.MIXED, "60A24181E4001", b"id:1700000000000001 "),
        ],
    )
    def test_it_is_written_in_the_form_that_was_asked_for(
        self, id_form: IdForm, in_response: str, in_receipt: bytes
    ) -> None:
        peer = Carrier(CarrierSettings(id_form=id_form)).bound()
        assert peer.submits(submit(2)) == (0, in_response)
        (receipt,) = texts(peer.deliveries())
        assert receipt.startswith(in_receipt)

    def test_each_message_gets_its_own(self) -> None:
        peer = Carrier().bound()
        assert len({peer.submits(submit(number)) for number in range(2, 12)}) == 10


class TestReceipt:
    def test_it_comes_after_the_delay_in_the_form_of_appendix_b(self) -> None:
        peer = Carrier(CarrierSettings(receipt_delay_s=60.0)).bound()
        _, message_id = peer.submits(submit(2))
        assert peer.deliveries(59.0) == []
        (receipt,) = peer.deliveries(1.0)
        assert short_message(receipt) == (
            b"id:1700000000000001 sub:001 dlvrd:001 submit date:2311142213 done date:2311142214"
            b" stat:DELIVRD err:000 text:"
        )
        assert receipt.body.startswith(b"\0" + b"\0\x0113800000000\0" + b"\0\x0110690001\0" + b"\x04")
        encoded = message_id.encode() + b"\0"
        assert struct.pack(">HH", RECEIPTED_MESSAGE_ID, len(encoded)) + encoded in receipt.body

    @pytest.mark.parametrize(
        ("destination", "stat"),
        [(b"13800000001", b"stat:UNDELIV err:001"), (b"13800000002", b"stat:EXPIRED err:002")],
    )
    def test_the_end_of_the_destination_decides_what_it_says(self, destination: bytes, stat: bytes) -> None:
        peer = Carrier().bound()
        peer.submits(submit(2, destination))
        (receipt,) = texts(peer.deliveries())
        assert stat in receipt

    @pytest.mark.parametrize(
        ("registered_delivery", "destination", "receipts"),
        [(0, b"13800000000", 0), (0, b"13800000001", 0), (2, b"13800000000", 0), (2, b"13800000001", 1)],
    )
    def test_it_comes_only_when_it_was_asked_for(
        self, registered_delivery: int, destination: bytes, receipts: int
    ) -> None:
        peer = Carrier().bound()
        peer.submits(submit(2, destination, registered_delivery=registered_delivery))
        assert len(peer.deliveries()) == receipts

    def test_it_goes_to_a_receiving_bind_of_the_same_system_id(self) -> None:
        carrier = Carrier()
        transmitter, stranger = carrier.bound(BIND_TRANSMITTER), carrier.bound(system_id=b"other")
        receiver = carrier.bound(BIND_RECEIVER)
        transmitter.submits(submit(2))
        assert len(receiver.deliveries()) == 1
        assert transmitter.deliveries() == stranger.deliveries() == []

    def test_it_waits_for_a_receiving_bind(self) -> None:
        carrier = Carrier()
        carrier.bound(BIND_TRANSMITTER).submits(submit(2))
        carrier.clock.advance(10.0)
        assert len(carrier.bound().deliveries()) == 1

    def test_it_comes_again_after_a_lost_connection_until_it_is_acknowledged(self) -> None:
        carrier = Carrier()
        first = carrier.bound()
        for number in (2, 3, 4):
            first.submits(submit(number))
        sent = first.deliveries()
        first.acknowledges(sent[:1])
        first.loses_connection()
        second = carrier.bound()
        again = second.deliveries()
        assert texts(again) == texts(sent[1:])
        second.acknowledges(again)
        second.loses_connection()
        assert carrier.bound().deliveries() == []
        assert carrier.carrier.kept == 0
        assert carrier.carrier.counts.acknowledged == 3

    def test_it_comes_again_when_its_response_does_not(self) -> None:
        peer = Carrier().bound()
        peer.submits(submit(2))
        (sent,) = peer.deliveries(1.0)
        assert peer.deliveries(10.0) == []
        (again,) = peer.deliveries(1.0)
        assert short_message(again) == short_message(sent)
        assert again.sequence_number != sent.sequence_number

    def test_it_comes_again_when_the_customer_could_not_take_it_now(self) -> None:
        peer = Carrier(CarrierSettings(retry_s=3.0)).bound()
        peer.submits(submit(2))
        (sent,) = peer.deliveries(1.0)
        peer.acknowledges([sent], command_status=0x14)
        assert peer.deliveries(2.9) == []
        (again,) = peer.deliveries(0.1)
        assert short_message(again) == short_message(sent)

    def test_it_is_dropped_when_the_customer_will_never_take_it(self) -> None:
        carrier = Carrier()
        peer = carrier.bound()
        peer.submits(submit(2))
        peer.acknowledges(peer.deliveries(), command_status=0x65)
        assert peer.deliveries() == []
        assert carrier.carrier.kept == 0
        assert carrier.carrier.counts.rejected == 1

    def test_no_more_are_on_their_way_than_the_window_allows(self) -> None:
        peer = Carrier(CarrierSettings(window_max=2)).bound()
        for number in range(2, 7):
            peer.submits(submit(number))
        sent = peer.deliveries(5.0)
        assert len(sent) == 2
        peer.acknowledges(sent[:1])
        assert len(peer.deliveries(0.0)) == 1

    def test_an_older_customer_gets_it_without_tlvs(self) -> None:
        peer = Carrier().bound(interface_version=0x33)
        peer.submits(submit(2))
        (receipt,) = peer.deliveries()
        assert receipt.body.endswith(b"stat:DELIVRD err:000 text:")


class TestRefusal:
    def test_a_destination_on_08_is_refused_for_good(self) -> None:
        carrier = Carrier()
        peer = carrier.bound()
        assert peer.submits(submit(2, b"13800000008")) == (0x0B, "")
        assert peer.submits(submit(3, b"13800000008")) == (0x0B, "")
        assert peer.deliveries() == []
        assert carrier.carrier.counts.refused == 2

    def test_a_destination_on_58_is_throttled_once_for_each_message(self) -> None:
        peer = Carrier().bound()
        statuses = [peer.submits(submit(number, b"13800000058"))[0] for number in range(2, 6)]
        assert statuses == [0x58, 0, 0x58, 0]

    def test_what_is_kept_is_bounded(self) -> None:
        peer = Carrier(CarrierSettings(deliveries_max=2)).bound()
        statuses = [peer.submits(submit(number))[0] for number in (2, 3, 4)]
        assert statuses == [0, 0, 0x14]
        peer.acknowledges(peer.deliveries())
        assert peer.submits(submit(5))[0] == 0


class TestInbound:
    def test_a_destination_on_77_replies_after_its_receipt(self) -> None:
        peer = Carrier().bound()
        peer.submits(submit(2, b"13800000077"))
        receipt, reply = peer.deliveries()
        assert b"stat:DELIVRD" in short_message(receipt)
        assert short_message(reply) == b"TD"
        assert reply.body.startswith(b"\0" + b"\0\x0113800000077\0" + b"\0\x0110690001\0" + b"\0")

    def test_a_long_message_comes_in_segments(self) -> None:
        carrier = Carrier()
        peer = carrier.bound()
        carrier.carrier.send_inbound("13800000000", "10690001", "好" * 71)
        parts = texts(peer.deliveries())
        assert [part[:3] + part[4:6] for part in parts] == [b"\x05\x00\x03\x02\x01", b"\x05\x00\x03\x02\x02"]
        assert b"".join(part[6:] for part in parts).decode("utf-16-be") == "好" * 71

    def test_it_can_be_for_a_given_system_id(self) -> None:
        carrier = Carrier()
        first, second = carrier.bound(), carrier.bound(system_id=b"other")
        carrier.carrier.send_inbound("13800000000", "10690001", "TD", "other")
        assert first.deliveries() == []
        assert texts(second.deliveries()) == [b"TD"]

    def test_it_needs_somebody_who_has_bound(self) -> None:
        with pytest.raises(LookupError):
            Carrier().carrier.send_inbound("13800000000", "10690001", "TD")

    def test_it_is_bounded_like_receipts(self) -> None:
        carrier = Carrier(CarrierSettings(deliveries_max=1))
        carrier.bound()
        carrier.carrier.send_inbound("13800000000", "10690001", "TD")
        with pytest.raises(OverflowError):
            carrier.carrier.send_inbound("13800000000", "10690001", "TD")


def test_a_watcher_sees_every_message_and_its_answer() -> None:
    carrier = Carrier()
    peer = carrier.bound()
    _, message_id = peer.submits(submit(2, b"13800000000"))
    peer.submits(submit(3, b"13800000008"))
    assert carrier.watched == [("13800000000", 0, message_id), ("13800000008", 0x0B, "")]


def test_a_carrier_started_anew_repeats_no_message_id() -> None:
    before, after = Carrier(), Carrier()
    after.clock.advance(1.0)
    later = SimulatedCarrier(after.clock, StatedClock(START + 1.0, after.clock.seconds))
    after.carrier = later
    ids = {carrier.bound().submits(submit(2))[1] for carrier in (before, after)}
    assert len(ids) == 2
