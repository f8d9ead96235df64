from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.register import Register, Registration, is_well_formed
from policy.signature import check, named
from policy.verdict import Refuse


def register(*names: str) -> Register:
    return Register(map(Registration, names), ZoneInfo("Asia/Shanghai"))


REGISTERED = register("中国银行", "完美科技", "ABC 123")
NOON = 1_772_424_000.0


def refused(text: str) -> tuple[str, str | None]:
    """The rule that refuses the text, and the piece of it that is named."""
    verdict, *_ = check(text, REGISTERED, NOON)
    assert isinstance(verdict, Refuse)
    assert verdict.clause == "1(3)"
    return verdict.rule, None if verdict.span is None else text[slice(*verdict.span)]


@pytest.mark.parametrize(
    "text",
    [
        "生日快乐，回TD退订【中国银行】",
        "生日快乐【完美科技】",
        "生日快乐【中国银行】 \r\n　",
        "【中国银行】",
        "Happy birthday【ABC 123】",
    ],
)
def test_a_text_that_ends_with_a_registered_signature_passes(text: str) -> None:
    assert check(text, REGISTERED, NOON) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "生日快乐，回TD退订",
        "生日快乐[中国银行]",
        "生日快乐（中国银行）",
        "生日快乐〖中国银行〗",
        "生日快乐【中国银行",
        "生日快乐中国银行】",
        "生日快乐】中国银行【",
    ],
)
def test_a_text_without_a_pair_of_brackets_has_no_signature(text: str) -> None:
    assert refused(text) == ("SIGNATURE_MISSING", None)


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("【中国银行】生日快乐，回TD退订", "【中国银行】"),
        ("生日快乐【中国银行】回TD退订", "【中国银行】"),
        ("生日快乐【中国银行】。", "【中国银行】"),
        ("生日快乐【中国银行】\u200b", "【中国银行】"),
        ("【完美科技】生日快乐【中国银行】", "【完美科技】"),
        ("生日快乐【中国银行】【中国银行】", "【中国银行】"),
        ("生日快乐【【中国银行】】", "【"),
        ("生日】快乐【中国银行】", "】"),
        ("生日【快乐【中国银行】", "【"),
        ("生日快乐【中国银行】】", "【中国银行】"),
    ],
)
def test_a_signature_that_is_not_the_last_and_only_one_is_misplaced(text: str, piece: str) -> None:
    assert refused(text) == ("SIGNATURE_MISPLACED", piece)


@pytest.mark.parametrize("name", ["工商银行", "中国银行股份", "中 国银行", "abc 123", "", "银", "甲" * 21])
def test_a_signature_that_is_not_exactly_a_registered_one_is_refused(name: str) -> None:
    assert refused(f"生日快乐【{name}】 ") == ("SIGNATURE_NOT_REGISTERED", f"【{name}】")


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("【工商银行】生日快乐", ["SIGNATURE_MISPLACED", "SIGNATURE_NOT_REGISTERED"]),
        ("【中国银行】生日快乐", ["SIGNATURE_MISPLACED"]),
        ("【中国银行】生日快乐【工商银行】", ["SIGNATURE_MISPLACED", "SIGNATURE_NOT_REGISTERED"]),
        ("【】" * 1000, ["SIGNATURE_MISPLACED", "SIGNATURE_NOT_REGISTERED"]),
    ],
)
def test_a_name_that_is_not_registered_is_told_of_wherever_it_stands(text: str, rules: list[str]) -> None:
    assert [one.rule for one in check(text, REGISTERED, NOON)] == rules


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("生日快乐【中国银行】", "中国银行"),
        ("【中国银行】生日快乐", "中国银行"),
        ("【甲】生日快乐【中国银行】 ", "中国银行"),
        ("生日快乐", ""),
        ("生日快乐【中国银行", ""),
        ("生日】快乐", ""),
    ],
)
def test_the_name_of_a_text_is_what_stands_in_its_last_brackets(text: str, name: str) -> None:
    assert named(text) == name


@given(st.text("【】中银 \n甲", max_size=12))
def test_a_text_passes_only_if_a_registered_signature_ends_it_and_no_other_bracket_is_in_it(
    text: str,
) -> None:
    ends_well = any(text.rstrip().endswith(f"【{name}】") for name in ("中银", "甲甲"))
    passes = ends_well and text.count("【") == text.count("】") == 1
    assert (check(text, register("中银", "甲甲"), NOON) == ()) == passes


@pytest.mark.parametrize("name", ["中国", "中国银行", "ABC 123", "7天酒店", "甲" * 20])
def test_a_name_of_two_to_twenty_letters_can_be_registered(name: str) -> None:
    assert is_well_formed(name)


@pytest.mark.parametrize(
    "name",
    ["", "银", "甲" * 21, " 中国", "中国 ", "中国银行!", "中国·银行", "【中国】", "中\u200b国", "中\n国"],
)
def test_a_name_with_punctuation_or_of_another_length_cannot_be_registered(name: str) -> None:
    assert not is_well_formed(name)
