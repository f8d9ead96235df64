"""`signet account statement`: what an account bought, sent and has left in a month (短信费(1), 五(3))."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
from rich import box
from rich.table import Table
from rich.text import Text

from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import reading
from gateway.cli.output import console, json_option
from gateway.cli.times import first_day, month_option, now_ms
from gateway.records.fen import capitals
from gateway.records.statement import bought_fen, charged_fen, returned_fen, sections
from gateway.settings import Contract, Settings
from gateway.store.statements import Month, month_of
from ledger import sql


@click.command()
@click.argument("name", metavar="ACCOUNT")
@month_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: section, then the cells of a row.")
@json_option
@click.option("--pdf", "pdf_path", type=click.Path(path_type=Path, dir_okay=False), help="Write a PDF there.")
@config_option
def statement(
    name: str, month: datetime | None, as_csv: bool, as_json: bool, pdf_path: Path | None, config_path: Path
) -> None:
    """What ACCOUNT had, bought, sent, was refused and has left in a month of the operator's zone.

    Every sum is held against the ledger; where they do not agree there is no statement, and the exit code
    is 1.
    """
    if as_csv + as_json + (pdf_path is not None) > 1:
        raise click.UsageError("--csv, --json and --pdf are one or the other")
    settings = settings_or_exit(config_path)
    first = first_day(month, now_ms(), settings.zone)
    # Summing up takes long where much was sent: a running gateway must go on writing.
    with reading(settings) as connection:
        if name not in sql.balances(connection, [name]):
            account_named(name, settings)
        made = month_of(connection, name, first, settings.zone)
    contracts = {own.name: own.contract for own in settings.accounts.values()}
    if as_json:
        click.echo(json.dumps(_told(made, contracts.get(name)), ensure_ascii=False, indent=2))
    elif as_csv:
        click.echo(_csv(made, contracts.get(name), settings), nl=False)
    elif pdf_path is not None:
        _write_pdf(pdf_path, made, contracts.get(name), settings)
    else:
        _show(made, contracts.get(name), settings)


def _told(made: Month, contract: Contract | None) -> dict[str, object]:
    own = made.ledger
    paid, charged, returned = bought_fen(made), charged_fen(made), returned_fen(made)
    return {
        "account": own.account,
        "month": f"{made.first:%Y-%m}",
        "contract": contract.number if contract else None,
        "opening": asdict(own.opening),
        "moved": {kind.name: units for kind, units in sorted(own.moved.items())},
        "closing": asdict(own.closing),
        "lots": [
            {key: value for key, value in asdict(lot).items() if key != "account"} for lot in own.bought
        ],
        "requests": [
            {
                **{key: value for key, value in asdict(each).items() if key != "account"},
                "kind": each.kind.name,
            }
            for each in own.asked
        ],
        "charged": [
            {
                "reference": each.lot.reference,
                "units": each.units,
                "fen_a_unit": float(each.lot.unit_price_fen),
                "fen": float(each.value_fen),
            }
            for each in own.charged
        ],
        "left": [{"reference": rest.lot.reference, "left": rest.units} for rest in own.rests],
        "sent": [{**asdict(each), "day": each.day.isoformat()} for each in made.sent],
        "refused": [asdict(each) for each in made.refused],
        "paid_fen": paid,
        "paid_capitals": capitals(paid),
        "charged_fen": charged,
        "charged_capitals": capitals(charged),
        "returned_fen": returned,
        "returned_capitals": capitals(returned),
        "link": own.link,
        "head": own.head,
    }


def _csv(made: Month, contract: Contract | None, settings: Settings) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for section in sections(made, contract, settings.zone):
        if any(section.headings):
            writer.writerow([section.name, *section.headings])
        writer.writerows([section.name, *row] for row in section.rows)
    return out.getvalue()


def _write_pdf(path: Path, made: Month, contract: Contract | None, settings: Settings) -> None:
    # Only this needs it, and it takes long to import.
    from gateway.records.statement_pdf import pdf

    title = f"短信账单 Statement {made.ledger.account} {made.first:%Y-%m}"
    try:
        path.write_bytes(pdf(title, sections(made, contract, settings.zone)))
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error


def _show(made: Month, contract: Contract | None, settings: Settings) -> None:
    output = console()
    for section in sections(made, contract, settings.zone):
        if not section.rows:
            continue
        output.print(Text(f"{section.name} {section.chinese}", "bold"))
        table = Table(box=box.SIMPLE_HEAD, show_header=any(section.headings))
        for heading in section.headings:
            table.add_column(heading, overflow="fold")
        for row in section.rows:
            table.add_row(*map(Text, row))
        output.print(table)
