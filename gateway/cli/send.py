"""`signet send`: one message through a gateway, and what becomes of it."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import click
from rich import box
from rich.console import Console
from rich.table import Table
from twisted.internet.defer import TimeoutError
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import react

from gateway.reactor import ReactorTime
from gateway.simulator.customer import (
    BindRefusedError,
    LinkLostError,
    NotAnsweredError,
    SimulatedCustomer,
    submit_sm,
)
from policy.clauses import RULES
from smpp import status
from smpp.codec import encode_body
from smpp.message_state import MessageState
from smpp.pdu import SubmitSm
from smpp.receipt import Receipt
from smpp.text import TextError

_RULES_BY_STATUS = {rule.vendor_status: rule for rule in RULES.values()}


@dataclass(frozen=True, slots=True)
class Sent:
    """What the gateway said about a message; `receipt` is None when none was awaited or none came in time."""

    command_status: int
    message_id: str
    receipt: Receipt | None


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=2775, show_default=True)
@click.option("--system-id", required=True)
@click.option("--password", required=True, envvar="SIGNET_PASSWORD", show_envvar=True)
@click.option(
    "--from", "source", default="", metavar="ADDRESS", help="The sender; the account's own if left out."
)
@click.option("--to", "destination", required=True, metavar="NUMBER", help="The recipient.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the receipt.")
@click.option(
    "--timeout", "timeout_s", default=30.0, show_default=True, help="Seconds to wait for the receipt."
)
@click.argument("text")
def send(
    host: str,
    port: int,
    system_id: str,
    password: str,
    source: str,
    destination: str,
    no_wait: bool,
    timeout_s: float,
    text: str,
) -> None:
    """Send TEXT to one number and show the answer and the receipt.

    Exit code 0 when the message was delivered (with --no-wait: accepted), 1 otherwise.
    """
    try:
        message = submit_sm(text, destination, source, registered_delivery=0 if no_wait else 1)
        encode_body(message)
    except (TextError, ValueError) as error:
        raise click.UsageError(str(error)) from None

    async def main(reactor: object) -> None:
        customer = SimulatedCustomer(cast(ReactorTime, reactor), system_id, password)
        try:
            endpoint = HostnameEndpoint(reactor, host, port)
            await connectProtocol(endpoint, customer)  # type: ignore[no-untyped-call]  # Twisted's
            sent = await send_one(customer, message, 0.0 if no_wait else timeout_s)
        except (BindRefusedError, ConnectError, DNSLookupError, LinkLostError, NotAnsweredError) as error:
            click.echo(f"signet send: {_told(error)}", err=True)
            sys.exit(1)
        Console(soft_wrap=True).print(table(sent, awaited=not no_wait))
        sys.exit(0 if is_success(sent, awaited=not no_wait) else 1)

    react(main)


async def send_one(customer: SimulatedCustomer, message: SubmitSm, receipt_s: float) -> Sent:
    """Bind, submit, wait at most `receipt_s` for the receipt (0: not at all), unbind.

    Raises what `SimulatedCustomer.bind` and `submit_pdu` fail with.
    """
    await customer.bind()
    submitted = await customer.submit_pdu(message)
    receipt = None
    if submitted.command_status == 0 and receipt_s:
        wait = customer.receipt(submitted.message_id)
        with suppress(TimeoutError):
            receipt = await wait.addTimeout(receipt_s, cast(IReactorTime, customer.reactor))
    await customer.unbind()
    return Sent(submitted.command_status, submitted.message_id, receipt)


def is_success(sent: Sent, *, awaited: bool) -> bool:
    """Whether all went well: delivered, or accepted if no receipt was awaited."""
    if not awaited:
        return sent.command_status == 0
    return sent.receipt is not None and sent.receipt.state is MessageState.DELIVERED


def table(sent: Sent, *, awaited: bool) -> Table:
    """The answer for people."""
    rows = Table(box=box.SIMPLE, show_header=False)
    rows.add_column(style="bold")
    rows.add_column()
    rows.add_row("status", _described(sent.command_status))
    if sent.command_status == 0:
        rows.add_row("message id", sent.message_id)
    if sent.receipt is not None:
        rows.add_row("receipt", f"{sent.receipt.state.name} (err {sent.receipt.error or '-'})")
    elif sent.command_status == 0 and awaited:
        rows.add_row("receipt", "none in time")
    return rows


def _described(command_status: int) -> str:
    """A status by its name; one from the vendor range by the rule and the clause it stands for."""
    rule = _RULES_BY_STATUS.get(command_status)
    if rule is None:
        return status.name(command_status)
    return (
        f"{rule.id} (0x{command_status:08X}, contract clause {rule.clause})\n{rule.english}\n{rule.chinese}"
    )


def _told(error: Exception) -> str:
    if isinstance(error, BindRefusedError):
        return f"bind refused: {_described(error.command_status)}"
    return str(error)
