from __future__ import annotations

from time import perf_counter

import pytest

from policy.unsubscribe import check, is_opt_out
from policy.verdict import Refuse


@pytest.mark.parametrize(
    "text",
    [
        "生日快乐，回TD退订【中国银行】",
        "生日快乐,回td退订【中国银行】",
        "生日快乐，回Td退订【中国银行】",
        "生日快乐，回ＴＤ退订【中国银行】",
        "生日快乐，回ｔｄ退订【中国银行】",
        "生日快乐，回 TD 退订 【中国银行】",
        "生日快乐，回　ＴＤ　退订　【中国银行】",
        "生日快乐\n回TD退订\n【中国银行】",
        "生日快乐，回复TD退订【中国银行】",
        "生日快乐，请回TD退订【中国银行】",
        "回TD退订【中国银行】",
        "生日快乐，回TD退订",
    ],
)
def test_a_text_that_tells_the_way_out_before_its_signature_passes(text: str) -> None:
    assert check(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "【中国银行】",
        "生日快乐【中国银行】",
        "生日快乐，TD退订【中国银行】",
        "生日快乐，回T退订【中国银行】",
        "生日快乐，回N退订【中国银行】",
        "生日快乐，回TD【中国银行】",
        "生日快乐，退订回TD【中国银行】",
        "生日快乐，回TD退定【中国银行】",
        "生日快乐，拒收请回复R【中国银行】",
        "生日快乐，回TD退订。【中国银行】",
        "生日快乐，回-TD-退订【中国银行】",
        "回TD退订，生日快乐【中国银行】",
        "生日快乐【中国银行】回TD退订",
    ],
)
def test_a_text_without_the_agreed_words_before_its_signature_is_refused(text: str) -> None:
    assert check(text) == Refuse("UNSUBSCRIBE_MISSING", None, "1(3)")


@pytest.mark.parametrize("word", ["TD", "T", "N", "R", "QX", "退订", "拒收", "STOP"])
def test_each_of_the_agreed_words_opts_out(word: str) -> None:
    assert is_opt_out(word)


@pytest.mark.parametrize(
    "text",
    [
        "td",
        "Td",
        "ｔｄ",
        "ＴＤ",
        " T D ",
        "T　D\r\n",
        "td。",
        "“TD”",
        "TD\u200b",
        "退 订",
        "退订！",
        "stop",
        "Stop.",
        "ｑｘ",
    ],
)
def test_width_case_blanks_and_punctuation_do_not_keep_a_recipient_from_opting_out(text: str) -> None:
    assert is_opt_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "。",
        "TDD",
        "TDTD",
        "回TD退订",
        "我要退订",
        "不退订",
        "请问怎么退订？",
        "退订单",
        "No",
        "STOP IT",
        "谢谢",
        "1",
    ],
)
def test_a_reply_that_says_anything_else_does_not_opt_out(text: str) -> None:
    assert not is_opt_out(text)


def test_a_text_of_marks_alone_is_judged_quickly() -> None:
    marks = "\u0301\u0316" * 16_000
    start = perf_counter()
    assert check(f"{marks}【中国银行】") is not None
    assert not is_opt_out(marks)
    assert perf_counter() - start < 0.5
