"""The fuzzer itself: it runs where atheris is, and says so when an input fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fuzz import targets
from tests.fuzz.run import Progress, run

pytest.importorskip("atheris")

FAILS_ON_LONG_INPUTS = """
import atheris, sys
atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: 1 / (len(data) < 9))
atheris.Fuzz()
"""


def test_a_target_is_fuzzed_and_what_is_found_is_kept(tmp_path: Path) -> None:
    told: list[Progress] = []
    result = run("text", 1, tmp_path, told.append)
    assert result.crashes == (), result.output
    assert told[-1] == result.progress
    assert result.progress.executions >= len(targets.corpus("text"))
    assert result.progress.edges > 50
    assert list((tmp_path / "text").iterdir())


def test_an_input_that_fails_is_written_down_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fuzz.run.WORKER", (sys.executable, "-c", FAILS_ON_LONG_INPUTS))
    result = run("text", 5, tmp_path, lambda _: None)
    (crash,) = result.crashes
    assert len(crash.read_bytes()) >= 9
    assert "ZeroDivisionError" in result.output


def test_a_fuzzer_that_cannot_start_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.run.WORKER", (sys.executable, "-c", "raise SystemExit('no')"))
    result = run("text", 1, tmp_path, lambda _: None)
    assert result.crashes
    assert result.output == "no"
