from __future__ import annotations

from datetime import date, datetime, time
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
from policy.register import Registration
from policy.ruleset import Ruleset, compile_ruleset
from policy.scope import Scope
from policy.template import Template
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
    every = Scope(frozenset(MessageClass))
    with_salutation = build(scopes={"SALUTATION_MISSING": every})
    with_unsubscribe = build(scopes={"UNSUBSCRIBE_MISSING": every})
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


NOTICES = frozenset({MessageClass.NOTICE})


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("SIGNATURE_MISSING", "尊敬的客户:生日快乐，回TD退订"),
        ("SIGNATURE_NOT_REGISTERED", "尊敬的客户:生日快乐，回TD退订【工商银行】"),
        ("SIGNATURE_MISPLACED", "尊敬的客户:生日快乐，回TD退订【中国银行】。"),
        ("SALUTATION_MISSING", "生日快乐，回TD退订【中国银行】"),
        ("UNSUBSCRIBE_MISSING", "尊敬的客户:生日快乐【中国银行】"),
        ("CONTENT_OBSCENE_VIOLENT", "尊敬的客户:赌博，回TD退订【中国银行】"),
    ],
)
def test_a_rule_can_be_left_out_for_a_class_or_only_report(rule: str, text: str) -> None:
    assert refused_by(judge(text)) == rule
    off = judge(text, ruleset=build(scopes={rule: Scope(NOTICES)}))
    assert (off.verdict, off.shadowed) == (Accept(), ())
    shadow = judge(text, ruleset=build(scopes={rule: Scope(shadow=True)}))
    assert shadow.verdict == Accept()
    assert [one.rule for one in shadow.shadowed] == [rule]


def test_hours_that_only_report_neither_refuse_nor_hold() -> None:
    for outside in ("refuse", "hold"):
        ruleset = build(outside_hours=outside, scopes={"OUTSIDE_HOURS": Scope(shadow=True)})
        found = judge(EXAMPLE, NIGHT, ruleset=ruleset)
        assert found.verdict == Accept()
        assert [one.rule for one in found.shadowed] == ["OUTSIDE_HOURS"]
        assert judge_hours(ruleset, NIGHT, MessageClass.COMMERCIAL) is None
        assert ruleset.opens_at(NIGHT, MessageClass.COMMERCIAL) == NIGHT


def test_hours_that_are_for_notices_only_let_commercial_messages_out_at_night() -> None:
    ruleset = build(scopes={"OUTSIDE_HOURS": Scope(NOTICES)})
    assert judge(EXAMPLE, NIGHT, ruleset=ruleset).verdict == Accept()
    assert refused_by(judge(EXAMPLE, NIGHT, MessageClass.NOTICE, ruleset)) == "OUTSIDE_HOURS"
    assert ruleset.opens_at(NIGHT, MessageClass.NOTICE) == MORNING


def test_what_only_reports_does_not_hide_what_refuses() -> None:
    content = ContentFilter({"CONTENT_CULT": ["法轮功"], "CONTENT_OBSCENE_VIOLENT": ["赌博"]})
    ruleset = build(content=content, scopes={"CONTENT_CULT": Scope(shadow=True)})
    found = judge("尊敬的客户:法轮功和赌博，回TD退订【中国银行】", ruleset=ruleset)
    assert refused_by(found) == "CONTENT_OBSCENE_VIOLENT"
    assert [one.rule for one in found.shadowed] == ["CONTENT_CULT"]


def test_where_the_signature_may_stand_elsewhere_it_must_still_be_registered() -> None:
    ruleset = build(scopes={"SIGNATURE_MISPLACED": Scope(shadow=True), "UNSUBSCRIBE_MISSING": Scope(NOTICES)})
    assert judge("尊敬的客户:【中国银行】生日快乐", ruleset=ruleset).verdict == Accept()
    found = judge("尊敬的客户:【工商银行】生日快乐", ruleset=ruleset)
    assert refused_by(found) == "SIGNATURE_NOT_REGISTERED"
    assert [one.rule for one in found.shadowed] == ["SIGNATURE_MISPLACED"]


def test_a_judgement_tells_the_version_of_the_rules() -> None:
    for found in (judge(EXAMPLE), judge("赌博"), judge(EXAMPLE, NIGHT, ruleset=RULESET)):
        assert found.ruleset == RULESET.version


def test_a_message_at_night_would_pass_in_the_morning() -> None:
    assert judge(EXAMPLE, NIGHT).next_pass == MORNING
    assert judge(EXAMPLE).next_pass is None


def test_a_text_that_no_time_will_mend_has_no_next_time() -> None:
    assert judge("赌博", NIGHT).next_pass is None
    assert judge("尊敬的客户:生日快乐，回TD退订【工商银行】", NIGHT).next_pass is None


def test_a_signature_that_is_not_valid_yet_passes_when_it_is_and_the_hours_are_open() -> None:
    coming = build(signatures=[Registration("中国银行", valid_from=date(2026, 3, 5))])
    found = judge(EXAMPLE, ruleset=coming)
    assert refused_by(found) == "SIGNATURE_NOT_REGISTERED"
    assert found.next_pass == datetime(2026, 3, 5, 8, tzinfo=SHANGHAI).timestamp()
    held = build(signatures=[Registration("中国银行", valid_from=date(2026, 3, 5))], outside_hours="hold")
    assert judge(EXAMPLE, ruleset=held).next_pass == datetime(2026, 3, 5, tzinfo=SHANGHAI).timestamp()


def test_a_signature_that_ends_before_the_hours_open_again_has_no_next_time() -> None:
    ending = build(signatures=[Registration("中国银行", valid_to=date(2026, 3, 2))])
    found = judge(EXAMPLE, NIGHT, ruleset=ending)
    assert refused_by(found) == "OUTSIDE_HOURS"
    assert found.next_pass is None


def test_where_only_templates_are_agreed_any_other_text_is_refused() -> None:
    templates = [Template("birthday", EXAMPLE.replace("客户", "{name:1-4}"))]
    only = build(templates=templates, templates_only=True)
    assert judge(EXAMPLE, ruleset=only).verdict == Accept()
    other = judge(EXAMPLE.replace("今天", "明天"), ruleset=only)
    assert refused_by(other) == "TEMPLATE_MISMATCH"
    assert judge(EXAMPLE.replace("今天", "明天"), ruleset=build(templates=templates)).verdict == Accept()
    shadow = build(templates=templates, templates_only=True, scopes={"TEMPLATE_MISMATCH": Scope(shadow=True)})
    assert [one.rule for one in judge(EXAMPLE + " 。", ruleset=shadow).shadowed] == []
    assert [one.rule for one in judge(EXAMPLE.replace("今天", "明天"), ruleset=shadow).shadowed] == [
        "TEMPLATE_MISMATCH"
    ]


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
