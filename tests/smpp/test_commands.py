from __future__ import annotations

import pytest
from smpplib.command_codes import commands as of_smpplib

from smpp import commands
from smpp.commands import CommandId


def test_every_command_that_smpplib_knows_has_the_same_id() -> None:
    assert {(member.name.lower(), member.value) for member in CommandId} >= set(of_smpplib.items())


@pytest.mark.parametrize(
    ("command_id", "expected"),
    [(0x04, False), (0x7FFFFFFF, False), (0x80000000, True), (0x80000004, True), (0xFFFFFFFF, True)],
)
def test_the_highest_bit_makes_a_response(command_id: int, expected: bool) -> None:
    assert commands.is_response(command_id) is expected


def test_a_standard_command_has_its_name_and_an_unknown_one_its_hex_value() -> None:
    assert commands.name(0x80000004) == "submit_sm_resp"
    assert commands.name(0x80000000) == "generic_nack"
    assert commands.name(0x1234) == "0x00001234"
