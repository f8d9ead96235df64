from __future__ import annotations

from pathlib import Path

import pytest

from gateway.broadcasts.recipient_list import ListError, Rejected, recipients_in

Found = list[str | Rejected]


def found(tmp_path: Path, text: str, encoding: str = "utf-8-sig", written: str = "utf-8") -> Found:
    path = tmp_path / "recipients.csv"
    path.write_text(text, written, newline="")
    return list(recipients_in(path, encoding, "86", lambda number: not number.startswith("999")))


def test_numbers_come_in_order_with_or_without_their_country_code(tmp_path: Path) -> None:
    assert found(tmp_path, "number\n13800138001\n+8613800138000\n") == ["13800138001", "+8613800138000"]


@pytest.mark.parametrize("number", ["１３８００１３８０００", "138 0013 8000", "138-0013-8000"])
def test_a_number_may_be_spelled_as_in_other_lists(tmp_path: Path, number: str) -> None:
    assert found(tmp_path, f"number\n{number}\n") == ["13800138000"]


@pytest.mark.parametrize(
    ("text", "written", "encoding"),
    [
        ("\ufeffname,number\r\n张三, 13800138000 \r\n", "utf-8", "utf-8-sig"),
        ('"Number","name"\n"13800138000","a,\nb"\n\n', "utf-8", "utf-8-sig"),
        ("姓名,number\n张三,13800138000\n", "gb18030", "gb18030"),
    ],
)
def test_a_list_is_read_as_spreadsheets_write_it(
    tmp_path: Path, text: str, written: str, encoding: str
) -> None:
    assert found(tmp_path, text, encoding, written) == ["13800138000"]


@pytest.mark.parametrize("number", ["", "1380013800x", "12", "1" * 21, "13800138000.0", "+"])
def test_what_is_no_number_is_rejected_with_its_line(tmp_path: Path, number: str) -> None:
    rejected = Rejected(3, "is not a telephone number", number)
    assert found(tmp_path, f"number,x\n13800138000,\n{number},\n") == ["13800138000", rejected]


def test_a_line_that_is_too_short_is_rejected(tmp_path: Path) -> None:
    assert found(tmp_path, "name,number\nx\n") == [Rejected(2, "is not a telephone number", "")]


def test_a_recipient_is_written_to_once_however_often_it_is_named(tmp_path: Path) -> None:
    text = "number\n13800138000\n+8613800138000\n008613800138000\n"
    assert found(tmp_path, text) == [
        "13800138000",
        Rejected(3, "is that of line 2", "+8613800138000"),
        Rejected(4, "is that of line 2", "008613800138000"),
    ]


def test_a_number_without_a_route_is_rejected(tmp_path: Path) -> None:
    assert found(tmp_path, "number\n99913800138000\n") == [Rejected(2, "has no route", "99913800138000")]


@pytest.mark.parametrize(
    ("text", "encoding", "reason"),
    [
        ("", "utf-8", 'no column "number"'),
        ("phone\n13800138000\n", "utf-8", 'no column "number"'),
        ("number\n13800138000\n", "utf-9", "unknown encoding"),
    ],
)
def test_a_file_that_is_no_list_says_why(tmp_path: Path, text: str, encoding: str, reason: str) -> None:
    with pytest.raises(ListError, match=reason):
        found(tmp_path, text, encoding)


def test_a_file_in_another_encoding_says_so(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="--encoding"):
        found(tmp_path, "姓名,number\n张三,13800138000\n", "utf-8", "gb18030")
    with pytest.raises(ListError, match="cannot read"):
        list(recipients_in(tmp_path / "missing.csv", "utf-8", "86", bool))
