"""`signet explain`: what it prints and how it ends, with the example's configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.config.loading import load
from policy.clauses import RULES

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
TEXT = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
VERSION = load(EXAMPLE).accounts["daytime"].ruleset.version
DAY, NIGHT = "2026-11-23T12:00", "2026-11-23T18:00"


def signet(*arguments: str, stdin: bytes = b"", config: Path = EXAMPLE) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments, "-c", str(config)], input=stdin)


def told(result: Result, exit_code: int = 0) -> Any:
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def rows(result: Result, exit_code: int = 0) -> dict[str, str]:
    """The lines that name what they tell, and the others after them."""
    assert result.exit_code == exit_code, result.output
    found: dict[str, str] = {}
    for line in result.stdout.splitlines():
        noun, _, words = line.strip().partition("   ")
        if noun and words:
            found[noun] = words.strip()
        elif noun and found:
            found[list(found)[-1]] += f" / {noun}"
    return found


@pytest.fixture
def on_hold(tmp_path: Path) -> Path:
    """A configuration whose account "demo" keeps the hours, and has its messages wait for them."""
    text = EXAMPLE.read_text("utf-8").replace('#hours.outside = "refuse"', 'hours.outside = "hold"')
    text = text.replace("\nhours.exceptions = ", "\n#hours.exceptions = ")
    (tmp_path / "config.toml").write_text(text, "utf-8")
    return tmp_path / "config.toml"


def test_an_accepted_text_is_told_with_its_way_and_its_price() -> None:
    found = rows(signet("daytime", TEXT, "--at", DAY))
    assert found == {
        "verdict": "accepted",
        "status": "ESME_ROK",
        "class, rules": f"commercial, version {VERSION}",
        "rules tried": "signature, salutation, unsubscribe, content, hours",
        "hours": "08:00 to 17:00 Asia/Shanghai; open at 2026-11-23T12:00:00+08:00",
        "from, to": "-, 13800138000",
        "carriers": "simulated",
        "encoding": "ucs2, data_coding 8, 58 octets",
        "units": "1",
        "segment": f"UTF-16 units   text / {'─' * 82}",
        "1": f"29 of 70   {TEXT}",
    }


def test_a_refused_text_is_told_with_rule_law_and_the_piece_to_blame() -> None:
    found = rows(signet("demo", "尊敬的客户:何不赌博，回TD退订【中国银行】"), 1)
    assert found["verdict"] == "refused"
    assert found["status"] == "0x00000417"
    assert found["refused by"].startswith(
        "CONTENT_OBSCENE_VIOLENT, contract clause 六(7); 电信条例 art. 56, in force from 2016-02-06 / The"
    )
    assert found["because of"] == "赌博 (characters 8 to 10)"
    assert found["rules tried"] == "signature, salutation, unsubscribe, content (refuse)"
    assert found["units"] == "1, if it were accepted"


def test_a_text_that_would_be_held_is_told_until_when(on_hold: Path) -> None:
    result = signet("demo", TEXT, "--at", NIGHT, config=on_hold)
    found = rows(result)
    assert found["verdict"] == "accepted, and held until 2026-11-24T08:00:00+08:00"
    assert found["rules tried"].endswith("content, hours (defer)")
    assert found["hours"].endswith("closed at 2026-11-23T18:00:00+08:00, open from 2026-11-24T08:00:00+08:00")


def test_where_no_rule_holds_none_is_tried(tmp_path: Path) -> None:
    off = "".join(f"rules.{name} = {{ classes = [] }}\n" for name, rule in RULES.items() if not rule.fixed)
    text = EXAMPLE.read_text("utf-8").replace('name = "demo"\n', f'name = "demo"\n{off}', 1)
    (tmp_path / "config.toml").write_text(text, "utf-8")
    found = rows(signet("demo", "hello", config=tmp_path / "config.toml"))
    assert (found["verdict"], found["rules tried"]) == ("accepted", "none")


def test_a_long_text_is_told_segment_by_segment() -> None:
    result = signet("demo", "尊敬的客户:" + "好" * 100 + "回TD退订【中国银行】")
    found = rows(result)
    assert found["units"] == "2, as udh8"
    assert found["1"] == "67 of 67   尊敬的客户:" + "好" * 61
    assert found["2"] == "50 of 67   " + "好" * 39 + "回TD退订【中国银行】"


def test_what_the_protocol_refuses_has_no_rule() -> None:
    found = rows(signet("demo", "hello", "--to", "nobody"), 1)
    assert (found["refused by"], found["rules tried"]) == ("ESME_RINVDSTADR", "none")


def test_the_document_of_an_accepted_text() -> None:
    assert told(
        signet("daytime", TEXT, "--at", DAY, "--to", "+8613900139000", "--from", "1069", "--json")
    ) == {
        "account": "daytime",
        "at": "2026-11-23T12:00:00+08:00",
        "source_addr": "1069",
        "destination_addr": "8613900139000",
        "text": TEXT,
        "accepted": True,
        "command_status": {"value": 0, "name": "ESME_ROK"},
        "refusal": None,
        "message_class": "commercial",
        "ruleset": VERSION,
        "added": None,
        "template": None,
        "shadowed": [],
        "trail": [
            {"rule": rule, "verdict": "accept"}
            for rule in ("signature", "salutation", "unsubscribe", "content", "hours")
        ],
        "hours": {
            "open": "08:00",
            "close": "17:00",
            "zone": "Asia/Shanghai",
            "is_open": True,
            "opens_at": "2026-11-23T12:00:00+08:00",
        },
        "due_at": "2026-11-23T12:00:00+08:00",
        "encoding": {"alphabet": "ucs2", "data_coding": 8, "octets": 58, "counted_in": "UTF-16 units"},
        "units": 1,
        "segments": [{"text": TEXT, "used": 29, "room": 70}],
        "form": None,
        "route": ["simulated"],
    }


def test_the_document_of_a_refused_text() -> None:
    found = told(signet("daytime", "生日快乐 【建设银行】 ", "--at", NIGHT, "--json"), 1)
    assert (found["accepted"], found["due_at"]) == (False, None)
    assert found["command_status"] == {"value": 0x404, "name": "0x00000404"}
    assert found["refusal"] == {
        "rule": "SIGNATURE_NOT_REGISTERED",
        "clause": "1(3)",
        "law": None,
        "english": "The signature is not registered for this account.",
        "chinese": "签名未在本账户报备",
        "detail": None,
        "span": {"start": 5, "end": 11, "text": "【建设银行】"},
        "next_pass": None,
    }
    assert found["trail"] == [{"rule": "signature", "verdict": "refuse"}]
    assert found["hours"]["is_open"] is False
    assert found["hours"]["opens_at"] == "2026-11-24T08:00:00+08:00"


def test_a_refusal_that_is_no_rule_of_the_contract_has_no_clause() -> None:
    found = told(signet("demo", "hello", "--to", "nobody", "--json"), 1)
    assert found["refusal"] == {
        "rule": "ESME_RINVDSTADR",
        "clause": None,
        "law": None,
        "english": None,
        "chinese": None,
        "detail": None,
        "span": None,
        "next_pass": None,
    }
    assert found["trail"] == []


@pytest.mark.parametrize(
    ("at", "law"),
    [
        ("2026-04-30T12:00", {"regulation": "Order 31", "article": "20", "since": "2015-06-30"}),
        ("2026-05-01T00:00", {"regulation": "Order 74", "article": None, "since": "2026-05-01"}),
    ],
)
def test_a_refusal_by_the_law_names_that_of_its_day(at: str, law: dict[str, str | None]) -> None:
    found = told(signet("demo", "尊敬的客户:生日快乐【中国银行】", "--at", at, "--json"), 1)
    assert (found["refusal"]["rule"], found["refusal"]["law"]) == ("UNSUBSCRIBE_MISSING", law)
    assert [tried["verdict"] for tried in found["trail"]] == ["accept", "accept", "refuse"]


def test_a_text_that_is_refused_at_night_is_told_when_it_would_pass() -> None:
    result = signet("daytime", TEXT, "--at", NIGHT)
    assert rows(result, 1)["would pass"] == "from 2026-11-24T08:00:00+08:00 on"
    found = told(signet("daytime", TEXT, "--at", NIGHT, "--json"), 1)
    assert found["refusal"]["next_pass"] == "2026-11-24T08:00:00+08:00"


@pytest.fixture
def agreed(tmp_path: Path) -> Path:
    """A configuration whose account "demo" has agreed to more than the usual."""
    text = EXAMPLE.read_text("utf-8").replace(
        "#append = false\n",
        "append = true\n"
        'service_types = { OTP = "code" }\n'
        "rules.SALUTATION_MISSING = { shadow = true }\n"
        "rules.CONTENT_OBSCENE_VIOLENT = { shadow = true }\n",
        1,
    )
    text = text.replace(
        "#templates = []", 'templates = [{ name = "code", text = "验证码{number:4-6}【中国银行】" }]', 1
    ).replace(
        'signatures = ["中国银行", "完美科技"]',
        'signatures = [{ name = "完美科技", valid_from = 2099-01-02 }, "中国银行"]',
        1,
    )
    (tmp_path / "config.toml").write_text(text, "utf-8")
    return tmp_path / "config.toml"


def test_what_is_added_to_a_text_and_what_is_only_reported_are_told(agreed: Path) -> None:
    result = signet("demo", "何不赌博", config=agreed)
    found = rows(result)
    assert found["added"] == "回TD退订【中国银行】 (behind character 4)"
    assert "电信条例 art. 56, in force from 2016-02-06, because of 赌博 (characters 2 to 4)" in result.stdout
    assert "SALUTATION_MISSING, contract clause 1(3)" in result.stdout
    assert found["1"] == "15 of 70   何不赌博回TD退订【中国银行】"
    document = told(signet("demo", "何不赌博", "--json", config=agreed))
    assert document["added"] == {"at": 4, "text": "回TD退订【中国银行】"}
    assert [(each["rule"], each["span"]) for each in document["shadowed"]] == [
        ("SALUTATION_MISSING", None),
        ("CONTENT_OBSCENE_VIOLENT", {"start": 2, "end": 4, "text": "赌博"}),
    ]


def test_the_template_of_a_text_and_the_class_of_its_service_type_are_told(agreed: Path) -> None:
    found = told(signet("demo", "验证码1234", "--service-type", "OTP", "--json", config=agreed))
    assert (found["template"], found["message_class"]) == ("code", "code")
    found = rows(signet("demo", "验证码1234", "--service-type", "OTP", config=agreed))
    assert found["template"] == "code"
    assert found["class, rules"].startswith("code, version ")


def test_a_signature_that_is_not_valid_yet_is_told_from_when_it_is(agreed: Path) -> None:
    found = told(signet("demo", "您好，回TD退订【完美科技】", "--json", config=agreed), 1)
    assert found["refusal"]["detail"] == "it is valid from 2099-01-02 on"
    assert found["refusal"]["next_pass"] == "2099-01-02T00:00:00+08:00"


@pytest.mark.parametrize(
    ("at", "is_open"),
    [(DAY, True), (NIGHT, False), ("2026-11-23T18:00+09:00", False), ("2026-11-23T17:30+09:00", True)],
)
def test_a_time_without_a_zone_is_in_that_of_the_gateway(at: str, is_open: bool) -> None:
    found = told(signet("daytime", TEXT, "--at", at, "--json"), 0 if is_open else 1)
    assert found["hours"]["is_open"] is is_open


def test_a_minus_reads_standard_input_without_its_last_newline() -> None:
    assert told(signet("demo", "-", "--json", stdin=f"{TEXT}\n".encode()))["text"] == TEXT
    assert told(signet("demo", "-", "--json", stdin=f"\n{TEXT}\n\n".encode()))["text"] == f"\n{TEXT}\n"
    result = signet("demo", "-", stdin=TEXT.encode("gbk"))
    assert result.exit_code == 2
    assert "standard input is not UTF-8" in result.stderr


@pytest.mark.parametrize(
    ("text", "counted_in", "data_coding"),
    [("hello", "septets", 0), ("hello", "septets", 1), ("hello", "octets", 3), ("hello", "UTF-16 units", 8)],
)
def test_the_data_coding_may_be_named(text: str, counted_in: str, data_coding: int) -> None:
    found = told(signet("demo", text, "--data-coding", str(data_coding), "--json"), 1)
    assert (found["encoding"]["counted_in"], found["encoding"]["data_coding"]) == (counted_in, data_coding)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dem", TEXT], 'there is no account "dem"; did you mean "demo"?'),
        (["demo", TEXT, "--data-coding", "0"], "the text cannot be written in gsm7"),
        (["demo", TEXT, "--data-coding", "4"], "octets of no alphabet say nothing"),
        (["demo", TEXT, "--data-coding", "256"], "256 is not in the range"),
        (["demo", TEXT, "--at", "tonight"], '"tonight" is no time such as 2026-11-23T18:00'),
        (["demo", TEXT, "--at", "9999-12-31"], "the year is not within 1970 and 2247"),
        (["demo", TEXT, "--to", "1" * 21], "a string is too long for its field"),
        (["demo", "好" * 40_000], "out of range"),
    ],
)
def test_what_cannot_be_explained_is_told_with_exit_code_2(arguments: list[str], said: str) -> None:
    result = signet(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_bad_configuration_is_told_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[gateway]\nzone = 5\n", "utf-8")
    result = signet("demo", TEXT, config=tmp_path / "config.toml")
    assert result.exit_code == 2
    assert "gateway.zone" in result.stderr


def test_nothing_is_written_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert signet("demo", TEXT).exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_signs_that_would_be_markup_are_printed_as_they_are() -> None:
    found = rows(signet("demo", "[red]hello[/] :smile:"), 1)
    assert found["1"] == "25 of 160   [red]hello[/] :smile:"
