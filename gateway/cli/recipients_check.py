"""`signet recipients check`: what would be said of a message to a number, and all that is recorded of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TypeAlias

import click
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import reading
from gateway.cli.output import console, json_option
from gateway.cli.times import now_ms, time_option, unix_ms
from gateway.ids import MessageIds
from gateway.message import Message, State
from gateway.number import number_of
from gateway.recovery import means_of
from gateway.settings import Account, Settings
from gateway.store import recipients, schema_recipients
from gateway.store.recipient_lists import of_number
from policy.clauses import RULES
from policy.facts import MessageClass

_REFUSED_EXIT = 1
_HISTORY = {
    "blocks": schema_recipients.block,
    "opt_outs": schema_recipients.opt_out,
    "members": schema_recipients.member,
    "consents": schema_recipients.consent,
    "contacts": schema_recipients.contact,
    "ended": schema_recipients.ended,
}
Row: TypeAlias = dict[str, object]


@click.command()
@click.argument("number", metavar="NUMBER")
@click.option("--account", "name", metavar="ACCOUNT", help="The sender.  [default: each account in turn]")
@time_option("--at", "When it would be sent, such as 2026-11-23T18:00.  [default: now]")
@click.option(
    "--class",
    "message_class",
    type=click.Choice([str(each) for each in MessageClass]),
    help="The class of the message.  [default: the account's own]",
)
@click.option("--signature", default="", help="The signature that ends it, without 【】.")
@config_option
@json_option
def check(
    number: str,
    name: str | None,
    at: datetime | None,
    message_class: str | None,
    signature: str,
    config_path: Path,
    as_json: bool,
) -> None:
    """Tell whether a message to NUMBER would be refused on account of its recipient, why, and the history.

    What is on record now is asked as the gateway asks it; `--at` is for what comes with time: a consent that
    expires, the next day of a cap on frequency. Exit code 0 if it would pass for every account asked, else 1.
    """
    settings = settings_or_exit(config_path)
    accounts = list(settings.accounts.values()) if name is None else [account_named(name, settings)]
    try:
        plain = number_of(number, settings.country_code)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NUMBER") from None
    zone = settings.zone
    now = now_ms() if at is None else unix_ms(at, zone)
    with reading(settings) as connection:
        verdicts = [
            _verdict(connection, settings, account, plain, now, message_class, signature)
            for account in accounts
        ]
        history = _history(connection, plain, None if name is None else [name, ""], zone)
    if as_json:
        told = {"number": plain, "verdicts": verdicts, **history}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _show(verdicts, history, console())
    sys.exit(_REFUSED_EXIT if any(verdict["rule"] for verdict in verdicts) else 0)


def _verdict(
    connection: Connection,
    settings: Settings,
    account: Account,
    number: str,
    now: int,
    message_class: str | None,
    signature: str,
) -> Row:
    """What the gateway would say of a message from an account, in its own words."""
    means = means_of(settings, MessageIds(settings.node, lambda: now))
    message = _message(account, number, now, message_class or account.ruleset.message_class, signature)
    judged = recipients.judge(connection, [message], means, now)
    rule = judged.rules.get(message.message_id)
    known = None if rule is None else RULES[rule]
    passes_at = judged.passes_at.get(message.message_id)
    return {
        "account": account.name,
        "rule": rule,
        "clause": known.clause if known else None,
        "english": known.english if known else None,
        "chinese": known.chinese if known else None,
        "passes_at": None if passes_at is None else _instant(passes_at, settings.zone),
    }


def _message(account: Account, number: str, now: int, message_class: str, signature: str) -> Message:
    """A message that is never sent."""
    return Message(
        message_id=0,
        account=account.name,
        state=State.QUEUED,
        units=1,
        source_addr="",
        destination_addr=number,
        registered_delivery=0,
        body=b"",
        route="",
        carrier=None,
        epoch=0,
        attempts=0,
        resends=0,
        submitted_at=now,
        due_at=now,
        deadline_at=now,
        ruleset=account.ruleset.version,
        submitted_by="",
        message_class=message_class,
        signature=signature,
    )


def _history(
    connection: Connection, number: str, accounts: Sequence[str] | None, zone: tzinfo
) -> dict[str, list[Row]]:
    """What every table says of a number."""
    return {
        noun: [
            {
                column: _instant(value, zone) if _is_instant(column) and value is not None else value
                for column, value in row._mapping.items()
                if column != "number"
            }
            for row in of_number(connection, table, number, accounts)
        ]
        for noun, table in _HISTORY.items()
    }


def _is_instant(column: str) -> bool:
    return column in ("at", "since") or column.endswith("_at")


def _instant(at: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="milliseconds")


def _show(verdicts: Sequence[Row], history: dict[str, list[Row]], output: Console) -> None:
    facts = [
        {
            "account": verdict["account"],
            "verdict": verdict["rule"] or "would pass",
            "clause": verdict["clause"],
            "why": verdict["english"],
            "passes at": verdict["passes_at"],
        }
        for verdict in verdicts
    ]
    _print(facts, "", output)
    for noun, rows in history.items():
        _print(rows, noun.replace("_", "-"), output)


def _print(rows: Sequence[Row], title: str, output: Console) -> None:
    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left")
    for key in rows[0]:
        table.add_column(key.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("-" if value is None or value == "" else str(value) for value in row.values()))
    output.print(table)
