"""`signet recipients import`: a list of any length into the database, a batch a transaction.

The gateway may be running: a batch is read before its transaction begins, so that the lock on the database is
held for some milliseconds at a time, and what it says is obeyed from its commit on. An import that was broken
off is simply run again.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TextIO

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine

from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.database import writing
from gateway.cli.output import console, json_option
from gateway.cli.times import now_ms
from gateway.recipient_file import REFUSED_COLUMNS, FileError, RowReader, Rules
from gateway.settings import Settings
from gateway.store.recipient_lists import Kind, Values, add

BATCH_ROWS = 2000
_LINE_MAX = 10_000
_REJECTED_EXIT = 1

kind_argument = click.argument("kind", type=click.Choice([str(kind) for kind in Kind]))


@dataclass(slots=True)
class Summary:
    """What became of the rows of a file."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0


class _Rejects:
    """The file of rows that were rejected, made for the first one."""

    def __init__(self, path: Path, header: list[str], files: ExitStack) -> None:
        self.path = path
        self._header = header
        self._files = files
        self._file: IO[str] | None = None

    def add(self, line: int, reason: str, fields: list[str]) -> None:
        if self._file is None:
            opened = self.path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
            self._file = self._files.enter_context(opened)
            csv.writer(self._file).writerow([*REFUSED_COLUMNS, *self._header])
        csv.writer(self._file).writerow([line, reason, *fields])


@click.command("import")
@kind_argument
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", metavar="ACCOUNT", help="The account of rows that name none.")
@click.option("--encoding", default="utf-8", show_default=True, help="That of FILE, such as gb18030.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where rejected rows go, each with its line and the reason.  [default: FILE.rejects.csv]",
)
@config_option
@json_option
def import_list(
    kind: str,
    file: Path,
    account: str | None,
    encoding: str,
    rejects: Path | None,
    config_path: Path,
    as_json: bool,
) -> None:
    """Bring a list of recipients in from FILE, CSV with a header. What is there already stays as it is.

    \b
    The columns, in any order; all but those in capitals may be left out:
      opt-outs  NUMBER account signature since ended_at note
      consents  NUMBER ACCOUNT kind SOURCE PROOF_SHA256 GRANTED_AT expires_at
                frequency_max frequency_days revoked_at
      members   NUMBER ACCOUNT since
      blocks    NUMBER since note

    Numbers may be written in any way, dates as 2026-05-01, 2026-05-01T18:00 (in the zone of the gateway, if
    they say no other) or unix time. A row is one line. An opt-out without an account is one from every
    account, one without a signature is from all of them. The kind of a consent is the class of messages that
    it is for, "commercial" if nothing else is said; with a frequency it is for so many messages in so many
    days. A row that names a consent on record and a revoked_at revokes it.

    The gateway obeys each row from its commit on. Exit code 1 if any row was rejected: the file of those can
    be mended and imported as it is.
    """
    settings = settings_or_exit(config_path)
    if account is not None:
        account_named(account, settings)
    if account is not None and kind == Kind.BLOCKS:
        raise click.UsageError("blocks are the operator's, for every account")
    rejects = rejects or file.with_name(file.name + ".rejects.csv")
    if rejects.resolve() == file.resolve():
        raise click.UsageError("the rejected rows cannot go into the file that they come from")
    summary = _import(Kind(kind), file, account, encoding, rejects, settings)
    _show(summary, rejects, as_json)
    sys.exit(_REJECTED_EXIT if summary.rejected else 0)


def _import(
    kind: Kind, file: Path, account: str | None, encoding: str, rejects: Path, settings: Settings
) -> Summary:
    rules = Rules(
        account,
        {own.name for own in settings.accounts.values()},
        settings.country_code,
        settings.zone,
        now_ms(),
    )
    summary = Summary()
    try:
        with ExitStack() as files:
            octets = files.enter_context(file.open("rb"))
            source = TextIOWrapper(octets, encoding, errors="surrogateescape")
            reader = RowReader(kind, source.readline(_LINE_MAX), rules)
            refused = _Rejects(rejects, reader.header, files)
            engine = files.enter_context(writing(settings))
            bar = files.enter_context(_bar())
            task = bar.add_task(kind, total=file.stat().st_size, rows=0)
            for batch in _batches(source, reader, refused, summary):
                _add(engine, kind, batch, summary)
                bar.update(task, completed=octets.tell(), rows=f"{summary.read:,}")
    except (FileError, OSError, LookupError) as error:
        raise click.ClickException(f"{file}: {error}") from error
    return summary


def _bar() -> Progress:
    output = console(stderr=True)
    rows = TextColumn("{task.fields[rows]} rows")
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        rows,
        TimeRemainingColumn(),
        console=output,
        disable=not output.is_terminal,
    )


def _batches(
    source: TextIO, reader: RowReader, refused: _Rejects, summary: Summary
) -> Iterator[list[Values]]:
    """The rows that can be read, so many at a time; the others are written down."""
    batch: list[Values] = []
    for number, line in _lines(source):
        summary.read += 1
        try:
            if len(line) >= _LINE_MAX:
                raise ValueError("is longer than a row can be")
            batch.append(reader.read(line))
        except ValueError as error:
            summary.rejected += 1
            refused.add(number, str(error), _fields(reader, line))
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    yield batch


def _lines(source: TextIO) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers; of a very long one its beginning."""
    number = 1
    while line := source.readline(_LINE_MAX):
        number += 1
        rest = line
        while rest and not rest.endswith("\n"):
            rest = source.readline(_LINE_MAX)
        if line.strip():
            yield number, line


def _fields(reader: RowReader, line: str) -> list[str]:
    """What a rejected line has in its columns; as it is, if that cannot be told."""
    try:
        return reader.fields(line)
    except ValueError:
        return [line.rstrip("\n")]


def _add(engine: Engine, kind: Kind, batch: list[Values], summary: Summary) -> None:
    if not batch:
        return
    # In order of the key, neighbours in the table are written one after the other.
    batch.sort(key=lambda row: str(row[0]))
    with engine.begin() as connection:
        added = add(connection, kind, batch)
    summary.new += added.new
    summary.changed += added.changed
    summary.unchanged += len(batch) - added.new - added.changed


def _show(summary: Summary, rejects: Path, as_json: bool) -> None:
    if as_json:
        where = str(rejects) if summary.rejected else None
        click.echo(json.dumps(asdict(summary) | {"rejects": where}, indent=2))
        return
    click.echo(", ".join(f"{count:,} {noun}" for noun, count in asdict(summary).items()))
    if summary.rejected:
        click.echo(f"the rejected rows are in {rejects}", err=True)
