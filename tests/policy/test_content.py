from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import content
from policy.content import ContentFilter, parse_terms
from policy.normalise import Trace, fold
from policy.terms import Term
from policy.verdict import Refuse

FILTER = ContentFilter(
    {
        "CONTENT_OBSCENE_VIOLENT": ["赌博", "六合彩", "时时彩票", "=AV", "=冰", "妈妈桑"],
        "CONTENT_CULT": ["法轮功", "算命改运"],
        "CONTENT_RUMOUR": ["加VX", "god101"],
        "CONTENT_DEFAMATION": ["骗子公司", "骗子公司老板"],
        "CONTENT_UNLAWFUL": ["骗子公司", "发票"],
    },
    exceptions=["禁止赌博", "增值税发票", "赌博物馆"],
)


def found(text: str, filter_: ContentFilter = FILTER) -> tuple[str, str] | None:
    """The kind that a text is refused for, and the piece of it that is named."""
    verdict = filter_.find(fold(text))
    if verdict is None:
        return None
    assert isinstance(verdict, Refuse)
    assert verdict.span is not None
    return verdict.rule, text[slice(*verdict.span)]


def piece(text: str) -> str | None:
    """The piece of a text that is named."""
    hit = found(text)
    return None if hit is None else hit[1]


@pytest.mark.parametrize(
    "text",
    [
        "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】",
        "尊敬的客户：您的快递已到，取件码8826，请及时领取，回TD退订【完美科技】",
        "",
        "，。！",
        "赌",
        "博赌",
        "赌的是博学",
        "六合",
        "法轮",
    ],
)
def test_a_clean_text_passes(text: str) -> None:
    assert found(text) is None


def test_a_refusal_names_the_kind_its_clause_and_the_span() -> None:
    text = "尊敬的客户：线上赌博，回TD退订【中国银行】"
    assert FILTER.find(fold(text)) == Refuse("CONTENT_OBSCENE_VIOLENT", (8, 10), "六(7)")


@pytest.mark.parametrize(
    "evasion",
    [
        "赌博",
        "赌 博",
        "赌　博",
        "赌-博",
        "赌*博",
        "赌_博",
        "赌.博",
        "赌·博",
        "赌/博",
        "赌|博",
        "赌，博",
        "赌、博",
        "赌…博",
        "赌 * - 博",
        "赌(博",
        "赌🎁博",
        "赌\u200b博",
        "赌\u200d\ufeff博",
        "赌\u00ad博",
        "赌\u2060博",
        "赌\u202e博",
        "赌\ufe0f博",
        "赌\u0336博",
        "赌\u3164博",
        "赌\ud800博",
        "赌赌博博",
        "赌赌 赌*博博博",
    ],
)
def test_a_dressed_up_term_is_found_and_its_span_named(evasion: str) -> None:
    assert found(f"尊敬的客户：线上{evasion}网站") == ("CONTENT_OBSCENE_VIOLENT", evasion)


@pytest.mark.parametrize(
    "evasion", ["加vx", "加Vx", "加ＶＸ", "加ｖｘ", "加 V.X", "加𝐕𝐗", "加ⓋⓍ", "加ⅤⅩ", "加v\u0301x"]
)
def test_a_term_is_found_in_any_width_case_and_letter_form(evasion: str) -> None:
    assert found(f"请{evasion}了解") == ("CONTENT_RUMOUR", evasion)


@pytest.mark.parametrize("evasion", ["六合合合彩", "六 合合 彩", "法轮轮功", "法-轮轮-功", "算命命改改运"])
def test_a_character_repeated_inside_a_term_does_not_hide_it(evasion: str) -> None:
    assert piece(f"看{evasion}吧") == evasion


@pytest.mark.parametrize("end", ["。", "！", "!", "？", "?", "\n", "\r\n", "\u2028"])
def test_a_term_is_not_put_together_across_the_end_of_a_sentence(end: str) -> None:
    assert found(f"不要赌{end}博士您好") is None


def test_a_term_is_not_put_together_across_the_brackets_of_the_signature() -> None:
    assert found("严禁聚赌【博雅书店】") is None


def test_a_term_that_repeats_a_character_needs_it_repeated() -> None:
    assert piece("时时彩票") == "时时彩票"
    assert piece("时时时彩彩票") == "时时时彩彩票"
    assert piece("时 时彩票") == "时 时彩票"
    assert found("准时彩票") is None
    assert found("妈桑") is None
    assert piece("妈妈桑") == "妈妈桑"


