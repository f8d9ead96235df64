"""`signet broadcast submit`: hand a broadcast in."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from math import inf
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Engine

from gateway.broadcasts.broadcast import Broadcast, BroadcastState
from gateway.broadcasts.hand_in import HandIn, hand_in, route_of
from gateway.broadcasts.recipient_list import ListError, Rejected, recipients_in
from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import writing
from gateway.cli.output import console, json_option
from gateway.clock import SystemClock
from gateway.settings import Account, Settings
from gateway.store import broadcast_book
from ledger import sql as ledger
from ledger.accounts import Balance
from policy.broadcast import LEAD_S
from policy.clauses import LEAD_TIME_SHORT, OUTSIDE_HOURS, RULES
from smpp.text import TextError

_REFUSED_EXIT = 1
_ROWS = 5000
_AHEAD_MAX_S = 366 * 86_400


def _time(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(f'"{written}" is no time such as 2026-11-24T09:00') from None


@click.command()
@click.argument("name", metavar="ACCOUNT")
@click.argument("recipients", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--text", "content", required=True, help="The text, as each recipient is to have it.")
@click.option(
    "--at",
    "starts",
    required=True,
    type=_time,
    metavar="TIME",
    help="When to begin, such as 2026-11-24T09:00, in the zone of the gateway.",
)
@click.option(
    "--source-addr", default="", metavar="ADDRESS", help="The sender; the account's own if left out."
)
@click.option("--encoding", default="utf-8-sig", show_default=True, help="That of the file, such as GB18030.")
@click.option(
    "--rejects",
    "rejects_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where lines that name nobody to write to go.  [default: RECIPIENTS.rejects.csv]",
)
@config_option
@json_option
def submit(
    name: str,
    recipients: Path,
    content: str,
    starts: datetime,
    source_addr: str,
    encoding: str,
    rejects_path: Path | None,
    config_path: Path,
    as_json: bool,
) -> None:
    """Hand in a text that is to go to all RECIPIENTS of ACCOUNT: a CSV file with the column "number".

    By contract clause 五(3) it is handed in a day before it begins, and must end within 24 hours of that, and
    before the hours close; by the rates of the carriers a forecast is made. Exit code 0 if it is scheduled, 1
    if it is refused, and then nothing is written.
    """
    settings = settings_or_exit(config_path)
    account = account_named(name, settings)
    now = SystemClock().now()
    starts_at = (starts if starts.tzinfo else starts.replace(tzinfo=settings.zone)).timestamp()
    if starts_at > now + _AHEAD_MAX_S:
        raise click.BadParameter("that is more than a year ahead")
    progress = console(stderr=True)
    rejects = rejects_path or recipients.with_name(recipients.name + ".rejects.csv")
    numbers, rejected = _numbers(settings, account, recipients, encoding, rejects, progress)
    if not numbers:
        raise click.ClickException(f"{recipients} names nobody to write to; see {rejects}")
    try:
        found = hand_in(settings, account, content, source_addr, numbers, now, starts_at)
    except (TextError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    added = None
    if found.rule is None:
        added = _write(settings, _broadcast(account, content, source_addr, found, len(numbers), now), numbers)
    if as_json:
        document = _document(found, added, len(numbers), rejected, settings.zone)
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _show(found, added, len(numbers), now, settings.zone)
    if rejected:
        progress.print(f"{rejected:,} lines rejected, see {rejects}")
    sys.exit(_REFUSED_EXIT if added is None else 0)


def _numbers(
    settings: Settings, account: Account, path: Path, encoding: str, rejects: Path, output: Console
) -> tuple[list[str], int]:
    """The recipients, and how many lines were rejected, which are written to `rejects`."""
    found = recipients_in(
        path,
        encoding,
        settings.country_code,
        lambda number: route_of(settings, account, number) is not None,
    )
    numbers: list[str] = []
    refused: list[Rejected] = []
    try:
        with _bar(output) as bar:
            shown = bar.add_task("reading", total=None)
            for each in found:
                if isinstance(each, Rejected):
                    refused.append(each)
                else:
                    numbers.append(each)
                if not len(numbers) % _ROWS:
                    bar.update(shown, completed=len(numbers))
        if refused:
            with rejects.open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(("line", "reason", "number"))
                rows.writerows((each.line, each.reason, each.number) for each in refused)
    except (ListError, OSError) as error:
        raise click.ClickException(str(error)) from None
    return numbers, len(refused)


def _broadcast(
    account: Account, content: str, source_addr: str, found: HandIn, recipients: int, now: float
) -> Broadcast:
    return Broadcast(
        0,
        account.name,
        source_addr,
        content,
        account.ruleset.message_class,
        BroadcastState.LOADING,
        recipients,
        int(now * 1000),
        int(found.starts_at * 1000),
        int(found.deadline_at * 1000),
        int(found.finishes_at * 1000),
        found.units,
    )


def _write(settings: Settings, handed_in: Broadcast, numbers: Sequence[str]) -> Broadcast:
    """Store the broadcast in short transactions, for the gateway may be running; READY with the last."""
    output = console(stderr=True)
    with writing(settings) as engine:
        with engine.begin() as connection:
            added = broadcast_book.add(connection, handed_in)
            balance = ledger.balances(connection, [added.account]).get(added.account, Balance())
        wanted = added.units * added.recipients
        if balance.remaining < wanted:
            output.print(f"it takes {wanted:,} units, and the account has {balance.remaining:,} left")
        with _bar(output) as bar:
            shown = bar.add_task("storing", total=len(numbers))
            for stored in _store(engine, added.broadcast_id, numbers):
                bar.update(shown, advance=stored)
        with engine.begin() as connection:
            loading = {BroadcastState.LOADING}
            broadcast_book.move(connection, added.broadcast_id, loading, BroadcastState.READY)
    return added


def _store(engine: Engine, broadcast_id: int, numbers: Sequence[str]) -> Iterator[int]:
    """Each transaction's number of rows, after it."""
    for place in range(0, len(numbers), _ROWS):
        rows = numbers[place : place + _ROWS]
        with engine.begin() as connection:
            broadcast_book.add_recipients(connection, broadcast_id, place, rows)
        yield len(rows)


