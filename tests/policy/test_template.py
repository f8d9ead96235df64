from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.facts import MessageClass
from policy.template import Matcher, Template, Templates

COMMERCIAL = MessageClass.COMMERCIAL


def matches(template: str, text: str) -> bool:
    return Matcher([Template("one", template)]).match(text) == "one"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("生日快乐【中国银行】", "生日快乐【中国银行】"),
        ("生日快乐【中国银行】", "生日快乐【中国银行】 \n"),
        ("尊敬的{name:1-12}:您好", "尊敬的客:您好"),
        ("尊敬的{name:1-12}:您好", "尊敬的欧阳 3 Smith-X:您好"),
        ("{name:2-3}{name:1-1}", "甲乙丙"),
        ("验证码{number:4-6}。", "验证码0123。"),
        ("验证码{number:4-6}。", "验证码012345。"),
        ("{date}到期", "2026-11-22到期"),
        ("{date}到期", "2026/1/2到期"),
        ("{date}到期", "2026年11月22日到期"),
        ("{date}到期", "11月22号到期"),
        ("{date}到期", "1月2日到期"),
        ("{time}开会", "8:30开会"),
        ("{time}开会", "23：59：59开会"),
        ("{time}开会", "20点半开会"),
        ("{time}开会", "8时05分开会"),
        ("消费{amount}，", "消费1,234.56元，"),
        ("消费{amount}，", "消费1234.5 元，"),
        ("消费{amount}，", "消费￥100，"),
        ("消费{amount}，", "消费3万元，"),
        ("消费{amount}元，", "消费100元，"),
    ],
)
def test_a_text_that_is_written_by_a_template_matches(template: str, text: str) -> None:
    assert matches(template, text)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("生日快乐【中国银行】", "生日快乐【中国银行】。"),
        ("生日快乐【中国银行】", " 生日快乐【中国银行】"),
        ("生日快乐【中国银行】", "生日快乐【中国银"),
        ("生日快乐", ""),
        ("尊敬的{name:1-12}:您好", "尊敬的:您好"),
        ("尊敬的{name:1-12}:您好", "尊敬的一二三四五六七八九十甲乙丙:您好"),
        ("尊敬的{name:1-12}您好", "尊敬的客户。您好"),
        ("尊敬的{name:1-12}您好", "尊敬的【客户】您好"),
        ("尊敬的{name:1-12}您好", "尊敬的客\n户您好"),
        ("尊敬的{name:1-12}您好", "尊敬的a.cn/x您好"),
        ("验证码{number:4-6}。", "验证码012。"),
        ("验证码{number:4-6}。", "验证码0123456。"),
        ("验证码{number:4-6}。", "验证码０１２３。"),
        ("{date}到期", "2026-13-22到期"),
        ("{date}到期", "11月32日到期"),
        ("{date}到期", "26-11-22到期"),
        ("{time}开会", "24:00开会"),
        ("{time}开会", "8:60开会"),
        ("消费{amount}，", "消费1,23元，"),
        ("消费{amount}，", "消费元，"),
        ("消费{amount}，", "消费1.234元，"),
    ],
)
def test_a_text_that_is_written_otherwise_does_not_match(template: str, text: str) -> None:
    assert not matches(template, text)


def test_the_first_template_that_fits_is_named() -> None:
    templates = Templates(
        [Template("any", "{name:1-4}好"), Template("you", "您好"), Template("me", "我很好吗")]
    )
    assert templates.match("您好", COMMERCIAL) == "any"
    assert templates.match("我很好吗", COMMERCIAL) == "me"
    assert templates.match("我很好吗吗", COMMERCIAL) is None


