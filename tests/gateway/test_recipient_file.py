"""Lists of recipients as CSV: what is read in which way, and what is refused with which reason."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.number import number_of
from gateway.recipient_file import FileError, RowReader, Rules
from gateway.store.recipient_lists import TABLES, Kind

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = 1_795_000_000_000
DIGEST = "ab" * 32
CONSENTS = "number,kind,source,proof_sha256,granted_at,expires_at,frequency_max,frequency_days,revoked_at"
CONSENT = f"13800138000,,web form,{DIGEST},2026-05-01,,,,"


def rules(account: str | None = None) -> Rules:
    return Rules(account, {"bank", "shop"}, "86", SHANGHAI, NOW)


def read(kind: Kind, header: str, line: str, account: str | None = None) -> dict[str, object]:
    row = RowReader(kind, header, rules(account)).read(line)
    return dict(zip(TABLES[kind].c.keys(), row, strict=True))


def reason(kind: Kind, header: str, line: str, account: str | None = None) -> str:
    reader = RowReader(kind, header, rules(account))
    with pytest.raises(ValueError, match=r"\w") as caught:
        reader.read(line)
    return str(caught.value)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "8613800138000",
        "+86 138-0013-8000",
        "0086 138 0013 8000",
        "(138) 0013 8000",
        "１３８００１３８０００",
        "'13800138000",
        "138\u20110013\u20118000",
        "\u200b13800138000\u200e",
    ],
)
def test_a_number_is_one_number_in_any_spelling(written: str) -> None:
    assert number_of(written, "86") == "13800138000"


@pytest.mark.parametrize(
    "written", ["1.38E+10", "13800138000.0", "12", "9" * 21, "call me", "+44 (0)20 7946 0000", "++138001380"]
)
def test_what_may_be_no_number_or_another_one_is_refused(written: str) -> None:
    assert reason(Kind.BLOCKS, "number", written) == "number is not a telephone number"


@given(st.text(max_size=30))
def test_whatever_is_written_is_a_number_or_refused(written: str) -> None:
    try:
        number = number_of(written, "86")
    except ValueError:
        return
    assert number.isascii()
    assert number.isdecimal()


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-05-01", ms("2026-05-01")),
        ("20260501", ms("2026-05-01")),
        ("2026-05-01T18:00", ms("2026-05-01T18:00")),
        ("2026-05-01 18:00:30.5", ms("2026-05-01T18:00:30.500")),
        ("2026-05-01T10:00Z", ms("2026-05-01T18:00")),
        ("1777629600", 1_777_629_600_000),
        ("1777629600123", 1_777_629_600_123),
        ("", NOW),
    ],
)
def test_an_instant_is_a_date_or_unix_time(written: str, instant: int) -> None:
    assert read(Kind.BLOCKS, "number,since", f"13800138000,{written}")["since"] == instant


@pytest.mark.parametrize("written", ["1/5/2026", "yesterday", "17776296", "99999-01-01", "177762960012345"])
def test_a_date_that_is_none_is_refused(written: str) -> None:
    assert "neither a date" in reason(Kind.BLOCKS, "number,since", f"13800138000,{written}")


def test_columns_may_stand_in_any_order_and_case_behind_a_byte_order_mark() -> None:
    row = read(Kind.BLOCKS, "\ufeffNote, Since ,NUMBER\r\n", '"a, b",2026-05-01,13800138000\r\n')
    assert row == {"number": "13800138000", "since": ms("2026-05-01"), "note": "a, b"}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_told_by_the_header(delimiter: str) -> None:
    row = read(Kind.BLOCKS, f"number{delimiter}note", f"13800138000{delimiter}a, b")
    assert row["note"] == "a, b"


@pytest.mark.parametrize(
    ("kind", "header", "problem"),
    [
        (Kind.BLOCKS, "", 'has no column "number"'),
        (Kind.BLOCKS, "number,sinse", 'has an unknown column "sinse"'),
        (Kind.BLOCKS, "number,account", 'has an unknown column "account"'),
        (Kind.BLOCKS, "number,note,note", "names a column twice"),
        (Kind.MEMBERS, "number", 'has no column "account", and --account is not told'),
        (Kind.CONSENTS, "number,account", 'has no column "source"'),
        (Kind.BLOCKS, 'number,"note', "cannot be read: is not CSV"),
    ],
)
def test_a_header_that_is_wrong_is_told_before_anything_is_read(
    kind: Kind, header: str, problem: str
) -> None:
    with pytest.raises(FileError) as caught:
        RowReader(kind, header, rules())
    assert problem in str(caught.value)


def test_a_file_of_mended_rejects_and_one_with_nameless_columns_can_be_read() -> None:
    row = read(Kind.BLOCKS, "line,reason,number,note,,", "7,is wrong,13800138000,mended,,")
    assert (row["number"], row["note"]) == ("13800138000", "mended")


def test_an_opt_out_is_from_every_account_and_signature_unless_it_says_more() -> None:
    header = "number,account,signature,since,ended_at,note"
    least = read(Kind.OPT_OUTS, "number", "13800138000")
    assert least == {
        "number": "13800138000",
        "account": "",
        "since": NOW,
        "inbound_id": None,
        "signature": "",
        "ended_at": None,
        "note": "",
    }
    most = read(Kind.OPT_OUTS, header, "13800138000,bank,【中国银行】,2026-05-01,2026-05-02,by letter")
    assert most == {
        **least,
        "account": "bank",
        "signature": "中国银行",
        "since": ms("2026-05-01"),
        "ended_at": ms("2026-05-02"),
        "note": "by letter",
    }


def test_a_consent_is_for_commercial_messages_unless_it_says_otherwise() -> None:
    row = read(Kind.CONSENTS, CONSENTS, CONSENT, account="bank")
    assert row == {
        "number": "13800138000",
        "account": "bank",
        "kind": "commercial",
        "source": "web form",
        "proof_sha256": DIGEST,
        "granted_at": ms("2026-05-01"),
        "expires_at": None,
        "frequency_max": None,
        "frequency_days": None,
        "revoked_at": None,
        "recorded_at": NOW,
    }
    line = f"13800138000,notice,web form,{DIGEST.upper()},2026-05-01,2036-05-01,4,30,2026-06-01"
    row = read(Kind.CONSENTS, CONSENTS, line, account="bank")
    assert (row["kind"], row["proof_sha256"], row["expires_at"]) == ("notice", DIGEST, ms("2036-05-01"))
    assert (row["frequency_max"], row["frequency_days"], row["revoked_at"]) == (4, 30, ms("2026-06-01"))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (CONSENT.replace("13800138000", ""), "number is missing"),
        (CONSENT.replace("web form", " "), "source is missing"),
        (CONSENT.replace(DIGEST, ""), "proof_sha256 is missing"),
        (CONSENT.replace(DIGEST, DIGEST[1:]), "proof_sha256 is not 64 hexadecimal digits"),
        (CONSENT.replace("2026-05-01", ""), "granted_at is missing"),
        (CONSENT.replace("2026-05-01", "2036-05-01"), "granted_at lies in the future"),
        (CONSENT.replace(",,web", ",spam,web"), "kind is none of commercial, notice, code"),
        (CONSENT.replace("01,,,,", "01,2026-04-01,,,"), "expires_at is before granted_at"),
        (CONSENT.replace("01,,,,", "01,,,,2026-04-01"), "revoked_at is before granted_at"),
        (CONSENT.replace("01,,,,", "01,,4,,"), "frequency_max and frequency_days go together"),
        (CONSENT.replace("01,,,,", "01,,0,30,"), "frequency_max is not a number from 1 to 1000000"),
        (CONSENT.replace("01,,,,", "01,,4,367,"), "frequency_days is not a number from 1 to 366"),
        (CONSENT + ",", "has 10 fields, the header has 9"),
        (CONSENT.replace("web form", '"web form'), "is not CSV: unexpected end of data"),
        (CONSENT.replace("web form", "web\udce4form"), "has characters that are not of the encoding"),
    ],
)
def test_a_row_is_refused_with_its_reason(line: str, problem: str) -> None:
    assert reason(Kind.CONSENTS, CONSENTS, line, account="bank") == problem


@pytest.mark.parametrize(
    ("line", "account", "problem"),
    [
        ("13800138000,bnak", None, "account is not one of the configuration's"),
        ("13800138000,shop", "bank", "account is another one than --account"),
        ("13800138000,", None, "account is missing"),
    ],
)
def test_a_member_is_one_account_s(line: str, account: str | None, problem: str) -> None:
    assert reason(Kind.MEMBERS, "number,account", line, account) == problem
    assert read(Kind.MEMBERS, "number,account", "13800138000,shop")["account"] == "shop"
    assert read(Kind.MEMBERS, "number", "13800138000", "shop")["account"] == "shop"


HEADERS = {
    Kind.OPT_OUTS: "number,account,signature,since,ended_at,note",
    Kind.CONSENTS: f"account,{CONSENTS}",
    Kind.MEMBERS: "number,account,since",
    Kind.BLOCKS: "number,since,note",
}


@given(st.sampled_from(Kind), st.text(max_size=80) | st.lists(st.text(max_size=12)).map(",".join))
def test_any_line_is_a_row_or_refused(kind: Kind, line: str) -> None:
    reader = RowReader(kind, HEADERS[kind], rules())
    try:
        row = reader.read(line)
    except ValueError:
        return
    assert len(row) == len(TABLES[kind].c)
