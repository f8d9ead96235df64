"""A carrier that we bind to as of SMPP 3.3 is sent no optional parameter (SMPP 3.4 section 3.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.settings import InterfaceVersion
from gateway.stored import Attempt
from smpp.codec import decode, encode_body
from smpp.commands import CommandId
from smpp.pdu import SubmitSm
from smpp.status import CommandStatus
from tests.gateway.carriers.link_ends import Ends, bound_ends
from tests.gateway.carriers.samples import a_message, a_submit

PAYLOAD, REFERENCE = 0x0424, (0x0204, b"\0\x07")


def an_old_one(**settings: Any) -> Ends:
    return bound_ends(interface_version=InterfaceVersion.V33, **settings)


def attempt(message_id: int, text: bytes = b"hello", payload: bytes = b"") -> Attempt:
    tlvs = (REFERENCE, (PAYLOAD, payload)) if payload else (REFERENCE,)
    body = encode_body(replace(a_submit(), short_message=b"" if payload else text, tlvs=tlvs))
    return Attempt(a_message(message_id, body=body), "north/0", 0)


def sent(ends: Ends) -> list[SubmitSm]:
    pdus = [decode(CommandId.SUBMIT_SM, pdu.body) for pdu in ends.peer.read()]
    return [pdu for pdu in pdus if isinstance(pdu, SubmitSm)]


def test_the_parameters_of_a_message_are_left_out() -> None:
    ends = an_old_one()
    ends.link.submit([attempt(1)])
    assert sent(ends) == [a_submit()]


def test_a_text_of_message_payload_goes_where_it_fits() -> None:
    ends = an_old_one()
    ends.link.submit([attempt(1, payload=b"x" * 254)])
    assert sent(ends) == [replace(a_submit(), short_message=b"x" * 254)]
    assert ends.heard.answers == []


def test_a_text_that_does_not_fit_is_refused_in_the_place_of_the_carrier() -> None:
    ends = an_old_one()
    ends.link.submit([attempt(1), attempt(2, payload=b"x" * 255), attempt(3)])
    assert len(sent(ends)) == 2
    assert ends.statuses() == {2: CommandStatus.ESME_RINVMSGLEN}


def test_a_segment_keeps_its_place_in_a_header() -> None:
    place = ((0x020C, b"\x01\x07"), (0x020E, b"\2"), (0x020F, b"\1"))
    segment = Attempt(a_message(1, body=encode_body(replace(a_submit(), tlvs=place))), "north/0", 0)
    ends = an_old_one()
    ends.link.submit([segment])
    header = b"\5\0\3\7\2\1"
    assert sent(ends) == [replace(a_submit(), esm_class=0x40, short_message=header + b"hello")]


def test_a_segment_that_has_a_header_is_left_as_it_is() -> None:
    text = b"\6\x08\4\1\7\2\1hello"
    body = encode_body(replace(a_submit(), esm_class=0x40, short_message=text))
    ends = an_old_one()
    ends.link.submit([Attempt(a_message(1, body=body), "north/0", 0)])
    assert sent(ends) == [replace(a_submit(), esm_class=0x40, short_message=text)]


def test_a_sender_of_the_carriers_own_is_put_in_all_the_same() -> None:
    ends = an_old_one(source_addr="1069")
    ends.link.submit([attempt(1)])
    (pdu,) = sent(ends)
    assert (pdu.source.addr, pdu.tlvs) == ("1069", ())


@pytest.mark.parametrize("version", [InterfaceVersion.V34, InterfaceVersion.V50])
def test_a_younger_carrier_gets_what_the_customer_sent(version: InterfaceVersion) -> None:
    ends = bound_ends(interface_version=version)
    ends.link.submit([attempt(1, payload=b"x" * 255)])
    (pdu,) = sent(ends)
    assert pdu.tlvs == (REFERENCE, (PAYLOAD, b"x" * 255))
