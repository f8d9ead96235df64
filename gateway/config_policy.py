"""The content filter in the configuration file: its tables, and the `ContentFilter` that they make."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.config_field import Name, Term, TermFile
from gateway.config_table import Table
from policy.content import ContentFilter
from policy.terms import Matching, TermList

Ideographs = Annotated[int, Field(ge=2, le=20)]
Synonyms = Annotated[list[Term], Field(min_length=2)]


class TermsTable(Table):
    """Terms written here, and files of terms (UTF-8, one a line, lines that begin with # are comments)."""

    terms: list[Term] = []
    files: list[TermFile] = []


class ListTable(TermsTable):
    """A list of forbidden terms, with the other forms in which they are found (see `terms.Matching`)."""

    reordered_from: Ideographs | None = None
    split_from: Ideographs | None = None
    homophones_from: Ideographs | None = None
    padded_from: Ideographs | None = None


class KindsTable(Table):
    """The nine forbidden kinds of contract clause 六, in its order."""

    constitution: ListTable = ListTable()
    state_security: ListTable = ListTable()
    national_honour: ListTable = ListTable()
    ethnic_hatred: ListTable = ListTable()
    cult: ListTable = ListTable()
    rumour: ListTable = ListTable()
    obscene_violent: ListTable = ListTable()
    defamation: ListTable = ListTable()
    unlawful: ListTable = ListTable()


class PolicyTable(Table):
    """`[policy]`: the content filter that all accounts share."""

    terms: KindsTable = KindsTable()
    exceptions: TermsTable = TermsTable()
    trades: dict[Name, ListTable] = {}
    synonyms: list[Synonyms] = []


def content_of(table: PolicyTable) -> ContentFilter:
    """The one filter that all accounts share."""
    return ContentFilter(
        {f"CONTENT_{kind.upper()}": _list(each) for kind, each in table.terms},
        _lines(table.exceptions),
        {trade: _list(each) for trade, each in table.trades.items()},
        table.synonyms,
    )


def _list(table: ListTable) -> TermList:
    matching = Matching(
        reordered_from=table.reordered_from,
        split_from=table.split_from,
        homophones_from=table.homophones_from,
        padded_from=table.padded_from,
    )
    return TermList(tuple(_lines(table)), matching)


def _lines(table: TermsTable) -> list[str]:
    return [*table.terms, *(term for file in table.files for term in file)]
