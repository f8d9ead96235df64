from __future__ import annotations

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.chain import evaluate, judge_hours
from policy.clauses import RULES
from policy.content import ContentFilter
from policy.facts import MessageClass, Submission
from policy.hours import Hours, HoursException
from policy.ruleset import Ruleset, compile_ruleset
from policy.verdict import Accept, Defer, Judgement, Refuse

SHANGHAI = ZoneInfo("Asia/Shanghai")
EXAMPLE = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
NIGHT = datetime(2026, 3, 2, 20, 0, tzinfo=SHANGHAI).timestamp()
MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=SHANGHAI).timestamp()
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=SHANGHAI).timestamp()


# Any: the tests change one keyword at a time.
def build(*exceptions: HoursException, **changes: Any) -> Ruleset:
    inputs: dict[str, Any] = {
        "signatures": ["中国银行"],
        "content": ContentFilter({"CONTENT_OBSCENE_VIOLENT": ["赌博"]}),
        "hours": Hours(time(8), time(17), SHANGHAI, exceptions),
    }
    return compile_ruleset(**(inputs | changes))


RULESET = build()


def judge(
    text: str,
    at: float = NOON,
    message_class: MessageClass = MessageClass.COMMERCIAL,
    ruleset: Ruleset = RULESET,
) -> Judgement:
    return evaluate(ruleset, Submission(text, at, message_class, "106900000001", "13800138000"))


def refused_by(judgement: Judgement) -> str:
    assert isinstance(judgement.verdict, Refuse)
    return judgement.verdict.rule


def test_the_example_in_the_contract_is_accepted() -> None:
    judgement = judge(EXAMPLE)
    assert judgement.verdict == Accept()
    assert judgement.trail == ("signature", "salutation", "unsubscribe", "content", "hours")


@pytest.mark.parametrize(
    ("text", "rule", "last"),
    [
        ("尊敬的客户:今天是您生日，回TD退订", "SIGNATURE_MISSING", "signature"),
        ("尊敬的客户:今天是您生日，回TD退订【工商银行】", "SIGNATURE_NOT_REGISTERED", "signature"),
        ("【中国银行】尊敬的客户:今天是您生日，回TD退订", "SIGNATURE_MISPLACED", "signature"),
        ("今天是您生日，生日快乐，回TD退订【中国银行】", "SALUTATION_MISSING", "salutation"),
        ("尊敬的客户:今天是您生日，生日快乐【中国银行】", "UNSUBSCRIBE_MISSING", "unsubscribe"),
        ("尊敬的客户:线上赌 博，回TD退订【中国银行】", "CONTENT_OBSCENE_VIOLENT", "content"),
    ],
)
def test_a_commercial_text_is_refused_by_the_first_rule_that_it_breaks(
    text: str, rule: str, last: str
) -> None:
    judgement = judge(text)
    assert refused_by(judgement) == rule
    assert judgement.trail[-1] == last


def test_a_text_that_breaks_every_rule_is_refused_for_its_form_even_at_night() -> None:
    assert refused_by(judge("线上赌博", NIGHT)) == "SIGNATURE_MISSING"


def test_the_span_of_forbidden_content_is_that_of_the_text_as_submitted() -> None:
    text = "尊敬的客户:线上赌\u200b-博，回TD退订【中国银行】"
    verdict = judge(text).verdict
    assert verdict == Refuse("CONTENT_OBSCENE_VIOLENT", (8, 12), "六(7)")
    assert text[8:12] == "赌\u200b-博"


def test_outside_the_hours_a_message_is_refused_by_default() -> None:
    assert judge(EXAMPLE, NIGHT).verdict == Refuse("OUTSIDE_HOURS", None, "五(5)")


def test_outside_the_hours_a_message_is_deferred_to_the_next_opening_where_agreed() -> None:
    judgement = judge(EXAMPLE, NIGHT, ruleset=build(outside_hours="hold"))
    assert judgement.verdict == Defer(MORNING)
    assert judgement.trail[-1] == "hours"


