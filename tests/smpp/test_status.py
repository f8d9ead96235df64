from __future__ import annotations

import pytest
from smpplib import consts

from smpp import status
from smpp.status import CommandStatus


def test_every_status_of_the_specification_is_there_under_its_name() -> None:
    of_smpplib = {
        name.removeprefix("SMPP_"): getattr(consts, name)
        for name in dir(consts)
        if name.startswith("SMPP_ESME_R")
    }
    assert {member.name: member.value for member in CommandStatus if member < 0x100} == of_smpplib


def test_the_statuses_of_smpp_50_follow_without_a_gap() -> None:
    added = {member.value: member.name for member in CommandStatus if member >= 0x100}
    assert sorted(added) == list(range(0x100, 0x113))
    assert (added[0x100], added[0x104], added[0x10A], added[0x112]) == (
        "ESME_RSERTYPUNAUTH",
        "ESME_RINVDCS",
        "ESME_RINVNUMBCAST_AREAS",
        "ESME_RINVBCASTCHANIND",
    )


def test_a_standard_status_has_its_name_and_a_vendors_its_hex_value() -> None:
    assert status.name(0) == "ESME_ROK"
    assert status.name(0x58) == "ESME_RTHROTTLED"
    assert status.name(0x403) == "0x00000403"


@pytest.mark.parametrize("value", [0x09, 0x113, 0x403, 0xFFFFFFFF])
def test_a_vendors_status_is_found_too_and_is_the_number_that_it_was(value: int) -> None:
    members = len(CommandStatus)
    found = CommandStatus(value)
    assert (found, found.value, found.name) == (value, value, status.name(value))
    assert len(CommandStatus) == members


@pytest.mark.parametrize("value", [-1, 0x100000000])
def test_what_no_header_can_hold_is_no_status(value: int) -> None:
    with pytest.raises(ValueError, match="is not a valid CommandStatus"):
        CommandStatus(value)
