from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.message_id import GUESSED, Notation, Notations, candidates, look_up_key

GUESS, STRING, DEC, HEX = Notation


@pytest.mark.parametrize(
    ("message_id", "forms"),
    [
        ("0123456789", ("0123456789", "123456789", "75bcd15", "4886718345")),
        ("00B8BE19", ("00B8BE19", "00b8be19", "b8be19", "12107289")),
        ("b8be19", ("b8be19", "12107289")),
        ("9308878062554710043", ("9308878062554710043", "812fc7470000001b", "43396575677908629127235")),
        ("812FC7470000001B", ("812FC7470000001B", "812fc7470000001b", "9308878062554710043")),
        ("7", ("7",)),
        ("000", ("000", "0")),
        ("", ("", "0")),
        ("a-b_c", ("a-b_c",)),
        ("Msg_01", ("Msg_01", "msg_01")),
        ("1_000", ("1_000",)),
        ("+12", ("+12",)),
        ("０１２", ("０１２",)),
        (
            "0E990000-E29B-41D4-A716-446655440000",
            (
                "0E990000-E29B-41D4-A716-446655440000",
                "0e990000-e29b-41d4-a716-446655440000",
                "e990000-e29b-41d4-a716-446655440000",
                "e990000e29b41d4a716446655440000",
            ),
        ),
    ],
)
def test_the_forms_of_an_id_stand_in_their_order_and_none_twice(
    message_id: str, forms: tuple[str, ...]
) -> None:
    assert candidates(message_id) == forms


def test_an_id_of_any_length_has_candidates() -> None:
    assert candidates("9" * 5000) == ("9" * 5000,)
    assert candidates("0" * 5000 + "ff") == ("0" * 5000 + "ff", "ff", "255")


@pytest.mark.parametrize(
    ("response", "receipt"),
    [
        ("12345", "12345"),
        ("0e99-AB", "0E99-ab"),
        ("00B8BE19", "b8be19"),
        ("b8be19", "00B8BE19"),
        ("12107289", "00B8BE19"),
        ("00b8be19", "12107289"),
        ("812FC7470000001B", "9308878062554710043"),
        ("0812FC7470000001B", "09308878062554710043"),
        ("9308878062554710043", "812FC7470000001B"),
        ("0e990000-e29b-41d4-a716-446655440000", "0E990000E29B41D4A716446655440000"),
        ("0E990000E29B41D4A716446655440000", "0e990000-e29b-41d4-a716-446655440000"),
    ],
)
def test_a_response_and_its_receipt_meet_whichever_comes_first(response: str, receipt: str) -> None:
    assert look_up_key(response) in candidates(receipt)
    assert look_up_key(receipt) in candidates(response)


@pytest.mark.parametrize(
    ("one", "other"),
    [("12345", "12346"), ("a-b_c", "ab_c"), ("a-bc", "abc"), ("msg10", "msg1"), ("1a", "1b")],
)
def test_ids_of_different_messages_do_not_meet(one: str, other: str) -> None:
    assert look_up_key(one) not in candidates(other)
    assert look_up_key(other) not in candidates(one)


@given(
    st.integers(0, 2**80),
    st.integers(0, 3),
    st.sampled_from(["d", "x", "X"]),
    st.sampled_from(["d", "x", "X"]),
)
def test_a_number_meets_itself_in_either_base(number: int, zeros: int, one: str, other: str) -> None:
    assert look_up_key("0" * zeros + format(number, one)) in candidates(format(number, other))


@pytest.mark.parametrize(
    ("response", "receipt", "message_id", "key"),
    [
        (DEC, DEC, "0012", "12"),
        (HEX, HEX, "00B8", "b8"),
        (HEX, HEX, "12", "12"),
        (HEX, DEC, "9308878062554710043", "812fc7470000001b"),
        (HEX, DEC, "18", "12"),
        (DEC, HEX, "812FC7470000001B", "9308878062554710043"),
        (DEC, HEX, "12", "18"),
        # No numbers of that base, and texts, mean only themselves.
        (DEC, DEC, "b8", None),
        (HEX, DEC, "0e990000-e29b-41d4-a716-446655440000", None),
        (HEX, HEX, "f" * 65, None),
        (STRING, STRING, "0012", None),
        (STRING, DEC, "0012", None),
        (HEX, STRING, "0012", None),
        (GUESS, DEC, "12", None),
    ],
)
def test_where_both_notations_are_known_an_id_means_one_key(
    response: Notation, receipt: Notation, message_id: str, key: str | None
) -> None:
    notations = Notations(response, receipt)
    assert notations.key(message_id) == key
    if notations.are_known:
        assert candidates(message_id, notations) == (key or look_up_key(message_id),)


@pytest.mark.parametrize(
    ("response", "receipt", "message_id", "forms"),
    [
        (GUESS, DEC, "12", ("12", "c")),
        (GUESS, HEX, "12", ("12", "18")),
        (HEX, GUESS, "16", ("16", "10")),
        (DEC, GUESS, "16", ("16", "22")),
        (GUESS, STRING, "0B8", ("0B8", "0b8", "b8")),
        (GUESS, DEC, "b8", ("b8",)),
    ],
)
def test_what_one_notation_rules_out_is_not_guessed(
    response: Notation, receipt: Notation, message_id: str, forms: tuple[str, ...]
) -> None:
    assert candidates(message_id, Notations(response, receipt)) == forms


@given(
    st.integers(0, 2**80),
    st.sampled_from([(DEC, "d"), (HEX, "x"), (HEX, "X")]),
    st.sampled_from([(DEC, "d"), (HEX, "x"), (HEX, "X")]),
    st.integers(0, 3),
)
def test_ids_of_known_notations_meet_in_both_directions(
    number: int, one: tuple[Notation, str], other: tuple[Notation, str], zeros: int
) -> None:
    notations = Notations(one[0], other[0])
    response, receipt = "0" * zeros + format(number, one[1]), format(number, other[1])
    assert notations.key(receipt) == look_up_key(response)
    # A parked receipt is looked for by all forms of the response.
    assert look_up_key(receipt) in candidates(response)


def test_nothing_is_known_of_a_carrier_that_says_nothing() -> None:
    assert not GUESSED.are_known
    assert not Notations(DEC, GUESS).are_known
    assert Notations(STRING, DEC).are_known