def test_a_template_of_a_class_is_for_messages_of_that_class() -> None:
    templates = Templates([Template("code", "验证码{number:4-6}", MessageClass.CODE), Template("hi", "您好")])
    assert templates.match("验证码1234", MessageClass.CODE) == "code"
    assert templates.match("验证码1234", COMMERCIAL) is None
    assert templates.match("您好", MessageClass.CODE) == templates.match("您好", COMMERCIAL) == "hi"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs a text"),
        ("  ", "needs a text"),
        ("您好{name}", "needs a length"),
        ("您好{name:0-3}", "needs a length"),
        ("您好{name:3-2}", "needs a length"),
        ("您好{number:1-101}", "needs a length"),
        ("您好{date:1-2}", "no known type"),
        ("您好{city:1-2}", "no known type"),
        ("您好{Name:1-2}", "is no variable"),
        ("您好{name:1-2", "is no variable"),
        ("您好}", "is no variable"),
        ("您好{}", "is no variable"),
    ],
)
def test_what_is_no_template_cannot_be_compiled(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Matcher([Template("one", text)])


HARD = [
    "{name:1-100}" * 12 + "终",
    "{name:1-50}甲" * 20,
    "{number:1-100}" * 10 + "终",
    "{amount}" * 12 + "终",
]


class Counting(Matcher):
    """Counts the steps that had to be worked out, and how many places each looked at."""

    def __init__(self, templates: list[Template]) -> None:
        super().__init__(templates)
        self.steps = 0
        self.places_max = 0

    def _step(self, state, character):  # type: ignore[no-untyped-def]  # as it is there
        self.steps += 1
        self.places_max = max(self.places_max, len(state.places))
        return super()._step(state, character)


@pytest.mark.parametrize("template", HARD)
@pytest.mark.parametrize("letter", ["甲", "1", "1,111", "x"])
def test_no_text_takes_more_than_one_step_a_character(template: str, letter: str) -> None:
    matcher = Counting([Template("one", template), Template("two", template[::-1].translate(SWAP))])
    row = (letter * 300)[:300]
    for text in (row[:200], row[:200] + "终", row):
        before = matcher.steps
        matcher.match(text)
        assert matcher.steps - before <= len(text)
        again = matcher.steps
        matcher.match(text)
        assert matcher.steps == again


def test_templates_that_begin_alike_are_read_as_one() -> None:
    matcher = Counting([Template(f"{n}", f"尊敬的{{name:1-30}}，{{name:1-90}}方案{n}好") for n in range(100)])
    assert matcher.match("尊敬的客户，" + "，方案" * 29 + "方案77好") == "77"
    assert matcher.places_max < 400


def test_of_templates_that_one_begins_another_the_first_that_fits_is_named() -> None:
    shorter, longer = Template("shorter", "您{name:1-5}"), Template("longer", "您{name:1-5}{name:1-5}")
    same = Template("same", "您{name:1-5}")
    assert Matcher([longer, shorter]).match("您好吗") == "longer"
    assert Matcher([shorter, longer]).match("您好吗") == "shorter"
    assert Matcher([shorter, same]).match("您好吗") == "shorter"
    assert Matcher([longer, shorter]).match("您好") == "shorter"


SWAP = str.maketrans("{}", "《》")


def test_what_is_kept_of_texts_that_were_read_is_bounded() -> None:
    matcher = Matcher([Template("one", "{name:1-20}甲{name:1-20}乙{name:1-20}")], places_max=500)
    for number in range(200):
        word = f"{number:08b}".translate(str.maketrans("01", "甲乙"))
        assert matcher.match(word + "丙") in ("one", None)
        assert sum(map(len, matcher._known)) < matcher.places <= 500


def test_what_is_kept_is_counted_for_all_classes_of_an_account() -> None:
    templates = Templates([Template("one", "您{name:1-5}")], places_max=500)
    assert (templates.places, Templates([]).places) == (0, 0)
    templates.match("您好", MessageClass.NOTICE)
    once = templates.places
    templates.match("您好", MessageClass.NOTICE)
    assert templates.places == once > 0
    templates.match("您好", MessageClass.CODE)
    assert templates.places == 2 * once


@given(
    st.lists(st.text("甲乙丙丁", min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(st.text("甲乙1戊", min_size=1, max_size=5), min_size=4, max_size=4),
)
def test_whatever_is_filled_in_matches(fixed: list[str], names: list[str]) -> None:
    template = "{name:1-5}".join(fixed)
    text = "".join(f"{words}{names[index]}" for index, words in enumerate(fixed[:-1])) + fixed[-1]
    assert matches(template, text)
