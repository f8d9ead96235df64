"""`signet broadcast`: handing in, and what is told of it; nothing runs beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from gateway.broadcasts.broadcast import BroadcastState
from gateway.cli import main
from gateway.store import broadcast_book
from gateway.store.engine import connect
from gateway.store.schema_broadcasts import broadcast_recipient

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
SHANGHAI = ZoneInfo("Asia/Shanghai")
TEXT = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"

Signet = Callable[..., Result]


def a_morning(days: int = 2) -> datetime:
    """Nine o'clock, so many days ahead."""
    return datetime.combine(datetime.now(SHANGHAI).date() + timedelta(days=days), time(9), SHANGHAI)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    return tmp_path


@pytest.fixture
def signet(folder: Path) -> Signet:
    """Runs `signet broadcast` on a copy of the example with a database of its own."""
    environment = {"SIGNET_CONFIG": str(folder / "config.toml")}
    return lambda *arguments: CliRunner().invoke(main, ["broadcast", *arguments], env=environment)


def handed_in(
    signet: Signet,
    folder: Path,
    rows: list[str],
    *options: str,
    account: str = "daytime",
    at: datetime | None = None,
    text: str = TEXT,
) -> Result:
    path = folder / "recipients.csv"
    path.write_text("\n".join(["number", *rows]), "utf-8")
    starts = (at or a_morning()).isoformat()
    return signet("submit", account, str(path), "--text", text, "--at", starts, *options)


def told(result: Result, exit_code: int = 0) -> Any:
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def numbers(count: int) -> list[str]:
    return [f"138{n:08d}" for n in range(count)]


def test_a_broadcast_is_scheduled_with_a_forecast(signet: Signet, folder: Path) -> None:
    found = told(handed_in(signet, folder, numbers(600), "--json"))
    starts = a_morning()
    assert found == {
        "broadcast_id": 1,
        "rule": None,
        "clause": None,
        "recipients": 600,
        "rejected": 0,
        "units_each": 1,
        "units": 600,
        "starts_at": starts.isoformat(),
        "forecast_at": (starts + timedelta(seconds=60)).isoformat(),
        "closes_at": starts.replace(hour=17).isoformat(),
        "deadline_at": (starts + timedelta(days=1)).isoformat(),
    }
    (listed,) = told(signet("list", "--json"))
    assert (listed["state"], listed["recipients"], listed["units"]) == ("scheduled", 600, 600)
    shown = told(signet("show", "1", "--json"))
    assert (shown["text"], shown["waiting"], shown["refused"]) == (TEXT, {"": 600}, {})


def test_the_recipients_are_kept_in_the_order_of_the_file(signet: Signet, folder: Path) -> None:
    wanted = numbers(12_000)[::-1]
    handed_in(signet, folder, wanted, account="demo")
    engine = connect(folder / "var" / "signet.db", 1.0)
    with engine.begin() as connection:
        rows = connection.execute(broadcast_recipient.select().order_by("place")).all()
    engine.dispose()
    assert [row.number for row in rows] == wanted


def test_what_is_too_late_is_told_the_earliest_start(signet: Signet, folder: Path) -> None:
    soon = datetime.now(SHANGHAI) + timedelta(hours=23)
    refused = handed_in(signet, folder, numbers(3), account="demo", at=soon)
    assert refused.exit_code == 1
    assert "LEAD_TIME_SHORT, contract clause 五(3)" in refused.stdout
    assert "the earliest start is" in refused.stdout
    found = told(handed_in(signet, folder, numbers(3), "--json", account="demo", at=soon), 1)
    assert (found["rule"], found["broadcast_id"]) == ("LEAD_TIME_SHORT", None)
    assert not (folder / "var").exists(), "nothing is written"


def test_what_cannot_end_before_the_hours_close_is_told_when_it_would(signet: Signet, folder: Path) -> None:
    evening = a_morning().replace(hour=16, minute=59)
    found = told(handed_in(signet, folder, numbers(700), "--json", at=evening), 1)
    assert (found["rule"], found["clause"]) == ("DEADLINE_UNREACHABLE", "五(3)")
    morning = a_morning(3).replace(hour=8)
    assert found["forecast_at"] == (morning + timedelta(seconds=10)).isoformat()
    assert not (folder / "var").exists(), "nothing is written"


def test_what_would_begin_outside_the_hours_is_told_when_they_open(signet: Signet, folder: Path) -> None:
    refused = handed_in(signet, folder, numbers(3), at=a_morning().replace(hour=20))
    assert refused.exit_code == 1
    assert "OUTSIDE_HOURS" in refused.stdout
    assert a_morning(3).replace(hour=8).isoformat() in refused.stdout


