"""The recipients of a broadcast as a customer hands them in: a CSV file with the column `number`."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.number import dialled, plain

_COLUMN = "number"


class ListError(Exception):
    """A file that is no list of recipients; the text is one line for an operator."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that names nobody to write to, and why."""

    line: int
    reason: str
    number: str


def recipients_in(
    path: Path, encoding: str, country_code: str, is_routed: Callable[[str], bool]
) -> Iterator[str | Rejected]:
    """The numbers in the file as they are dialled, each recipient once, and the lines that are rejected.

    Raises ListError for a file that cannot be read, or has no column `number`.
    """
    seen: dict[str, int] = {}
    try:
        with path.open(encoding=encoding, newline="") as file:
            rows = csv.reader(file)
            place = _place(next(rows, []))
            for row in rows:
                if not row:
                    continue
                number, reason = _read(row[place].strip() if place < len(row) else "", is_routed)
                if reason is None:
                    first = seen.setdefault(plain(number, country_code), rows.line_num)
                    reason = None if first == rows.line_num else f"is that of line {first}"
                yield number if reason is None else Rejected(rows.line_num, reason, number)
    except UnicodeDecodeError as error:
        raise ListError(f"{path} is not {error.encoding}; --encoding tells what it is") from None
    except (OSError, LookupError, csv.Error) as error:
        raise ListError(f"cannot read {path}: {error}") from None


def _place(header: list[str]) -> int:
    names = [name.strip().removeprefix("\ufeff").lower() for name in header]
    if _COLUMN not in names:
        raise ListError(f'the first line names no column "{_COLUMN}"')
    return names.index(_COLUMN)


def _read(text: str, is_routed: Callable[[str], bool]) -> tuple[str, str | None]:
    """The number as it is dialled, or what stands there and why it is rejected."""
    try:
        number = dialled(text)
    except ValueError:
        return text, "is not a telephone number"
    return number, None if is_routed(number) else "has no route"