def test_a_malformed_message_is_refused_and_not_deferred() -> None:
    ruleset = build(outside_hours="hold")
    assert refused_by(judge("生日快乐，回TD退订【中国银行】", NIGHT, ruleset=ruleset)) == "SALUTATION_MISSING"
    text = EXAMPLE.replace("生日快乐", "赌博")
    assert refused_by(judge(text, NIGHT, ruleset=ruleset)) == "CONTENT_OBSCENE_VIOLENT"


@pytest.mark.parametrize("message_class", [MessageClass.NOTICE, MessageClass.CODE])
def test_a_notice_or_code_needs_a_signature_but_neither_salutation_nor_unsubscribe_text(
    message_class: MessageClass,
) -> None:
    judgement = judge("您的验证码是482913，五分钟内有效【中国银行】", message_class=message_class)
    assert judgement.verdict == Accept()
    assert judgement.trail == ("signature", "content", "hours")
    assert refused_by(judge("您的验证码是482913", message_class=message_class)) == "SIGNATURE_MISSING"
    assert refused_by(judge("赌博【中国银行】", message_class=message_class)) == "CONTENT_OBSCENE_VIOLENT"
    assert refused_by(judge("验证码482913【中国银行】", NIGHT, message_class)) == "OUTSIDE_HOURS"


def test_a_notice_needs_salutation_or_unsubscribe_text_where_the_account_says_so() -> None:
    text = "您的订单已发货【中国银行】"
    with_salutation, with_unsubscribe = build(require_salutation=True), build(require_unsubscribe=True)
    notice = MessageClass.NOTICE
    assert refused_by(judge(text, message_class=notice, ruleset=with_salutation)) == "SALUTATION_MISSING"
    assert refused_by(judge(text, message_class=notice, ruleset=with_unsubscribe)) == "UNSUBSCRIBE_MISSING"


def test_an_exception_for_codes_lets_codes_out_at_night_and_nothing_else() -> None:
    start = datetime(2026, 1, 1, tzinfo=SHANGHAI)
    ruleset = build(HoursException(start, None, "补充协议", MessageClass.CODE))
    code = judge("验证码482913【中国银行】", NIGHT, MessageClass.CODE, ruleset)
    assert code.verdict == Accept()
    assert refused_by(judge(EXAMPLE, NIGHT, ruleset=ruleset)) == "OUTSIDE_HOURS"


def test_a_code_is_deferred_to_an_exception_that_opens_for_codes_earlier() -> None:
    start, end = (datetime(2026, 3, 2, hour, tzinfo=SHANGHAI) for hour in (21, 23))
    ruleset = build(HoursException(start, end, "补充协议", MessageClass.CODE), outside_hours="hold")
    code = judge("验证码482913【中国银行】", NIGHT, MessageClass.CODE, ruleset)
    assert code.verdict == Defer(start.timestamp())
    assert judge(EXAMPLE, NIGHT, ruleset=ruleset).verdict == Defer(MORNING)


@pytest.mark.parametrize("message_class", MessageClass)
@pytest.mark.parametrize("outside_hours", ["refuse", "hold"])
@pytest.mark.parametrize("at", [NIGHT, MORNING, NOON])
def test_the_hours_by_themselves_judge_as_they_do_in_the_chain(
    message_class: MessageClass, outside_hours: str, at: float
) -> None:
    exception = HoursException(datetime(2026, 1, 1, tzinfo=SHANGHAI), None, "补充协议", MessageClass.CODE)
    ruleset = build(exception, outside_hours=outside_hours)
    in_chain = judge(EXAMPLE, at, message_class, ruleset).verdict
    assert (judge_hours(ruleset, at, message_class) or Accept()) == in_chain


@given(
    st.text(st.sampled_from("尊敬的客户:，回TD退订【】中国银行赌博 \u200b\n") | st.characters(), max_size=80),
    st.floats(0, 4e9),
    st.sampled_from(MessageClass),
)
def test_any_text_at_any_time_gets_a_verdict_that_is_in_the_table(
    text: str, at: float, message_class: MessageClass
) -> None:
    judgement = judge(text, at, message_class)
    if isinstance(judgement.verdict, Refuse):
        assert judgement.verdict.clause == RULES[judgement.verdict.rule].clause
        if judgement.verdict.span is not None:
            start, end = judgement.verdict.span
            assert 0 <= start < end <= len(text)
    assert judgement == judge(text, at, message_class)
