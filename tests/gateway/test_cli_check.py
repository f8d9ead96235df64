"""`signet check` and what all commands share in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def test_a_good_configuration_is_summed_up() -> None:
    result = CliRunner().invoke(main, ["check", "-c", str(EXAMPLE)])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert lines[0][1:] == ["no", "problems"]
    assert ["listen", "127.0.0.1:2775"] in lines
    assert ["admin", "127.0.0.1:2780"] in lines
    told = {(noun, name): words for noun, name, words in (line for line in lines[1:] if len(line) == 3)}
    assert "WM39-SMS-0001 中国银行; commercial; 08:00 to 17:00 Asia/Shanghai" in told["account", "demo"]
    assert "agreed exceptions: 1; 1000 segments/s" in told["account", "demo"]
    assert told["account", "daytime"].endswith("Asia/Shanghai; no throttle")
    assert told["carrier", "simulated"] == "127.0.0.1:2776 as signet; 1 transceiver; no throttle"
    assert told["route", "every"] == "account, every destination → simulated"


def test_the_summary_has_no_password(tmp_path: Path) -> None:
    secrets = {'password = "demo"': 'password = "hunter2"', 'password = "signet"': 'password = "hunter3"'}
    text = EXAMPLE.read_text("utf-8")
    for plain, secret in secrets.items():
        assert plain in text
        text = text.replace(plain, secret)
    (tmp_path / "config.toml").write_text(text, "utf-8")
    result = CliRunner().invoke(main, ["check", "-c", str(tmp_path / "config.toml")])
    assert result.exit_code == 0
    assert "hunter" not in result.output


def test_the_configuration_is_config_toml_unless_the_environment_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGNET_CONFIG", raising=False)
    missing = CliRunner().invoke(main, ["check"])
    assert missing.exit_code == 2
    assert missing.stderr.splitlines()[0] == "config.toml: 1 problem"
    assert "cannot be read: No such file or directory" in missing.stderr
    monkeypatch.setenv("SIGNET_CONFIG", str(EXAMPLE))
    assert CliRunner().invoke(main, ["check"]).exit_code == 0


def test_names_with_markup_are_printed_as_they_are(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8").replace('customer = "中国银行"', 'customer = "[red]中国银行:smile:"')
    (tmp_path / "config.toml").write_text(text, "utf-8")
    result = CliRunner().invoke(main, ["check", "-c", str(tmp_path / "config.toml")])
    assert "[red]中国银行:smile:" in result.stdout


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.split()[1].count(".") == 2
