"""`signet recipients` on a real database: lists in and out, what is ended, what would be said of a number."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main, recipients_import

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
NUMBER, OTHER = "13800138000", "13800138001"
DIGEST = "ab" * 32

Signet = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    return path


@pytest.fixture
def signet(config: Path) -> Signet:
    """Runs `signet recipients` on a copy of the example with a database of its own."""
    return lambda *arguments: CliRunner().invoke(
        main, ["recipients", *map(str, arguments)], env={"SIGNET_CONFIG": str(config)}
    )


@pytest.fixture
def bring_in(signet: Signet, tmp_path: Path) -> Signet:
    """Imports these lines as a list."""

    def bring_in(kind: str, *lines: str, **options: str) -> Result:
        file = tmp_path / f"{kind}.csv"
        file.write_text("\n".join(lines) + "\n", "utf-8")
        written = [word for name, value in options.items() for word in (f"--{name}", value)]
        return signet("import", kind, file, "--json", *written)

    return bring_in


def told(result: Result, exit_code: int = 0) -> Any:
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def counts(result: Result, exit_code: int = 0) -> tuple[int, ...]:
    """Rows read, new, changed, unchanged and rejected."""
    found = told(result, exit_code)
    return tuple(found[noun] for noun in ("read", "new", "changed", "unchanged", "rejected"))


def rule_of(signet: Signet, number: str = NUMBER, *options: str) -> object:
    result = signet("check", number, "--account", "demo", "--json", *options)
    [verdict] = told(result, exit_code=result.exit_code)["verdicts"]
    assert result.exit_code == (1 if verdict["rule"] else 0)
    return verdict["rule"]


LISTS = [
    ("blocks", "number,note", f"{NUMBER},complaint 7"),
    ("opt-outs", "number,account,note", f"{NUMBER},demo,by letter"),
    ("members", "number,account", f"{NUMBER},demo"),
    (
        "consents",
        "number,account,source,proof_sha256,granted_at,frequency_max,frequency_days",
        f"{NUMBER},demo,web form,{DIGEST},2026-01-05,4,30",
    ),
]


@pytest.mark.parametrize(("kind", "header", "row"), LISTS, ids=[kind for kind, *_ in LISTS])
def test_a_list_can_be_brought_in_again_and_changes_nothing(
    bring_in: Signet, kind: str, header: str, row: str
) -> None:
    assert counts(bring_in(kind, header, row, row.replace(NUMBER, OTHER), row)) == (3, 2, 0, 1, 0)
    assert counts(bring_in(kind, header, row)) == (1, 0, 0, 1, 0)


@pytest.mark.parametrize(("kind", "header", "row"), LISTS, ids=[kind for kind, *_ in LISTS])
def test_what_is_taken_out_can_be_brought_in_elsewhere(
    signet: Signet, bring_in: Signet, config: Path, kind: str, header: str, row: str
) -> None:
    bring_in(kind, header, row, row.replace(NUMBER, OTHER))
    out = config.with_name("out.csv")
    assert signet("export", kind, "-o", out).exit_code == 0
    (config.parent / "var" / "signet.db").rename(config.parent / "var" / "old.db")
    assert counts(signet("import", kind, out, "--json")) == (2, 2, 0, 0, 0)
    assert signet("export", kind).stdout == out.read_text("utf-8")
    assert len(out.read_text("utf-8").splitlines()) == 3


def test_only_what_belongs_to_an_account_is_taken_out(signet: Signet, bring_in: Signet) -> None:
    bring_in("members", "number,account", f"{NUMBER},demo", f"{OTHER},daytime")
    [row] = csv.DictReader(signet("export", "members", "--account", "daytime").stdout.splitlines())
    assert (row["number"], row["account"]) == (OTHER, "daytime")


def test_what_is_rejected_is_written_down_with_its_line_and_can_be_mended(
    signet: Signet, bring_in: Signet, tmp_path: Path
) -> None:
    result = bring_in("blocks", "number,note", f"{NUMBER},", "", "call me,twice", f"{OTHER},a,b", "x")
    assert counts(result, exit_code=1) == (4, 1, 0, 0, 3)
    rejects = tmp_path / "blocks.csv.rejects.csv"
    assert told(result, exit_code=1)["rejects"] == str(rejects)
    assert [*csv.reader(rejects.read_text("utf-8").splitlines())] == [
        ["line", "reason", "number", "note"],
        ["4", "number is not a telephone number", "call me", "twice"],
        ["5", "has 3 fields, the header has 2", OTHER, "a", "b"],
        ["6", "has 1 fields, the header has 2", "x"],
    ]
    rejects.write_text(f"line,reason,number,note\n4,number is not a telephone number,{OTHER},twice\n")
    assert counts(signet("import", "blocks", rejects, "--json")) == (1, 1, 0, 0, 0)


def test_a_long_list_is_many_transactions_and_counted_whole(
    bring_in: Signet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients_import, "BATCH_ROWS", 3)
    assert counts(bring_in("blocks", "number", *(f"138{n:08d}" for n in range(10)))) == (10, 10, 0, 0, 0)


def test_a_line_without_an_end_in_sight_is_refused_alone(bring_in: Signet) -> None:
    result = bring_in("blocks", "number,note", f"{OTHER},{'x' * 50_000}", NUMBER + ",")
    assert counts(result, exit_code=1) == (2, 1, 0, 0, 1)


def test_a_list_in_another_encoding_is_read_if_that_is_told(signet: Signet, tmp_path: Path) -> None:
    file = tmp_path / "blocks.csv"
    file.write_bytes(f"number,note\n{NUMBER},投诉\n{OTHER},\n".encode("gb18030"))
    assert counts(signet("import", "blocks", file, "--json"), exit_code=1) == (2, 1, 0, 0, 1)
    assert counts(signet("import", "blocks", file, "--json", "--encoding", "gb18030")) == (2, 1, 0, 1, 0)
    assert "投诉" in signet("export", "blocks").stdout
    wrong = signet("import", "blocks", file, "--encoding", "martian")
    assert (wrong.exit_code, len(wrong.stderr.splitlines())) == (1, 1)


def test_a_byte_order_mark_is_forgiven(signet: Signet, tmp_path: Path) -> None:
    file = tmp_path / "blocks.csv"
    file.write_text(f"number\n{NUMBER}\n", "utf-8-sig")
    assert counts(signet("import", "blocks", file, "--json")) == (1, 1, 0, 0, 0)


def test_a_header_that_is_wrong_is_one_line_and_nothing_is_brought_in(
    bring_in: Signet, tmp_path: Path
) -> None:
    result = bring_in("consents", "number,expires", NUMBER)
    assert (result.exit_code, result.stdout) == (1, "")
    assert 'unknown column "expires"' in result.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "blocks", "config.toml", "--account", "demo"),
        ("import", "members", "config.toml", "--account", "dmeo"),
        ("import", "blocks", "config.toml", "--rejects", "config.toml"),
        ("export", "blocks", "--account", "demo"),
        ("end", "blocks", NUMBER, "--account", "demo", "--note", "x"),
        ("end", "members", NUMBER, "--note", "x"),
        ("end", "members", NUMBER, "--account", "demo", "--signature", "中国银行", "--note", "x"),
        ("end", "blocks", "call me", "--note", "x"),
        ("end", "blocks", NUMBER, "--note", "two\nlines"),
        ("end", "blocks", NUMBER),
        ("check", "call me"),
        ("check", NUMBER, "--at", "tomorrow"),
        ("check", NUMBER, "--at", "0001-01-01T00:00"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    signet: Signet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert signet(*arguments).exit_code == 2
    assert not (tmp_path / "var").exists()


class TestEnding:
    def test_an_opt_out_that_is_ended_stays_in_the_history(self, signet: Signet, bring_in: Signet) -> None:
        bring_in("opt-outs", "number,account,since", f"{NUMBER},demo,2026-01-05")
        assert rule_of(signet) == "RECIPIENT_OPTED_OUT"
        assert signet("end", "opt-outs", NUMBER, "--account", "demo", "--note", "asked back").exit_code == 0
        assert rule_of(signet) is None
        found = told(signet("check", f"+86{NUMBER}", "--json"))
        [opt_out], [ended] = found["opt_outs"], found["ended"]
        assert opt_out["since"] == "2026-01-05T00:00:00.000+08:00"
        assert opt_out["ended_at"] == ended["at"]
        assert (ended["kind"], ended["account"], ended["rows"], ended["note"]) == (
            *("opt-outs", "demo", 1),
            "asked back",
        )

    def test_the_same_list_does_not_bring_it_back(self, signet: Signet, bring_in: Signet) -> None:
        lines = "number,account,since", f"{NUMBER},demo,2026-01-05"
        bring_in("opt-outs", *lines)
        signet("end", "opt-outs", NUMBER, "--account", "demo", "--note", "asked back")
        assert counts(bring_in("opt-outs", *lines)) == (1, 0, 0, 1, 0)
        assert rule_of(signet) is None

    def test_one_from_every_account_is_the_operator_s_to_end(self, signet: Signet, bring_in: Signet) -> None:
        bring_in("opt-outs", "number", NUMBER)
        assert signet("end", "opt-outs", NUMBER, "--account", "demo", "--note", "x").exit_code == 1
        assert rule_of(signet) == "RECIPIENT_OPTED_OUT"
        assert signet("end", "opt-outs", NUMBER, "--note", "x").exit_code == 0
        assert rule_of(signet) is None

    def test_those_of_one_signature_may_be_ended_alone(self, signet: Signet, bring_in: Signet) -> None:
        header = "number,account,signature"
        bring_in("opt-outs", header, f"{NUMBER},demo,中国银行", f"{NUMBER},demo,完美科技")
        options = ("--account", "demo", "--signature", "中国银行", "--note", "x")
        assert signet("end", "opt-outs", NUMBER, *options).exit_code == 0
        assert rule_of(signet, NUMBER, "--signature", "中国银行") is None
        assert rule_of(signet, NUMBER, "--signature", "完美科技") == "RECIPIENT_OPTED_OUT"

    def test_a_block_and_a_member_are_removed(self, signet: Signet, bring_in: Signet) -> None:
        bring_in("blocks", "number", NUMBER, OTHER)
        bring_in("members", "number", NUMBER, account="demo")
        assert rule_of(signet) == "RECIPIENT_BLOCKED"
        assert signet("end", "blocks", NUMBER, "--note", "withdrawn").exit_code == 0
        assert signet("end", "members", NUMBER, "--account", "demo", "--note", "left").exit_code == 0
        found = told(signet("check", NUMBER, "--json"))
        assert (found["blocks"], found["members"]) == ([], [])
        assert [(row["kind"], row["note"]) for row in found["ended"]] == [
            ("blocks", "withdrawn"),
            ("members", "left"),
        ]
        assert rule_of(signet, OTHER) == "RECIPIENT_BLOCKED"

    def test_a_consent_is_revoked_by_hand_or_by_a_list(
        self, signet: Signet, bring_in: Signet, config: Path
    ) -> None:
        config.write_text(config.read_text("utf-8").replace('#consent = "declared"', 'consent = "listed"', 1))
        header, row = LISTS[3][1:]
        bring_in("consents", header, row, row.replace(NUMBER, OTHER))
        assert rule_of(signet) is None
        assert signet("end", "consents", NUMBER, "--account", "demo", "--note", "letter").exit_code == 0
        assert rule_of(signet) == "CONSENT_MISSING"
        revoking = f"{row.replace(NUMBER, OTHER)},2026-02-01"
        assert counts(bring_in("consents", f"{header},revoked_at", revoking)) == (1, 0, 1, 0, 0)
        assert rule_of(signet, OTHER) == "CONSENT_MISSING"
        assert counts(bring_in("consents", f"{header},revoked_at", revoking)) == (1, 0, 0, 1, 0)

    def test_where_there_is_nothing_to_end_that_is_told(self, signet: Signet, bring_in: Signet) -> None:
        bring_in("blocks", "number", OTHER)
        result = signet("end", "blocks", NUMBER, "--note", "x")
        assert (result.exit_code, result.stderr) == (1, "there is nothing to end\n")
        assert told(signet("check", NUMBER, "--json"))["ended"] == []


class TestChecking:
    def test_every_account_is_asked_unless_one_is_named(self, signet: Signet, bring_in: Signet) -> None:
        bring_in("opt-outs", "number,account", f"{NUMBER},daytime")
        found = told(signet("check", NUMBER, "--json"), exit_code=1)
        assert [(verdict["account"], verdict["rule"]) for verdict in found["verdicts"]] == [
            ("demo", None),
            ("daytime", "RECIPIENT_OPTED_OUT"),
        ]
        assert found["verdicts"][1]["clause"] == "1(2)"
        assert rule_of(signet) is None

    def test_a_consent_is_asked_for_by_class_and_time(
        self, signet: Signet, bring_in: Signet, config: Path
    ) -> None:
        config.write_text(config.read_text("utf-8").replace('#consent = "declared"', 'consent = "listed"', 1))
        header = "number,account,source,proof_sha256,granted_at,expires_at"
        bring_in("consents", header, f"{NUMBER},demo,web form,{DIGEST},2026-01-05,2036-01-05")
        assert rule_of(signet) is None
        assert rule_of(signet, NUMBER, "--at", "2036-01-05") == "CONSENT_MISSING"
        assert rule_of(signet, OTHER) == "CONSENT_MISSING"
        assert rule_of(signet, OTHER, "--class", "notice") is None
        arguments = ("--account", "demo", "--at", "2025-12-31", "--json")
        [verdict] = told(signet("check", NUMBER, *arguments), exit_code=1)["verdicts"]
        assert verdict["passes_at"] == "2026-01-05T00:00:00.000+08:00"

    def test_a_rule_that_holds_for_other_classes_or_only_reports_refuses_nothing(
        self, signet: Signet, bring_in: Signet, config: Path
    ) -> None:
        bring_in("opt-outs", "number,account", f"{NUMBER},demo")
        text = config.read_text("utf-8")
        for scope in ('classes = ["commercial"]', "shadow = true"):
            rule = f'name = "demo"\nrules.RECIPIENT_OPTED_OUT = {{ {scope} }}'
            config.write_text(text.replace('name = "demo"', rule, 1))
            assert rule_of(signet, NUMBER, "--class", "code") is None
        config.write_text(text)
        assert rule_of(signet, NUMBER, "--class", "code") == "RECIPIENT_OPTED_OUT"

    def test_of_a_cap_it_tells_when_the_next_message_passes(
        self, signet: Signet, bring_in: Signet, config: Path
    ) -> None:
        caps = 'frequency = [{ max = 1, per = "day" }, { max = 2, per_hours = 72 }]'
        config.write_text(config.read_text("utf-8").replace("#frequency = []", caps, 1))
        bring_in("members", "number", NUMBER, account="demo")
        with closing(sqlite3.connect(config.parent / "var" / "signet.db")) as database, database:
            for number, at in ((1, 2_098_000_000_000), (2, 2_098_100_000_000)):
                database.execute("INSERT INTO contact VALUES (?, 'demo', ?, ?, '')", (NUMBER, at, number))
        found = told(
            signet("check", NUMBER, "--account", "demo", "--at", "2036-06-26T10:00", "--json"), exit_code=1
        )
        [verdict] = found["verdicts"]
        assert verdict["rule"] == "FREQUENCY_CAP"
        assert verdict["passes_at"] == "2036-06-28T17:46:40.000+08:00"
        assert len(found["contacts"]) == 2

    def test_people_get_tables(self, signet: Signet, bring_in: Signet) -> None:
        bring_in("blocks", "number,note", f"{NUMBER},complaint 7")
        result = signet("check", NUMBER)
        assert result.exit_code == 1
        assert "RECIPIENT_BLOCKED" in result.stdout
        assert "complaint 7" in result.stdout

    def test_without_a_database_that_is_told_in_one_line(self, signet: Signet) -> None:
        result = signet("check", NUMBER)
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


def test_a_list_is_brought_in_while_another_process_has_the_database(bring_in: Signet, config: Path) -> None:
    bring_in("blocks", "number", OTHER)
    with closing(sqlite3.connect(config.parent / "var" / "signet.db")) as gateway:
        gateway.execute("PRAGMA journal_mode=WAL")
        assert gateway.execute("SELECT count(*) FROM block").fetchone() == (1,)
        assert counts(bring_in("blocks", "number", NUMBER)) == (1, 1, 0, 0, 0)
        assert gateway.execute("SELECT count(*) FROM block").fetchone() == (2,)
