"""What the lists of terms find beyond their own letters, where they are told to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.clauses import CONTENT_KINDS
from policy.content import ContentFilter
from policy.normalise import fold
from policy.terms import Matching, TermList

HAN = st.text("法轮功代开发票赌博网站枪支", min_size=2, max_size=5)


def piece(text: str, content: ContentFilter) -> str | None:
    """The piece of a text that is named."""
    verdict = content.find(fold(text))
    if verdict is None:
        return None
    assert verdict.span is not None
    return text[slice(*verdict.span)]


def matched(matching: Matching, *terms: str, exceptions: tuple[str, ...] = ()) -> ContentFilter:
    return ContentFilter({"CONTENT_CULT": TermList(terms, matching)}, exceptions)


REORDERED = matched(Matching(reordered_from=3), "法轮功", "代开发票", "赌博", "加我vx聊")
SPLIT = matched(Matching(split_from=2), "法轮功", "赌博", "冰", "日本")
HEARD = matched(Matching(homophones_from=3), "法轮功", "时时彩", "赌博", "音乐会", "加微信")
PADDED = matched(Matching(padded_from=3), "法轮功", "代开发票", "赌博", "吃了药")


@pytest.mark.parametrize("text", ["法功轮", "轮法功", "功轮法", "轮功法", "开代发票", "发票代开", "票发开代"])
def test_a_term_is_found_in_another_order(text: str) -> None:
    assert piece(f"看{text}吧", REORDERED) == text
    assert piece(text, matched(Matching(), "法轮功", "代开发票")) is None


@pytest.mark.parametrize("text", ["博赌", "聊加我vx", "发开票代代"])
def test_a_short_or_mixed_term_is_found_in_its_own_order_only(text: str) -> None:
    assert piece(text, REORDERED) is None


@pytest.mark.parametrize(
    "text", ["氵去轮功", "水去轮功", "法车仑功", "法車侖功", "氵去车仑工力", "贝者博", "贝 者博", "贝者十尃"]
)
def test_a_term_is_found_in_pieces(text: str) -> None:
    assert piece(f"看{text}吧", SPLIT) == text
    assert piece(text, matched(Matching(), "法轮功", "赌博")) is None


def test_an_ideograph_by_itself_and_one_of_single_strokes_is_not_taken_apart() -> None:
    assert piece("冫水", SPLIT) is None
    assert piece("日木一", SPLIT) is None


@pytest.mark.parametrize("text", ["法伦功", "发轮公", "珐纶工", "是时采", "时时菜", "音月会", "家微信"])
def test_a_term_is_found_by_its_sound(text: str) -> None:
    assert piece(f"看{text}吧", HEARD) == text
    assert piece(text, matched(Matching(), "法轮功", "时时彩", "音乐会", "加微信")) is None


@pytest.mark.parametrize("text", ["falungong", "Fa Lun Gong", "ｆａlungong", "法lun功", "fa轮功", "法轮gong"])
def test_a_term_is_found_in_pinyin(text: str) -> None:
    assert piece(f"看{text}吧", HEARD) == text


@pytest.mark.parametrize(
    "text", ["独播", "dubo", "法功轮", "伦法功", "法。轮功", "发。伦公", "是彩", "法的伦功"]
)
def test_a_short_or_broken_term_is_not_heard(text: str) -> None:
    assert piece(text, HEARD) is None


@pytest.mark.parametrize(
    "text", ["法的轮了功", "法1轮2功", "法abc轮def功", "代X开发Y票", "法 - 的轮功", "法轮啊啊功"]
)
def test_a_term_is_found_with_padding_in_it(text: str) -> None:
    assert piece(f"看{text}吧", PADDED) == text
    assert piece(text, matched(Matching(), "法轮功", "代开发票")) is None


@pytest.mark.parametrize("text", ["赌的博", "法大轮大功", "法a。轮功", "吃药", "法的【轮功"])
def test_what_is_short_or_apart_is_not_put_together(text: str) -> None:
    assert piece(text, PADDED) is None


def test_an_exception_undoes_what_only_sounds_like_a_term() -> None:
    content = matched(Matching(homophones_from=2), "赌博", exceptions=("独家播出", "独播"))
    assert piece("本剧独播", content) is None
    assert piece("本剧独播，读博", content) == "读博"


def test_a_whole_word_has_no_other_form_but_with_digits() -> None:
    content = matched(Matching(2, 2, 2, 2), "=赌博", "=club")
    for text in ("博赌", "贝者博", "独播", "赌的博"):
        assert piece(f" {text} ", content) is None
    assert piece(" c1ub ", content) == "c1ub"


@pytest.mark.parametrize(
    "text", ["p0rn", "PORN", "P0RN", "рогn", "C1ub", "c1ub", "v14gr4", "viagr4", "加vip0", "b0obs"]
)
def test_a_digit_may_stand_for_a_letter(text: str) -> None:
    content = matched(Matching(), "porn", "club", "viagra", "加vipo", "boobs")
    assert piece(f"看{text}吧", content) == text


@pytest.mark.parametrize("text", ["A1座", "101", "50", "50米", "10105", "1000", "S5"])
def test_a_digit_is_no_letter_in_short_words_and_where_all_are_digits(text: str) -> None:
    content = matched(Matching(), "al", "lol", "so", "ioios", "iooo", "ss")
    assert piece(text, content) is None


def test_a_word_of_a_term_may_be_any_of_its_synonyms() -> None:
    terms = {"CONTENT_UNLAWFUL": ["代开发票", "=开票"]}
    content = ContentFilter(terms, synonyms=[["代开", "代办", "帮開"], ["发票", "税票"], ["开票", "出票"]])
    for text in ("代开发票", "代办发票", "帮开发票", "代办税票", "帮開稅票", "代开税票"):
        assert piece(text, content) == text
    assert piece("代买发票", content) is None
    assert piece(" 出票 ", content) is None


def test_a_list_has_its_own_matching() -> None:
    terms: dict[str, TermList | list[str]] = {
        "CONTENT_CULT": TermList(("法轮功",), Matching(reordered_from=3)),
        "CONTENT_RUMOUR": ["代开发票"],
    }
    content = ContentFilter(terms)
    assert piece("法功轮", content) == "法功轮"
    assert piece("代发开票", content) is None


def test_a_filter_with_another_matching_is_another_filter() -> None:
    ways = [Matching(), Matching(reordered_from=3), Matching(split_from=2), Matching(homophones_from=3)]
    ways.append(Matching(padded_from=3))
    assert len({matched(way, "法轮功").digest for way in ways}) == len(ways)
    assert matched(Matching(padded_from=3), "法轮功") == matched(Matching(padded_from=2), "法轮功")


def test_the_list_of_a_trade_forbids_what_only_that_trade_may_say() -> None:
    content = ContentFilter({"CONTENT_CULT": ["邪教"]}, trades={"finance": ["贷款"], "medicine": ["处方药"]})
    refused = content.find(fold("低息贷款"))
    assert refused is not None
    assert (refused.rule, refused.span, refused.clause) == ("CONTENT_UNLAWFUL", (2, 4), "六(9)")
    bank = content.permitting(["finance"])
    assert bank.find(fold("低息贷款")) is None
    assert piece("低息贷款，处方药", bank) == "处方药"
    assert piece("低息贷款，邪教", bank) == "邪教"
    assert bank.permitting([]).find(fold("低息贷款")) is None


def test_filters_that_permit_other_trades_are_not_equal() -> None:
    content = ContentFilter({}, trades={"finance": ["贷款"], "medicine": ["处方药"]})
    assert content.permitting([]) == content
    assert content.permitting(["finance"]) == content.permitting(["finance"])
    assert content.permitting(["finance"]) != content
    assert content.permitting(["finance", "medicine"]) == content.permitting(["medicine", "finance"])
    assert ContentFilter({"CONTENT_UNLAWFUL": ["贷款", "处方药"]}) != content


def test_a_filter_knows_the_lines_of_its_lists() -> None:
    content = ContentFilter({"CONTENT_CULT": ["法輪功", "=AV"]}, ["远离"], trades={"finance": ["贷款"]})
    assert content.permitting(["finance"]).lists == {
        "CONTENT_CULT": ("法輪功", "=AV"),
        "trade finance": ("贷款",),
    }


@given(HAN, st.sampled_from(CONTENT_KINDS), st.text("，。 的a1", max_size=5))
def test_whatever_a_list_asks_for_the_term_itself_is_found(term: str, kind: str, before: str) -> None:
    content = ContentFilter({kind: TermList((term,), Matching(2, 2, 2, 2))})
    verdict = content.find(fold(before + term))
    assert verdict is not None
    assert verdict.rule == kind
    assert verdict.span is not None
    start, end = verdict.span
    assert (before + term)[start:end].endswith(term)


@given(st.text("法轮功伦工氵去的a1 。，", max_size=20))
def test_the_piece_that_is_named_is_refused_by_itself(text: str) -> None:
    content = matched(Matching(2, 2, 2, 2), "法轮功", "轮功")
    named = piece(text, content)
    if named is not None:
        assert piece(named, content) == named
