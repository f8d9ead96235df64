from __future__ import annotations

from time import perf_counter

from pypinyin import Style, pinyin

from policy.components import components
from policy.readings import SYMBOLS, Sounds, readings


def test_an_ideograph_has_its_readings_without_tones_the_usual_one_first() -> None:
    assert readings("赌") == ("du",)
    assert readings("乐") == ("le", "yue")


def test_every_reading_is_that_of_the_library() -> None:
    for character in map(chr, range(0x4E00, 0x5E00)):
        found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
        assert readings(character) == (tuple(found[0]) if found else ())


def test_a_text_of_ideographs_that_were_never_seen_is_heard_quickly() -> None:
    readings.cache_clear()
    start = perf_counter()
    "".join(map(chr, range(0x4E00, 0x9E00))).translate(Sounds())
    assert perf_counter() - start < 0.4


def test_what_is_no_ideograph_has_no_reading_and_sounds_like_itself() -> None:
    for character in "a1。【\U0001f381":
        assert readings(character) == ()
        assert character.translate(Sounds()) == character


def test_what_sounds_alike_has_one_symbol_of_the_private_use_area() -> None:
    heard = "法发珐轮".translate(Sounds())
    assert heard[0] == heard[1] == heard[2] == SYMBOLS["fa"]
    assert heard[3] == SYMBOLS["lun"] != SYMBOLS["fa"]
    assert all("\ue000" <= symbol <= "\uf8ff" for symbol in heard)


def test_an_ideograph_is_written_as_its_components_in_every_way() -> None:
    assert components("法") == ("水去", "氵去")
    assert components("品") == ("口口口",)


def test_what_has_no_components_or_single_strokes_for_them_is_not_taken_apart() -> None:
    for character in "一开用a1。":
        assert components(character) == ()
    assert components("发") == ()