@pytest.mark.parametrize("text", ["good101", "god1101", "god1001", "god10001"])
def test_letters_and_digits_that_double_by_nature_are_not_taken_for_padding(text: str) -> None:
    assert found(text) is None


@pytest.mark.parametrize("text", ["god101", "goood101", "G-O-D 101", "ggod101", "god1011"])
def test_letters_repeated_beyond_any_spelling_are_taken_for_padding(text: str) -> None:
    assert piece(text) == text


@pytest.mark.parametrize(
    "text", ["看AV片", "AV", "(av)", "，ＡＶ，", "A\u200bV", "看av。", "a, AV", "【AV】"]
)
def test_a_whole_word_is_found_where_it_stands_by_itself(text: str) -> None:
    hit = piece(text)
    assert hit is not None
    assert fold(hit).text == "av"


@pytest.mark.parametrize(
    "text", ["SAVE", "AVG", "4AV", "NAVY", "A V", "A-V", "S\u200bAV", "A.V.", "AAV", "AVV", "PLAN A，V字"]
)
def test_a_whole_word_is_not_found_inside_or_across_other_words(text: str) -> None:
    assert found(text) is None


@pytest.mark.parametrize("text", ["卖 冰 吗", "冰", "“冰”", "ICE冰", "滑冰 冰"])
def test_a_chinese_whole_word_is_found_where_no_other_ideograph_touches_it(text: str) -> None:
    assert piece(text) == "冰"
    assert FILTER.find(fold(text)) == Refuse(
        "CONTENT_OBSCENE_VIOLENT", (text.rindex("冰"), text.rindex("冰") + 1), "六(7)"
    )


@pytest.mark.parametrize("text", ["冰箱八折", "滑冰", "溜冰场", "冰冰", "冰\u200b箱"])
def test_a_chinese_whole_word_is_not_found_next_to_other_ideographs(text: str) -> None:
    assert found(text) is None


def test_a_term_inside_an_exception_does_not_count() -> None:
    assert found("本店禁止赌博，谢谢") is None
    assert found("可开增值税发票") is None
    assert found("本店禁 止 赌-博") is None


def test_a_term_elsewhere_counts_although_an_exception_is_in_the_text() -> None:
    assert found("禁止赌博，线上赌博") == ("CONTENT_OBSCENE_VIOLENT", "赌博")
    assert found("代开发票，增值税发票") == ("CONTENT_UNLAWFUL", "发票")


def test_a_term_that_only_overlaps_an_exception_counts() -> None:
    content = ContentFilter({"CONTENT_UNLAWFUL": ["票代开"]}, exceptions=["增值税发票"])
    assert found("增值税发票代开", content) == ("CONTENT_UNLAWFUL", "票代开")


def test_an_exception_holds_although_a_shorter_one_stands_inside_it() -> None:
    content = ContentFilter({"CONTENT_UNLAWFUL": ["赌博"]}, exceptions=["本店禁止赌博活动", "禁止"])
    assert found("本店禁止赌博活动", content) is None


def test_an_exception_undoes_a_term_that_only_dropping_a_comma_made() -> None:
    assert found("严禁聚赌，博物馆今日开放") is None
    assert piece("严禁聚赌，博学者来") == "赌，博"


def test_the_first_term_in_the_text_is_named() -> None:
    assert found("法轮功和赌博") == ("CONTENT_CULT", "法轮功")
    assert found("赌博和法轮功") == ("CONTENT_OBSCENE_VIOLENT", "赌博")


def test_of_terms_at_one_place_the_longest_is_named_and_of_equals_the_first_kind_of_clause_six() -> None:
    assert found("骗子公司老板跑路") == ("CONTENT_DEFAMATION", "骗子公司老板")
    assert found("骗子公司跑路") == ("CONTENT_DEFAMATION", "骗子公司")
    content = ContentFilter({"CONTENT_DEFAMATION": ["骗子公司"], "CONTENT_RUMOUR": ["骗子公司"]})
    assert found("骗子公司跑路", content) == ("CONTENT_RUMOUR", "骗子公司")


