"""`signet simulate-carrier`: an SMSC of our own to try the gateway with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import react

from gateway.clock import SystemClock
from gateway.simulator.carrier import CarrierSettings, IdForm, SimulatedCarrier
from smpp import status, text
from smpp.pdu import SubmitSm


@click.command("simulate-carrier")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=2776, show_default=True)
@click.option("--system-id", help="Let only this system_id in; anyone if left out.")
@click.option("--password", help="Let only this password in; any if left out.")
@click.option(
    "--ids",
    "id_form",
    type=click.Choice([form.value for form in IdForm]),
    default=IdForm.DECIMAL.value,
    show_default=True,
    help="How message ids are written; mixed: hex in the response, decimal in the receipt.",
)
@click.option(
    "--receipt-delay", "receipt_delay_s", default=0.5, show_default=True, help="Seconds to the receipt."
)
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="The zone of the dates in receipts.")
@click.option("--show-text", is_flag=True, help="Print the texts too.")
@click.option("--quiet", is_flag=True, help="Do not print each message.")
def simulate_carrier(
    host: str,
    port: int,
    system_id: str | None,
    password: str | None,
    id_form: str,
    receipt_delay_s: float,
    zone: str,
    show_text: bool,
    quiet: bool,
) -> None:
    """Be a carrier: accept binds, take messages, send receipts.

    The last two digits of a destination decide what happens to it:

    \b
      01  receipt UNDELIV
      02  receipt EXPIRED
      08  refused for good with ESME_RINVDSTADR
      58  refused once with ESME_RTHROTTLED, then taken
      77  the recipient replies TD
      any other: receipt DELIVRD
    """
    try:
        settings = CarrierSettings(system_id, password, IdForm(id_form), receipt_delay_s, zone=ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError):
        raise click.BadParameter("is not a time zone", param_hint="--zone") from None
    watch = None if quiet else _printer(show_text)

    async def main(reactor: Any) -> None:  # several of zope's interfaces, which are no types
        carrier = SimulatedCarrier(reactor, SystemClock(), settings, watch)
        try:
            listening = reactor.listenTCP(port, carrier, interface=host)
        except CannotListenError as error:
            click.echo(f"signet simulate-carrier: {error}", err=True)
            sys.exit(1)
        click.echo(f"simulated carrier on {host}:{listening.getHost().port}")
        reactor.addSystemEventTrigger("before", "shutdown", carrier.unbind)
        await Deferred()

    react(main)


def _printer(show_text: bool) -> Callable[[SubmitSm, int, str], None]:
    def show(message: SubmitSm, command_status: int, message_id: str) -> None:
        line = (
            f"{datetime.now():%H:%M:%S}  {message.source.addr} -> {message.destination.addr}"
            f"  {status.name(command_status)} {message_id}"
        )
        click.echo(f"{line}  {_text(message)}" if show_text else line)

    return show


def _text(message: SubmitSm) -> str:
    try:
        return text.decode(text.alphabet(message.data_coding, text.Alphabet.GSM7), message.payload)
    except text.TextError:
        return message.payload.hex()
