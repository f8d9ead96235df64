"""`signet policy test`, as an operator calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE

PLAIN = """
[policy.terms]
obscene_violent.terms = ["网上赌博"]
unlawful.terms = ["代开发票"]
[policy.trades.finance]
terms = ["低息贷款"]
"""
ALL_FORMS = (
    PLAIN
    + """
[policy.forms]
reordered_from = 3
split_from = 2
homophones_from = 3
padded_from = 3
"""
)


def run(folder: Path, policy: str, *arguments: str) -> Result:
    path = folder / "config.toml"
    path.write_text(
        policy + ACCOUNT + 'trades = ["finance"]\n' * ("finance" in policy) + CARRIER + ROUTE, "utf-8"
    )
    return CliRunner().invoke(main, ["policy", "test", "-c", str(path), *arguments])


def told(folder: Path, policy: str, *arguments: str) -> dict[str, Any]:
    result = run(folder, policy, "--json", *arguments)
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_it_tells_for_each_list_and_evasion_how_many_disguises_are_caught(tmp_path: Path) -> None:
    document = told(tmp_path, PLAIN)
    assert list(document["lists"]) == ["CONTENT_OBSCENE_VIOLENT", "CONTENT_UNLAWFUL", "trade finance"]
    for own in document["lists"].values():
        assert own["as written"] == {"variants": 1, "caught": 1, "rate": 100.0}
        assert own["separators"]["rate"] == 100.0
        assert own["reordered"]["caught"] == 0
    for evasion, total in document["evasions"].items():
        of_lists = [own[evasion]["caught"] for own in document["lists"].values() if evasion in own]
        assert total["caught"] == sum(of_lists)
    assert document["corpus"]["texts"] >= 300


def test_a_filter_that_finds_more_forms_catches_more(tmp_path: Path) -> None:
    assert told(tmp_path, ALL_FORMS)["rate"] > 90 > 50 > told(tmp_path, PLAIN)["rate"]


@pytest.mark.parametrize(
    ("policy", "at_least", "code"), [(PLAIN, "90", 1), (ALL_FORMS, "90", 0), (PLAIN, "0", 0)]
)
def test_it_fails_below_the_rate_that_is_asked_for(
    tmp_path: Path, policy: str, at_least: str, code: int
) -> None:
    assert run(tmp_path, policy, "--at-least", at_least).exit_code == code


def test_it_names_ordinary_texts_that_are_refused_by_their_line_and_piece(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("# ours\n您好【书店】\n可代开，发票随后【书店】\n", "utf-8")
    document = told(tmp_path, PLAIN, "--corpus", str(corpus))
    assert document["corpus"] == {
        "texts": 2,
        "refused": 1,
        "hits": [{"text": 2, "rule": "CONTENT_UNLAWFUL", "piece": "代开，发票"}],
    }
    shown = run(tmp_path, PLAIN, "--corpus", str(corpus)).stdout
    assert "1 of 2 ordinary texts refused" in shown
    assert "text 2: CONTENT_UNLAWFUL (六(9)) for 代开，发票" in shown


def test_it_shows_a_table_with_the_clauses_and_the_disguises_that_got_through(tmp_path: Path) -> None:
    shown = run(tmp_path, PLAIN, "--missed", "2").stdout
    for words in ("六(7)", "六(9)", "trade finance", "split characters", "disguises caught"):
        assert words in shown
    line = next(line for line in shown.splitlines() if line.startswith("CONTENT_UNLAWFUL, reordered"))
    assert len(line.partition(": ")[2].split()) == 2


def test_without_terms_there_is_nothing_to_test(tmp_path: Path) -> None:
    result = run(tmp_path, "", "--at-least", "95")
    assert result.exit_code == 0
    assert "no terms" in result.stdout


def test_a_bad_configuration_and_a_corpus_that_is_no_text_are_told(tmp_path: Path) -> None:
    assert run(tmp_path, "[policy]\nterm = 1\n").exit_code == 2
    corpus = tmp_path / "corpus.txt"
    corpus.write_bytes(b"\xff\xfe\x00")
    result = run(tmp_path, PLAIN, "--corpus", str(corpus))
    assert result.exit_code == 1
    assert "cannot be read" in result.output
