"""The content filter in the configuration file: its tables, and the `ContentFilter` that they make."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.field import Name, Term, TermFile
from gateway.config.problem import wrong
from gateway.config.table import Table
from policy.content import ContentFilter
from policy.terms import Matching, TermList


def _ideographs(least: int) -> int:
    if least == 1:
        raise wrong("must be 0, for never, or 2 to 20", "an ideograph by itself has no other form")
    return least


def _several(words: list[str]) -> list[str]:
    if len(words) < 2:
        raise wrong("needs two words at least, which stand for one another")
    return words


Ideographs = Annotated[int, Field(ge=0, le=20), AfterValidator(_ideographs)]
Synonyms = Annotated[list[Term], AfterValidator(_several)]


class TermsTable(Table):
    """Terms written here, and files of terms (UTF-8, one a line, lines that begin with # are comments)."""

    terms: list[Term] = []
    files: list[TermFile] = []


class FormsTable(Table):
    """The forms in which terms are found: from so many ideographs on, 0 is never (see `terms.Matching`)."""

    reordered_from: Ideographs | None = None
    split_from: Ideographs | None = None
    homophones_from: Ideographs | None = None
    padded_from: Ideographs | None = None


class ListTable(TermsTable, FormsTable):
    """A list of forbidden terms; what it does not say of their forms is as for all lists."""


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
    forms: FormsTable = FormsTable()


def content_of(table: PolicyTable) -> ContentFilter:
    """The one filter that all accounts share."""
    return ContentFilter(
        {f"CONTENT_{kind.upper()}": _list(each, table.forms) for kind, each in table.terms},
        _lines(table.exceptions),
        {trade: _list(each, table.forms) for trade, each in table.trades.items()},
        table.synonyms,
    )


def _list(table: ListTable, forms: FormsTable) -> TermList:
    own = table.model_dump(include=set(FormsTable.model_fields), exclude_none=True)
    wanted = forms.model_dump() | own
    return TermList(tuple(_lines(table)), Matching(**{form: least or None for form, least in wanted.items()}))


def _lines(table: TermsTable) -> list[str]:
    return [*table.terms, *(term for file in table.files for term in file)]
