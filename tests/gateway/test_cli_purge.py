"""`signet purge` and `signet legal-hold`: what they print and how they end, on a real database."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.store import schema
from gateway.store.engine import connect
from gateway.store.schema_records import purge as purge_table
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import NUMBER, receipt

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
DAY_S = 86_400.0

Signet = Callable[..., Result]


def write_config(folder: Path, retention: str) -> None:
    text = EXAMPLE.read_text("utf-8")
    for default, own in (
        ('#store = "var/signet.db"', 'store = "signet.db"'),
        ("#commercial_days = 0", retention),
    ):
        assert default in text
        text = text.replace(default, own)
    (folder / "config.toml").write_text(text, "utf-8")


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    """A folder with a configuration that keeps commercial messages for 183 days, and the database it names.

    The rig's clock stands in the past of the machine's by more than that.
    """
    write_config(tmp_path, "commercial_days = 183")
    shutil.copy(empty_database, tmp_path)
    return tmp_path


@pytest.fixture
def rig(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """The database with two delivered messages, one of 200 days ago and one of today."""
    engine = connect(folder / "signet.db", busy_timeout_s=0.0)
    rig = Rig(engine)
    rig.recover()
    rig.enroute("A1")
    rig.hear(receipt("A1"))
    rig.advance(200 * DAY_S)
    rig.enroute("A2", destination_addr="13900000009", submitted_at=rig.now())
    rig.close()
    engine.dispose()
    monkeypatch.setattr("gateway.clock.SystemClock.now", lambda _: rig.clock.now())
    yield rig
    engine.dispose()


@pytest.fixture
def signet(folder: Path) -> Signet:
    return lambda *arguments: CliRunner().invoke(
        main, arguments, env={"SIGNET_CONFIG": str(folder / "config.toml")}
    )


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def purged(result: Result) -> dict[str, int]:
    return {row["what"]: row["purged"] for row in told(result) if row["purged"]}


def test_what_is_too_old_is_purged_and_told(signet: Signet, rig: Rig) -> None:
    assert purged(signet("purge", "--json")) == {"messages": 1, "receipts": 1}
    assert [row.body == b"" for row in rig.rows(schema.message)] == [True, False]
    assert purged(signet("purge", "--json")) == {}
    assert {row.at for row in rig.rows(purge_table)} == {rig.now()}
    rig.engine.dispose()
    assert signet("audit").exit_code == 0


def test_a_table_says_what_was_purged(signet: Signet, rig: Rig) -> None:
    lines = [line.split() for line in signet("purge").stdout.splitlines()]
    assert [line[1] for line in lines if line[:1] == ["messages"]] == ["commercial"]
    assert [line[-1] for line in lines if line[:1] == ["messages"]] == ["1"]


def test_a_dry_run_changes_nothing(signet: Signet, rig: Rig) -> None:
    assert purged(signet("purge", "--dry-run", "--json")) == {"messages": 1}
    assert rig.rows(purge_table) == []
    assert all(row.body for row in rig.rows(schema.message))
    rig.engine.dispose()


def test_before_keeps_more(signet: Signet, rig: Rig) -> None:
    assert purged(signet("purge", "--before", "2026-11-01", "--json")) == {}
    assert purged(signet("purge", "--before", "2026-11-24", "--json")) == {"messages": 1, "receipts": 1}


def test_a_configuration_that_keeps_everything_has_nothing_to_purge(signet: Signet, folder: Path) -> None:
    write_config(folder, "")
    result = signet("purge")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "for ever" in result.stderr


def test_less_than_six_months_is_refused(signet: Signet, folder: Path) -> None:
    write_config(folder, "commercial_days = 182")
    result = signet("purge")
    assert result.exit_code == 2
    assert "retention.commercial_days" in result.stderr


@pytest.mark.parametrize(
    "number", ["138 0013-8000", "+86 138 0013 8000", "１３８００１３８０００", "008613800138000"]
)
def test_a_number_may_be_spelled_in_any_way(signet: Signet, rig: Rig, number: str) -> None:
    [hold] = told(signet("legal-hold", "add", "--number", number, "--note", "case 7", "--json"))
    assert hold["number"] == "13800138000"


def test_a_legal_hold_keeps_what_it_names_until_it_ends(signet: Signet, rig: Rig) -> None:
    [hold] = told(signet("legal-hold", "add", "--number", f"+86{NUMBER}", "--note", "case 7", "--json"))
    assert (hold["hold_id"], hold["number"], hold["note"], hold["ended_at"]) == (1, NUMBER, "case 7", None)
    assert purged(signet("purge", "--json")) == {}
    assert signet("legal-hold", "end", "1").exit_code == 0
    again = signet("legal-hold", "end", "1")
    assert (again.exit_code, again.stderr) == (1, "Error: there is no hold 1 that has not ended\n")
    [ended] = told(signet("legal-hold", "list", "--json"))
    assert ended["ended_at"] == ended["since"]
    assert purged(signet("purge", "--json")) == {"messages": 1, "receipts": 1}


@pytest.mark.parametrize("arguments", [(), ("--account", "bank", "--number", NUMBER), ("--number", "nobody")])
def test_a_hold_names_one_thing(signet: Signet, rig: Rig, arguments: tuple[str, ...]) -> None:
    rig.engine.dispose()
    assert signet("legal-hold", "add", "--note", "case 7", *arguments).exit_code == 2
    assert told(signet("legal-hold", "list", "--json")) == []


def test_a_database_that_is_missing_is_said_to_be(signet: Signet, folder: Path) -> None:
    (folder / "signet.db").unlink()
    result = signet("purge", "--dry-run")
    assert (result.exit_code, result.stderr) == (1, f"Error: there is no database {folder / 'signet.db'}\n")
