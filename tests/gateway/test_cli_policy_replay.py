"""`signet policy replay`: what another configuration would have said, and that it always says the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from gateway.cli import main
from gateway.store import schema_recipients
from gateway.store.engine import connect
from gateway.store.schema_records import ruleset
from ledger import sql
from ledger.lots import Lot
from smpp import codec
from tests.gateway.store.rig import Rig
from tests.gateway.store.samples import HOUR, NUMBER, START
from tests.gateway.store.written import BIRTHDAY, refuse, segments_of, submit, submit_segments, submit_sm

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
SINCE = ("--since", "2026-11-23")
OTHER = "13900000009"
GAMBLING = "尊敬的客户:网上博彩2026真好玩，回TD退订【中国银行】"
UNSIGNED = "尊敬的客户:今天是您生日，回TD退订"
LONG = "尊敬的客户:" + "今天是您生日，生日快乐，" * 8 + "回TD退订【中国银行】"

Signet = Callable[..., Result]


def write_config(folder: Path, name: str, *changes: tuple[str, str]) -> None:
    """A configuration like the example's, with an account "bank" that may always send, and changes."""
    text = EXAMPLE.read_text("utf-8")
    for old, new in (
        ('#store = "var/signet.db"', 'store = "signet.db"'),
        ('name = "demo"', 'name = "bank"'),
        *changes,
    ):
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / name).write_text(text, "utf-8")


FORBID = ('obscene_violent.terms = ["赌博", "教唆犯罪"]', 'obscene_violent.terms = ["博彩"]')
RENAME = ('name = "bank"', 'name = "other"')


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    write_config(tmp_path, "config.toml")
    write_config(tmp_path, "new.toml", FORBID)
    shutil.copy(empty_database, tmp_path)
    return tmp_path


@pytest.fixture
def rig(folder: Path) -> Iterator[Rig]:
    rig = Rig(connect(folder / "signet.db", busy_timeout_s=0.0))
    rig.recover()
    with rig.engine.begin() as connection:
        sql.topup(connection, Lot(7, "bank", 1000, 4001, "at 2 fen on the average", START))
    yield rig
    rig.close()
    rig.engine.dispose()


@pytest.fixture
def signet(folder: Path) -> Signet:
    return lambda *arguments: CliRunner().invoke(
        main,
        ["policy", "replay", "--config", str(folder / "new.toml"), *arguments],
        env={"SIGNET_CONFIG": str(folder / "config.toml")},
    )


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def changes(document: Any) -> list[tuple[str, str | None, str | None, int]]:
    return [
        (line["change"], line["rule_then"], line["rule_now"], line["messages"])
        for line in document["changes"]
    ]


def test_the_same_rules_change_nothing(signet: Signet, rig: Rig, folder: Path) -> None:
    submit(rig, BIRTHDAY)
    submit(rig, GAMBLING)
    refuse(rig, UNSIGNED, "SIGNATURE_MISSING")
    write_config(folder, "new.toml")
    document = told(signet(*SINCE, "--json"))
    assert (document["changes"], document["passed_both_times"], document["refused_both_times"]) == ([], 2, 1)
    assert (document["left_as_they_were"], document["not_judged"]) == ({}, {})


def test_what_would_newly_be_refused_is_told_with_units_money_and_masked_samples(
    signet: Signet, rig: Rig
) -> None:
    submit(rig, BIRTHDAY)
    first = submit(rig, GAMBLING, f"+86{NUMBER}", units=2)
    submit(rig, GAMBLING)
    document = told(signet(*SINCE, "--json", "--samples", "1"))
    assert document["passed_both_times"] == 1
    assert document["changes"] == [
        {
            "change": "newly refused",
            "account": "bank",
            "rule_then": None,
            "clause_then": None,
            "rule_now": "CONTENT_OBSCENE_VIOLENT",
            "clause_now": "六(7)",
            "messages": 2,
            "units": 3,
            "fen": 6,
            "samples": [
                {
                    "id": first.message_id,
                    "submitted_at": "2026-11-23T09:00:00+08:00",
                    "number": "+86*********00",
                    "excerpt": "…的客户:网上博彩****真好…",
                }
            ],
        }
    ]
    assert document["fen_a_unit"] == {"bank": "2.0005"}


