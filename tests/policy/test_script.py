from __future__ import annotations

import pytest

from policy.normalise import fold
from policy.script import LATIN, LOOKS, SIMPLIFIED


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [("賭博", "赌博"), ("代開發票", "代开发票"), ("瀏覽網站", "浏览网站"), ("裏裡麼乾", "里里么干")],
)
def test_a_traditional_ideograph_is_folded_to_its_simplified_form(traditional: str, simplified: str) -> None:
    assert fold(traditional).letters == simplified


@pytest.mark.parametrize("text", ["著名", "二〇二五年", "干部", "里程", "一丨丶", "ノート", "工人"])
def test_what_is_simplified_already_or_no_letter_of_that_look_stays(text: str) -> None:
    assert fold(text).letters == text


@pytest.mark.parametrize(
    "dressed",
    ["viagra", "ViAGRA", "vіаgrа", "VІАGRА", "ѵiɑɡra", "νιagra"],
)
def test_letters_that_look_latin_are_folded_to_latin_ones(dressed: str) -> None:
    assert fold(dressed).text == "viagra"


def test_a_letter_and_its_capital_are_folded_alike() -> None:
    for character in LOOKS:
        other = character.swapcase()
        if len(other) == 1 and other.swapcase() == character:
            assert fold(character).text == fold(other).text


def test_no_form_has_another_form() -> None:
    assert not SIMPLIFIED.keys() & set(SIMPLIFIED.values())
    assert not LATIN.keys() & set(LATIN.values())
    assert not SIMPLIFIED.keys() & LATIN.keys()
    # It is looked up when case is folded already.
    assert [letter for letter in LATIN if letter != letter.casefold()] == []
