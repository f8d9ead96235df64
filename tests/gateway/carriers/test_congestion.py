"""A carrier of SMPP 5.0 that says that it is nearly full is left alone for a while (5.0, 4.8.4.18)."""

from __future__ import annotations

import pytest

from gateway.settings import InterfaceVersion
from tests.gateway.carriers.kept_bind import Kept, bound
from tests.gateway.carriers.link_ends import bound_ends
from tests.gateway.carriers.peer import SUBMIT_SM_RESP, tlv
from tests.gateway.raw_pdus import raw

V50 = InterfaceVersion.V50
CONGESTION_STATE = 0x0428


def says(kept: Kept, number: int, tlvs: bytes, command_status: int = 0) -> None:
    kept.peer.send(raw(SUBMIT_SM_RESP, b"c1\0" + tlvs, number, command_status))


def congestion(percent: int) -> bytes:
    return tlv(CONGESTION_STATE, bytes((percent,)))


@pytest.mark.parametrize("percent", [90, 99, 100])
def test_a_carrier_that_is_nearly_full_gets_nothing_for_the_shortest_wait(percent: int) -> None:
    kept = bound(interface_version=V50, chance=1.0)
    says(kept, kept.submit(1)[0], congestion(percent))
    assert kept.bind.room == 0
    assert kept.bind.opens_in_s() == 1.0
    assert len(kept.owner.answers) == 1
    kept.run(1.0)
    kept.bind.give_back()
    assert kept.bind.room == 10


def test_its_wait_does_not_grow_for_it_accepts_what_comes() -> None:
    kept = bound(interface_version=V50, chance=1.0)
    for message_id in range(1, 6):
        says(kept, kept.submit(message_id)[0], congestion(100))
        assert kept.bind.opens_in_s() == 1.0
        kept.run(1.0)


def test_what_was_under_way_is_no_reason_to_wait_longer() -> None:
    kept = bound(interface_version=V50, chance=1.0)
    first, second = kept.submit(1, 2)
    says(kept, first, congestion(95))
    kept.run(0.75)
    says(kept, second, congestion(95))
    assert kept.bind.opens_in_s() == 0.25


@pytest.mark.parametrize(
    "tlvs",
    [
        congestion(0),
        congestion(89),
        congestion(101),
        b"",
        tlv(CONGESTION_STATE, b""),
        tlv(CONGESTION_STATE, b"\0\x64"),
        tlv(0x0425, b"\x64"),
        b"\x04\x28\x00\x09\x64",
    ],
)
def test_one_that_says_less_or_nothing_that_can_be_read_goes_on(tlvs: bytes) -> None:
    kept = bound(interface_version=V50)
    says(kept, kept.submit(1)[0], tlvs)
    kept.bind.give_back()
    assert kept.bind.room == 10


@pytest.mark.parametrize("version", [InterfaceVersion.V33, InterfaceVersion.V34])
def test_one_of_an_older_version_is_not_asked(version: InterfaceVersion) -> None:
    kept = bound(interface_version=version)
    says(kept, kept.submit(1)[0], congestion(100))
    assert kept.bind.opens_in_s() == 0


def test_an_answer_whose_id_has_no_end_is_an_answer() -> None:
    ends = bound_ends(interface_version=V50)
    (number,) = ends.submit(1)
    ends.peer.send(raw(SUBMIT_SM_RESP, b"1" * 70, number))
    assert (ends.statuses(), ends.heard.congestions) == ({1: 0}, 0)
