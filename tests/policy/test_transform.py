from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.chain import evaluate
from policy.content import ContentFilter
from policy.facts import MessageClass, Submission
from policy.hours import Hours
from policy.register import Registration
from policy.ruleset import Ruleset, compile_ruleset
from policy.scope import Scope
from policy.transform import append
from policy.verdict import Accept

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 3, 12, tzinfo=SHANGHAI).timestamp()
COMMERCIAL = MessageClass.COMMERCIAL


# Any: the tests change one keyword at a time.
def build(**changes: Any) -> Ruleset:
    inputs: dict[str, Any] = {
        "signatures": ["中国银行", "完美科技"],
        "content": ContentFilter({}),
        "hours": Hours(time(8), time(17), SHANGHAI),
        "append": True,
    }
    return compile_ruleset(**(inputs | changes))


RULESET = build()


def appended(text: str, ruleset: Ruleset = RULESET, message_class: MessageClass = COMMERCIAL) -> str | None:
    found = append(ruleset, text, message_class, NOON)
    return None if found is None else found.text


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("尊敬的客户:您好", "尊敬的客户:您好回TD退订【中国银行】"),
        ("尊敬的客户:您好，回TD退订", "尊敬的客户:您好，回TD退订【中国银行】"),
        ("尊敬的客户:您好【完美科技】", "尊敬的客户:您好回TD退订【完美科技】"),
        ("尊敬的客户:您好 \n", "尊敬的客户:您好回TD退订【中国银行】 \n"),
        ("", "回TD退订【中国银行】"),
    ],
)
def test_what_is_missing_is_added_where_it_belongs(text: str, result: str) -> None:
    assert appended(text) == result


@pytest.mark.parametrize(
    "text",
    [
        "尊敬的客户:您好，回TD退订【中国银行】",
        "尊敬的客户:您好，回TD退订【工商银行】",
        "【中国银行】尊敬的客户:您好",
        "尊敬的客户:您好【中国银行】【中国银行】",
        "尊敬的客户:您好【中国银行",
        "尊敬的客户:您好】",
    ],
)
def test_a_text_that_lacks_nothing_or_is_signed_elsewhere_stays_as_it_is(text: str) -> None:
    assert appended(text) is None


def test_a_notice_gets_a_signature_only() -> None:
    assert appended("您的订单已发货", message_class=MessageClass.NOTICE) == "您的订单已发货【中国银行】"
    assert appended("您的订单已发货【中国银行】", message_class=MessageClass.NOTICE) is None


def test_the_first_signature_that_is_valid_then_is_added() -> None:
    signatures = [
        Registration("工商银行", "pending"),
        Registration("农业银行", valid_to=date(2026, 3, 2)),
        Registration("中国银行"),
    ]
    assert appended("您好，回TD退订", build(signatures=signatures)) == "您好，回TD退订【中国银行】"
    assert appended("您好，回TD退订", build(signatures=signatures[:2])) is None


def test_what_no_rule_asks_for_is_not_added() -> None:
    notices = Scope(frozenset({MessageClass.NOTICE}))
    assert appended("您好", build(scopes={"UNSUBSCRIBE_MISSING": notices})) == "您好【中国银行】"
    assert appended("您好", build(scopes={"SIGNATURE_MISSING": notices})) == "您好回TD退订"


@given(st.text(st.sampled_from("尊敬的客户:您好，回TD退订【】中国银行 \n"), max_size=30))
def test_what_was_added_to_is_not_added_to_again_and_holds_the_text_as_it_came(text: str) -> None:
    found = append(RULESET, text, COMMERCIAL, NOON)
    if found is not None:
        assert append(RULESET, found.text, COMMERCIAL, NOON) is None
        assert found.text[: found.at] + found.text[found.at + len(found.words) :] == text


def test_a_text_with_what_was_added_passes() -> None:
    found = append(RULESET, "尊敬的客户:您好", COMMERCIAL, NOON)
    assert found is not None
    submission = Submission(found.text, NOON, COMMERCIAL, "1069", "13800138000")
    assert evaluate(RULESET, submission).verdict == Accept()


def test_a_piece_of_the_new_text_is_found_in_the_old_one() -> None:
    found = append(RULESET, "您好【完美科技】", COMMERCIAL, NOON)
    assert found is not None
    assert found.text == "您好回TD退订【完美科技】"
    assert found.original((0, 2)) == (0, 2)
    assert found.original((7, 13)) == (2, 8)
    assert found.original((1, 9)) == (1, 4)
    assert found.original((2, 7)) is None
    assert found.original(None) is None
