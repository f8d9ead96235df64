"""docs/contract.md says what is: its tests and commands exist, and its tables are those of the code."""

from __future__ import annotations

import re

import click
import pytest

from gateway.cli import main
from policy.clauses import RULES, Rule
from policy.facts import MessageClass
from policy.law import Article
from smpp.status import CommandStatus
from tests.document import Document

DOCUMENT = Document("contract.md")
CLAUSES = [f"S{number:02}" for number in range(1, 30) if number != 9]
COMMANDS = sorted(set(re.findall(r"`signet ([^`]+)`", DOCUMENT.text)))


def test_every_test_that_is_named_exists() -> None:
    DOCUMENT.check_tests()


def test_every_line_of_a_table_that_shows_something_names_a_test_or_a_command() -> None:
    DOCUMENT.check_tables("`signet ")


@pytest.mark.parametrize("named", COMMANDS)
def test_every_command_that_is_named_exists(named: str) -> None:
    command: click.Command | None = main
    for word in named.split():
        assert isinstance(command, click.Group), f"{word} is no command of a group"
        command = command.get_command(click.Context(command), word)
    assert command is not None
    assert not isinstance(command, click.Group)


def test_every_clause_has_its_row() -> None:
    assert [row[0] for row in DOCUMENT.rows("id | clause")] == CLAUSES


def test_the_table_of_rules_is_that_of_the_policy() -> None:
    assert [row[:6] for row in DOCUMENT.rows("rule | clause")] == [rule_row(rule) for rule in RULES.values()]


def rule_row(rule: Rule) -> list[str]:
    statuses = [CommandStatus(rule.standard_status).name]
    if rule.standard_bind_status is not None:
        statuses.append(f"bind {CommandStatus(rule.standard_bind_status).name}")
    classes = ["every" if rule.classes == frozenset(MessageClass) else ", ".join(sorted(rule.classes))]
    return [
        rule.id,
        rule.clause,
        ", ".join(map(cited, rule.law)) or "-",
        f"0x{rule.vendor_status:03X}",
        ", ".join(statuses),
        ", ".join([*classes, "fixed"] if rule.fixed else classes),
    ]


def cited(article: Article) -> str:
    return f"{article.regulation} art. {article.number}" if article.number else article.regulation


def test_the_table_of_the_law_has_every_article_with_its_days() -> None:
    articles = dict.fromkeys(article for rule in RULES.values() for article in rule.law)
    assert DOCUMENT.rows("law") == [
        [cited(article), str(article.since), str(article.until or "-")] for article in articles
    ]
