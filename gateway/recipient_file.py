"""Lists of recipients as CSV: one row a line, a header that names the columns, in any order.

What operators have comes from spreadsheets and other people's systems: numbers in any spelling, dates as text
or as unix time, commas, semicolons or tabs. What can be understood in one way only is taken; any other row is
refused alone, with a reason. An unknown column is refused before anything is read, for it may be a known one
misspelt, and a consent without its `expires_at` never expires.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from gateway.config.field import CAP_HOURS_MAX
from gateway.number import number_of
from gateway.store.recipient_lists import TABLES, Kind, Values
from policy.facts import MessageClass

COLUMNS: Mapping[Kind, Sequence[str]] = {
    Kind.OPT_OUTS: ("number", "account", "signature", "since", "ended_at", "note"),
    Kind.CONSENTS: (
        "number",
        "account",
        "kind",
        "source",
        "proof_sha256",
        "granted_at",
        "expires_at",
        "frequency_max",
        "frequency_days",
        "revoked_at",
    ),
    Kind.MEMBERS: ("number", "account", "since"),
    Kind.BLOCKS: ("number", "since", "note"),
}
INSTANTS = frozenset({"since", "ended_at", "granted_at", "expires_at", "revoked_at"})
# What stands in front of a row that was refused: a mended file of those can be read as it is.
REFUSED_COLUMNS = ("line", "reason")

_DELIMITERS = ",;\t"
_DIGEST = re.compile("[0-9a-f]{64}")
_UNREADABLE = re.compile("[\ud800-\udfff]")
_DAYS_MAX = CAP_HOURS_MAX // 24
_CLASSES = frozenset(map(str, MessageClass))


class FileError(ValueError):
    """The file as a whole cannot be read; the text is one line."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What rows are read by: the account of those that name none, the accounts that there are, and the time.

    `now` is in unix milliseconds; `zone` is that of dates without an offset.
    """

    account: str | None
    accounts: Collection[str]
    country_code: str
    zone: tzinfo
    now: int


class RowReader:
    """Reads the lines of a file, the first of which is its `header`. Raises FileError for a wrong one."""

    def __init__(self, kind: Kind, header: str, rules: Rules) -> None:
        self._kind = kind
        self._rules = rules
        header = header.removeprefix("\ufeff").rstrip("\r\n")
        self._delimiter = next((one for one in _DELIMITERS if one in header), ",")
        try:
            self.header = [name.strip().lower() for name in self._split(header)]
        except ValueError as error:
            raise FileError(f"the header cannot be read: {error}") from None
        self._check_header()
        self._width = len(self.header)
        self._columns = [column.name for column in TABLES[kind].c]
        self._unsaid = [self._defaults().get(name) for name in self._columns]
        readers = self._readers()
        self._steps = [
            (place, self._columns.index(name), readers[name])
            for place, name in enumerate(self.header)
            if name in readers
        ]
        self._needed = self._places(*_NEEDED.get(kind, ("number",)), *_OWNED.get(kind, ()))
        self._past = self._places(*_PAST)
        self._in_order = [place for pair in _IN_ORDER if len(place := self._places(*pair)) == len(pair)]

    def read(self, line: str) -> Values:
        """A line as a row of its table. Raises ValueError with the reason why it is none."""
        if not line.isascii() and _UNREADABLE.search(line):
            raise ValueError("has characters that are not of the encoding")
        fields = self.fields(line)
        if len(fields) != self._width:
            raise ValueError(f"has {len(fields)} fields, the header has {self._width}")
        row = list(self._unsaid)
        for place, column, read in self._steps:
            text = fields[place].strip()
            if text:
                row[column] = read(text)
        self._check(row)
        return tuple(row)

    def fields(self, line: str) -> list[str]:
        """The fields of a line as they are. Raises ValueError where quotes do not close."""
        return self._split(line.rstrip("\r\n"))

    def _split(self, line: str) -> list[str]:
        if '"' not in line:
            return line.split(self._delimiter)
        try:
            return next(csv.reader([line], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            raise ValueError(f"is not CSV: {error}") from None

    def _check_header(self) -> None:
        known = COLUMNS[self._kind]
        # A spreadsheet may leave columns without a name at the end.
        named = [name for name in self.header if name]
        wrong = [name for name in named if name not in (*known, *REFUSED_COLUMNS)]
        missing = [name for name in _NEEDED.get(self._kind, ("number",)) if name not in named]
        if wrong:
            what = f'has an unknown column "{wrong[0]}"'
        elif missing:
            what = f'has no column "{missing[0]}"'
        elif len(set(named)) < len(named):
            what = "names a column twice"
        elif self._kind in _OWNED and "account" not in named and self._rules.account is None:
            what = 'has no column "account", and --account is not told'
        else:
            return
        raise FileError(f"the header {what}; {self._kind} have {', '.join(known)}")

    def _places(self, *names: str) -> list[tuple[str, int]]:
        """Those of these columns that the table has, and where."""
        return [(name, self._columns.index(name)) for name in names if name in self._columns]

    def _defaults(self) -> dict[str, object]:
        """What a row means that does not say it."""
        nobody = None if self._kind in _OWNED else ""
        return {
            "account": nobody if self._rules.account is None else self._rules.account,
            "since": self._rules.now,
            "recorded_at": self._rules.now,
            "kind": str(MessageClass.COMMERCIAL),
            "signature": "",
            "note": "",
        }

    def _readers(self) -> Mapping[str, Callable[[str], object]]:
        instant = lru_cache(maxsize=4096)(self._instant)
        return {
            "number": self._number,
            "account": self._account,
            "signature": _signature,
            "kind": _class,
            "source": str,
            "proof_sha256": _digest,
            "frequency_max": _count,
            "frequency_days": _days,
            "note": str,
            **dict.fromkeys(INSTANTS, instant),
        }

    def _check(self, row: Sequence[Any]) -> None:
        """What a row must have, and what its fields must be to each other. Raises ValueError."""
        for name, place in self._needed:
            if row[place] is None:
                raise ValueError(f"{name} is missing")
        for name, place in self._past:
            if row[place] is not None and row[place] > self._rules.now:
                raise ValueError(f"{name} lies in the future")
        for (first, before), (last, after) in self._in_order:
            if row[before] is not None and row[after] is not None and row[after] < row[before]:
                raise ValueError(f"{last} is before {first}")
        if self._kind is Kind.CONSENTS:
            most, days = self._places("frequency_max", "frequency_days")
            if (row[most[1]] is None) != (row[days[1]] is None):
                raise ValueError("frequency_max and frequency_days go together")

    def _number(self, text: str) -> str:
        return number_of(text, self._rules.country_code)

    def _account(self, text: str) -> str:
        if text not in self._rules.accounts:
            raise ValueError("account is not one of the configuration's")
        if self._rules.account not in (None, text):
            raise ValueError("account is another one than --account")
        return text

    def _instant(self, text: str) -> int:
        if text.isascii() and text.isdecimal() and len(text) in (9, 10):
            return int(text) * 1000
        if text.isascii() and text.isdecimal() and len(text) in (12, 13):
            return int(text)
        try:
            instant = datetime.fromisoformat(text)
            aware = instant if instant.tzinfo else instant.replace(tzinfo=self._rules.zone)
            return round(aware.timestamp() * 1000)
        except (ValueError, OverflowError):
            raise ValueError(
                f'"{text[:40]}" is neither a date such as 2026-05-01T18:00 nor unix time'
            ) from None


_NEEDED = {Kind.CONSENTS: ("number", "source", "proof_sha256", "granted_at")}
# What belongs to an account in any case.
_OWNED = {Kind.CONSENTS: ("account",), Kind.MEMBERS: ("account",)}
_PAST = ("since", "granted_at", "ended_at", "revoked_at")
_IN_ORDER = (("since", "ended_at"), ("granted_at", "expires_at"), ("granted_at", "revoked_at"))


def _signature(text: str) -> str:
    return text.removeprefix("【").removesuffix("】")


def _class(text: str) -> str:
    if text not in _CLASSES:
        raise ValueError(f"kind is none of {', '.join(MessageClass)}")
    return text


def _digest(text: str) -> str:
    if not _DIGEST.fullmatch(text.lower()):
        raise ValueError("proof_sha256 is not 64 hexadecimal digits")
    return text.lower()


def _count(text: str) -> int:
    return _whole(text, "frequency_max", 1_000_000)


def _days(text: str) -> int:
    return _whole(text, "frequency_days", _DAYS_MAX)


def _whole(text: str, name: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise ValueError(f"{name} is not a number from 1 to {most}")
    return int(text)
