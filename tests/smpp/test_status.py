from __future__ import annotations

from smpplib import consts

from smpp import status
from smpp.status import CommandStatus


def test_every_status_of_the_specification_is_there_under_its_name() -> None:
    of_smpplib = {
        name.removeprefix("SMPP_"): getattr(consts, name)
        for name in dir(consts)
        if name.startswith("SMPP_ESME_R")
    }
    assert {member.name: member.value for member in CommandStatus} == of_smpplib


def test_a_standard_status_has_its_name_and_a_vendors_its_hex_value() -> None:
    assert status.name(0) == "ESME_ROK"
    assert status.name(0x58) == "ESME_RTHROTTLED"
    assert status.name(0x403) == "0x00000403"
