"""`signet explain`: what would become of a text, without sending it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.admission import Reading, Refusal
from gateway.cli.configured import account_named, config_option, settings_or_exit
from gateway.cli.output import console, json_option
from gateway.cli.times import time_option, unix_ms
from gateway.clock import SystemClock
from gateway.explanation import Explanation
from gateway.explanation import explain as explained
from policy.clauses import RULES
from policy.verdict import Defer, Judgement, Refuse
from smpp import status
from smpp.text import SEPTETS, Alphabet, TextError

_REFUSED_EXIT = 1


@click.command()
@click.argument("name", metavar="ACCOUNT")
@click.argument("content", metavar="TEXT")
@click.option(
    "--to", "destination", default="13800138000", show_default=True, metavar="NUMBER", help="The recipient."
)
@click.option(
    "--from", "source", default="", metavar="ADDRESS", help="The sender; the account's own if left out."
)
@time_option("--at", "When it is submitted, such as 2026-11-23T18:00.  [default: now]")
@click.option(
    "--data-coding",
    type=click.IntRange(0, 255),
    metavar="N",
    help="How the text is encoded.  [default: 0 if the account's own alphabet has it, otherwise 8]",
)
@click.option(
    "--service-type",
    default="",
    metavar="TYPE",
    help="Its service_type, where that makes it of another class.",
)
@config_option
@json_option
def explain(
    name: str,
    content: str,
    destination: str,
    source: str,
    at: datetime | None,
    data_coding: int | None,
    service_type: str,
    config_path: Path,
    as_json: bool,
) -> None:
    """Tell what would become of TEXT if ACCOUNT submitted it, without sending it; "-" reads standard input.

    The database is not looked at: whether the recipient has opted out, or the units suffice, is not told.
    Exit code 0 if the text would be accepted, 1 if it would be refused, 2 if that cannot be told.
    """
    settings = settings_or_exit(config_path)
    account = account_named(name, settings)
    if content == "-":
        content = _standard_input()
    zone = settings.zone
    now = SystemClock().now() if at is None else unix_ms(at, zone) / 1000
    try:
        told = explained(settings, account, content, now, destination, source, data_coding, service_type)
    except (TextError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps(_document(told, content, zone), ensure_ascii=False, indent=2))
    else:
        _show(told, content, zone, console())
    sys.exit(_REFUSED_EXIT if isinstance(told.taken, Refusal) else 0)


def _standard_input() -> str:
    """All of it, but for the newline that ends it."""
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"standard input is not UTF-8: {error}") from None


# -- for programs


def _document(told: Explanation, content: str, zone: tzinfo) -> dict[str, object]:
    taken, pdu, hours = told.taken, told.pdu, told.account.ruleset.hours
    return {
        "account": told.account.name,
        "at": _instant(told.at, zone),
        "source_addr": _source_addr(told),
        "destination_addr": pdu.destination.addr,
        "text": content,
        "accepted": isinstance(taken, Reading),
        "command_status": {"value": told.command_status, "name": status.name(told.command_status)},
        "refusal": _refusal(taken, told, content, zone) if isinstance(taken, Refusal) else None,
        "message_class": told.message_class,
        "ruleset": told.account.ruleset.version,
        "added": None if told.added is None else {"at": told.added.at, "text": told.added.words},
        "template": told.template,
        "shadowed": [
            {"rule": each.rule, "law": _law(told, each.rule), "span": _span(span, content)}
            for each, span in told.shadowed
        ],
        "trail": [{"rule": rule, "verdict": verdict} for rule, verdict in _trail(told.judgement)],
        "hours": {
            "open": f"{hours.open:%H:%M}",
            "close": f"{hours.close:%H:%M}",
            "zone": str(hours.zone),
            "is_open": told.opens_at == told.at,
            "opens_at": _instant(told.opens_at, zone),
        },
        "due_at": None if told.due_at is None else _instant(told.due_at, zone),
        "encoding": {
            "alphabet": told.alphabet,
            "data_coding": pdu.data_coding,
            "octets": len(pdu.payload),
            "counted_in": _counted_in(told.alphabet),
        },
        "units": told.units,
        "segments": [{"text": cut.text, "used": cut.used, "room": cut.room} for cut in told.segments],
        "form": told.form,
        "route": list(told.route),
    }


def _refusal(refused: Refusal, told: Explanation, content: str, zone: tzinfo) -> dict[str, object]:
    rule = RULES.get(refused.rule)
    return {
        "rule": refused.rule,
        "clause": rule.clause if rule else None,
        "law": _law(told, refused.rule),
        "english": rule.english if rule else None,
        "chinese": rule.chinese if rule else None,
        "detail": refused.detail or None,
        "span": _span(told.span, content),
        "next_pass": None if told.next_pass is None else _instant(told.next_pass, zone),
    }


def _law(told: Explanation, rule: str) -> dict[str, str | None] | None:
    article = told.law(rule)
    if article is None:
        return None
    return {
        "regulation": article.regulation,
        "article": article.number or None,
        "since": article.since.isoformat(),
    }


def _span(span: tuple[int, int] | None, content: str) -> dict[str, object] | None:
    return {"start": span[0], "end": span[1], "text": content[slice(*span)]} if span else None


# -- for people


def _show(told: Explanation, content: str, zone: tzinfo, output: Console) -> None:
    facts = Table(box=box.SIMPLE, show_header=False)
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    for noun, words in _facts(told, content, zone):
        facts.add_row(noun, words)
    output.print(facts)
    parts = Table(box=box.SIMPLE_HEAD)
    parts.add_column("segment", justify="right")
    parts.add_column(_counted_in(told.alphabet), justify="right")
    parts.add_column("text", overflow="fold")
    for number, cut in enumerate(told.segments, 1):
        parts.add_row(str(number), f"{cut.used} of {cut.room}", Text(cut.text))
    output.print(parts)


def _facts(told: Explanation, content: str, zone: tzinfo) -> Iterator[tuple[str, Text | str]]:
    taken, pdu = told.taken, told.pdu
    yield "verdict", _verdict(told, zone)
    yield "status", status.name(told.command_status)
    if isinstance(taken, Refusal):
        yield "refused by", _rule(taken, told)
        if told.span is not None:
            yield "because of", _marked(content, told.span)
        if told.next_pass is not None:
            yield "would pass", f"from {_instant(told.next_pass, zone)} on"
    for each, span in told.shadowed:
        yield "only reported", _reported(each.rule, told, content, span)
    if told.added is not None:
        yield "added", f"{told.added.words} (behind character {told.added.at})"
    if told.template is not None:
        yield "template", told.template
    yield "class, rules", f"{told.message_class}, version {told.account.ruleset.version}"
    yield "rules tried", ", ".join(_rule_tried(*tried) for tried in _trail(told.judgement)) or "none"
    yield "hours", _hours(told, zone)
    yield "from, to", f"{_source_addr(told) or '-'}, {pdu.destination.addr or '-'}"
    yield "carriers", ", ".join(told.route) or "none"
    yield "encoding", f"{told.alphabet}, data_coding {pdu.data_coding}, {len(pdu.payload)} octets"
    yield "units", _units(told)


def _verdict(told: Explanation, zone: tzinfo) -> Text:
    if told.due_at is None:
        return Text("refused", "bold red")
    if told.judgement is not None and isinstance(told.judgement.verdict, Defer):
        return Text(f"accepted, and held until {_instant(told.due_at, zone)}", "bold yellow")
    return Text("accepted", "bold green")


def _rule(refused: Refusal, told: Explanation) -> str:
    rule = RULES.get(refused.rule)
    if rule is None:
        return refused.rule
    detail = f" ({refused.detail})" if refused.detail else ""
    return f"{_with_law(rule.id, told)}\n{rule.english}{detail}\n{rule.chinese}"


def _with_law(rule: str, told: Explanation) -> str:
    article = told.law(rule)
    law = "" if article is None else f"; {article}"
    return f"{rule}, contract clause {RULES[rule].clause}{law}"


def _reported(rule: str, told: Explanation, content: str, span: tuple[int, int] | None) -> Text:
    words = Text(_with_law(rule, told))
    return words if span is None else Text.assemble(words, ", because of ", _marked(content, span))


def _marked(content: str, span: tuple[int, int]) -> Text:
    """The piece that is to blame, with its place in the text."""
    start, end = span
    return Text.assemble((content[start:end], "bold red"), f" (characters {start} to {end})")


def _rule_tried(rule: str, verdict: str) -> str:
    return rule if verdict == "accept" else f"{rule} ({verdict})"


def _hours(told: Explanation, zone: tzinfo) -> str:
    hours = told.account.ruleset.hours
    state = "open" if told.opens_at == told.at else "closed"
    until = "" if told.opens_at == told.at else f", open from {_instant(told.opens_at, zone)}"
    return (
        f"{hours.open:%H:%M} to {hours.close:%H:%M} {hours.zone}; {state} at {_instant(told.at, zone)}{until}"
    )


def _units(told: Explanation) -> str:
    form = f", as {told.form}" if told.form else ""
    return f"{told.units}{form}" + (", if it were accepted" if told.due_at is None else "")


# -- for both


def _trail(judgement: Judgement | None) -> list[tuple[str, str]]:
    """The rules tried with what each said: accept, defer or refuse."""
    if judgement is None or not judgement.trail:
        return []
    last = {Refuse: "refuse", Defer: "defer"}.get(type(judgement.verdict), "accept")
    *before, rule = judgement.trail
    return [*((passed, "accept") for passed in before), (rule, last)]


def _source_addr(told: Explanation) -> str:
    """The sender that is shown; that of a refused text as it was given."""
    return told.taken.source_addr if isinstance(told.taken, Reading) else told.pdu.source.addr


def _counted_in(alphabet: Alphabet) -> str:
    if alphabet is Alphabet.UCS2:
        return "UTF-16 units"
    return "septets" if alphabet in (*SEPTETS, Alphabet.ASCII) else "octets"


def _instant(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")
