"""`signet audit`: what it prints and how it ends, on a real database."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.store.audit import IDENTITIES
from ledger.chain import GENESIS, link_hash
from ledger.transfer import Kind

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"

Signet = Callable[..., Result]
HEAD = link_hash(GENESIS, "bank", 1, Kind.TOPUP, 0, [(1, 100)])


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    """A folder with a configuration and the database that it names, in which account "bank" has 100 units."""
    example = EXAMPLE.read_text("utf-8")
    assert '#store = "var/signet.db"' in example
    (tmp_path / "config.toml").write_text(
        example.replace('#store = "var/signet.db"', 'store = "signet.db"'), "utf-8"
    )
    path = shutil.copy(empty_database, tmp_path)
    execute(
        Path(path),
        f"INSERT INTO ledger_account VALUES ('bank', 100, 100, 0, 0, 0, 2, 1, '{HEAD}')",
        "INSERT INTO ledger_lot VALUES (1, 'bank', 100, 0, 'paid', 0)",
        "INSERT INTO ledger_transfer VALUES (1, 0, 1, 'bank', 100, 0, 1)",
        f"INSERT INTO ledger_link VALUES ('bank', 1, 1, 1, 100, 0, '{HEAD}')",
        "INSERT INTO ledger_rest VALUES ('bank', 1, 0, 100)",
    )
    return tmp_path


@pytest.fixture
def signet(folder: Path) -> Signet:
    """Runs `signet audit` with the configuration in the folder."""
    return lambda *arguments: CliRunner().invoke(
        main, ["audit", *arguments], env={"SIGNET_CONFIG": str(folder / "config.toml")}
    )


def execute(path: Path, *statements: str) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA ignore_check_constraints = ON")
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()


def lose_units(path: Path) -> None:
    execute(path, "UPDATE ledger_account SET remaining = 93")


def add_attempts(path: Path, count: int) -> None:
    """Attempts of messages that never were."""
    rows = (
        f"INSERT INTO attempt VALUES ({n}, 1, 1, 'north', 'north-1', NULL, NULL, 0, 0, 0)"
        for n in range(count)
    )
    execute(path, *rows)


def told(result: Result, exit_code: int) -> Any:
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def test_a_sound_database_is_said_to_be_so(signet: Signet, folder: Path) -> None:
    result = signet()
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["BALANCE_ADDS_UP", "P7", "1", "0"] in lines
    assert ["OPT_OUT_IS_OBEYED", "clause", "1(2)", "0", "0"] in lines
    assert len([line for line in lines if line and line[0].isupper()]) == len(IDENTITIES)
    assert result.stdout.splitlines()[-1] == f"{folder / 'signet.db'}: all of it holds"


def test_each_violation_is_named_and_the_exit_code_is_1(signet: Signet, folder: Path) -> None:
    lose_units(folder / "signet.db")
    result = signet()
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert ["BALANCE_ADDS_UP", "P7", "1", "1"] in [line.split() for line in lines]
    told_at = lines.index("BALANCE_ADDS_UP: Topped up = remaining + held + settled + returned.")
    assert lines[told_at + 1] == (
        "  account bank; topped_up 100, remaining 93, held 0, settled 0, returned 0"
    )
    assert lines[-1] == f"{folder / 'signet.db'}: 3 violations"


def test_no_more_are_named_than_asked_for_but_all_are_counted(signet: Signet, folder: Path) -> None:
    add_attempts(folder / "signet.db", 5)
    result = signet("--limit", "2")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    begin = lines.index("ATTEMPT_HAS_MESSAGE: Every attempt is numbered among those that its message counts.")
    assert lines[begin + 1 : begin + 4] == [
        "  id 0; number 1, attempts None",
        "  id 1; number 1, attempts None",
        "  and 3 more",
    ]
    assert lines[-1].endswith(": 5 violations")


def test_json_has_every_identity_with_what_it_says(signet: Signet, folder: Path) -> None:
    add_attempts(folder / "signet.db", 3)
    report = told(signet("--json", "--limit", "1"), 1)
    assert (report["database"], report["violations"]) == (str(folder / "signet.db"), 3)
    assert [entry["name"] for entry in report["identities"]] == [identity.name for identity in IDENTITIES]
    [broken] = [entry for entry in report["identities"] if entry["violations"]]
    assert broken == {
        "name": "ATTEMPT_HAS_MESSAGE",
        "promise": "P3",
        "says": "Every attempt is numbered among those that its message counts.",
        "rows": 3,
        "violations": 3,
        "named": [
            {
                "identity": "ATTEMPT_HAS_MESSAGE",
                "account": None,
                "source_id": 0,
                "detail": "number 1, attempts None",
            }
        ],
    }


def test_a_copy_is_audited_without_a_configuration(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copy(folder / "signet.db", tmp_path / "copy.db")
    lose_units(folder / "signet.db")
    arguments = ["audit", "--database", str(copy), "--json"]
    result = CliRunner().invoke(main, arguments, env={"SIGNET_CONFIG": str(tmp_path / "missing.toml")})
    assert told(result, 0)["database"] == str(copy)


@pytest.mark.parametrize("country_code", ["86", "49"])
def test_numbers_are_compared_by_the_country_code_given(
    signet: Signet, folder: Path, country_code: str
) -> None:
    path = folder / "signet.db"
    body, queued = "x'00'", "0, 1, '10690001', '+4915112345678', 0"
    rest = "'north', NULL, 1, 0, 0, 0, 0, 0, 'r', 'b', NULL, NULL, NULL, 0, 0, NULL, 'commercial', '', NULL"
    execute(
        path,
        f"INSERT INTO message VALUES (7, 'bank', {queued}, {body}, {rest})",
        "INSERT INTO opt_out (number, account, since, inbound_id) VALUES ('15112345678', 'bank', 0, 1)",
    )
    report = told(signet("--database", str(path), "--country-code", country_code, "--json"), 1)
    found = {entry["name"]: entry["violations"] for entry in report["identities"]}
    assert found["OPT_OUT_IS_OBEYED"] == (1 if country_code == "49" else 0)


def test_the_configurations_country_code_holds_for_its_own_database(signet: Signet, folder: Path) -> None:
    config = folder / "config.toml"
    text = config.read_text("utf-8")
    assert '#country_code = "86"' in text
    config.write_text(text.replace('#country_code = "86"', 'country_code = "49"'), "utf-8")
    test_numbers_are_compared_by_the_country_code_given(
        lambda *arguments: signet("--json"), folder, country_code="49"
    )


class TestWhatCannotBeRead:
    """One line, and the exit code 2."""

    def refusal(self, result: Result) -> str:
        assert (result.exit_code, result.stdout) == (2, "")
        [line] = result.stderr.splitlines()
        return line

    def test_no_database(self, tmp_path: Path, signet: Signet) -> None:
        missing = tmp_path / "missing.db"
        assert self.refusal(signet("--database", str(missing))) == f"Error: there is no database {missing}"

    def test_no_database_of_the_configurations(self, signet: Signet, folder: Path) -> None:
        (folder / "signet.db").unlink()
        assert self.refusal(signet()) == f"Error: there is no database {folder / 'signet.db'}"

    def test_a_newer_schema(self, signet: Signet, folder: Path) -> None:
        execute(folder / "signet.db", "UPDATE alembic_version SET version_num = '9999'")
        assert "newer version of signet" in self.refusal(signet())

    def test_a_database_that_is_damaged_half_way(self, signet: Signet, folder: Path) -> None:
        path = folder / "signet.db"
        content = path.read_bytes()
        path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        assert "malformed" in self.refusal(signet())

    def test_a_configuration_with_a_mistake(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(main, ["audit", "-c", str(tmp_path / "missing.toml")])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "cannot be read" in result.stderr