def test_what_would_newly_pass_is_told(signet: Signet, rig: Rig) -> None:
    refuse(rig, BIRTHDAY, "CONTENT_RUMOUR", units=3)
    document = told(signet(*SINCE, "--json"))
    assert changes(document) == [("newly passed", "CONTENT_RUMOUR", None, 1)]
    assert document["changes"][0]["units"] == 3


def test_another_rule_is_told(signet: Signet, rig: Rig) -> None:
    refuse(rig, GAMBLING, "SALUTATION_MISSING")
    refuse(rig, GAMBLING, "QUOTA_EXHAUSTED")
    assert changes(told(signet(*SINCE, "--json"))) == [
        ("other rule", "QUOTA_EXHAUSTED", "CONTENT_OBSCENE_VIOLENT", 1),
        ("other rule", "SALUTATION_MISSING", "CONTENT_OBSCENE_VIOLENT", 1),
    ]


def test_each_submit_is_judged_as_of_its_own_time(signet: Signet, rig: Rig, folder: Path) -> None:
    """The account "daytime" may send from eight to five."""
    rig.top_up("daytime", 10)
    for _ in range(2):
        submit(rig, BIRTHDAY, account="daytime")
        rig.advance(8 * 3600)
    document = told(signet(*SINCE, "--json"))
    assert changes(document) == [("newly refused", None, "OUTSIDE_HOURS", 1)]
    assert document["changes"][0]["samples"][0]["submitted_at"] == "2026-11-23T17:00:00+08:00"
    assert document["changes"][0]["samples"][0]["excerpt"] == ""


@pytest.mark.parametrize("scheduled", ["261123230000032+", "261123999999032+"])
def test_what_was_refused_is_judged_as_of_when_it_was_to_be_sent(
    signet: Signet, rig: Rig, scheduled: str
) -> None:
    """By day, for the night; a time that is none is as if there were none."""
    body = codec.encode_body(replace(submit_sm(BIRTHDAY), schedule_delivery_time=scheduled))
    refuse(rig, BIRTHDAY, "OUTSIDE_HOURS", account="daytime", body=body)
    expected = [] if scheduled.endswith("0000032+") else [("newly passed", "OUTSIDE_HOURS", None, 1)]
    assert changes(told(signet(*SINCE, "--json"))) == expected


def test_what_was_scheduled_for_the_day_is_no_message_of_the_night_unless_it_waited_for_the_hours(
    signet: Signet, rig: Rig
) -> None:
    rig.top_up("daytime", 10)
    rig.advance(12 * 3600)
    morning, evening = rig.now() + 12 * HOUR, rig.now()
    rules = json.dumps({"hours": {"outside": "hold"}})
    with rig.engine.begin() as connection:
        connection.execute(insert(ruleset).values(version="held", rules=rules, first_used_at=START))
    at_nine: dict[str, Any] = {"account": "daytime", "due_at": morning, "deadline_at": morning + HOUR}
    submit(rig, BIRTHDAY, **at_nine)
    assert changes(told(signet(*SINCE, "--json"))) == []
    refused = ("newly refused", None, "OUTSIDE_HOURS")
    submit(rig, BIRTHDAY, **at_nine, ruleset="held")
    assert changes(told(signet(*SINCE, "--json"))) == [(*refused, 1)]
    submit(rig, BIRTHDAY, **at_nine, attempts=2)
    submit(rig, BIRTHDAY, account="daytime", due_at=evening)
    assert changes(told(signet(*SINCE, "--json"))) == [(*refused, 3)]


def test_only_what_was_submitted_in_that_time_is_judged(signet: Signet, rig: Rig) -> None:
    for _ in range(3):
        submit(rig, BIRTHDAY)
        refuse(rig, UNSIGNED, "SIGNATURE_MISSING")
        rig.advance(3600)
    document = told(signet("--since", "2026-11-23T09:30", "--until", "2026-11-23T10:30", "--json"))
    assert (document["passed_both_times"], document["refused_both_times"]) == (1, 1)


