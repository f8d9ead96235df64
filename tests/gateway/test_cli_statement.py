"""`signet account statement`: the same month as a table, CSV, JSON and a PDF."""

from __future__ import annotations

import csv
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import account_statement
from gateway.store.engine import connect
from gateway.store.statements import Month, month_of
from ledger import sql
from ledger.standing import open_account
from ledger.transfer import Hold, Kind
from tests.gateway.test_cli_account import Signet, signet, told, topup

__all__ = ["signet"]

NOON_MS = 1_767_931_200_000  # 2026-01-09 12:00 in Shanghai


@pytest.fixture(autouse=True)
def _in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.account_payment.now_ms", lambda: NOON_MS)
    monkeypatch.setattr(account_statement, "now_ms", lambda: NOON_MS)


@pytest.fixture
def paid(signet: Signet) -> Signet:
    topup(signet, 10_000, 50_000, "bank transfer 1")
    signet("adjust", "demo", "-100", "--reason", "typed twice", "--reference", "c1")
    return signet


def test_the_month_in_json_has_every_sum(paid: Signet) -> None:
    made = told(paid("statement", "demo", "--month", "2026-01", "--json"))
    assert (made["account"], made["month"], made["contract"]) == ("demo", "2026-01", "WM39-SMS-0001")
    assert made["opening"]["topped_up"] == 0
    assert made["moved"] == {"TOPUP": 10_000, "ADJUST_DOWN": 100}
    assert (made["closing"]["remaining"], made["paid_fen"], made["paid_capitals"]) == (
        9900,
        50_000,
        "伍佰元整",
    )
    assert [lot["reference"] for lot in made["lots"]] == ["bank transfer 1"]
    assert [(each["kind"], each["reason"]) for each in made["requests"]] == [("ADJUST_DOWN", "typed twice")]
    assert made["left"] == [{"reference": "bank transfer 1", "left": 9900}]
    assert (made["link"], len(made["head"])) == (2, 64)


def test_without_a_month_it_is_this_one(paid: Signet) -> None:
    assert told(paid("statement", "demo", "--json"))["month"] == "2026-01"


def test_a_later_month_opens_with_the_closing(paid: Signet) -> None:
    closing = told(paid("statement", "demo", "--month", "2026-01", "--json"))["closing"]
    february = told(paid("statement", "demo", "--month", "2026-02", "--json"))
    assert february["opening"] == february["closing"] == closing
    assert february["lots"] == []


def test_csv_has_a_row_for_each_line_with_its_section_first(paid: Signet) -> None:
    rows = list(csv.reader(paid("statement", "demo", "--csv").stdout.splitlines()))
    assert ["account", "customer 甲方", "中国银行"] in rows
    assert ["lots", "2026-01-09", "bank transfer 1", "10000", "500.00", "5.0000"] in rows
    assert ["closing", "remaining 剩余", "9900"] in rows


def test_what_was_charged_is_told_by_lot_with_its_price(
    paid: Signet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.cli.account_payment.now_ms", lambda: NOON_MS + 1)
    topup(paid, 10, 100, "bank transfer 2")
    engine = connect(tmp_path / "var" / "signet.db", busy_timeout_s=0.0)
    with engine.begin() as connection:
        message = Hold(77, "demo", 9903)
        open_account(connection, "demo", NOON_MS)
        assert sql.hold(connection, [message], NOON_MS) == [True]
        sql.resolve(connection, Kind.SETTLE, [message], NOON_MS)
    engine.dispose()
    made = told(paid("statement", "demo", "--json"))
    assert made["charged"] == [
        {"reference": "bank transfer 1", "units": 9900, "fen_a_unit": 5.0, "fen": 49_500.0},
        {"reference": "bank transfer 2", "units": 3, "fen_a_unit": 10.0, "fen": 30.0},
    ]
    assert (made["charged_fen"], made["charged_capitals"]) == (49_530, "肆佰玖拾伍元叁角")
    rows = list(csv.reader(paid("statement", "demo", "--csv").stdout.splitlines()))
    assert ["charged", "2026-01-09", "bank transfer 2", "3", "0.30", "10.0000"] in rows


def test_a_table_is_for_people(paid: Signet) -> None:
    result = paid("statement", "demo")
    assert result.exit_code == 0, result.output
    for words in ("bank transfer 1", "人民币伍佰元整", "typed twice", "9900"):
        assert words in result.stdout


def test_a_pdf_is_written_in_a_font_that_knows_chinese(paid: Signet, tmp_path: Path) -> None:
    path = tmp_path / "statement.pdf"
    result = paid("statement", "demo", "--pdf", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    octets = path.read_bytes()
    assert octets.startswith(b"%PDF-")
    assert re.search(rb"/BaseFont /STSong-Light", octets)


def test_only_one_form_is_made_at_a_time(paid: Signet) -> None:
    assert paid("statement", "demo", "--csv", "--json").exit_code == 2


def test_sums_that_do_not_agree_make_no_statement(paid: Signet, tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "var" / "signet.db")
    with database:
        database.execute("UPDATE ledger_lot SET units = 9999")
    database.close()
    result = paid("statement", "demo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "do not agree" in result.stderr


def test_what_was_sent_is_counted_in_submits_and_in_units(paid: Signet) -> None:
    rows = list(csv.reader(paid("statement", "demo", "--csv").stdout.splitlines()))
    assert ["sent", "day", "carrier", "submits", "units"] in rows


def test_a_running_gateway_goes_on_writing(
    paid: Signet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = sqlite3.connect(tmp_path / "var" / "signet.db", timeout=0, isolation_level=None)
    gateway.execute("SELECT 1 FROM ledger_account")  # makes the log that a running gateway has

    def summed(*arguments: Any) -> Month:
        gateway.execute("BEGIN IMMEDIATE")
        gateway.execute("ROLLBACK")
        return month_of(*arguments)

    monkeypatch.setattr(account_statement, "month_of", summed)
    result = paid("statement", "demo")
    assert (result.exit_code, result.exception) == (0, None)
    gateway.close()


@pytest.mark.parametrize("month", ["9999-12", "0001-01"])
def test_a_month_that_no_calendar_of_ours_has_is_told_in_one_line(paid: Signet, month: str) -> None:
    result = paid("statement", "demo", "--month", month)
    assert result.exit_code == 2
    assert "the year is not within 1970 and 2247" in result.stderr


def test_an_account_that_nobody_knows_is_told(paid: Signet) -> None:
    result = paid("statement", "dmeo")
    assert result.exit_code == 2
    assert 'did you mean "demo"?' in result.stderr
