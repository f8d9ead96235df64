from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import IdForm
from gateway.told_id import read, told

FORMS = st.sampled_from(IdForm)


def test_an_id_is_told_in_decimal_or_in_lower_case_hexadecimal() -> None:
    assert told(1882547523931865088, IdForm.DECIMAL) == "1882547523931865088"
    assert told(1882547523931865088, IdForm.HEX) == "1a2026ffb4c00000"


@given(st.integers(0, 2**63 - 1), FORMS)
def test_what_is_told_is_read(message_id: int, form: IdForm) -> None:
    assert read(told(message_id, form), form) == message_id
    assert read("00" + told(message_id, form).upper(), form) == message_id


@pytest.mark.parametrize(
    "text", ["", "0x12", "+12", "-12", "1_2", " 12", "12 ", "１２", "²", "1.", "9" * 19, "0" * 65, "f" * 16]
)
@pytest.mark.parametrize("form", IdForm)
def test_what_is_no_id_of_ours_is_none(text: str, form: IdForm) -> None:
    assert read(text, form) is None


def test_a_hexadecimal_id_is_none_where_ids_are_decimal() -> None:
    assert read("1a", IdForm.DECIMAL) is None
    assert read("10", IdForm.DECIMAL) == 10
    assert read("10", IdForm.HEX) == 16
