"""`signet policy replay`: what another configuration would have said to the submits that are stored."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click
from rich import box
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import Connection, select

from gateway.cli.configured import settings_or_exit
from gateway.cli.database import reading
from gateway.cli.output import console, json_option
from gateway.cli.times import time_option, unix_ms, written
from gateway.records.replay import Line, Replay, Report, prices
from gateway.settings import Settings
from gateway.store.evidence import Span
from gateway.store.history import history
from gateway.store.schema_records import ruleset
from gateway.store.submits import rows_of, submits
from ledger.schema import ledger_lot
from policy.clauses import FREQUENCY_CAP, RULES


@click.command()
@click.option(
    "-c",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("config.toml"),
    envvar="SIGNET_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration whose database is read.",
)
@click.option(
    "--config",
    "new_path",
    type=click.Path(path_type=Path),
    required=True,
    help="The configuration whose rules are tried.",
)
@time_option("--since", "Judge what was submitted from this time on.", required=True)
@time_option("--until", "Judge what was submitted before this time.")
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="How many submits to show of each line, masked.",
)
@json_option
def replay(
    config_path: Path,
    new_path: Path,
    since: datetime,
    until: datetime | None,
    samples: int,
    as_json: bool,
) -> None:
    """Judge the stored submits by the rules of another configuration, each as of its own time.

    Told is what would newly pass or fail, by rule and account, with units, and money by the average price of
    the account's lots. Nothing is changed, and the same input gives the same output to the octet. Whether a
    message would have been one too many, or could have been paid, is not judged: such a refusal stays.
    """
    settings, new = settings_or_exit(config_path), settings_or_exit(new_path)
    span = Span(unix_ms(since, settings.zone), None if until is None else unix_ms(until, settings.zone))
    with reading(settings) as connection:
        report = _replayed(connection, new, span, samples)
    if as_json:
        click.echo(json.dumps(_document(report, settings), ensure_ascii=False, indent=2))
    else:
        _show(report, settings)


def _replayed(connection: Connection, new: Settings, span: Span, samples: int) -> Report:
    played = Replay(new, lambda numbers: history(connection, numbers), samples, _holding(connection))
    output = console(stderr=True)
    with Progress(console=output, transient=True, disable=not output.is_terminal) as progress:
        total = rows_of(connection, span) if output.is_terminal else None
        bar = progress.add_task("submits", total=total)
        played.judge(submits(connection, span), lambda count: progress.advance(bar, count))
    lots = select(ledger_lot.c.account, ledger_lot.c.units, ledger_lot.c.amount_fen)
    played.report.prices = prices((account, units, fen) for account, units, fen in connection.execute(lots))
    return played.report


def _holding(connection: Connection) -> set[str]:
    """The versions of rules by which texts waited for the hours."""
    known = connection.execute(select(ruleset.c.version, ruleset.c.rules))
    return {version for version, rules in known if json.loads(rules)["hours"]["outside"] == "hold"}


def _clause(rule: str | None) -> str | None:
    found = None if rule is None else RULES.get(rule)
    return None if found is None else found.clause


def _document(report: Report, settings: Settings) -> dict[str, object]:
    return {
        "passed_both_times": report.passed,
        "refused_both_times": report.refused,
        "changes": [
            {
                "change": line.change,
                "account": line.account,
                "rule_then": line.then,
                "clause_then": _clause(line.then),
                "rule_now": line.now,
                "clause_now": _clause(line.now),
                "messages": line.messages,
                "units": line.units,
                "fen": report.fen(line),
                "samples": [
                    {
                        "id": sample.submit_id,
                        "submitted_at": written(sample.submitted_at, settings.zone),
                        "number": sample.number,
                        "excerpt": sample.excerpt,
                    }
                    for sample in line.samples
                ],
            }
            for line in report.sorted_lines()
        ],
        "price": "average of the account's lots",
        "fen_a_unit": {account: f"{float(price):.4f}" for account, price in report.prices.items()},
        "left_as_they_were": dict(sorted(report.left.items())),
        "not_judged": {str(why): count for why, count in sorted(report.unjudged.items())},
        "rules_not_judged": _not_judged(report),
    }


def _not_judged(report: Report) -> dict[str, list[str]]:
    """The rules of the new configuration that the store's history cannot answer for, with their accounts."""
    return {FREQUENCY_CAP: list(report.capped)} if report.capped else {}


def _show(report: Report, settings: Settings) -> None:
    output = console()
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("change", "rule then", "rule now", "clause", "account"):
        table.add_column(heading, overflow="fold")
    for heading in ("messages", "units", "fen"):
        table.add_column(heading, justify="right")
    for line in report.sorted_lines():
        fen = report.fen(line)
        table.add_row(
            line.change,
            line.then or "-",
            line.now or "-",
            _clause(line.now or line.then) or "-",
            line.account,
            f"{line.messages:,}",
            f"{line.units:,}",
            "-" if fen is None else f"{fen:,}",
        )
    output.print(table)
    for line in report.sorted_lines():
        _show_samples(line, settings)
    output.print(f"as before: {report.passed:,} pass, {report.refused:,} are refused")
    for rule, count in sorted(report.left.items()):
        output.print(f"left as they were: {count:,} refused by {rule}")
    for why, count in sorted(report.unjudged.items()):
        output.print(f"not judged: {count:,}, {why}")
    for rule, accounts in _not_judged(report).items():
        output.print(f"not judged: {rule} of {', '.join(accounts)}")
    output.print("money: units at the average price of the account's lots")


def _show_samples(line: Line, settings: Settings) -> None:
    output = console()
    for sample in line.samples:
        at = written(sample.submitted_at, settings.zone)
        words = f"  {line.change}, {line.now or line.then}: {sample.submit_id} {at} {sample.number}"
        output.print(f"{words} {sample.excerpt}".rstrip())
