"""`signet account`: blocks for new accounts, top-ups and balances in a real database."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.passwords import Passwords

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
EMPTY = {"topped_up": 0, "remaining": 0, "held": 0, "settled": 0, "returned": 0}

Signet = Callable[..., Result]


@pytest.fixture
def signet(tmp_path: Path) -> Signet:
    """Runs `signet account` on a copy of the example with a database of its own."""
    config = tmp_path / "config.toml"
    config.write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    return lambda *arguments: CliRunner().invoke(
        main, ["account", *arguments], env={"SIGNET_CONFIG": str(config)}
    )


def topup(signet: Signet, units: int, fen: int, reference: str, account: str = "demo") -> Result:
    return signet("topup", account, str(units), "--fen", str(fen), "--reference", reference, "--json")


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_account_never_topped_up_has_nothing(signet: Signet) -> None:
    assert told(signet("balance", "demo", "--json")) == {"account": "demo", **EMPTY}


def test_topups_add_up(signet: Signet) -> None:
    assert told(topup(signet, 1000, 50_000, "a"))["remaining"] == 1000
    assert told(topup(signet, 500, 30_000, "b"))["remaining"] == 1500
    expected = {"account": "demo", **EMPTY, "topped_up": 1500, "remaining": 1500}
    assert told(signet("balance", "demo", "--json")) == expected


def test_a_payment_credits_once_however_often_it_is_entered(signet: Signet) -> None:
    topup(signet, 1000, 50_000, "bank transfer 1")
    again = topup(signet, 1000, 50_000, "bank transfer 1")
    assert told(again)["remaining"] == 1000
    assert "was credited before" in again.stderr


def test_one_reference_for_two_payments_is_refused(signet: Signet) -> None:
    topup(signet, 1000, 50_000, "bank transfer 1")
    other = topup(signet, 2000, 50_000, "bank transfer 1")
    assert other.exit_code == 1
    assert len(other.stderr.splitlines()) == 1
    assert told(signet("balance", "demo", "--json"))["remaining"] == 1000


@pytest.mark.parametrize(
    ("units", "fen", "reference"), [("0", "1", "a"), ("1.5", "1", "a"), ("1", "-1", "a"), ("1", "1", "")]
)
def test_a_topup_that_is_none_is_refused(signet: Signet, units: str, fen: str, reference: str) -> None:
    result = signet("topup", "demo", units, "--fen", fen, "--reference", reference)
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    assert told(signet("balance", "demo", "--json")) == {"account": "demo", **EMPTY}


def test_an_account_that_is_not_configured_cannot_be_topped_up(signet: Signet) -> None:
    result = topup(signet, 1, 1, "a", account="dmeo")
    assert result.exit_code == 2
    assert 'did you mean "demo"?' in result.stderr
    assert [row["account"] for row in told(signet("list", "--json"))] == ["demo", "daytime"]


def test_the_list_has_every_account_with_its_contract_and_balance(signet: Signet) -> None:
    topup(signet, 10, 500, "a")
    demo, daytime = told(signet("list", "--json"))
    assert demo == {
        "account": "demo",
        "system_id": "demo",
        "contract": "WM39-SMS-0001",
        "customer": "中国银行",
        "state": "PAID",
        **EMPTY,
        "topped_up": 10,
        "remaining": 10,
    }
    assert daytime["contract"] == "WM39-SMS-0002"
    assert daytime["remaining"] == 0


def test_money_of_an_account_that_left_the_configuration_is_still_listed(
    signet: Signet, tmp_path: Path
) -> None:
    topup(signet, 10, 500, "a", account="daytime")
    config = tmp_path / "config.toml"
    config.write_text(config.read_text("utf-8").replace('name = "daytime"', 'name = "evening"'), "utf-8")
    rows = {row["account"]: row for row in told(signet("list", "--json"))}
    assert list(rows) == ["demo", "evening", "daytime"]
    assert (rows["daytime"]["system_id"], rows["daytime"]["remaining"]) == (None, 10)
    assert told(signet("balance", "daytime", "--json"))["remaining"] == 10


def test_tables_are_for_people(signet: Signet) -> None:
    topup(signet, 12_000, 500, "a")
    for result in (signet("list"), signet("balance", "demo")):
        assert result.exit_code == 0
        (row,) = [line.split() for line in result.stdout.splitlines() if "demo" in line]
        assert row[-5:] == ["12,000", "12,000", "0", "0", "0"]


def test_a_database_that_is_none_is_told_in_one_line(signet: Signet, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "signet.db").write_text("not a database, but long enough to be looked at " * 40)
    result = signet("balance", "demo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert "signet.db" in result.stderr


def test_a_bad_configuration_is_told_before_anything_is_done(signet: Signet, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("node = 1\n", "utf-8")
    result = signet("list")
    assert result.exit_code == 2
    assert "node is not a known key" in result.stderr
    assert not (tmp_path / "var").exists()


def test_a_new_account_s_block_can_be_pasted_and_its_password_is_shown_apart(
    signet: Signet, tmp_path: Path
) -> None:
    result = signet(
        *("new", "acme", "--contract", "WM39-SMS-0003", "--customer", '新客户 "A"'),
        *("--operator", "长春完美科技有限公司", "--signed-on", "2026-03-02"),
        *("--signature", "新客户", "--signature", "新客户二"),
    )
    assert result.exit_code == 0
    password = result.stderr.split()[1]
    assert len(password) == 8
    assert password not in result.stdout
    (account,) = tomllib.loads(result.stdout)["accounts"]
    assert (account["name"], account["system_id"]) == ("acme", "acme")
    assert account["contract"]["customer"] == '新客户 "A"'
    assert str(account["contract"]["signed_on"]) == "2026-03-02"
    assert account["signatures"] == ["新客户", "新客户二"]
    assert account["password_hash"].startswith("$argon2id$")
    assert Passwords().verify(account["password_hash"], password)
    with (tmp_path / "config.toml").open("a", encoding="utf-8") as config:
        config.write("\n" + result.stdout)
    assert [row["account"] for row in told(signet("list", "--json"))] == ["demo", "daytime", "acme"]


def test_two_new_accounts_have_two_passwords(signet: Signet) -> None:
    first, second = signet("new", "acme"), signet("new", "acme")
    assert first.stderr != second.stderr
    assert first.stdout != second.stdout


def test_what_a_new_account_was_not_told_is_asked_for_by_the_check(signet: Signet, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(config.read_text("utf-8") + "\n" + signet("new", "acme").stdout, "utf-8")
    result = signet("list")
    assert result.exit_code == 2
    for key in ("signatures", "contract.number", "contract.customer", "contract.operator"):
        assert f"accounts[2].{key} (acme) must not be empty" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["a name"], ["name-of-17-letters"], ["acme", "--system-id", "name-of-17-letters"], ["客户"]],
)
def test_a_new_account_s_name_must_be_one(signet: Signet, arguments: list[str]) -> None:
    result = signet("new", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
