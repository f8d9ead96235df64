"""`signet complaint`: the register of complaints, on a real database."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.message import Message, State
from gateway.store import schema_recipients
from gateway.store.engine import connect
from gateway.store.schema_records import complaint
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import NUMBER, accepted, receipt, refused
from tests.gateway.store.written import BIRTHDAY, submit, submit_segments

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
OTHER = "13900000009"
DAY_S = 86_400.0
LONG = "尊敬的客户:" + "今天是您生日，生日快乐，" * 8 + "回TD退订【中国银行】"

Signet = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    text = EXAMPLE.read_text("utf-8").replace('#store = "var/signet.db"', 'store = "signet.db"')
    (tmp_path / "config.toml").write_text(text.replace('name = "demo"', 'name = "bank"'), "utf-8")
    shutil.copy(empty_database, tmp_path)
    return tmp_path


@pytest.fixture
def rig(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    rig = Rig(connect(folder / "signet.db", busy_timeout_s=0.0))
    rig.recover()
    rig.top_up("shop", 100)
    monkeypatch.setattr("gateway.clock.SystemClock.now", lambda _: rig.clock.now())
    yield rig
    rig.close()
    rig.engine.dispose()


@pytest.fixture
def signet(folder: Path) -> Signet:
    return lambda *arguments: CliRunner().invoke(
        main, ["complaint", *arguments], env={"SIGNET_CONFIG": str(folder / "config.toml")}
    )


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def deliver(rig: Rig, number: str = NUMBER, **fields: Any) -> Message:
    """A message that was sent, and that a second has passed since."""
    sent = submit(rig, BIRTHDAY, f"+86{number}", signature="中国银行", **fields)
    [claimed] = rig.claim().messages
    rig.record(accepted(claimed, f"c{sent.message_id:x}"))
    rig.hear(receipt(f"c{sent.message_id:x}", number=number))
    rig.advance(1)
    return sent


def about(told: dict[str, Any]) -> tuple[str | None, int | None]:
    """The account and message that a complaint is about."""
    return told["account"], told["message_id"]


class TestOneThatComesIn:
    def test_is_about_the_one_message_that_its_number_got(self, rig: Rig, signet: Signet) -> None:
        sent = deliver(rig)
        deliver(rig, OTHER)
        found = told(signet("add", f"+86 {NUMBER}", "--from", "12321", "--note", "spam", "--json"))
        assert found["complaint"] == {
            "complaint_id": 1,
            "number": NUMBER,
            "account": "bank",
            "message_id": sent.message_id,
            "source": "12321",
            "received_at": "2026-11-23T09:00:02+08:00",
            "note": "spam",
            "recorded_at": "2026-11-23T09:00:02+08:00",
            "closed_at": None,
            "outcome": "",
        }
        assert found["messages"] == [
            {
                "message_id": sent.message_id,
                "account": "bank",
                "number": NUMBER,
                "state": "DELIVERED",
                "signature": "中国银行",
                "submitted_at": "2026-11-23T09:00:00+08:00",
            }
        ]

    def test_shows_everybody_who_wrote_and_leaves_open_who_is_meant(self, rig: Rig, signet: Signet) -> None:
        first, second = deliver(rig), deliver(rig, account="shop")
        found = told(signet("add", NUMBER, "--json"))
        assert about(found["complaint"]) == (None, None)
        assert [(row["account"], row["message_id"]) for row in found["messages"]] == [
            ("bank", first.message_id),
            ("shop", second.message_id),
        ]
        result = signet("add", NUMBER)
        assert result.exit_code == 0
        assert "`signet complaint link 2` tells" in result.stderr

    def test_is_not_about_a_long_message_that_waits(self, rig: Rig, signet: Signet) -> None:
        sent = deliver(rig)
        rig.long(parts=3, destination_addr=f"+86{NUMBER}")
        rig.advance(1)
        found = told(signet("add", NUMBER, "--json"))
        assert about(found["complaint"]) == ("bank", sent.message_id)

    def test_may_be_about_a_long_message_of_which_only_a_part_was_sent(
        self, rig: Rig, signet: Signet
    ) -> None:
        whole, *_ = rig.long(parts=2)
        [first] = rig.claim(count=1).messages
        rig.record(accepted(first, "A1"))
        [second] = rig.claim(count=1).messages
        rig.record(refused(second))
        rig.hear(receipt("A1", number=NUMBER))
        assert rig.state(whole) is State.REJECTED
        rig.advance(1)
        found = told(signet("add", NUMBER, "--json"))
        assert about(found["complaint"]) == ("bank", whole.message_id)

    def test_is_about_the_only_account_that_wrote_though_it_wrote_twice(
        self, rig: Rig, signet: Signet
    ) -> None:
        deliver(rig)
        deliver(rig)
        assert about(told(signet("add", NUMBER, "--json"))["complaint"]) == ("bank", None)

    def test_is_about_the_message_or_account_that_is_named(self, rig: Rig, signet: Signet) -> None:
        first, second, third = deliver(rig), deliver(rig, account="shop"), deliver(rig)
        for named, expected in (
            (("--message", f"{first.message_id:x}"), ("bank", first.message_id)),
            (("--account", "shop"), ("shop", second.message_id)),
            (("--account", "bank"), ("bank", None)),
            (("--message", f"C{third.message_id:x}", "--carrier", "north"), ("bank", third.message_id)),
        ):
            assert about(told(signet("add", NUMBER, *named, "--json"))["complaint"]) == expected

    @pytest.mark.parametrize("form", ["decimal", "hexadecimal", "told", "carrier"])
    def test_may_name_its_message_by_any_id(self, rig: Rig, signet: Signet, form: str) -> None:
        sent = deliver(rig, told_as="0a1b2c3d")
        name = {
            "decimal": [str(sent.message_id)],
            "hexadecimal": [f"{sent.message_id:x}"],
            "told": ["0a1b2c3d"],
            "carrier": [f"C{sent.message_id:x}", "--carrier", "north"],
        }[form]
        found = told(signet("add", *name, "--json"))["complaint"]
        assert (found["number"], *about(found)) == (NUMBER, "bank", sent.message_id)

    def test_is_about_a_long_message_as_one(self, rig: Rig, signet: Signet) -> None:
        rows = submit_segments(rig, LONG)
        for number, claimed in enumerate(rig.claim().messages):
            rig.record(accepted(claimed, f"long{number}"))
        found = told(signet("add", NUMBER, "--json"))
        assert [row["message_id"] for row in found["messages"]] == [rows[0].message_id]
        for each in rows:
            found = told(signet("add", str(each.message_id), "--json"))
            assert about(found["complaint"]) == ("bank", rows[0].message_id)

    def test_is_not_about_what_it_cannot_have_read(self, rig: Rig, signet: Signet) -> None:
        submit(rig, BIRTHDAY)
        assert told(signet("add", NUMBER, "--json"))["messages"] == []
        result = signet("add", NUMBER)
        span = "from 2026-10-24T09:00:00+08:00 to 2026-11-23T09:00:00+08:00"
        assert f"nobody wrote to {NUMBER} {span}" in result.stdout

    def test_looks_thirty_days_back_or_as_far_as_it_is_told(self, rig: Rig, signet: Signet) -> None:
        sent = deliver(rig)
        rig.advance(30 * DAY_S)
        assert told(signet("add", NUMBER, "--json"))["messages"] == []
        found = told(signet("add", NUMBER, "--since", "2026-11-23", "--json"))
        assert about(found["complaint"]) == ("bank", sent.message_id)

    def test_is_not_about_what_was_sent_after_it_was_received(self, rig: Rig, signet: Signet) -> None:
        sent = deliver(rig)
        rig.advance(3600)
        deliver(rig)
        found = told(signet("add", NUMBER, "--received", "2026-11-23T09:30", "--json"))["complaint"]
        assert (found["message_id"], found["received_at"]) == (sent.message_id, "2026-11-23T09:30:00+08:00")

    def test_may_have_its_number_blocked_in_the_same_transaction(self, rig: Rig, signet: Signet) -> None:
        rig.advance(1)
        assert signet("add", NUMBER, "--block").exit_code == 0
        [row] = rig.rows(schema_recipients.block)
        assert (row.number, row.since, row.note) == (NUMBER, rig.now(), "complaint 1")
        assert signet("add", NUMBER, "--block").exit_code == 0
        assert [row.note for row in rig.rows(schema_recipients.block)] == ["complaint 1"]

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("nobody",), "nobody is no message and no telephone number"),
            ((NUMBER, "--account", "nobody"), 'there is no account "nobody"'),
            ((NUMBER, "--message", "77"), "77 is no message"),
            ((OTHER, "--message", "0a1b2c3d"), f"0a1b2c3d is no message to {OTHER}"),
            (("0a1b2c3d", "--account", "shop"), f"0a1b2c3d is no message of shop to {NUMBER}"),
            ((NUMBER, "--received", "2026-11-24"), "is yet to come"),
            ((NUMBER, "--note", "two\nlines"), "must be one line"),
            ((NUMBER, "--from", "two\nlines"), "must be one line"),
        ],
    )
    def test_that_cannot_be_is_not_written_down(
        self, rig: Rig, signet: Signet, arguments: tuple[str, ...], reason: str
    ) -> None:
        deliver(rig, told_as="0a1b2c3d")
        result = signet("add", *arguments)
        assert result.exit_code != 0
        assert reason in result.stderr
        assert rig.rows(complaint) == []

    def test_must_name_the_number_where_an_id_went_to_several(self, rig: Rig, signet: Signet) -> None:
        first = deliver(rig, told_as="0a1b2c3d")
        deliver(rig, OTHER, told_as="0a1b2c3d")
        result = signet("add", "0a1b2c3d")
        assert (result.exit_code, result.stderr) == (
            1,
            "Error: 0a1b2c3d went to 2 numbers: name one, and --message\n",
        )
        found = told(signet("add", NUMBER, "--message", "0a1b2c3d", "--json"))["complaint"]
        assert about(found) == ("bank", first.message_id)

    def test_cannot_be_about_a_purged_message_by_its_id(self, rig: Rig, signet: Signet) -> None:
        sent = deliver(rig)
        with rig.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE message SET body = x'', destination_addr = ''")
        result = signet("add", str(sent.message_id))
        assert (result.exit_code, "is purged" in result.stderr) == (1, True)


class TestTheRegister:
    def test_tells_later_what_a_complaint_is_about(self, rig: Rig, signet: Signet) -> None:
        deliver(rig)
        sent = deliver(rig, account="shop")
        told(signet("add", NUMBER, "--json"))
        [found] = told(signet("link", "1", "--account", "shop", "--json"))
        assert about(found) == ("shop", None)
        [found] = told(signet("link", "1", "--message", str(sent.message_id), "--json"))
        assert about(found) == ("shop", sent.message_id)
        [found] = told(signet("link", "1", "--account", "shop", "--json"))
        assert about(found) == ("shop", sent.message_id)
        elsewhere = deliver(rig, OTHER)
        for arguments in (
            ("1",),
            ("1", "--message", str(elsewhere.message_id)),
            ("1", "--account", "nobody"),
            ("2", "--account", "shop"),
        ):
            assert signet("link", *arguments).exit_code != 0
        [found] = told(signet("list", "--json"))
        assert about(found) == ("shop", sent.message_id)

    @pytest.mark.parametrize(
        "arguments",
        [
            ("show", str(1 << 63)),
            ("close", str(1 << 63), "--note", "done"),
            ("link", str(1 << 63), "--account", "shop"),
            ("summary", "--month", "2248-01"),
            ("add", NUMBER, "--since", "2248-01-01"),
        ],
        ids=lambda arguments: arguments[0],
    )
    def test_what_no_database_has_room_for_is_a_usage_error(
        self, rig: Rig, signet: Signet, arguments: tuple[str, ...]
    ) -> None:
        assert signet(*arguments).exit_code == 2

    def test_lists_them_by_account_and_those_that_are_open(self, rig: Rig, signet: Signet) -> None:
        deliver(rig)
        deliver(rig, OTHER, account="shop")
        for number in (NUMBER, OTHER, "13700000007"):
            told(signet("add", number, "--json"))
        assert signet("close", "1", "--note", "blocked").exit_code == 0

        def listed(*arguments: str) -> list[int]:
            return [row["complaint_id"] for row in told(signet("list", *arguments, "--json"))]

        assert listed() == [1, 2, 3]
        assert listed("--account", "shop") == [2]
        assert listed("--open") == [2, 3]
        assert listed("--open", "--account", "bank") == []
        assert OTHER in signet("list").stdout

    def test_shows_one_with_its_message(self, rig: Rig, signet: Signet) -> None:
        sent = deliver(rig)
        told(signet("add", NUMBER, "--json"))
        found = told(signet("show", "1", "--json"))
        assert (found["number"], found["message"]["message_id"]) == (NUMBER, sent.message_id)
        assert str(sent.message_id) in signet("show", "1").stdout
        missing = signet("show", "2")
        assert (missing.exit_code, missing.stderr) == (1, "Error: there is no complaint 2\n")

    def test_closes_one_once_with_what_was_done(self, rig: Rig, signet: Signet) -> None:
        told(signet("add", NUMBER, "--json"))
        rig.advance(60)
        assert signet("close", "1", "--note", " ").exit_code == 2
        assert signet("close", "1", "--note", "the number is blocked").exit_code == 0
        found = told(signet("show", "1", "--json"))
        assert (found["closed_at"], found["outcome"]) == (
            "2026-11-23T09:01:00+08:00",
            "the number is blocked",
        )
        again = signet("close", "1", "--note", "something else")
        assert (again.exit_code, again.stderr) == (1, "Error: there is no complaint 1 that is not closed\n")

    def test_sums_up_a_month_by_account_and_ten_thousand_messages(self, rig: Rig, signet: Signet) -> None:
        for _ in range(3):
            deliver(rig)
        submit_segments(rig, LONG)
        for number, claimed in enumerate(rig.claim().messages):
            rig.record(accepted(claimed, f"long{number}"))
        deliver(rig, OTHER, account="shop")
        submit(rig, BIRTHDAY, OTHER)
        # One that no carrier took, and one that waits, are not counted.
        [claimed] = rig.claim().messages
        rig.record(refused(claimed))
        submit(rig, BIRTHDAY, OTHER)
        told(signet("add", NUMBER, "--account", "bank", "--json"))
        told(signet("add", "13700000007", "--json"))
        found = told(signet("summary", "--month", "2026-11", "--json"))
        assert found == {
            "month": "2026-11",
            "accounts": [
                {"account": "bank", "complaints": 1, "sent": 4, "per_ten_thousand": 2500.0},
                {"account": "shop", "complaints": 0, "sent": 1, "per_ten_thousand": 0.0},
                {"account": None, "complaints": 1, "sent": 0, "per_ten_thousand": None},
            ],
        }
        assert "2500.0" in signet("summary").stdout
        assert told(signet("summary", "--month", "2026-10", "--json"))["accounts"] == []

    def test_a_month_ends_before_the_first_instant_of_the_next(self, rig: Rig, signet: Signet) -> None:
        rig.advance(10 * DAY_S)
        for received in ("2026-11-30T23:59:59.999", "2026-12-01"):
            told(signet("add", NUMBER, "--account", "bank", "--received", received, "--json"))
        months = ("2026-10", "2026-11", "2026-12")
        found = [told(signet("summary", "--month", month, "--json"))["accounts"] for month in months]
        assert [sum(row["complaints"] for row in rows) for rows in found] == [0, 1, 1]
