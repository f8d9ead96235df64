from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.normalise import fold

# Texts as they come: Chinese, padded with everything that folding has to deal with.
DRESSED = st.text(
    st.one_of(
        st.sampled_from("赌博尊敬的客户退订aAzZ09 ，。！？：、.-*【】\n"),
        st.sampled_from("ＴＤｔｄ０１①㈱㎏ﾊﾞéßİ각が\u200b\u200d\ufeff\u0301\ufe0f\u3000\u3164🎁𠀀\ud800"),
        st.characters(),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("尊敬的客户:今天是您生日，生日快乐", "尊敬的客户今天是您生日生日快乐"),
        ("赌博", "赌博"),
        ("赌-博 * 赌_博", "赌博赌博"),
        ("赌　博", "赌博"),
        ("赌\u200b博\ufeff", "赌博"),
        ("赌🎁博", "赌博"),
        ("赌\u0336博\u0336", "赌博"),
        ("赌\u3164博", "赌博"),
        ("ＶＸ　１２３", "vx123"),
        ("Ｗeiｘin", "weixin"),
        ("Café", "cafe"),
        ("Cafe\u0301", "cafe"),
        ("Straße", "strase"),
        ("①②③", "123"),
        ("㈱㎏", "株kg"),
        ("⾚色", "赤色"),
        ("한국", "한국"),
        ("法轮轮轮功功", "法轮功"),
        ("法轮 轮-功", "法轮功"),
        ("好。的", "好。的"),
        ("好!的\n了", "好!的\n了"),
        ("快乐【中国银行】", "快乐【中国银行】"),
        ("，。", "。"),
        ("", ""),
    ],
)
def test_a_text_is_folded_to_what_a_reader_takes_in(text: str, folded: str) -> None:
    assert fold(text).text == folded


@given(DRESSED)
def test_what_is_folded_depends_on_each_character_alone(text: str) -> None:
    # A rare character anywhere sends the whole text another way; that must not show.
    assert fold("\u200b" + text).text == fold(text).text


def test_no_character_is_folded_in_another_way_for_being_among_common_ones() -> None:
    for code_point in (
        *range(0x3400),
        *range(0x4DF0, 0x4E10),
        *range(0x9FE0, 0xA010),
        *range(0xFE00, 0x10000),
    ):
        character = chr(code_point)
        assert fold(character).text == fold("\u200b" + character).text


@given(DRESSED)
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    folded = fold(text).text
    assert fold(folded).text == folded


@given(DRESSED)
def test_every_folded_character_comes_from_a_piece_that_folds_to_it(text: str) -> None:
    folded = fold(text)
    end_before = 0
    for index, letter in enumerate(folded.text):
        start, end = folded.span(index, index + 1)
        assert 0 <= start < end <= len(text)
        assert letter in fold(text[start:end]).text
        assert end >= end_before
        end_before = end


@given(DRESSED)
def test_the_trace_holds_the_same_runs_as_the_folded_text(text: str) -> None:
    folded = fold(text)
    trace = folded.trace()
    runs = [trace.letters[a:b] for a, b in zip(trace.starts, trace.starts[1:], strict=False)]
    assert [run[0] for run in runs] == list(folded.text)
    assert all(set(run) == {run[0]} for run in runs)
    assert "".join(runs) == trace.letters == folded.letters
    assert len(trace.letters) == len(trace.places) == len(trace.apart)


def test_a_span_reaches_over_dropped_and_repeated_characters() -> None:
    text = "请勿：赌\u200b**赌 博博！"
    assert fold(text).text == "请勿赌博！"
    assert fold(text).span(2, 4) == (3, 11)
    assert text[3:11] == "赌\u200b**赌 博博"


def test_a_span_counts_an_emoji_as_one_character() -> None:
    text = "🎁🎁赌🎁博"
    assert fold(text).span(0, 2) == (2, 5)


def test_a_letter_is_apart_after_a_visible_character_but_not_after_an_invisible_one() -> None:
    assert fold("a b\u200bc").trace().apart == (True, True, False)
