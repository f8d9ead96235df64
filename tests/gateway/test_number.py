from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.number import plain, spellings

DIGITS = st.text("0123456789", min_size=1, max_size=18)
PREFIXES = st.sampled_from(["", "+", "00", "86", "+86", "0086"])
COUNTRY_CODES = st.sampled_from(["86", "1", "852", ""])


@pytest.mark.parametrize("addr", ["13800138000", "8613800138000", "+8613800138000", "008613800138000"])
def test_a_national_number_is_the_same_however_it_is_written(addr: str) -> None:
    assert plain(addr, "86") == "13800138000"


@pytest.mark.parametrize(
    ("addr", "number"),
    [
        ("+15551234567", "15551234567"),
        ("0015551234567", "15551234567"),
        ("15551234567", "15551234567"),
        ("10086", "10086"),
        ("95588", "95588"),
    ],
)
def test_any_other_number_loses_its_sign_only(addr: str, number: str) -> None:
    assert plain(addr, "86") == number


@pytest.mark.parametrize(
    ("addr", "number"), [("8612345", "8612345"), ("861234567", "1234567"), ("86", "86"), ("+86", "86")]
)
def test_a_short_number_that_begins_like_the_country_is_left_whole(addr: str, number: str) -> None:
    assert plain(addr, "86") == number


@pytest.mark.parametrize("addr", ["13800138000", "+13800138000", "0013800138000"])
def test_without_a_country_only_the_sign_goes(addr: str) -> None:
    assert plain(addr, "") == "13800138000"


@pytest.mark.parametrize("addr", ["", "+", "00", "bank", "+bank"])
def test_what_is_no_number_is_no_trouble(addr: str) -> None:
    assert plain(addr, "86") in addr


def test_another_number_is_another_number() -> None:
    numbers = ["13800138000", "13800138001", "3800138000", "138001380000", "86138001380"]
    assert len({plain(number, "86") for number in numbers}) == len(numbers)


@given(PREFIXES, DIGITS, COUNTRY_CODES)
def test_every_address_is_among_the_spellings_of_its_number(prefix: str, digits: str, code: str) -> None:
    """Else a recipient who opts out would not be found in the queue."""
    addr = prefix + digits
    assert addr in spellings(plain(addr, code), code)


@given(DIGITS.filter(lambda digits: len(digits) >= 9 and not digits.startswith(("00", "86"))))
def test_every_spelling_of_a_national_number_is_that_number(number: str) -> None:
    spelt = [number, "86" + number, "+86" + number, "0086" + number]
    assert set(spelt) <= set(spellings(number, "86"))
    assert {plain(addr, "86") for addr in spelt} == {number}
