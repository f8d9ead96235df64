"""`signet complaint add` and `link`: a complaint, and the message that it is about (clause 五(2))."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import Connection

from gateway.cli.complaint_rows import row_of, show
from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import ROW_ID, reading, transaction
from gateway.cli.output import console, json_option
from gateway.cli.times import now_ms, time_option, unix_ms, written
from gateway.number import number_of
from gateway.settings import Settings
from gateway.store import complaints
from gateway.store.complaints import Complaint, Written
from gateway.store.evidence import Span, messages_named, messages_to
from gateway.store.recipient_lists import Kind
from gateway.store.recipient_lists import add as add_rows
from ledger import sql

_BACK_MS = 30 * 86_400_000

_account_option = click.option("--account", help="It is about a message of this account.")
_message_option = click.option("--message", metavar="MESSAGE_ID", help="It is about this message.")
_carrier_option = click.option("--carrier", help="MESSAGE_ID is one that this carrier gave.")


@dataclass(frozen=True, slots=True)
class _About:
    """Whom a complaint comes from, and the messages that it may be about."""

    number: str
    messages: Sequence[Written]
    named: str | None = None
    """The account that was named."""

    @property
    def account(self) -> str | None:
        """The account that it is about: the one that was named, or the only one that wrote."""
        accounts = {message.account for message in self.messages}
        return self.named or (accounts.pop() if len(accounts) == 1 else None)

    @property
    def message_id(self) -> int | None:
        """The message that it is about, if there is but one."""
        return self.messages[0].message_id if len(self.messages) == 1 else None


@click.command()
@click.argument("named", metavar="NUMBER|MESSAGE_ID")
@click.option("--from", "source", default="", help="Who passed it on, such as 12321 or a carrier.")
@time_option("--received", "When it was received.  [default: now]")
@time_option("--since", "What was submitted from this time on.  [default: 30 days before it was received]")
@_message_option
@_account_option
@_carrier_option
@click.option("--note", default="", help="What is complained of.")
@click.option("--block", is_flag=True, help="Nobody writes to the number any more.")
@config_option
@json_option
def add(
    named: str,
    source: str,
    received: datetime | None,
    since: datetime | None,
    message: str | None,
    account: str | None,
    carrier: str | None,
    note: str,
    block: bool,
    config_path: Path,
    as_json: bool,
) -> None:
    """Write down a complaint, and show who wrote to NUMBER before it was received.

    MESSAGE_ID is the one that the customer was told, decimal or hexadecimal. Where one message alone may be
    meant, the complaint is about it; where there are several, --message or --account tells. What is not known
    yet is told later, by `complaint link`. Until the complaint is closed no purge takes its message away.
    """
    settings = settings_or_exit(config_path)
    for option, text in (("--from", source), ("--note", note)):
        if text and not text.isprintable():
            raise click.BadParameter("must be one line of text", param_hint=option)
    now = now_ms()
    received_at = now if received is None else unix_ms(received, settings.zone)
    if received_at > now:
        raise click.BadParameter("is yet to come", param_hint="--received")
    span = Span(received_at - _BACK_MS if since is None else unix_ms(since, settings.zone), received_at + 1)
    with reading(settings) as connection:
        about = _about(connection, settings, named, message, account, carrier, span)
    with transaction(settings) as connection:
        made = complaints.add(
            connection, about.number, about.account, about.message_id, source, received_at, note, now
        )
        if block:
            add_rows(connection, Kind.BLOCKS, [(about.number, now, f"complaint {made.complaint_id}")])
    _show(made, about, span, settings, as_json)


@click.command()
@click.argument("complaint_id", metavar="COMPLAINT", type=ROW_ID)
@_message_option
@_account_option
@_carrier_option
@config_option
@json_option
def link(
    complaint_id: int,
    message: str | None,
    account: str | None,
    carrier: str | None,
    config_path: Path,
    as_json: bool,
) -> None:
    """Tell which message, or whose, COMPLAINT is about. Exit code 1 if there is no such complaint."""
    if message is None and account is None:
        raise click.UsageError("name --message or --account")
    settings = settings_or_exit(config_path)
    with reading(settings) as connection:
        known = complaints.one(connection, complaint_id)
        if known is None:
            raise click.ClickException(f"there is no complaint {complaint_id}")
        if message is not None:
            about = _of_message(connection, settings, known.number, message, account, carrier)
            whose, message_id = about.account, about.message_id
        else:
            whose = _checked(connection, settings, account)
            message_id = known.message_id if whose == known.account else None
    assert whose is not None
    with transaction(settings) as connection:
        complaints.link(connection, complaint_id, whose, message_id)
        linked = complaints.one(connection, complaint_id)
    assert linked is not None, "complaints are not taken away"
    show([row_of(linked, settings.zone)], as_json)


def _about(
    connection: Connection,
    settings: Settings,
    named: str,
    message: str | None,
    account: str | None,
    carrier: str | None,
    span: Span,
) -> _About:
    """What a complaint is about that names a number or a message. Raises what ends the command."""
    country_code = settings.country_code
    ids = messages_named(connection, named, carrier)
    if ids:
        numbers = {found.number for found in complaints.written(connection, ids, country_code)}
        if len(numbers) > 1:
            raise click.ClickException(f"{named} went to {len(numbers)} numbers: name one, and --message")
        [number] = numbers
        if not number:
            raise click.ClickException(f"{named} is purged: nobody knows any more whom it went to")
        return _of_message(connection, settings, number, message or named, account, carrier)
    try:
        number = number_of(named, settings.country_code)
    except ValueError:
        raise click.ClickException(f"{named} is no message and no telephone number") from None
    if message is not None:
        return _of_message(connection, settings, number, message, account, carrier)
    whose = _checked(connection, settings, account)
    ids = messages_to(connection, number, country_code, span)
    found = [
        one
        for one in complaints.written(connection, ids, country_code)
        if one.may_be_read and whose in (None, one.account)
    ]
    return _About(number, found, whose)


def _of_message(
    connection: Connection,
    settings: Settings,
    number: str,
    message: str,
    account: str | None,
    carrier: str | None,
) -> _About:
    """A complaint of `number` about a message that is named; a failure of the command if there is none."""
    ids = messages_named(connection, message, carrier)
    found = [
        one
        for one in complaints.written(connection, ids, settings.country_code)
        if one.number == number and account in (None, one.account)
    ]
    if len(found) != 1:
        whose = "" if account is None else f" of {account}"
        many = "more than one" if found else "no"
        raise click.ClickException(f"{message} is {many} message{whose} to {number}")
    return _About(number, found)


def _checked(connection: Connection, settings: Settings, account: str | None) -> str | None:
    """An account that there is, or was; a usage error for another."""
    if account is not None and account not in sql.balances(connection, [account]):
        account_named(account, settings)
    return account


def _show(made: Complaint, about: _About, span: Span, settings: Settings, as_json: bool) -> None:
    messages = [row_of(message, settings.zone) for message in about.messages]
    if as_json:
        told = {"complaint": row_of(made, settings.zone), "messages": messages}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    show(messages)
    if not messages and span.since is not None:
        first, last = written(span.since, settings.zone), written(made.received_at, settings.zone)
        console().print(f"nobody wrote to {about.number} from {first} to {last}")
    show([row_of(made, settings.zone)])
    if made.message_id is None:
        console(stderr=True).print(
            f"which message it is about is not known; `signet complaint link {made.complaint_id}` tells"
        )
