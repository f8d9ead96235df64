from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.hours import Hours, HoursClosure, HoursException
from policy.register import Registration
from policy.ruleset import Ruleset, compile_ruleset
from policy.scope import Scope
from policy.supplement import Supplement
from policy.template import Template

HOURS = Hours(time(8), time(17), ZoneInfo("Asia/Shanghai"))
HOLIDAY = HoursClosure(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), "元旦")
SUPPLEMENT = Supplement(date(2026, 1, 1), "补充协议一", ("append",), "2026-01")
AGREED = HoursException(datetime(2026, 1, 1, tzinfo=UTC), None, "补充协议")


# Any: the tests change one keyword at a time.
def build(**changes: Any) -> Ruleset:
    inputs: dict[str, Any] = {
        "signatures": ["中国银行", "完美科技"],
        "content": ContentFilter({"CONTENT_CULT": ["法轮功"]}),
        "hours": HOURS,
    }
    return compile_ruleset(**(inputs | changes))


def test_a_ruleset_is_commercial_and_refuses_outside_hours_unless_told_otherwise() -> None:
    ruleset = build()
    assert ruleset.message_class is MessageClass.COMMERCIAL
    assert ruleset.outside_hours == "refuse"
    assert [one.name for one in ruleset.signatures.registrations] == ["中国银行", "完美科技"]
    assert not ruleset.append
    assert not ruleset.templates_only


def test_the_version_is_twelve_hex_digits() -> None:
    version = build().version
    assert len(version) == 12
    int(version, 16)


def test_equal_inputs_make_equal_rulesets_with_equal_versions() -> None:
    assert build() == build(signatures=["中国银行", "完美科技", Registration("中国银行")])
    assert build().version == build().version


@pytest.mark.parametrize(
    "change",
    [
        {"signatures": ["中国银行"]},
        {"content": ContentFilter({"CONTENT_CULT": ["法轮"]})},
        {"content": ContentFilter({"CONTENT_RUMOUR": ["法轮功"]})},
        {"hours": replace(HOURS, open=time(9))},
        {"hours": replace(HOURS, close=time(18))},
        {"hours": replace(HOURS, zone=ZoneInfo("Asia/Tokyo"))},
        {"hours": replace(HOURS, exceptions=(AGREED,))},
        {"hours": replace(HOURS, closed=(HOLIDAY,))},
        {"message_class": MessageClass.NOTICE},
        {"outside_hours": "hold"},
        {"signatures": ["完美科技", "中国银行"]},
        {"signatures": ["中国银行", Registration("完美科技", "pending")]},
        {"signatures": ["中国银行", Registration("完美科技", "revoked")]},
        {"signatures": ["中国银行", Registration("完美科技", evidence="商标注册证 1")]},
        {"signatures": ["中国银行", Registration("完美科技", valid_from=date(2026, 1, 1))]},
        {"signatures": ["中国银行", Registration("完美科技", valid_to=date(2026, 1, 1))]},
        {"scopes": {"SALUTATION_MISSING": Scope()}},
        {"scopes": {"SALUTATION_MISSING": Scope(frozenset(MessageClass))}},
        {"scopes": {"SALUTATION_MISSING": Scope(shadow=True)}},
        {"service_types": {"OTP": MessageClass.CODE}},
        {"templates": [Template("birthday", "生日快乐【中国银行】")]},
        {"templates_only": True},
        {"append": True},
        {"supplements": [SUPPLEMENT]},
    ],
)
def test_any_change_of_the_rules_makes_another_version(change: dict[str, object]) -> None:
    assert build(**change).version != build().version
    assert build(**change) != build()


@pytest.mark.parametrize(
    "change",
    [
        {"start": datetime(2026, 2, 1, tzinfo=UTC)},
        {"end": datetime(2027, 1, 1, tzinfo=UTC)},
        {"note": "第2号"},
        {"scope": MessageClass.CODE},
    ],
)
# Any: dataclasses.replace takes one keyword at a time.
def test_any_change_of_an_exception_makes_another_version(change: dict[str, Any]) -> None:
    hours = replace(HOURS, exceptions=(AGREED,))
    changed = replace(HOURS, exceptions=(replace(AGREED, **change),))
    assert build(hours=hours).version != build(hours=changed).version


@pytest.mark.parametrize(
    "change",
    [{"agreed_on": date(2026, 1, 2)}, {"reference": "补充协议二"}, {"terms": ("charge",)}, {"note": ""}],
)
# Any: dataclasses.replace takes one keyword at a time.
def test_any_change_of_a_supplement_makes_another_version(change: dict[str, Any]) -> None:
    changed = build(supplements=[replace(SUPPLEMENT, **change)])
    assert changed.version != build(supplements=[SUPPLEMENT]).version


def test_a_signature_that_no_text_could_carry_cannot_be_compiled() -> None:
    with pytest.raises(ValueError, match="【中国银行】"):
        build(signatures=["【中国银行】"])


def test_a_ruleset_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        build().outside_hours = "hold"  # type: ignore[misc]  # the point of the test


def test_a_rule_that_holds_for_every_message_has_no_scope() -> None:
    with pytest.raises(ValueError, match="QUOTA_EXHAUSTED has no scope"):
        build(scopes={"QUOTA_EXHAUSTED": Scope(shadow=True)})
    with pytest.raises(ValueError, match="NO_SUCH_RULE"):
        build(scopes={"NO_SUCH_RULE": Scope()})


def test_the_description_of_a_ruleset_is_json_and_is_what_its_version_stands_for() -> None:
    ruleset = build(
        signatures=[Registration("中国银行", "registered", "委托书", date(2026, 1, 1), date(2026, 12, 31))],
        hours=replace(HOURS, exceptions=(AGREED,)),
        service_types={"OTP": MessageClass.CODE},
        scopes={"OUTSIDE_HOURS": Scope(frozenset({MessageClass.NOTICE}), shadow=True)},
        templates=[Template("code", "验证码{number:4-6}【中国银行】", MessageClass.CODE)],
        supplements=[SUPPLEMENT],
    )
    told = json.dumps(ruleset.describe(), sort_keys=True, ensure_ascii=False)
    assert sha256(told.encode()).hexdigest()[:12] == ruleset.version
    read = json.loads(told)
    assert read["signatures"] == [
        {
            "name": "中国银行",
            "status": "registered",
            "evidence": "委托书",
            "valid_from": "2026-01-01",
            "valid_to": "2026-12-31",
        }
    ]
    assert read["rules"] == {"OUTSIDE_HOURS": {"classes": ["notice"], "shadow": True}}
    assert read["templates"] == [
        {"name": "code", "text": "验证码{number:4-6}【中国银行】", "message_class": "code"}
    ]
    assert read["hours"]["exceptions"][0]["note"] == "补充协议"
    assert read["supplements"] == [
        {"agreed_on": "2026-01-01", "reference": "补充协议一", "terms": ["append"], "note": "2026-01"}
    ]
    assert read["content"] == ruleset.content.digest


def test_the_kind_that_a_customer_names_gives_a_message_its_class() -> None:
    ruleset = build(service_types={"OTP": MessageClass.CODE})
    assert ruleset.class_of("OTP") is MessageClass.CODE
    assert ruleset.class_of("") is ruleset.class_of("CMT") is MessageClass.COMMERCIAL


def test_rulesets_share_the_filter_that_they_are_given() -> None:
    content = ContentFilter({})
    assert build(content=content).content is build(signatures=[], content=content).content
