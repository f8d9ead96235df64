"""`signet policy test`: which disguises of its terms the content filter catches, and which ordinary texts."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from gateway.cli.configured import config_option, settings_or_exit
from gateway.cli.output import console, json_option
from policy.clauses import RULES
from policy.content import ContentFilter
from policy.probe import FalseHit, catches, false_hits, ordinary_texts
from policy.terms import parse_terms
from policy.variants import Evasion

_BELOW_EXIT = 1


@dataclass(slots=True)
class _Tally:
    """How many disguises were tried, how many of them caught, and some of the others."""

    variants: int = 0
    caught: int = 0
    missed: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Percent; 100 of nothing."""
        return 100 * self.caught / self.variants if self.variants else 100.0


_Tallies = Mapping[str, Mapping[Evasion, _Tally]]


@click.command()
@config_option
@click.option(
    "--corpus",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ordinary texts of your own, UTF-8, one a line, in place of those that come along.",
)
@click.option(
    "--at-least",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit code 1 if fewer of all disguises are caught.",
)
@click.option("--missed", type=click.IntRange(min=0), default=0, help="How many to name that got through.")
@json_option
def test(config_path: Path, corpus: Path | None, at_least: float | None, missed: int, as_json: bool) -> None:
    """Tell how many disguises of each forbidden term are caught, and which ordinary texts are refused.

    Each term is written in the ways by which filters are evaded: with separators or words put in, by
    homophones and synonyms, in another order, in other scripts, taken apart, with look-alike letters. The
    disguises are the same each time. Trades are not looked at: their lists are tried as for everybody else.
    """
    content = settings_or_exit(config_path).content
    tallies = _tallies(content, missed)
    texts = ordinary_texts() if corpus is None else _texts(corpus)
    hits = list(false_hits(content, texts))
    if as_json:
        click.echo(json.dumps(_document(tallies, len(texts), hits), ensure_ascii=False, indent=2))
    else:
        _show(tallies, len(texts), hits, console())
    if at_least is not None and _sum(tallies).rate < at_least:
        sys.exit(_BELOW_EXIT)


def _texts(path: Path) -> list[str]:
    try:
        return parse_terms(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from None


def _tallies(content: ContentFilter, missed: int) -> _Tallies:
    tallies: dict[str, defaultdict[Evasion, _Tally]] = {}
    output = console(stderr=True)
    lines = [(name, line) for name, lines in content.lists.items() for line in lines]
    shown = track(lines, "disguises", console=output, transient=True, disable=not output.is_terminal)
    for name, line in shown:
        own = tallies.setdefault(name, defaultdict(_Tally))
        for tried in catches(content, line):
            tally = own[tried.evasion]
            tally.variants += 1
            tally.caught += tried.is_caught
            if not tried.is_caught and len(tally.missed) < missed:
                tally.missed.append(tried.text)
    return tallies


def _sum(tallies: _Tallies, evasion: Evasion | None = None) -> _Tally:
    """Of one evasion in all lists, or of all of them."""
    total = _Tally()
    for own in tallies.values():
        for each, tally in own.items():
            if evasion in (None, each):
                total.variants += tally.variants
                total.caught += tally.caught
    return total


# -- for programs


def _document(tallies: _Tallies, texts: int, hits: list[FalseHit]) -> dict[str, object]:
    return {
        "rate": round(_sum(tallies).rate, 2),
        "evasions": {evasion.value: _numbers(_sum(tallies, evasion)) for evasion in Evasion},
        "lists": {
            name: {evasion.value: _numbers(tally) for evasion, tally in own.items()}
            for name, own in tallies.items()
        },
        "corpus": {
            "texts": texts,
            "refused": len(hits),
            "hits": [{"text": hit.index + 1, "rule": hit.refusal.rule, "piece": _piece(hit)} for hit in hits],
        },
    }


def _numbers(tally: _Tally) -> dict[str, object]:
    numbers: dict[str, object] = {
        "variants": tally.variants,
        "caught": tally.caught,
        "rate": round(tally.rate, 2),
    }
    return numbers | ({"missed": tally.missed} if tally.missed else {})


def _piece(hit: FalseHit) -> str:
    return hit.text[slice(*hit.refusal.span)] if hit.refusal.span else ""


# -- for people


def _show(tallies: _Tallies, texts: int, hits: list[FalseHit], output: Console) -> None:
    if not tallies:
        output.print("there are no terms to test", style="bold yellow")
    else:
        output.print(_table(tallies))
        for line in _told_missed(tallies):
            output.print(line)
        total = _sum(tallies)
        output.print(
            f"{total.caught:,} of {total.variants:,} disguises caught, {total.rate:.1f}%", style="bold"
        )
    output.print(f"{len(hits):,} of {texts:,} ordinary texts refused", style="bold red" if hits else "bold")
    for hit in hits:
        output.print(f"  text {hit.index + 1}: {hit.refusal.rule} ({hit.refusal.clause}) for {_piece(hit)}")


def _table(tallies: _Tallies) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("evasion")
    table.add_column("all", justify="right")
    table.add_column("%", justify="right")
    for name in tallies:
        table.add_column(RULES[name].clause if name in RULES else name, justify="right")
    for evasion in Evasion:
        total = _sum(tallies, evasion)
        cells = (_cell(own[evasion]) if evasion in own else "" for own in tallies.values())
        table.add_row(evasion.value, _cell(total), f"{total.rate:.1f}" if total.variants else "", *cells)
    return table


def _cell(tally: _Tally) -> str:
    return f"{tally.caught}/{tally.variants}" if tally.variants else ""


def _told_missed(tallies: _Tallies) -> Iterator[Text]:
    for name, own in tallies.items():
        for evasion, tally in own.items():
            if tally.missed:
                yield Text(f"{name}, {evasion} not caught: {'  '.join(tally.missed)}")
