"""`signet account open`, `suspend`, `resume`, `show` and `adjust`, in a real database."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gateway.cli import account_standing
from tests.gateway.test_cli_account import Signet, signet, told, topup

__all__ = ["signet"]

FRIDAY_MS = 1_767_931_200_000  # 2026-01-09 12:00 in Shanghai
DAY_MS = 86_400_000


def state(signet: Signet, account: str = "demo") -> object:
    return told(signet("show", account, "--json"))["state"]


def test_an_account_is_signed_paid_open_suspended_and_open_again(signet: Signet) -> None:
    assert state(signet) == "SIGNED"
    topup(signet, 10, 500, "a")
    assert state(signet) == "PAID"
    assert told(signet("open", "demo", "--json")) == {"account": "demo", "state": "OPEN"}
    assert told(signet("suspend", "demo", "--reason", "force majeure", "--json"))["state"] == "SUSPENDED"
    assert told(signet("resume", "demo", "--json"))["state"] == "OPEN"
    shown = told(signet("show", "demo", "--json"))
    assert [(event["state"], event["reason"]) for event in shown["history"]] == [
        ("PAID", "a"),
        ("OPEN", ""),
        ("SUSPENDED", "force majeure"),
        ("OPEN", ""),
    ]


def test_a_top_up_can_open_the_account_at_once(signet: Signet) -> None:
    result = signet("topup", "demo", "10", "--fen", "500", "--reference", "a", "--open")
    assert result.exit_code == 0, result.output
    assert state(signet) == "OPEN"


def test_a_payment_does_not_lift_a_suspension(signet: Signet) -> None:
    pay = ("topup", "demo", "10", "--fen", "500", "--open", "--reference")
    signet(*pay, "a")
    signet("suspend", "demo", "--reason", "force majeure")
    for reference in ("a", "b"):
        result = signet(*pay, reference)
        assert result.exit_code == 0, result.output
        assert 'demo is suspended; "signet account resume demo" lets it go on' in result.stderr
        assert state(signet) == "SUSPENDED"
    assert told(signet("balance", "demo", "--json"))["remaining"] == 20


def test_to_open_an_account_twice_changes_nothing(signet: Signet) -> None:
    topup(signet, 10, 500, "a")
    signet("open", "demo")
    again = signet("open", "demo")
    assert again.exit_code == 0
    assert "nothing changed" in again.stderr
    assert len(told(signet("show", "demo", "--json"))["history"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["open", "demo"], "demo has not paid yet"),
        (["suspend", "demo", "--reason", "why"], "demo is SIGNED, not OPEN"),
        (["resume", "demo"], "demo is SIGNED, not SUSPENDED"),
    ],
)
def test_a_move_that_cannot_be_is_told_in_one_line(signet: Signet, arguments: list[str], words: str) -> None:
    result = signet(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {words}\n"


def test_what_is_suspended_is_resumed_not_opened(signet: Signet) -> None:
    topup(signet, 10, 500, "a")
    signet("open", "demo")
    signet("suspend", "demo", "--reason", "why")
    result = signet("open", "demo")
    assert result.exit_code == 1
    assert "account resume demo" in result.stderr


def test_an_account_that_is_not_configured_is_not_opened(signet: Signet) -> None:
    result = signet("open", "dmeo")
    assert result.exit_code == 2
    assert 'did you mean "demo"?' in result.stderr


@pytest.mark.parametrize(("days", "is_late"), [(3, False), (4, True)])
def test_an_account_that_is_opened_later_than_the_next_working_day_is_told_of(
    signet: Signet, monkeypatch: pytest.MonkeyPatch, days: int, is_late: bool
) -> None:
    """Paid on a Friday: Monday is in time, Tuesday is not."""
    monkeypatch.setattr("gateway.cli.account_payment.now_ms", lambda: FRIDAY_MS)
    topup(signet, 10, 500, "a")
    monkeypatch.setattr(account_standing, "now_ms", lambda: FRIDAY_MS + days * DAY_MS)
    result = signet("open", "demo")
    assert ("by 2026-01-12 (contract clause 2)" in result.stderr) is is_late


def test_a_holiday_puts_off_the_day_by_which_an_account_is_to_be_open(
    signet: Signet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        config.read_text("utf-8").replace("#holidays = []", 'holidays = ["2026-01-12/2026-01-13"]'), "utf-8"
    )
    monkeypatch.setattr("gateway.cli.account_payment.now_ms", lambda: FRIDAY_MS)
    topup(signet, 10, 500, "a")
    monkeypatch.setattr(account_standing, "now_ms", lambda: FRIDAY_MS + 6 * DAY_MS)
    assert "by 2026-01-14 (contract clause 2)" in signet("open", "demo").stderr


def test_the_contract_is_shown_with_the_hash_of_its_paper(signet: Signet, tmp_path: Path) -> None:
    (tmp_path / "paper.pdf").write_bytes(b"signed")
    config = tmp_path / "config.toml"
    lines = (
        'contract.number = "WM39-SMS-0001"\ncontract.document = "paper.pdf"\ncontract.expires_on = 2099-01-05'
    )
    config.write_text(config.read_text("utf-8").replace('contract.number = "WM39-SMS-0001"', lines), "utf-8")
    shown = told(signet("show", "demo", "--json"))
    digest = hashlib.sha256(b"signed").hexdigest()
    assert (shown["contract"], shown["expires_on"]) == ("WM39-SMS-0001", "2099-01-05")
    assert (shown["signed_on"], shown["document_sha256"]) == ("2025-01-06", digest)
    table = signet("show", "demo")
    assert digest in table.stdout
    topup(signet, 10, 500, "a")
    signet("open", "demo")
    assert told(signet("show", "demo", "--json"))["history"][-1]["document_sha256"] == digest


def test_supplements_are_shown_with_the_terms_that_they_agree_to(signet: Signet, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    paper = (
        '{ agreed_on = 2025-03-01, reference = "补充协议一", terms = ["append", "charge"], note = "试用" }'
    )
    keys = f'append = true\ncharge = "delivered"\nsupplements = [{paper}]\n'
    text = config.read_text("utf-8").replace('name = "daytime"\n', f'name = "daytime"\n{keys}')
    config.write_text(text, "utf-8")
    assert told(signet("show", "daytime", "--json"))["supplements"] == [
        {
            "agreed_on": "2025-03-01",
            "reference": "补充协议一",
            "terms": ["append", "charge"],
            "note": "试用",
        }
    ]
    assert "2025-03-01  补充协议一  append, charge  试用" in signet("show", "daytime").stdout
    assert told(signet("show", "demo", "--json"))["supplements"] == []


def test_units_are_given_and_taken_for_a_reason(signet: Signet) -> None:
    topup(signet, 10, 500, "a")
    asked = ("--reason", "typed twice", "--reference", "c1", "--json")
    assert told(signet("adjust", "demo", "-3", *asked))["remaining"] == 7
    again = signet("adjust", "demo", "-3", *asked)
    assert told(again)["remaining"] == 7
    assert "nothing changed" in again.stderr
    assert told(signet("adjust", "demo", "5", *asked[:3], "c2", "--json"))["topped_up"] == 12


@pytest.mark.parametrize(
    ("units", "exit_code", "words"), [("-11", 1, "which has 10 left"), ("0", 1, "units must be")]
)
def test_an_adjustment_that_cannot_be_is_told_in_one_line(
    signet: Signet, units: str, exit_code: int, words: str
) -> None:
    topup(signet, 10, 500, "a")
    result = signet("adjust", "demo", units, "--reason", "why", "--reference", "c1")
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