def test_a_term_is_folded_like_the_text() -> None:
    content = ContentFilter({"CONTENT_UNLAWFUL": ["加 Ｖ-X", "赌*博"]})
    assert found("请加vx", content) == ("CONTENT_UNLAWFUL", "加vx")
    assert found("赌博", content) == ("CONTENT_UNLAWFUL", "赌博")


def test_a_filter_without_terms_passes_everything() -> None:
    assert found("赌博", ContentFilter({})) is None
    assert found("赌博", ContentFilter({"CONTENT_CULT": []}, ["赌博"])) is None


def test_a_kind_that_is_none_of_the_nine_cannot_be_compiled() -> None:
    with pytest.raises(ValueError, match="OUTSIDE_HOURS"):
        ContentFilter({"OUTSIDE_HOURS": ["赌博"]})


@pytest.mark.parametrize("term", ["", "=", "***", "\u200b", "。"])
def test_a_term_with_nothing_to_look_for_cannot_be_compiled(term: str) -> None:
    with pytest.raises(ValueError, match="no letter or digit"):
        ContentFilter({"CONTENT_CULT": [term]})


def test_filters_are_equal_exactly_where_their_rules_are() -> None:
    one = ContentFilter({"CONTENT_CULT": ["甲乙", "丙丁"], "CONTENT_RUMOUR": ["戊己"]}, ["庚辛"])
    same = ContentFilter({"CONTENT_RUMOUR": ["戊己"], "CONTENT_CULT": ["丙丁", "甲乙"]}, ["庚辛"])
    assert one == same
    assert hash(one) == hash(same)
    for other in (
        ContentFilter({"CONTENT_CULT": ["甲乙", "丙丁"], "CONTENT_RUMOUR": ["戊己"]}),
        ContentFilter({"CONTENT_CULT": ["甲乙", "丙丁", "戊己"]}, ["庚辛"]),
        ContentFilter({"CONTENT_CULT": ["甲乙", "=丙丁"], "CONTENT_RUMOUR": ["戊己"]}, ["庚辛"]),
    ):
        assert one != other
    assert one != "甲乙"


def test_a_file_of_terms_has_one_a_line_with_comments_and_blank_lines() -> None:
    text = "\ufeff# 赌博类\r\n赌博\n\n  六合彩  \n#法轮功\n=AV\n"
    assert parse_terms(text) == ["赌博", "六合彩", "=AV"]
    assert parse_terms("") == []


def test_a_long_text_made_of_terms_and_exceptions_alone_is_judged_quickly() -> None:
    text = "禁止赌博" * 8_000 + "赌博"
    folded = fold(text)
    start = perf_counter()
    verdict = FILTER.find(folded)
    assert perf_counter() - start < 2.0
    assert verdict is not None
    assert verdict.span == (32_000, 32_002)


def test_no_term_is_looked_at_that_begins_behind_one_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    part = content._part

    def counted(term: Term, trace: Trace, start: int, end: int) -> tuple[int, int] | None:
        looked.append(start)
        return part(term, trace, start, end)

    monkeypatch.setattr(content, "_part", counted)
    assert piece("您好" + "赌博" * 1000) == "赌博"
    assert looked == [2]


HAN = st.text("甲乙丙丁戊己庚辛壬癸", min_size=1, max_size=4)
PADDING = st.text(" -*.，、\u200b\ufeff\u3000🎁", max_size=3)


@given(HAN, st.data())
def test_any_term_is_found_however_it_is_separated_and_repeated(term: str, data: st.DataObject) -> None:
    dressed = ""
    for character in term:
        dressed += character * data.draw(st.integers(1, 3)) + data.draw(PADDING)
    hit = found(f"您好{dressed}再见", ContentFilter({"CONTENT_UNLAWFUL": [term]}))
    assert hit is not None
    assert dressed.startswith(hit[1])
    assert fold(hit[1]).text == fold(term).text


@given(
    st.text("甲乙丙ab1", max_size=30), st.lists(HAN | st.text("甲ab1", min_size=1, max_size=3), max_size=5)
)
def test_a_term_that_stands_in_the_text_as_written_is_always_found(text: str, terms: list[str]) -> None:
    hit = found(text, ContentFilter({"CONTENT_UNLAWFUL": terms}))
    if any(term in text for term in terms):
        assert hit is not None
    if hit is not None:
        assert fold(hit[1]).text in {fold(term).text for term in terms}