def test_where_outside_is_held_it_begins_when_they_open(signet: Signet, folder: Path) -> None:
    config = folder / "config.toml"
    config.write_text(config.read_text("utf-8").replace('\n#hours.outside = "refuse"', ""), "utf-8")
    held = config.read_text("utf-8").replace(
        'system_id = "daytime"', 'system_id = "daytime"\nhours.outside = "hold"'
    )
    config.write_text(held, "utf-8")
    found = told(handed_in(signet, folder, numbers(3), "--json", at=a_morning().replace(hour=20)))
    assert found["starts_at"] == a_morning(3).replace(hour=8).isoformat()


@pytest.mark.parametrize(
    ("days", "within", "outside"),
    [("contract.signed_on = {third}", 3, 2), ("{before}\ncontract.expires_on = {second}", 2, 3)],
)
def test_what_would_begin_outside_the_contract_s_days_is_refused(
    signet: Signet, folder: Path, days: str, within: int, outside: int
) -> None:
    before = "contract.signed_on = 2025-01-06"
    days = days.format(before=before, second=a_morning(2).date(), third=a_morning(3).date())
    config = folder / "config.toml"
    config.write_text(config.read_text("utf-8").replace(before, days), "utf-8")
    refused = handed_in(signet, folder, numbers(3), at=a_morning(outside))
    assert refused.exit_code == 1
    assert "ACCOUNT_NOT_OPEN, contract clause 2" in refused.stdout
    assert handed_in(signet, folder, numbers(3), at=a_morning(within)).exit_code == 0


def test_a_text_against_the_rules_is_refused(signet: Signet, folder: Path) -> None:
    refused = handed_in(signet, folder, numbers(3), text="hello")
    assert refused.exit_code == 1
    assert "SIGNATURE_MISSING, contract clause 1(3)" in refused.stdout


def test_lines_that_name_nobody_go_into_a_file_with_their_numbers(signet: Signet, folder: Path) -> None:
    result = handed_in(signet, folder, ["13800138000", "x", "13800138001", "8613800138000"])
    assert result.exit_code == 0
    assert "2 recipients" in result.stdout
    rejects = folder / "recipients.csv.rejects.csv"
    assert f"2 lines rejected, see {rejects}" in result.stderr
    assert rejects.read_text("utf-8").splitlines() == [
        "line,reason,number",
        "3,is not a telephone number,x",
        "5,is that of line 2,8613800138000",
    ]


def test_a_list_of_nobody_is_a_failure(signet: Signet, folder: Path) -> None:
    result = handed_in(signet, folder, ["x"])
    assert result.exit_code == 1
    assert "names nobody to write to" in result.stderr


def test_units_that_are_missing_are_told(signet: Signet, folder: Path) -> None:
    result = handed_in(signet, folder, numbers(3))
    assert "it takes 3 units, and the account has 0 left" in result.stderr


def test_a_start_that_is_no_time_or_years_ahead_is_an_error(signet: Signet, folder: Path) -> None:
    assert handed_in(signet, folder, numbers(1), at=a_morning(400)).exit_code == 2
    assert (
        signet("submit", "demo", str(folder / "config.toml"), "--text", TEXT, "--at", "soon").exit_code == 2
    )


class TestTheState:
    @pytest.fixture(autouse=True)
    def scheduled(self, signet: Signet, folder: Path) -> None:
        assert handed_in(signet, folder, numbers(3)).exit_code == 0

    def state(self, signet: Signet) -> Any:
        return told(signet("show", "1", "--json"))["state"]

    def test_is_paused_and_resumed_and_cancelled(self, signet: Signet) -> None:
        assert self.state(signet) == "scheduled"
        assert signet("pause", "1").exit_code == 0
        assert self.state(signet) == "paused"
        assert signet("pause", "1").exit_code == 0, "it is"
        assert signet("resume", "1").exit_code == 0
        assert self.state(signet) == "scheduled"
        assert signet("cancel", "1").exit_code == 0
        assert self.state(signet) == "cancelling"

    def test_is_not_changed_once_it_is_cancelled(self, signet: Signet) -> None:
        signet("cancel", "1")
        refused = signet("resume", "1")
        assert refused.exit_code == 1
        assert "broadcast 1 is cancelling, which cannot be changed so" in refused.stderr

    @pytest.mark.parametrize("command", ["show", "pause", "resume", "cancel"])
    def test_of_one_that_is_not_there_is_an_error(self, signet: Signet, command: str) -> None:
        missing = signet(command, "7")
        assert missing.exit_code == 1
        assert "there is no broadcast 7" in missing.stderr

    def test_is_told_in_a_table_too(self, signet: Signet) -> None:
        assert "scheduled" in signet("list").stdout
        assert "waiting" in signet("show", "1").stdout
        assert json.loads(signet("list", "--account", "demo", "--json").stdout) == []

    def test_can_be_followed_until_it_is_over(self, signet: Signet, folder: Path) -> None:
        engine = connect(folder / "var" / "signet.db", 1.0)
        with engine.begin() as connection:
            broadcast_book.move(connection, 1, {BroadcastState.READY}, BroadcastState.FINISHED)
        engine.dispose()
        assert told(signet("show", "1", "--follow", "--json"))["state"] == "finished"
