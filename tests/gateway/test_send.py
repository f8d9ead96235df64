from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from rich.console import Console
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, IOPump, connect

from gateway.cli.send import Sent, is_success, send, send_one, table
from gateway.clock import StatedClock
from gateway.simulator.carrier import CarrierSettings, SimulatedCarrier
from gateway.simulator.customer import BindRefusedError, SimulatedCustomer, submit_sm
from smpp.message_state import MessageState
from smpp.receipt import Receipt

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def received(state: MessageState) -> Receipt:
    return Receipt("17", state, "000", NOON, NOON, intermediate=False)


class Wire:
    """The command's customer beside a simulated carrier, on a fake reactor."""

    def __init__(self, settings: CarrierSettings) -> None:
        self.clock = Clock()
        carrier = SimulatedCarrier(self.clock, StatedClock(0.0, self.clock.seconds), settings)
        link = carrier.buildProtocol(None)
        self.customer = SimulatedCustomer(self.clock, "demo", "secret")
        near = FakeTransport(self.customer, isServer=False)  # type: ignore[no-untyped-call]  # Twisted's
        far = FakeTransport(link, isServer=True)  # type: ignore[no-untyped-call]  # Twisted's
        self.pump: IOPump = connect(link, far, self.customer, near, clock=self.clock)  # type: ignore[no-untyped-call]  # Twisted's

    def sent(self, destination: str, receipt_s: float) -> Sent:
        message = submit_sm("hi", destination)
        sending = Deferred.fromCoroutine(send_one(self.customer, message, receipt_s))
        for _ in range(200):
            self.pump.flush()  # type: ignore[no-untyped-call]  # Twisted's
            self.clock.advance(0.1)
        results: list[Sent | Failure] = []
        sending.addBoth(results.append)
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]


class TestSendOne:
    def test_it_brings_the_receipt(self) -> None:
        sent = Wire(CarrierSettings(receipt_delay_s=3.0)).sent("13800000001", 30.0)
        assert sent.command_status == 0
        assert sent.receipt is not None
        assert sent.receipt.message_id == sent.message_id
        assert sent.receipt.state is MessageState.UNDELIVERABLE

    def test_it_does_not_wait_for_the_receipt_longer_than_it_should(self) -> None:
        sent = Wire(CarrierSettings(receipt_delay_s=3.0)).sent("13800000000", 2.0)
        assert sent.command_status == 0
        assert sent.receipt is None

    def test_it_does_not_wait_for_the_receipt_of_a_refused_message(self) -> None:
        assert Wire(CarrierSettings()).sent("13800000008", 1000.0) == Sent(0x0B, "", None)

    def test_it_unbinds(self) -> None:
        wire = Wire(CarrierSettings())
        wire.sent("13800000000", 0.0)
        assert wire.customer.closed_by.startswith("unbound")

    def test_a_refused_bind_is_raised(self) -> None:
        wire = Wire(CarrierSettings(password="other"))
        with pytest.raises(BindRefusedError):
            wire.sent("13800000000", 0.0)


@pytest.mark.parametrize(
    ("sent", "awaited", "success"),
    [
        (Sent(0, "17", received(MessageState.DELIVERED)), True, True),
        (Sent(0, "17", received(MessageState.EXPIRED)), True, False),
        (Sent(0, "17", None), True, False),
        (Sent(0, "17", None), False, True),
        (Sent(0x0B, "", None), True, False),
        (Sent(0x0B, "", None), False, False),
    ],
)
def test_success_is_a_delivered_message_or_an_accepted_one_if_nothing_was_awaited(
    sent: Sent, awaited: bool, success: bool
) -> None:
    assert is_success(sent, awaited=awaited) is success


class TestTable:
    def shown(self, sent: Sent, *, awaited: bool = True) -> str:
        console = Console(width=120, record=True, file=io.StringIO())
        console.print(table(sent, awaited=awaited))
        return console.export_text()

    def test_it_shows_what_became_of_a_message(self) -> None:
        shown = self.shown(Sent(0, "17", received(MessageState.DELIVERED)))
        assert "ESME_ROK" in shown
        assert "17" in shown
        assert "DELIVERED (err 000)" in shown

    def test_a_refusal_by_the_contract_names_its_rule_and_clause(self) -> None:
        shown = self.shown(Sent(0x403, "", None))
        assert "SIGNATURE_MISSING (0x00000403, contract clause 1(3))" in shown
        assert "receipt" not in shown

    def test_any_other_refusal_names_its_status(self) -> None:
        assert "ESME_RINVDSTADR" in self.shown(Sent(0x0B, "", None))

    def test_a_receipt_that_did_not_come_is_told_only_to_who_waited(self) -> None:
        assert "none in time" in self.shown(Sent(0, "17", None))
        assert "receipt" not in self.shown(Sent(0, "17", None), awaited=False)


def test_a_number_that_fits_no_address_is_a_wrong_option() -> None:
    result = CliRunner().invoke(send, ["--system-id", "demo", "--password", "demo", "--to", "1" * 21, "hi"])
    assert result.exit_code == 2
    assert "too long" in result.output