def test_segments_are_judged_as_the_one_text_that_they_are(signet: Signet, rig: Rig) -> None:
    submit_segments(rig, LONG)
    submit_segments(rig, LONG.replace("快乐", "博彩"))
    document = told(signet(*SINCE, "--json"))
    assert document["passed_both_times"] == 1
    assert changes(document) == [("newly refused", None, "CONTENT_OBSCENE_VIOLENT", 1)]
    assert document["changes"][0]["units"] == 2
    assert document["not_judged"] == {}, "parts are no submits of their own"


def test_what_money_or_a_recipient_decided_stays(signet: Signet, rig: Rig) -> None:
    for rule in ("QUOTA_EXHAUSTED", "RECIPIENT_OPTED_OUT", "FREQUENCY_CAP", "QUOTA_EXHAUSTED"):
        refuse(rig, BIRTHDAY, rule)
    document = told(signet(*SINCE, "--json"))
    assert (document["changes"], document["refused_both_times"]) == ([], 4)
    assert document["left_as_they_were"] == {
        "FREQUENCY_CAP": 1,
        "QUOTA_EXHAUSTED": 2,
        "RECIPIENT_OPTED_OUT": 1,
    }


def test_what_passes_now_would_still_meet_a_recipient_who_had_opted_out(signet: Signet, rig: Rig) -> None:
    """Of four recipients one opted out before, one afterwards, one for a while, one under another name."""
    numbers = [f"1380013800{digit}" for digit in range(4)]
    times = [(START - 1, None, ""), (START + 1, None, ""), (START - 5, START, ""), (START - 1, None, "银行")]
    with rig.engine.begin() as connection:
        for number, (since, ended_at, signature) in zip(numbers, times, strict=True):
            connection.execute(
                insert(schema_recipients.opt_out).values(
                    number=number, account="bank", since=since, ended_at=ended_at, signature=signature
                )
            )
        connection.execute(insert(schema_recipients.block).values(number=OTHER, since=START, note=""))
    for number in (*numbers, OTHER):
        refuse(rig, BIRTHDAY, "CONTENT_RUMOUR", f"+86{number}")
    assert changes(told(signet(*SINCE, "--json"))) == [
        ("newly passed", "CONTENT_RUMOUR", None, 3),
        ("other rule", "CONTENT_RUMOUR", "RECIPIENT_BLOCKED", 1),
        ("other rule", "CONTENT_RUMOUR", "RECIPIENT_OPTED_OUT", 1),
    ]


def test_consents_and_members_are_those_of_the_time(signet: Signet, rig: Rig, folder: Path) -> None:
    write_config(
        folder, "new.toml", ('name = "bank"', 'name = "bank"\nconsent = "listed"\nmembers_only = true')
    )
    consents = {"13800138001": (START, None), "13800138002": (START + HOUR, None), "13800138003": (1, START)}
    with rig.engine.begin() as connection:
        for number, (granted_at, revoked_at) in consents.items():
            connection.execute(
                insert(schema_recipients.consent).values(
                    number=number, account="bank", kind="commercial", source="paper", proof_sha256="",
                    granted_at=granted_at, revoked_at=revoked_at, recorded_at=granted_at,
                )
            )  # fmt: skip
            connection.execute(
                insert(schema_recipients.member).values(number=number, account="bank", since=START)
            )
    for number in (*consents, OTHER):
        submit(rig, BIRTHDAY, number)
    refuse(rig, BIRTHDAY, "RECIPIENT_NOT_MEMBER", "13800138001")
    document = told(signet(*SINCE, "--json"))
    assert document["passed_both_times"] == 1
    assert changes(document) == [
        ("newly refused", None, "CONSENT_MISSING", 2),
        ("newly refused", None, "RECIPIENT_NOT_MEMBER", 1),
        ("newly passed", "RECIPIENT_NOT_MEMBER", None, 1),
    ]