def _bar(output: Console) -> Progress:
    return Progress(console=output, disable=not output.is_terminal, transient=True)


# -- what is printed


def _document(
    found: HandIn, added: Broadcast | None, recipients: int, rejected: int, zone: tzinfo
) -> dict[str, object]:
    return {
        "broadcast_id": added.broadcast_id if added else None,
        "rule": found.rule,
        "clause": RULES[found.rule].clause if found.rule and found.rule in RULES else None,
        "recipients": recipients,
        "rejected": rejected,
        "units_each": found.units,
        "units": found.units * recipients,
        "starts_at": _instant(found.starts_at, zone),
        "forecast_at": _instant(found.finishes_at, zone),
        "closes_at": _instant(found.closes_at, zone),
        "deadline_at": _instant(found.deadline_at, zone),
    }


def _show(found: HandIn, added: Broadcast | None, recipients: int, now: float, zone: tzinfo) -> None:
    output = console()
    if added is None:
        assert found.rule is not None
        output.print(_refusal(found, found.rule, now, zone))
    else:
        output.print(f"broadcast {added.broadcast_id}: scheduled")
    output.print(f"{recipients:,} recipients, {found.units} units each, {found.units * recipients:,} in all")
    output.print(f"starts   {_instant(found.starts_at, zone)}")
    output.print(f"forecast {_instant(found.finishes_at, zone) or 'without an end'}")
    output.print(f"deadline {_instant(min(found.deadline_at, found.closes_at), zone)}")


def _refusal(found: HandIn, rule: str, now: float, zone: tzinfo) -> str:
    """Why it is refused, and what might have been accepted."""
    known = RULES.get(rule)
    said = f"{rule}, contract clause {known.clause}: {known.english} {known.chinese}" if known else rule
    if rule == LEAD_TIME_SHORT:
        return f"refused by {said}\nthe earliest start is {_instant(now + LEAD_S, zone)}"
    if rule == OUTSIDE_HOURS:
        return f"refused by {said}\nthe hours open at {_instant(found.told.opens_at, zone)}"
    return f"refused by {said}"


def _instant(at: float, zone: tzinfo) -> str | None:
    return None if at == inf else datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")
