from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.hours import Hours, HoursClosure, HoursException
from policy.ruleset import Ruleset, compile_ruleset

HOURS = Hours(time(8), time(17), ZoneInfo("Asia/Shanghai"))
HOLIDAY = HoursClosure(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), "元旦")
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
    assert ruleset.signatures == {"中国银行", "完美科技"}


def test_the_version_is_twelve_hex_digits() -> None:
    version = build().version
    assert len(version) == 12
    int(version, 16)


def test_equal_inputs_make_equal_rulesets_with_equal_versions() -> None:
    assert build() == build(signatures=["完美科技", "中国银行", "中国银行"])
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
        {"require_salutation": True},
        {"require_unsubscribe": True},
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


def test_a_signature_that_no_text_could_carry_cannot_be_compiled() -> None:
    with pytest.raises(ValueError, match="【中国银行】"):
        build(signatures=["【中国银行】"])


def test_a_ruleset_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        build().outside_hours = "hold"  # type: ignore[misc]  # the point of the test


def test_rulesets_share_the_filter_that_they_are_given() -> None:
    content = ContentFilter({})
    assert build(content=content).content is build(signatures=[], content=content).content
