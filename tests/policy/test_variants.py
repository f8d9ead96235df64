from __future__ import annotations

import pytest

from policy.content import ContentFilter
from policy.normalise import fold
from policy.probe import catches, false_hits, ordinary_texts
from policy.terms import Matching, TermList
from policy.variants import Evasion, variants


def disguises(line: str, evasion: Evasion) -> set[str]:
    return {variant.text for variant in variants(line) if variant.evasion is evasion}


@pytest.mark.parametrize(
    ("evasion", "line", "some"),
    [
        (Evasion.NONE, "=AV", {"AV"}),
        (Evasion.SEPARATORS, "赌博", {"赌 博", "赌*博", "赌\u200b博", "赌🎁博"}),
        (Evasion.SEPARATORS, "代开票", {"代-开票", "代-开-票"}),
        (Evasion.REPEATED, "赌博", {"赌赌博", "赌博博", "赌赌赌博博博"}),
        (Evasion.PADDING, "代开票", {"代的开票", "代的开的票", "代那个开票", "代x开x票"}),
        (Evasion.HOMOPHONES, "赌博", {"督博", "毒博", "du博", "赌bo", "dubo", "du bo"}),
        (Evasion.SYNONYMS, "代开发票", {"代办发票", "代开税票"}),
        (Evasion.REORDERED, "代开发票", {"开代发票", "票发开代", "发票代开"}),
        (Evasion.SCRIPT, "赌Av", {"賭Av", "赌AV", "赌Ａｖ", "赌𝐚𝐯"}),
        (Evasion.SPLIT, "赌博", {"贝者博", "赌十尃", "贝者十尃", "貝者十尃"}),
        (Evasion.LOOK_ALIKES, "加vipo", {"加v1po", "加vip0", "加viрo", "加νipo"}),
    ],
)
def test_a_term_is_disguised_in_each_way(evasion: Evasion, line: str, some: set[str]) -> None:
    assert some <= disguises(line, evasion)


def test_every_way_is_tried_the_same_each_time_and_none_twice() -> None:
    for line in ("代开发票", "=AV", "加vx赌博", "冰"):
        made = list(variants(line))
        assert made == list(variants(line))
        assert len(made) == len(set(made))
        assert made[0].evasion is Evasion.NONE
        assert all(variant.text != made[0].text for variant in made[1:])


def test_only_what_has_such_letters_is_disguised_by_them() -> None:
    assert disguises("赌博", Evasion.LOOK_ALIKES) == set()
    assert disguises("av", Evasion.HOMOPHONES) == disguises("av", Evasion.SPLIT) == set()
    assert disguises("冰", Evasion.SEPARATORS) == disguises("冰", Evasion.PADDING) == set()


def rate(content: ContentFilter, line: str, evasion: Evasion) -> float:
    tried = [catch.is_caught for catch in catches(content, line) if catch.evasion is evasion]
    return sum(tried) / len(tried)


@pytest.mark.parametrize("line", ["赌博", "代开发票", "六合彩", "加微信"])
def test_a_plain_list_catches_all_that_is_dressed_up_and_nothing_that_is_changed(line: str) -> None:
    content = ContentFilter({"CONTENT_UNLAWFUL": [line]})
    for evasion in (Evasion.NONE, Evasion.SEPARATORS, Evasion.REPEATED, Evasion.SCRIPT):
        assert not disguises(line, evasion) or rate(content, line, evasion) == 1, evasion
    for evasion in (Evasion.PADDING, Evasion.HOMOPHONES, Evasion.REORDERED, Evasion.SPLIT):
        assert rate(content, line, evasion) == 0, evasion


@pytest.mark.parametrize("line", ["viagra", "casino", "加vx聊", "VIP"])
def test_look_alike_letters_are_caught(line: str) -> None:
    assert rate(ContentFilter({"CONTENT_UNLAWFUL": [line]}), line, Evasion.LOOK_ALIKES) == 1


def test_a_letter_written_twice_is_another_spelling_and_not_caught() -> None:
    tried = list(catches(ContentFilter({"CONTENT_UNLAWFUL": ["viagra"]}), "viagra"))
    assert [catch.is_caught for catch in tried if catch.text in ("viaagra", "vviiaaggrraa")] == [False]


@pytest.mark.parametrize("line", ["代开发票", "办理信用卡套现", "六合彩", "枪支弹药", "颠覆国家政权"])
def test_a_list_that_asks_for_all_forms_catches_most_of_what_is_changed(line: str) -> None:
    content = ContentFilter({"CONTENT_UNLAWFUL": TermList((line,), Matching(3, 2, 3, 3))})
    for evasion in (Evasion.PADDING, Evasion.HOMOPHONES, Evasion.REORDERED):
        assert rate(content, line, evasion) == 1, evasion
    assert rate(content, line, Evasion.SPLIT) >= 0.7


def test_a_term_that_an_exception_hides_is_told_as_not_caught() -> None:
    content = ContentFilter({"CONTENT_UNLAWFUL": ["赌博"]}, exceptions=["赌博"])
    assert not any(catch.is_caught for catch in catches(content, "赌博"))


def test_an_ordinary_text_that_is_refused_is_told_with_its_place_and_why() -> None:
    content = ContentFilter({"CONTENT_UNLAWFUL": ["发票"]})
    (hit,) = false_hits(content, ["您好", "发票已寄出", "再见"])
    assert (hit.index, hit.text, hit.refusal.rule, hit.refusal.span) == (
        1,
        "发票已寄出",
        "CONTENT_UNLAWFUL",
        (0, 2),
    )


def test_the_ordinary_texts_are_many_varied_and_signed() -> None:
    texts = ordinary_texts()
    assert len(texts) == len(set(texts)) >= 300
    assert all(text.endswith("】") and len(text) <= 140 for text in texts)
    assert len({text[:8] for text in texts}) > 150


def test_the_forms_of_common_terms_are_not_seen_in_ordinary_texts() -> None:
    lines = ("代开发票", "信用卡套现", "六合彩", "枪支弹药", "网上赌博", "无抵押贷款", "毒品交易", "刷单返利")
    content = ContentFilter({"CONTENT_UNLAWFUL": TermList(lines, Matching(3, 2, 3, 3))})
    assert list(false_hits(content, ordinary_texts())) == []
    assert content.find(fold("刷单的返利")) is not None