def test_what_would_be_added_to_a_text_is_there_when_it_is_judged(
    signet: Signet, rig: Rig, folder: Path
) -> None:
    refuse(rig, UNSIGNED, "SIGNATURE_MISSING")
    write_config(folder, "new.toml", ('name = "bank"', 'name = "bank"\nappend = true'))
    assert changes(told(signet(*SINCE, "--json"))) == [("newly passed", "SIGNATURE_MISSING", None, 1)]


def test_a_rule_that_would_only_report_refuses_nothing(signet: Signet, rig: Rig, folder: Path) -> None:
    shadow = "members_only = true\nrules.RECIPIENT_NOT_MEMBER = { shadow = true }"
    write_config(folder, "new.toml", ('name = "bank"', f'name = "bank"\n{shadow}'))
    submit(rig, BIRTHDAY)
    assert changes(told(signet(*SINCE, "--json"))) == []


def test_what_cannot_be_judged_is_counted(signet: Signet, rig: Rig) -> None:
    submit(rig, BIRTHDAY)
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET body = x''")
    submit(rig, "x", body=segments_of(LONG)[0])
    refuse(rig, BIRTHDAY, "SIGNATURE_MISSING", account="stranger")
    assert told(signet(*SINCE, "--json"))["not_judged"] == {
        "no text is stored, or none that can be read": 1,
        "segments of it are missing": 1,
        "the new configuration has no such account": 1,
    }


def test_caps_on_frequency_are_said_to_be_unjudged(signet: Signet, rig: Rig, folder: Path) -> None:
    cap = 'name = "bank"\nfrequency = [{ max = 1, per = "day" }]'
    write_config(folder, "new.toml", ('name = "bank"', cap))
    assert told(signet(*SINCE, "--json"))["rules_not_judged"] == {"FREQUENCY_CAP": ["bank"]}


def test_the_same_input_gives_the_same_octets(
    signet: Signet, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.top_up("daytime", 100)
    for number in range(20):
        account = ("bank", "daytime")[number % 2]
        submit(rig, (BIRTHDAY, GAMBLING)[number % 3 == 0], f"138001380{number:02}", account=account)
        refuse(rig, BIRTHDAY, ("CONTENT_RUMOUR", "QUOTA_EXHAUSTED", "CONTENT_CULT")[number % 3])
        rig.advance(1800)
    once = signet(*SINCE, "--json")
    monkeypatch.setattr("gateway.records.replay._PIECE", 3)
    monkeypatch.setattr("gateway.store.submits._PIECE", 2)
    again = signet(*SINCE, "--json")
    assert told(once)["changes"]
    assert once.stdout_bytes == again.stdout_bytes
    assert signet(*SINCE).stdout_bytes == signet(*SINCE).stdout_bytes


GOLDEN = """
  change          rule then        rule now                  clause   account   messages   units   fen
 ──────────────────────────────────────────────────────────────────────────────────────────────────────
  newly refused   -                CONTENT_OBSCENE_VIOLENT   六(7)    bank             1       1     2
  newly passed    CONTENT_RUMOUR   -                         六(6)    bank             1       1     2

  newly refused, CONTENT_OBSCENE_VIOLENT: {gambling} {at} 138******00 …的客户:网上博彩****真好…
  newly passed, CONTENT_RUMOUR: {rumour} {at} 138******00
as before: 1 pass, 1 are refused
left as they were: 1 refused by QUOTA_EXHAUSTED
money: units at the average price of the account's lots"""


def test_people_read_a_table(signet: Signet, rig: Rig) -> None:
    submit(rig, BIRTHDAY)
    gambling = submit(rig, GAMBLING).message_id
    rumour = refuse(rig, BIRTHDAY, "CONTENT_RUMOUR")
    refuse(rig, BIRTHDAY, "QUOTA_EXHAUSTED")
    result = signet(*SINCE)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    at = "2026-11-23T09:00:00+08:00"
    assert lines == GOLDEN.format(gambling=gambling, rumour=rumour, at=at).splitlines()


def test_a_configuration_that_is_wrong_is_told(signet: Signet, rig: Rig, folder: Path) -> None:
    write_config(folder, "new.toml", ('name = "bank"', "name = 7"))
    result = signet(*SINCE)
    assert result.exit_code == 2
    assert "new.toml" in result.stderr
