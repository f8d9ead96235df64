from __future__ import annotations

import pytest

from gateway.records.fen import capitals, yuan


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (1, "壹分"),
        (5, "伍分"),
        (50, "伍角"),
        (100, "壹元整"),
        (1_000, "壹拾元整"),
        (1_050, "壹拾元伍角"),
        (10_000, "壹佰元整"),
        (32_504, "叁佰贰拾伍元零肆分"),
        (50_000, "伍佰元整"),
        (101_000, "壹仟零壹拾元整"),
        (600_714, "陆仟零柒元壹角肆分"),
        (1_001_000, "壹万零壹拾元整"),
        (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
        (10_005_005, "壹拾万零伍拾元零伍分"),
        (100_000_007, "壹佰万元零柒分"),
        (1_000_000_100, "壹仟万零壹元整"),
        (10_000_000_000, "壹亿元整"),
        (10_001_000_100, "壹亿零壹万零壹元整"),
        (20_000_000_000, "贰亿元整"),
        (102_030_405_060, "壹拾亿贰仟零叁拾万肆仟零伍拾元陆角"),
        (-20, "负贰角"),
        (9_999_999_999_999, "玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_an_amount_is_written_in_capitals_as_on_a_receipt(fen: int, words: str) -> None:
    assert capitals(fen) == words


@pytest.mark.parametrize(
    ("fen", "words"), [(0, "0.00"), (5, "0.05"), (1_234_567, "12,345.67"), (-120, "-1.20")]
)
def test_an_amount_is_written_in_yuan_with_both_decimals(fen: int, words: str) -> None:
    assert yuan(fen) == words
